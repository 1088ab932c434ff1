"""What comes in is signed, small, well formed, from a tenant let in, for this bot, through Teams."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession, web
from structlog.testing import capture_logs

from bot.clouds import GLOBAL
from bot.teams.body import MAX_BODY_BYTES, TurnedAway, depth, json_object
from bot.teams.guard import Admission, Admitted, Capacity, Guard
from bot.teams.keys import SigningKeys
from bot.teams.rates import REMEMBER_AT_MOST, Rates
from bot.teams.service_urls import ServiceUrls
from bot.teams.tokens import TokenCheck
from tests.support.tokens import (
    APP_ID,
    ISSUER,
    METADATA_URL,
    SERVICE_URL,
    Clock,
    Issuer,
    claims,
    signed,
)

TENANT = "0aa0c1de-0000-4000-8000-0000000000aa"
PERSON = "0aa0c1de-0000-4000-8000-0000000000bb"
ADMISSION = Admission(APP_ID, lambda: frozenset({TENANT}), ServiceUrls(GLOBAL, frozenset()))
JSON = "application/json; charset=utf-8"


def activity(**changes: object) -> dict[str, object]:
    """Return a channel message; a change to None removes the member, others replace it."""
    message: dict[str, object] = {
        "type": "message",
        "id": "1700000000000",
        "timestamp": "2026-11-21T12:00:00.1234567Z",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "from": {"id": "29:alice", "name": "Alice", "aadObjectId": PERSON.upper()},
        "recipient": {"id": f"28:{APP_ID}", "name": "Connectors"},
        "conversation": {
            "id": "19:abc@thread.tacv2;messageid=1",
            "tenantId": TENANT,
            "conversationType": "channel",
            "isGroup": True,
        },
        "channelData": {"tenant": {"id": TENANT}, "team": {"id": "19:team"}},
        "text": "<at>Connectors</at> /help",
        "entities": [{"type": "mention", "text": "<at>Connectors</at>"}],
        "locale": "en-GB",
        **changes,
    }
    return {name: value for name, value in message.items() if value is not None}


@dataclass
class Door:
    """A bot that does nothing but let in, or turn away."""

    session: ClientSession
    clock: Clock
    guard: Guard
    port: int = 0
    admitted: list[Admitted] = field(default_factory=list)
    arrived: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    turning: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    answered: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    reasons: list[str] = field(default_factory=list)
    busy: asyncio.Event | None = None

    async def answer(self, request: web.Request) -> web.Response:
        self.arrived.put_nowait(None)
        status = await self._status(request)
        self.answered.put_nowait(status)
        return web.Response(status=status)

    async def _status(self, request: web.Request) -> int:
        try:
            async with self.guard.admit(request) as admitted:
                self.admitted.append(admitted)
                self.turning.put_nowait(None)
                if self.busy is not None:
                    await self.busy.wait()
        except TurnedAway as refusal:
            self.reasons.append(str(refusal))
            return refusal.status
        return 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/messages"

    async def post(
        self, body: object, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> int:
        """Send `body` with a good token unless `headers` say otherwise; return the status."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "Content-Type": JSON,
            "Authorization": signed(claims(self.clock)),
            **(headers or {}),
        }
        kept = {name: value for name, value in sent.items() if value}
        async with self.session.request(method, self.url, data=content, headers=kept) as answer:
            return answer.status


class Opening:
    """Builds doors and closes them again."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.issuer = Issuer()
        self.http = self.issuer.client()
        self.doors: list[Door] = []
        self.runners: list[web.AppRunner] = []

    async def __call__(
        self,
        *,
        capacity: Capacity | None = None,
        rates: Rates | None = None,
        signed_only: bool = True,
        tenants: frozenset[str] = frozenset({TENANT}),
    ) -> Door:
        keys = SigningKeys(http=self.http, metadata_url=METADATA_URL, now=self.clock)
        tokens = TokenCheck(keys=keys, app_id=APP_ID, issuer=ISSUER, now=self.clock)
        guard = Guard(
            admission=replace(ADMISSION, tenants=lambda: tenants),
            capacity=capacity or Capacity(),
            rates=rates or Rates(person=0, tenant=0),
            tokens=tokens if signed_only else None,
            now=self.clock,
        )
        door = Door(ClientSession(), self.clock, guard)
        app = web.Application()
        app.router.add_route("*", "/api/messages", door.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        door.port = runner.addresses[0][1]
        self.doors.append(door)
        self.runners.append(runner)
        return door

    async def close(self) -> None:
        for door in self.doors:
            await door.session.close()
        for runner in self.runners:
            await runner.cleanup()
        await self.http.aclose()


@pytest_asyncio.fixture
async def opening() -> AsyncIterator[Opening]:
    opening = Opening()
    yield opening
    await opening.close()


@pytest_asyncio.fixture
async def door(opening: Opening) -> Door:
    return await opening()


async def test_a_message_from_teams_comes_in_with_who_said_it(door: Door) -> None:
    status = await door.post(activity())

    assert status == 200
    assert len(door.admitted) == 1
    said = door.admitted[0]
    assert (said.tenant, said.person, said.stale, said.throttled) == (TENANT, PERSON, False, False)
    assert said.payload.conversation.id == "19:abc@thread.tacv2;messageid=1"
    assert said.payload.text == "<at>Connectors</at> /help"


async def test_what_the_sdk_is_given_has_nothing_unchecked_in_it(door: Door) -> None:
    sent = activity(attachments="odd", deliveryMode="expectReplies", value={"a": [1, None, 0.5]})

    await door.post(sent)

    checked = door.admitted[0].payload.as_json()
    assert checked == {
        name: part for name, part in sent.items() if name not in {"attachments", "deliveryMode"}
    } | {"timestamp": "2026-11-21T12:00:00.123456Z"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_turned_away(door: Door, method: str) -> None:
    assert await door.post(activity(), method=method) == 405


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain; x=application/json",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; x=y",
        "application/json, text/plain",
        "application/ json",
        "multipart/form-data",
    ],
)
async def test_other_content_types_are_turned_away(door: Door, content_type: str) -> None:
    assert await door.post(activity(), {"Content-Type": content_type}) == 415


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"'],
)
async def test_json_comes_in_however_it_is_spelt(door: Door, content_type: str) -> None:
    assert await door.post(activity(), {"Content-Type": content_type}) == 200


async def test_compressed_bodies_are_turned_away(door: Door) -> None:
    bomb = gzip.compress(b" " * 10_000_000)

    assert await door.post(bomb, {"Content-Encoding": "gzip"}) == 415


async def test_a_body_announced_too_long_is_turned_away(door: Door) -> None:
    assert await door.post(b" " * (MAX_BODY_BYTES + 1)) == 413


async def test_a_body_that_turns_out_too_long_is_turned_away(door: Door) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b" " * (MAX_BODY_BYTES // 8)

    headers = {"Content-Type": JSON, "Authorization": signed(claims(door.clock))}
    async with door.session.post(door.url, data=chunks(), headers=headers) as answer:
        assert answer.status == 413


async def test_a_body_of_exactly_the_limit_comes_in(door: Door) -> None:
    body = json.dumps(activity()).encode()

    assert await door.post(body.ljust(MAX_BODY_BYTES)) == 200


async def half_sent(
    door: Door, authorization: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    head = (
        "POST /api/messages HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\n"
        f"Content-Length: 100\r\nAuthorization: {authorization}\r\n\r\n{{"
    )
    writer.write(head.encode())
    await door.arrived.get()
    return reader, writer


async def test_a_body_that_does_not_arrive_is_given_up(opening: Opening) -> None:
    door = await opening(capacity=Capacity(body_timeout_s=0.05))
    reader, writer = await half_sent(door, signed(claims(door.clock)))

    assert b" 408 " in await reader.readline()
    assert door.reasons == ["body too slow"]
    writer.close()


async def test_a_stranger_is_refused_before_the_body_arrives(door: Door) -> None:
    reader, writer = await half_sent(door, "Bearer forged")

    assert b" 401 " in await reader.readline()
    writer.close()


async def test_half_sent_bodies_take_nobodys_place(opening: Opening) -> None:
    door = await opening(capacity=Capacity(turns=1, bodies=3, body_timeout_s=5))
    slow = [await half_sent(door, signed(claims(door.clock))) for _ in range(2)]

    assert await door.post(activity()) == 200

    for _, writer in slow:
        writer.close()


async def test_only_so_many_bodies_may_be_on_their_way(opening: Opening) -> None:
    door = await opening(capacity=Capacity(bodies=0))

    assert await door.post(activity()) == 503


async def test_a_connection_that_breaks_off_gives_its_place_back(opening: Opening) -> None:
    door = await opening(capacity=Capacity(turns=1, bodies=1))
    _, writer = await half_sent(door, signed(claims(door.clock)))

    writer.close()

    async with asyncio.timeout(5):
        assert await door.answered.get() == 400
    assert door.reasons == ["body broke off"]
    assert await door.post(activity()) == 200


async def test_only_so_many_turns_run_at_once(opening: Opening) -> None:
    door = await opening(capacity=Capacity(turns=2))
    door.busy = asyncio.Event()
    turns = [asyncio.ensure_future(door.post(activity())) for _ in range(2)]
    async with asyncio.timeout(5):
        await door.turning.get()
        await door.turning.get()

    assert await door.post(activity()) == 503

    door.busy.set()
    assert await asyncio.gather(*turns) == [200, 200]
    assert await door.post(activity()) == 200


def nested(levels: int) -> bytes:
    value = b'{"a":' * (levels - 1) + b"[]" + b"}" * (levels - 1)
    return json.dumps(activity()).encode()[:-1] + b', "value": ' + value + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"[" * 200_000,
        b'{"a":' * 50_000,
        b'"text"',
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"type": "message", "type": "invoke"}',
        b'{"value": NaN}',
        b'{"value": -Infinity}',
        b'{"value": 1e999}',
        b'{"value": ' + b"9" * 5_000 + b"}",
        b'{"text": "\\ud83d"}',
        b'{"value": {"\\udc00": 1}}',
        b'{"text": "a\nb"}',
        nested(32),
    ],
)
async def test_what_is_not_strict_json_is_turned_away(door: Door, body: bytes) -> None:
    assert await door.post(body) == 400


async def test_thirty_two_levels_come_in(door: Door) -> None:
    assert await door.post(nested(31)) == 200


@pytest.mark.parametrize(
    ("body", "levels"),
    [
        (b"", 0),
        (b"7", 0),
        (b"{}", 1),
        (b'{"a": [1, {"b": []}], "c": [[]]}', 4),
        (b'"[[[["', 0),
        (b'"\\"[[["', 0),
        (b'["\\\\", [1]]', 2),
        (b'["unfinished [[[', 1),
        (b'["unfinished [[[\\', 1),
    ],
)
def test_brackets_in_strings_do_not_nest(body: bytes, levels: int) -> None:
    assert depth(body) == levels


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert json_object(b'{"text": "\\ud83d\\ude00"}') == {"text": "\U0001f600"}


@pytest.mark.parametrize(
    "changes",
    [
        {"type": None},
        {"type": ""},
        {"type": 5},
        {"id": 5},
        {"id": None},
        {"id": "a\nb"},
        {"from": "29:alice"},
        {"from": {"id": 5}},
        {"from": {"id": "29:alice", "aadObjectId": [PERSON]}},
        {"from": [{"id": "29:alice"}]},
        {"recipient": None},
        {"recipient": "28:bot"},
        {"conversation": None},
        {"conversation": "19:abc"},
        {"conversation": {"id": ""}},
        {"conversation": {"id": "19:abc", "isGroup": "yes"}},
        {"channelData": "x"},
        {"channelData": []},
        {"channelData": {"tenant": TENANT}},
        {"channelData": {"tenant": [{"id": TENANT}]}},
        {"channelId": 5},
        {"text": 5},
        {"text": ["a"]},
        {"entities": "x"},
        {"entities": ["x"]},
        {"timestamp": 1700000000},
        {"timestamp": "yesterday"},
        {"timestamp": {}},
        {"membersAdded": {"id": "28:bot"}},
        {"replyToId": 5},
        {"name": {}},
        {"locale": 5},
    ],
)
async def test_wrong_types_are_turned_away(door: Door, changes: dict[str, object]) -> None:
    assert await door.post(activity(**changes)) == 400


@pytest.mark.parametrize(
    "authorization", ["", "Bearer x", "Basic abc", "Bearer a.b.c", f"Bearer {'a' * 7_000}.b.c"]
)
async def test_strangers_are_turned_away(door: Door, authorization: str) -> None:
    assert await door.post(activity(), {"Authorization": authorization}) == 401


async def test_two_tokens_are_one_too_many(door: Door) -> None:
    token = signed(claims(door.clock))
    headers = [("Content-Type", JSON), ("Authorization", token), ("Authorization", token)]
    async with door.session.post(door.url, data=b"{}", headers=headers) as answer:
        assert answer.status in {400, 401}
    assert door.reasons in ([], ["several tokens"])


@pytest.mark.parametrize("service_url", [None, "", 5, "https://smba.trafficmanager.net/emea/"])
async def test_the_token_must_speak_for_the_activitys_service_url(
    door: Door, service_url: object
) -> None:
    assert await door.post(activity(serviceUrl=service_url)) == 401


@pytest.mark.parametrize(
    "service_url",
    ["https://evil.example/", "http://smba.trafficmanager.net/amer/", "https://a@evil.example/"],
)
async def test_a_token_for_a_foreign_service_url_does_not_help(
    door: Door, service_url: str
) -> None:
    token = signed(claims(door.clock, serviceurl=service_url))

    assert await door.post(activity(serviceUrl=service_url), {"Authorization": token}) == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"channelId": "webchat"},
        {"channelId": "directline"},
        {"channelId": "emulator"},
        {"channelId": "MSTeams"},
        {"channelId": ""},
        {"channelId": None},
        {"recipient": {"id": "28:another-bot"}},
        {"recipient": {"id": APP_ID}},
        {"channelData": None},
        {"channelData": {}},
        {"channelData": {"tenant": None}},
        {"channelData": {"tenant": {"id": "0aa0c1de-0000-4000-8000-0000000000cc"}}},
        {"conversation": {"id": "19:abc", "tenantId": "0aa0c1de-0000-4000-8000-0000000000cc"}},
        {"conversation": {"id": "19:abc", "tenantId": ""}},
        {"from": None},
        {"from": {"id": "29:alice"}},
        {"from": {"id": "29:alice", "aadObjectId": ""}},
        {"from": {"id": "29:alice", "aadObjectId": "alice@example.org"}},
        {"from": {"id": "29:alice", "aadObjectId": f"{{{PERSON}}}"}},
        {"from": {"id": "29:alice", "aadObjectId": PERSON.replace("-", "")}},
    ],
)
async def test_the_wrong_way_bot_tenant_or_person_is_turned_away(
    door: Door, changes: dict[str, object]
) -> None:
    assert await door.post(activity(**changes)) == 403


async def test_a_conversation_need_not_repeat_its_tenant(door: Door) -> None:
    assert await door.post(activity(conversation={"id": "a:1"})) == 200


async def test_an_invoke_needs_a_person_as_well(door: Door) -> None:
    assert await door.post(activity(type="invoke", **{"from": None})) == 403


@pytest.mark.parametrize("kind", ["conversationUpdate", "installationUpdate"])
@pytest.mark.parametrize("sender", [None, {"id": "29:somebody"}])
async def test_events_may_come_from_nobody(door: Door, kind: str, sender: object) -> None:
    assert await door.post(activity(type=kind, **{"from": sender})) == 200
    assert door.admitted[0].person is None


@pytest.mark.parametrize(
    ("timestamp", "stale"),
    [
        ("2026-11-21T11:45:00Z", False),
        ("2026-11-21T11:44:59Z", True),
        ("2026-11-21T12:05:00Z", False),
        ("2026-11-21T12:05:01Z", True),
        ("2026-11-21T13:00:00+01:00", False),
        ("2026-11-21T12:00:00", False),
        ("0001-01-01T00:00:00+23:59", True),
        ("9999-12-31T23:59:59-23:59", True),
        (None, False),
    ],
)
async def test_old_and_future_activities_are_marked(
    door: Door,
    timestamp: str | None,
    stale: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert await door.post(activity(timestamp=timestamp)) == 200
    assert door.admitted[0].stale is stale


async def test_one_person_beyond_their_rate_is_told_so_and_others_are_not(
    opening: Opening,
) -> None:
    door = await opening(rates=Rates(person=2, tenant=0))
    bob = {"id": "29:bob", "aadObjectId": "0aa0c1de-0000-4000-8000-0000000000dd"}
    for _ in range(3):
        await door.post(activity())

    await door.post(activity(**{"from": bob}))

    assert [said.throttled for said in door.admitted] == [False, False, True, False]


@pytest.mark.parametrize(
    "automatic",
    [
        {"type": "invoke", "name": "application/search", "value": {"queryText": "EX"}},
        {"type": "invoke", "name": "adaptiveCard/action", "value": {"trigger": "automatic"}},
    ],
    ids=["search", "refresh"],
)
async def test_what_teams_sends_by_itself_takes_nothing_from_what_somebody_says(
    opening: Opening, automatic: dict[str, object]
) -> None:
    door = await opening(rates=Rates(person=1, tenant=0))
    for _ in range(2):
        await door.post(activity(**automatic))

    await door.post(activity())

    assert [said.throttled for said in door.admitted] == [False, True, False]


async def test_a_whole_tenant_beyond_its_rate_is_told_so(opening: Opening) -> None:
    door = await opening(rates=Rates(person=0, tenant=2))
    for number in range(3):
        sender = {"id": "29:x", "aadObjectId": f"0aa0c1de-0000-4000-8000-00000000000{number}"}
        assert await door.post(activity(**{"from": sender})) == 200

    assert [said.throttled for said in door.admitted] == [False, False, True]


async def test_a_tenants_rate_is_its_own(opening: Opening) -> None:
    other = "0aa0c1de-0000-4000-8000-0000000000cc"
    door = await opening(rates=Rates(person=0, tenant=1), tenants=frozenset({TENANT, other}))
    there = {
        "channelData": {"tenant": {"id": other}},
        "conversation": {"id": "19:x", "tenantId": other},
    }
    for changes in ({}, {}, there, there):
        await door.post(activity(**changes))

    assert [said.throttled for said in door.admitted] == [False, True, False, True]


async def test_rates_remember_a_bounded_number_of_people() -> None:
    rates = Rates(person=1, tenant=0)
    for number in range(REMEMBER_AT_MOST + 1):
        assert await rates.admits("tenant", str(number))

    assert await rates.admits("tenant", "0")
    assert not await rates.admits("tenant", str(REMEMBER_AT_MOST))


async def test_without_token_check_everything_else_stays(opening: Opening) -> None:
    door = await opening(signed_only=False)

    assert await door.post(activity(), {"Authorization": ""}) == 200
    assert await door.post(activity(channelId="webchat"), {"Authorization": ""}) == 403
    assert await door.post(activity(serviceUrl="https://evil.example/")) == 403
    assert await door.post(activity(serviceUrl=None)) == 400


OTHER = "0aa0c1de-0000-4000-8000-0000000000cc"
REASONS: list[tuple[object, dict[str, str], tuple[int, str]]] = [
    (activity(), {"Content-Type": "text/plain"}, (415, "content type")),
    (activity(), {"Content-Type": ""}, (415, "content type")),
    (b"", {"Content-Encoding": "gzip"}, (415, "content encoding")),
    (b" " * (MAX_BODY_BYTES + 1), {}, (413, "body too long")),
    (activity(), {"Authorization": ""}, (401, "no token")),
    (b"[" * 33, {}, (400, "body too deep")),
    (b"{", {}, (400, "body is not strict JSON")),
    (b'{"a": 1, "a": 1}', {}, (400, "body is not strict JSON")),
    (b'{"a": 1e999}', {}, (400, "body is not strict JSON")),
    (b'{"a": "\\ud83d"}', {}, (400, "body is not strict JSON")),
    (b"[]", {}, (400, "body is not a JSON object")),
    (activity(serviceUrl="https://x.example/"), {}, (401, "service url differs")),
    (activity(type=7), {}, (400, "activity malformed")),
    (activity(channelId="webchat"), {}, (403, "channel")),
    (activity(recipient={"id": "28:another"}), {}, (403, "recipient")),
    (activity(channelData={"tenant": {"id": OTHER}}), {}, (403, "tenant")),
    (activity(channelData=None), {}, (403, "tenant")),
    (
        activity(conversation={"id": "19:x", "tenantId": OTHER}),
        {},
        (403, "tenant of the conversation"),
    ),
    (activity(**{"from": None}), {}, (403, "sender has no directory id")),
    (activity(**{"from": {"id": "29:x"}}), {}, (403, "sender has no directory id")),
    (activity(id=None), {}, (400, "activity without id")),
]


@pytest.mark.parametrize(("body", "headers", "expected"), REASONS)
async def test_the_log_says_of_each_refusal_what_was_wrong(
    door: Door, body: object, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    with capture_logs() as logs:
        status = await door.post(body, headers)

    lines = [line for line in logs if line["event"] == "request refused"]
    assert [(line["status"], line["reason"]) for line in lines] == [expected]
    assert (status, *door.reasons) == expected


async def test_the_log_says_of_a_method_and_of_a_foreign_address_what_was_wrong(
    door: Door,
) -> None:
    foreign = signed(claims(door.clock, serviceurl="https://evil.example/"))
    await door.post(activity(), method="PUT")
    await door.post(activity(serviceUrl="https://evil.example/"), {"Authorization": foreign})

    assert door.reasons == ["method", "service url not allowed"]


async def test_a_body_in_many_pieces_is_read_whole(door: Door) -> None:
    content = json.dumps(activity()).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100):
            yield content[start : start + 100]

    headers = {"Content-Type": JSON, "Authorization": signed(claims(door.clock))}
    async with door.session.post(door.url, data=pieces(), headers=headers) as answer:
        assert answer.status == 200
    assert len(door.admitted) == 1


async def test_one_body_too_many_in_pieces_is_called_too_long(door: Door) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * (MAX_BODY_BYTES // 4)

    headers = {"Content-Type": JSON, "Authorization": signed(claims(door.clock))}
    with suppress(ClientError):
        async with door.session.post(door.url, data=pieces(), headers=headers):
            pass
    assert await door.answered.get() == 413
    assert door.reasons == ["body too long"]


async def test_each_refusal_is_one_line_without_token_or_body(door: Door) -> None:
    with capture_logs() as logs:
        await door.post(activity(text="canary", channelId="webchat"))
        await door.post(b"canary", {"Authorization": "Bearer canary"})

    lines = [line for line in logs if line["event"] == "request refused"]
    assert [(line["status"], line["reason"]) for line in lines] == [
        (403, "channel"),
        (401, "malformed token"),
    ]
    assert "canary" not in str(logs)
    assert not any("exc_info" in line for line in logs)
