"""A bot that is set up wrongly does not start, and says in three lines which setting it is."""

import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from bot.cli import serve
from bot.cli.demo import APP_ID, POLICY, SECRET
from bot.cli.main import main
from bot.sandbox.world import TENANT
from tests.http.processes import ROOT, Ended, Forks, forks

Environment: TypeAlias = dict[str, str]
Change: TypeAlias = Callable[[Path], Mapping[str, str]]
UNSET = ""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with forks(tmp_path_factory.mktemp("output")) as made:
        yield made


def environment(folder: Path) -> Environment:
    """Return settings with which a bot would start."""
    policy = folder / "policy.toml"
    policy.write_text(POLICY, "utf-8")
    return {
        "MicrosoftAppId": APP_ID,
        "MicrosoftAppPassword": SECRET,
        "MicrosoftAppTenantId": TENANT,
        "BOT_DATABASE_URL": f"sqlite:///{folder / 'connectors.db'}",
        "BOT_POLICY_FILE": str(policy),
        "BOT_PORT": "0",
    }


def given(**changes: str) -> Change:
    return lambda _: changes


def sandbox(**changes: str) -> Change:
    return given(BOT_CLOUD="sandbox", **changes)


def policy(text: str) -> Change:
    def change(folder: Path) -> Environment:
        path = folder / "bad.toml"
        path.write_text(text, "utf-8")
        return {"BOT_POLICY_FILE": str(path)}

    return change


def certificate(mode: int, content: str = "no certificate") -> Change:
    def change(folder: Path) -> Environment:
        path = folder / "bot.pem"
        path.write_text(content, "utf-8")
        path.chmod(mode)
        return {"MicrosoftAppPassword": UNSET, "BOT_CERTIFICATE_FILE": str(path)}

    return change


def in_folder(name: str, pattern: str) -> Change:
    """Return a change whose value names a place in the test's folder."""
    return lambda folder: {name: pattern.format(folder)}


def a_file_that_is_no_database(folder: Path) -> Environment:
    path = folder / "notes.txt"
    path.write_text("no database\n" * 500, "utf-8")
    return {"BOT_DATABASE_URL": f"sqlite:///{path}"}


ROLE = f'[roles.viewer]\npeople = ["{APP_ID}"]\nallow = ["*:list"]\n'
APPROVAL = '[[approval]]\ncommands = ["exchange:delete"]\napprovers = ["viewer"]\nneeded = '
REFUSED: dict[str, tuple[Change, str]] = {
    "no id": (given(MicrosoftAppId=UNSET), "MicrosoftAppId"),
    "an id that is no GUID": (given(MicrosoftAppId="connectors"), "MicrosoftAppId"),
    "an id in braces": (given(MicrosoftAppId=f"{{{APP_ID}}}"), "MicrosoftAppId"),
    "no tenant": (given(MicrosoftAppTenantId=UNSET), "MicrosoftAppTenantId"),
    "a tenant's name": (given(MicrosoftAppTenantId="contoso.com"), "MicrosoftAppTenantId"),
    "any tenant": (given(MicrosoftAppTenantId="common"), "MicrosoftAppTenantId"),
    "no secret": (given(MicrosoftAppPassword=UNSET), "MicrosoftAppPassword"),
    "unknown type": (given(MicrosoftAppType="SingleTennant"), "MicrosoftAppType"),
    "multi-tenant": (given(MicrosoftAppType="MultiTenant"), "MicrosoftAppType"),
    "unknown cloud": (given(BOT_CLOUD="germany"), "BOT_CLOUD"),
    "a foreign tenant's name": (given(BOT_ALLOWED_TENANTS="fabrikam.com"), "BOT_ALLOWED_TENANTS"),
    "every tenant": (given(BOT_ALLOWED_TENANTS="*"), "BOT_ALLOWED_TENANTS"),
    "sandbox without URL": (sandbox(), "BOT_SANDBOX_URL"),
    "sandbox elsewhere": (sandbox(BOT_SANDBOX_URL="http://10.0.0.7:8080"), "BOT_SANDBOX_URL"),
    "sandbox by a look-alike": (
        sandbox(BOT_SANDBOX_URL="http://127.0.0.1.evil.example"),
        "BOT_SANDBOX_URL",
    ),
    "sandbox behind userinfo": (
        sandbox(BOT_SANDBOX_URL="http://127.0.0.1@evil.example"),
        "BOT_SANDBOX_URL",
    ),
    "sandbox without scheme": (sandbox(BOT_SANDBOX_URL="127.0.0.1:8080"), "BOT_SANDBOX_URL"),
    "sandbox with a broken port": (
        sandbox(BOT_SANDBOX_URL="http://127.0.0.1:port"),
        "BOT_SANDBOX_URL",
    ),
    "sandbox heard from outside": (
        sandbox(BOT_SANDBOX_URL="http://127.0.0.1:9", BOT_HOST="0.0.0.0"),  # noqa: S104 - refused
        "BOT_HOST",
    ),
    "sandbox with a service URL elsewhere": (
        sandbox(
            BOT_SANDBOX_URL="http://127.0.0.1:9",
            BOT_SANDBOX_SERVICE_URLS="https://smba.trafficmanager.net/amer/",
        ),
        "BOT_SANDBOX_SERVICE_URLS",
    ),
    "a sandbox URL in a real cloud": (
        given(BOT_SANDBOX_URL="http://127.0.0.1:9"),
        "BOT_SANDBOX_URL",
    ),
    "unsigned in a real cloud": (given(BOT_AUTH="none"), "BOT_AUTH"),
    "unknown authentication": (given(BOT_AUTH="off"), "BOT_AUTH"),
    "no rate limit in a real cloud": (given(BOT_RATE_LIMIT="0"), "BOT_RATE_LIMIT"),
    "no tenant rate limit": (given(BOT_TENANT_RATE_LIMIT="0"), "BOT_TENANT_RATE_LIMIT"),
    "negative rate limit": (given(BOT_RATE_LIMIT="-1"), "BOT_RATE_LIMIT"),
    "a rate limit in words": (given(BOT_RATE_LIMIT="many"), "BOT_RATE_LIMIT"),
    "no watch interval": (given(BOT_WATCH_INTERVAL="0"), "BOT_WATCH_INTERVAL"),
    "China without service URL": (given(BOT_CLOUD="china"), "BOT_SERVICE_URLS"),
    "a Graph id without secret": (given(BOT_GRAPH_CLIENT_ID=APP_ID), "BOT_GRAPH_CLIENT_ID"),
    "unknown Graph version": (given(BOT_GRAPH_VERSION="v2.0"), "BOT_GRAPH_VERSION"),
    "unknown read-only": (given(BOT_READ_ONLY="yes"), "BOT_READ_ONLY"),
    "unknown log level": (given(BOT_LOG_LEVEL="LOUD"), "BOT_LOG_LEVEL"),
    "a port beyond all": (given(BOT_PORT="65536"), "BOT_PORT"),
    "a host that is none": (given(BOT_HOST="256.0.0.1"), "BOT_PORT"),
    "no certificate file": (
        in_folder("BOT_CERTIFICATE_FILE", "{0}/none.pem"),
        "BOT_CERTIFICATE_FILE",
    ),
    "a certificate all can read": (certificate(0o644), "BOT_CERTIFICATE_FILE"),
    "a certificate that is none": (certificate(0o600), "BOT_CERTIFICATE_FILE"),
    "no policy": (in_folder("BOT_POLICY_FILE", "{0}/none.toml"), "BOT_POLICY_FILE"),
    "a folder as policy": (in_folder("BOT_POLICY_FILE", "{0}"), "BOT_POLICY_FILE"),
    "an empty policy": (policy(""), "BOT_POLICY_FILE"),
    "a policy that is no TOML": (policy("[roles.viewer\n"), "BOT_POLICY_FILE"),
    "a policy with an unknown key": (policy(ROLE + "alow = []\n"), "BOT_POLICY_FILE"),
    "a policy with an unknown role": (
        policy(ROLE + 'inherits = ["reader"]\n'),
        "BOT_POLICY_FILE",
    ),
    "a policy with an unknown approver": (
        policy(ROLE + APPROVAL.replace("viewer", "boss") + "1\n"),
        "BOT_POLICY_FILE",
    ),
    "a policy that inherits in a circle": (
        policy(
            '[roles.a]\nallow = ["*:list"]\ninherits = ["b"]\n'
            '[roles.b]\nallow = ["*:list"]\ninherits = ["a"]\n'
        ),
        "BOT_POLICY_FILE",
    ),
    "a policy without votes": (policy(f"{ROLE}{APPROVAL}0\n"), "BOT_POLICY_FILE"),
    "a policy with a pattern without colon": (
        policy(ROLE.replace("*:list", "list")),
        "BOT_POLICY_FILE",
    ),
    "a policy with a group's name": (
        policy(ROLE + 'groups = ["Connector admins"]\n'),
        "BOT_POLICY_FILE",
    ),
    "a policy with a bad duration": (
        policy(f'{ROLE}{APPROVAL}1\nexpires = "soon"\n'),
        "BOT_POLICY_FILE",
    ),
    "a database in a missing folder": (
        in_folder("BOT_DATABASE_URL", "sqlite:///{0}/none/connectors.db"),
        "BOT_DATABASE_URL",
    ),
    "a folder as database": (in_folder("BOT_DATABASE_URL", "sqlite:///{0}"), "BOT_DATABASE_URL"),
    "a file that is no database": (a_file_that_is_no_database, "BOT_DATABASE_URL"),
    "a database that is no URL": (given(BOT_DATABASE_URL="connectors.db"), "BOT_DATABASE_URL"),
    "a database in memory": (given(BOT_DATABASE_URL="sqlite://"), "BOT_DATABASE_URL"),
    "another database": (given(BOT_DATABASE_URL="mysql://localhost/x"), "BOT_DATABASE_URL"),
    "a PostgreSQL that is not there": (
        given(BOT_DATABASE_URL="postgresql://bot:canary@127.0.0.1:9/bot"),
        "BOT_DATABASE_URL",
    ),
    "an audit head in a missing folder": (
        in_folder("BOT_AUDIT_HEAD_FILE", "{0}/none/head"),
        "BOT_AUDIT_HEAD_FILE",
    ),
}


def assert_refused(ended: Ended, setting: str) -> None:
    lines = ended.stderr.splitlines()
    assert ended.code not in {0, -14}
    assert 1 <= len(lines) <= 3, ended.stderr
    assert setting in lines[0]
    assert all(len(line) < 300 for line in lines)
    for word in ("Traceback", "pydantic", SECRET, "canary"):
        assert word not in ended.stderr


@pytest.mark.parametrize(("change", "setting"), REFUSED.values(), ids=REFUSED)
def test_a_broken_configuration_is_refused(
    processes: Forks, tmp_path: Path, change: Change, setting: str
) -> None:
    settings = environment(tmp_path) | dict(change(tmp_path))

    assert_refused(processes.run("serve", environment=settings), setting)


def test_a_taken_port_is_refused(processes: Forks, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = environment(tmp_path) | {"BOT_PORT": str(other.getsockname()[1])}

        assert_refused(processes.run("serve", environment=settings), "BOT_PORT")


def test_a_database_that_never_answers_is_refused_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve.START_S < 8
    monkeypatch.setattr(serve, "START_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://bot:canary@127.0.0.1:{silent.getsockname()[1]}/bot"

        code = main(["serve"], environment(tmp_path) | {"BOT_DATABASE_URL": url})

    assert_refused(Ended(code, *capsys.readouterr()), "BOT_DATABASE_URL")


def test_the_refusal_comes_within_ten_seconds_of_typing_the_command(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "serve"],
        cwd=ROOT,
        env=environment(tmp_path) | {"MicrosoftAppId": "connectors"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    # What it works, not what it waits for a busy machine: it asks nobody before it refuses.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10
    assert_refused(Ended(ended.returncode, ended.stdout, ended.stderr), "MicrosoftAppId")
