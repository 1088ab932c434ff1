"""Credentials that change while the bot runs: a new secret in its file is used from then on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.cli.demo import APP_ID, SECRET
from tests.support.stage import Script, Stage, staged

NEW = "the next secret"
GRAPH_APP = "0ddba11e-0000-4000-8000-00000000a99b"


def registered(stage: Stage, secrets: Mapping[str, str]) -> None:
    """Let Entra know these secrets alone, and end every token."""
    identity = stage.sandbox.identity
    identity.registration = replace(identity.registration, secrets=dict(secrets))
    identity.revoke_tokens()
    stage.clock.move(hours=1, minutes=1)


def write(path: Path, secret: str) -> None:
    path.write_text(secret + "\n", "utf-8")
    path.chmod(0o600)


async def test_a_new_secret_in_the_file_is_used_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write(path, SECRET)
    script = Script(settings={"MicrosoftAppPassword": "", "MicrosoftAppPassword_FILE": str(path)})
    async with staged(tmp_path, script) as stage:
        assert "5 in all" in await stage.sees("vic", "/exchange list")

        registered(stage, {APP_ID: NEW})
        write(path, NEW)

        assert "5 in all" in await stage.sees("vic", "/exchange list")


async def test_an_old_secret_is_tried_again_once_the_file_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write(path, "graph, old")
    settings = {"BOT_GRAPH_CLIENT_ID": GRAPH_APP, "BOT_GRAPH_CLIENT_SECRET_FILE": str(path)}
    async with staged(tmp_path, Script(settings=settings)) as stage:
        registered(stage, {APP_ID: SECRET, GRAPH_APP: "graph, new"})
        refused = await stage.sees("vic", "/exchange list")
        path.unlink()
        stage.clock.move(seconds=5)
        gone = await stage.sees("vic", "/exchange list")
        write(path, "graph, new")
        stage.clock.move(seconds=5)
        mended = await stage.sees("vic", "/exchange list")

    assert "5 in all" not in refused + gone
    assert "5 in all" in mended
    assert "graph, old" not in refused + gone


async def test_graphs_own_application_asks_for_graphs_tokens_alone(tmp_path: Path) -> None:
    own = {"BOT_GRAPH_CLIENT_ID": GRAPH_APP, "BOT_GRAPH_CLIENT_SECRET": NEW}
    async with staged(tmp_path, Script(settings=own)) as stage:
        registered(stage, {APP_ID: SECRET, GRAPH_APP: NEW})
        assert "5 in all" in await stage.sees("vic", "/exchange list")
        asked = {
            (entry.body["client_id"], str(entry.body["scope"]).removeprefix(stage.sandbox.url))
            for entry in stage.sandbox.identity.log
            if entry.method == "POST"
        }

    assert asked == {
        (APP_ID, "https://api.botframework.com/.default"),
        (GRAPH_APP, "/graph/.default"),
    }
