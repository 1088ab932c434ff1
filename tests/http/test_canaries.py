"""Secrets stay where they are: not in the log, on a card, in the audit, in the database, in an answer."""

import io
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import logs
from bot.cli import doctor
from bot.cli.demo import APP_ID
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.identity import Registration
from bot.sandbox.journal import JsonObject
from bot.sandbox.server import Sandbox
from bot.sandbox.world import TENANT, seed
from bot.store.audit import exported
from tests.http.knocking import Door
from tests.support.stage import FakeClock, Script, environment, joined, private_key

GRAPH_APP = "0ddba11e-0000-4000-8000-00000000a99b"
SECRET, GRAPH_SECRET = "canary~bot~8Q1Z7xYw", "canary~graph~55TTg0"
IN_TOKEN = "canaryintoken0123456789"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.canaryjwt0123456789"
SAID = (
    f"Authorization: Bearer {JWT} was refused",
    "client_secret=canary-named-1 is wrong",
    '{"password": "canary-json-2", "access_token": "canary-json-3"}',
    "the client secret 'canary-said-4' has expired",
    "see https://ada:canary-userinfo-5@graph.example/x?sig=canary-query-6",
    "AccountKey=canarykey7A1b2C3d4E5f6G7h8I9j0== is not known",
    "unknown credential canary8Zz0Yy1Xx2Ww3Vv4Uu5Tt6Ss7",
)


@dataclass
class Watched:
    """A bot whose every word is kept."""

    door: Door
    log: io.StringIO
    folder: Path
    answers: list[str]
    environment: dict[str, str]

    async def ask(self, text: str, headers: dict[str, str] | None = None) -> None:
        response = await self.door.knock(self.door.message(text), headers)
        self.answers.append(f"{response.headers} {response.text}")
        await self.door.stage.settle()

    async def everything(self) -> dict[str, str]:
        """Return all that anybody could read, by where it stands."""
        stage = self.door.stage
        for path in ("/healthz", "/readyz", "/metrics"):
            self.answers.append((await stage.http.get(f"{stage.url}{path}")).text)
        audit = [exported(row) async for row in stage.bot.store.audit_rows()]
        return {
            "log": self.log.getvalue(),
            "cards": json.dumps([m.edits for m in stage.messages()], default=str)
            + "\n".join(stage.shown()),
            "audit": json.dumps(audit),
            "answers": "\n".join(self.answers),
            "database": "".join(
                path.read_bytes().decode("latin-1") for path in self.folder.glob("connectors.db*")
            ),
        }


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    clock, numbers, log = FakeClock(), itertools.count(1), io.StringIO()
    sandbox = Sandbox(
        registration=Registration(APP_ID, TENANT, {APP_ID: SECRET, GRAPH_APP: GRAPH_SECRET}),
        now=clock.now,
        new_id=lambda: f"5a5a5a5a-0000-4000-8000-{next(numbers):012d}",
        key=private_key(),
    )
    secrets = {
        "MicrosoftAppPassword": SECRET,
        "BOT_GRAPH_CLIENT_ID": GRAPH_APP,
        "BOT_GRAPH_CLIENT_SECRET": GRAPH_SECRET,
    }
    logs.configure("DEBUG", log)
    async with sandbox:
        world = seed(sandbox)
        script = Script(settings=secrets)
        async with joined(folder, script, clock, sandbox, world) as stage:
            given = environment(sandbox, folder, script)
            yield Watched(Door(stage), log, folder, [], given)


def refusing(path: str, body: JsonObject | str, status: int = 400) -> Fault:
    return Fault(kind=FaultKind.STATUS, path=path, status=status, body=body, times=None)


def assert_silent(places: dict[str, str]) -> None:
    for place, text in places.items():
        assert text, place
        where = text.casefold().find("canary")
        assert where < 0, (place, text[max(0, where - 200) : where + 100])


async def test_secrets_of_the_settings_are_nowhere(tmp_path: Path) -> None:
    async with watched(tmp_path) as seen:
        for text in ("/whoami", "/exchange list", "/exchange update EXCH01 version=15.9"):
            await seen.ask(text)
        found = [f"{each}" async for each in doctor.examine(seen.environment)]
        places = await seen.everything()

        assert_silent({**places, "doctor": "\n".join(found)})
        assert "canary" not in f"{seen.door.stage.bot.settings!r} {seen.door.stage.bot.clients!r}"


@pytest.mark.parametrize("kind", ["good", "forged", "garbage", "in the wrong header"])
async def test_what_came_as_a_token_is_nowhere(tmp_path: Path, kind: str) -> None:
    async with watched(tmp_path) as seen:
        identity = seen.door.stage.sandbox.identity
        good = identity.sign(seen.door.service_url, jti=IN_TOKEN)
        headers = {
            "good": {"Authorization": good},
            "forged": {"Authorization": f"{good[:-30]}{IN_TOKEN}"},
            "garbage": {"Authorization": f"Bearer {IN_TOKEN}"},
            "in the wrong header": {"Authorization": "", "X-Token": good, "Cookie": IN_TOKEN},
        }[kind]
        await seen.ask("/whoami", headers)
        await seen.ask("/exchange list")
        places = await seen.everything()

        assert_silent(places)
        for token in (good, good.rpartition(".")[2]):
            assert not any(token in text for text in places.values())


async def test_what_entra_repeats_of_a_secret_is_nowhere(tmp_path: Path) -> None:
    async with watched(tmp_path) as seen:
        stage = seen.door.stage
        told = f"AADSTS7000215: Invalid client secret '{SECRET}' or '{GRAPH_SECRET}'."
        body = {"error": "invalid_client", "error_description": told}
        stage.sandbox.identity.faults.add(refusing("oauth2", body, 401))
        stage.sandbox.identity.revoke_tokens()
        stage.clock.move(hours=2)
        await seen.ask("/exchange list")
        stage.sandbox.identity.faults.clear()
        stage.clock.move(minutes=1)
        await seen.ask("/whoami")

        assert_silent(await seen.everything())


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("shape", ["error", "nested", "text"])
async def test_what_graph_says_of_a_secret_is_nowhere(
    tmp_path: Path, said: str, shape: str
) -> None:
    async with watched(tmp_path) as seen:
        inner = json.dumps({"ErrorCode": "BadRequest", "Message": said})
        bodies: dict[str, JsonObject | str] = {
            "error": {"error": {"code": "BadRequest", "message": said}},
            "nested": {"error": {"code": "BadRequest", "message": inner}},
            "text": said,
        }
        body = bodies[shape]
        faults = seen.door.stage.sandbox.graph.faults
        faults.add(refusing("exchangeConnectors", body), refusing("users", body))
        await seen.ask("/exchange list")
        faults.clear()
        faults.add(refusing("exchangeConnectors/", body))
        for text in ("/exchange get EXCH01", "/exchange sync EXCH01", "/history"):
            await seen.ask(text)
        faults.clear()
        faults.add(Fault(kind=FaultKind.STATUS, method="PATCH", status=400, body=body))
        await seen.ask("/exchange update EXCH01 version=15.9")

        assert_silent(await seen.everything())
