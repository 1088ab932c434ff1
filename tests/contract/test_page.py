"""The page's server: loopback only, deaf to other pages, and honest about what cannot be done."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.cli.demo import APP_ID, COMMANDS, Demo, running
from bot.cli.package import VERSION, menu
from bot.graph.trust import trusted
from bot.sandbox.page.opening import opened
from manifest.package import AppIdentity, manifest_of
from tests.support.stage import private_key

STEP_S = 10.0


@dataclass
class Visit:
    """A visitor of the page of a running demo."""

    http: httpx.AsyncClient
    demo: Demo
    url: str

    async def sends(self, path: str, wish: object, **headers: str) -> httpx.Response:
        own = {"Origin": self.url.rstrip("/"), "Content-Type": "application/json"}
        return await self.http.post(
            f"{self.url}{path}", content=json.dumps(wish), headers=own | headers
        )


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with (
        running(tmp_path, key=private_key()) as demo,
        opened(
            sandbox=demo.sandbox,
            world=demo.world,
            client=demo.chat.client,
            clock=demo.clock,
            scripts={"adaptivecards.js": b"it"},
            commands=COMMANDS,
        ) as page,
        httpx.AsyncClient(trust_env=False, verify=trusted(), timeout=STEP_S) as http,
    ):
        yield Visit(http, demo, page.url)


async def heard(visit: Visit, kind: str, **wanted: object) -> dict[str, object]:
    """Return the first live event of a kind that says what is wanted."""
    name = ""
    async with asyncio.timeout(STEP_S), visit.http.stream("GET", f"{visit.url}events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == kind:
                told: dict[str, object] = json.loads(line.removeprefix("data: "))
                if wanted.items() <= told.items():
                    return told
    raise AssertionError("the stream ended")


async def test_the_page_is_served_with_a_strict_policy_and_no_script_in_it(visit: Visit) -> None:
    page = await visit.http.get(visit.url)

    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in page.text
    assert " on" not in page.text.partition("<body>")[2].replace(" one", "")
    for name in ("main.js", "page.css", "icon.svg"):
        assert (await visit.http.get(f"{visit.url}page/{name}")).status_code == 200
    assert (await visit.http.get(f"{visit.url}library/adaptivecards.js")).content == b"it"


@pytest.mark.parametrize(
    "path",
    ["page/server.py", "page/..%2fworld.py", "page/none.js", "library/none.js", "traffic/1"],
)
async def test_what_is_no_part_of_the_page_is_not_found(visit: Visit, path: str) -> None:
    assert (await visit.http.get(f"{visit.url}{path}")).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
)
async def test_a_foreign_page_cannot_drive_this_one(visit: Visit, headers: dict[str, str]) -> None:
    for path, wish in (
        ("clock", {"minutes": 60}),
        ("weather", {"weather": "down"}),
        ("write", {"who": "ada", "text": "/exchange delete EXCH01"}),
    ):
        assert (await visit.sends(path, wish, **headers)).status_code == 403

    assert visit.demo.clock.ahead.total_seconds() == 0
    assert visit.demo.chat.client.written == []


async def test_a_name_that_was_pointed_here_reads_nothing(visit: Visit) -> None:
    for path in ("", "events", "people"):
        answer = await visit.http.get(f"{visit.url}{path}", headers={"Host": "evil.example"})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("write", {"who": "eve", "text": "/help"}),
        ("write", {"who": "ada", "text": ""}),
        ("write", {"who": "ada", "text": "/help", "extra": 1}),
        ("press", {"who": "ada", "message": "1", "action": {}}),
        ("submit", {"who": "ada", "message": "1", "value": {}}),
        ("search", {"who": "ada", "message": "1", "dataset": "exchange", "text": "x"}),
        ("change", {"connector": "none", "properties": {"version": "1"}}),
        ("change", {"connector": "none", "properties": {}}),
        ("remove", {"connector": "none"}),
        ("add", {"serverName": ""}),
        ("add", {"serverName": " "}),
        ("join", {"who": "eve"}),
        ("weather", {"weather": "snow"}),
        ("clock", {"minutes": 0}),
        ("clock", {"minutes": "1; drop"}),
        ("clock", []),
    ],
)
async def test_a_wish_that_cannot_be_had_is_answered_with_the_reason(
    visit: Visit, path: str, wish: object
) -> None:
    answer = await visit.sends(path, wish)

    assert answer.status_code == 400
    assert answer.json()["trouble"]


async def test_what_happens_is_told_live_to_everybody_who_listens(visit: Visit) -> None:
    record = visit.demo.world.id_of("EXCH01")
    assert (await visit.sends("write", {"who": "vic", "text": "/whoami"})).json()["trouble"] == ""
    assert "whoami" in str((await heard(visit, "post", text="/whoami"))["text"])
    posted = await heard(visit, "post", **{"from": ""})
    assert posted["card"]

    waits = asyncio.create_task(heard(visit, "world", weather="down", ahead_s=3600.0))
    await visit.sends("weather", {"weather": "down"})
    await visit.sends("clock", {"minutes": 60})
    await visit.sends("change", {"connector": record, "properties": {"status": "disconnected"}})

    assert (await waits)["weather"] == "down"
    assert visit.demo.world.connectors.records[record]["status"] == "disconnected"
    await visit.sends("remove", {"connector": record})
    assert record not in visit.demo.world.connectors.records


async def test_a_connector_made_in_graph_is_there_for_everybody(visit: Visit) -> None:
    answer = await visit.sends("add", {"serverName": " EXCH 09 "})

    made = visit.demo.world.connectors.get(answer.json()["id"])
    assert (made["serverName"], made["status"]) == ("EXCH 09", "connected")
    again = await visit.sends("add", {"serverName": "exch 09"})
    assert "already" in again.json()["trouble"]


async def test_the_chat_with_the_bot_opens_once_with_a_greeting_for_its_person_alone(
    visit: Visit,
) -> None:
    before = len(visit.demo.sandbox.connector.messages())
    for _ in range(2):
        assert (await visit.sends("join", {"who": "vic"})).status_code == 200
    await visit.sends("write", {"who": "vic", "text": "/whoami", "is_chat": True})
    await visit.demo.bot.settle(STEP_S)

    vic = visit.demo.world.vic.mri
    posts = visit.demo.sandbox.connector.messages()[before:]
    assert len(posts) == 2
    assert {visit.demo.sandbox.connector.owner(post.conversation) for post in posts} == {vic}
    said = await heard(visit, "post", text="/whoami")
    assert (said["chat"], said["only"]) == (vic, None)


async def test_the_menu_is_the_app_packages_for_each_place(visit: Visit) -> None:
    lists = (await visit.http.get(f"{visit.url}commands")).json()

    package = manifest_of(AppIdentity(APP_ID, VERSION), menu(), has_slash=True)
    assert lists == json.loads(json.dumps(package))["bots"][0]["commandLists"]


async def test_the_traffic_tells_each_request_whole_and_no_token(visit: Visit) -> None:
    await visit.sends("write", {"who": "vic", "text": "/exchange get EXCH01"})
    answer = visit.demo.sandbox.connector.messages()[-1].current["summary"]
    line = await heard(visit, "traffic", part="connector", status=201, about=answer)

    whole = (await visit.http.get(f"{visit.url}traffic/{line['id']}")).json()

    assert "INTUNE-GW01" in json.dumps(whole["body"])
    assert whole["answer"]["id"]
    assert whole["headers"]["authorization"] == "Bearer ***"
    token = await heard(visit, "traffic", part="identity", method="POST")
    kept = (await visit.http.get(f"{visit.url}traffic/{token['id']}")).json()
    assert kept["answer"] is None
    assert "demo-secret" not in json.dumps(kept)
