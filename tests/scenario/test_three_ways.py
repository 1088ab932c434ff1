"""Every write of a kind, typed, by form and by dialog: one operation, one plan, one outcome."""

from pathlib import Path

import pytest

from bot.domain.command import Catalogue, Command, CommandSpec
from bot.domain.form import inputs_of
from bot.domain.kinds import KINDS
from bot.domain.parse import parse
from tests.support.paper import Sheet, fetched, typed
from tests.support.room import policy
from tests.support.stage import POLICY, Script, Stage, staged

CATALOGUE = Catalogue(KINDS)
WRITES = [spec for spec in CATALOGUE.specs if spec.writes and spec.effect is not None]
READS = [s for s in CATALOGUE.specs if s.effect is not None and not s.writes]
POLICIES = {"at once": POLICY, "after consent": policy(commands='"exchange:*"')}


def text_of(spec: CommandSpec, stage: Stage) -> str:
    """Return the first example, its record named as a form names it: by its id."""
    text = spec.examples[0].removesuffix(" --plan")
    return text.replace("EXCH01", stage.world.id_of("EXCH01"))


def example(spec: CommandSpec, stage: Stage) -> Command:
    read = parse(text_of(spec, stage), CATALOGUE)
    assert isinstance(read, Command)
    return read


async def fill(form: Sheet, command: Command) -> None:
    """Send a form twice: for the plan, and for it to happen."""
    await form.sends(**inputs_of(command))
    await form.sends()


async def result(stage: Stage) -> tuple[object, ...]:
    """Return what became of the newest operation, without what differs from run to run."""
    (done,) = await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9)
    writes = [(method, path.rpartition("/")[0]) for method, path in stage.graph_writes()]
    audit = [what for what in await stage.audited() if what != "command refused"]
    seen = (done.result.observation, done.result.code)
    return done.command, done.plan, done.state, done.actor, done.reason, seen, writes, audit


@pytest.mark.parametrize("rules", POLICIES)
@pytest.mark.parametrize("spec", WRITES, ids=lambda s: s.permission)
async def test_a_write_comes_to_the_same_typed_by_form_and_by_dialog(
    spec: CommandSpec, rules: str, tmp_path: Path
) -> None:
    results = []
    for way in ("typed", "form", "dialog"):
        folder = tmp_path / way
        folder.mkdir()
        async with staged(folder, Script(policy=POLICIES[rules])) as stage:
            if way == "typed":
                await stage.says("ada", text_of(spec, stage))
            else:
                opens = typed(stage, "ada", f"/{spec.title}") if way == "form" else None
                form = await (opens or fetched(stage, "ada", {"form": spec.permission}))
                await fill(form, example(spec, stage))
            results.append(await result(stage))

    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("spec", READS, ids=lambda s: s.permission)
async def test_a_read_shows_the_same_typed_by_form_and_by_dialog(
    spec: CommandSpec, stage: Stage
) -> None:
    command = example(spec, stage)
    shown = await stage.sees("ada", text_of(spec, stage))
    form = await fetched(stage, "ada", {"form": spec.permission})
    await form.sends(**inputs_of(command))
    on_card = Sheet(
        stage, "ada", (await fetched(stage, "ada", {"form": spec.permission})).card, "1", "1"
    )
    on_card.card = {
        **on_card.card,
        "actions": [{"data": {"form": spec.permission}, "verb": "fill"}],
    }
    await on_card.sends(**inputs_of(command))

    assert form.text == shown
    assert on_card.text == shown
