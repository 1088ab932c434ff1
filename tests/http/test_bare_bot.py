"""What a bare bot on the stock SDK lets in or breaks on, knocked at this bot's door.

Rows that are not here are in test_tokens.py (signature, times, issuer, audience, service URL),
test_bodies.py (size, form, tenant, recipient), test_events.py (wire events, odd invokes) and
test_key_service.py (rotation, outage, forged tokens); the fixture `door` adds up at the end of each:
no 5xx but 503, no Graph write, no connection to anybody but the sandbox.
"""

import asyncio
import gzip
import itertools
import json
from collections.abc import AsyncIterator
from typing import TypeAlias

import jwt
import pytest
import pytest_asyncio
from yarl import URL

from bot.cli.demo import APP_ID
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.keys import SigningKey, new_private_key
from bot.sandbox.world import TENANT, person
from bot.teams.guard import Capacity
from tests.http.knocking import JSON, Door
from tests.support.stranger import Stranger, listening

pytestmark = pytest.mark.asyncio(loop_scope="module")

Claims: TypeAlias = dict[str, object]
OTHER_APP = "0ddba11e-0000-4000-8000-00000000a99a"
ANOTHER_KEY = new_private_key()
EMULATED = "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"
MEBIBYTE = 1024 * 1024


def signed(door: Door, changes: Claims, *, without: tuple[str, ...] = ()) -> str:
    """Return a token of the connector's own key with claims that need not be texts."""
    now = int(door.stage.clock.now().timestamp())
    good: Claims = {
        "iss": "https://api.botframework.com",
        "aud": APP_ID,
        "serviceurl": door.service_url,
        "nbf": now,
        "exp": now + 3600,
    }
    kept = {name: value for name, value in (good | changes).items() if name not in without}
    key = door.stage.sandbox.identity.keys[-1]
    # The library refuses to write some of these claims, so their JSON is signed as it stands.
    header = {"alg": "RS256", "kid": key.kid, "typ": "JWT"}
    return "Bearer " + jwt.api_jws.encode(json.dumps(kept).encode(), key.private, "RS256", header)


SIDE_DOORS: dict[str, tuple[Claims, tuple[str, ...], str]] = {
    "issuer null": ({"iss": None}, (), "wrong issuer"),
    "issuer a list": ({"iss": ["https://api.botframework.com"]}, (), "wrong issuer"),
    "emulator without audience": ({"iss": EMULATED, "appid": APP_ID}, ("aud",), "wrong issuer"),
    "emulator of no version": ({"iss": EMULATED, "appid": APP_ID, "ver": ""}, (), "wrong issuer"),
    "emulator of a government cloud": (
        {"iss": "https://login.microsoftonline.us/cab8a31a-1906-4287-a0d8-4eef66b95f6e/v2.0"},
        (),
        "wrong issuer",
    ),
    "a person's token for the bot": (
        {"iss": EMULATED, "azp": APP_ID, "oid": "0e0b1ec7-0000-4000-8000-000000000001"},
        (),
        "wrong issuer",
    ),
    "skill, version 1": (
        {"iss": EMULATED, "ver": "1.0", "appid": OTHER_APP},
        (),
        "wrong issuer",
    ),
    "skill, version 2": (
        {
            "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
            "ver": "2.0",
            "azp": OTHER_APP,
        },
        (),
        "wrong issuer",
    ),
    "anonymous skill": ({"iss": "", "appid": "AnonymousSkill"}, (), "wrong issuer"),
    "any app of the own tenant": (
        {"iss": f"https://sts.windows.net/{TENANT}/", "appid": OTHER_APP},
        (),
        "wrong issuer",
    ),
    "the bot itself, of the own tenant": (
        {"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0", "azp": APP_ID},
        (),
        "wrong issuer",
    ),
    "appid in place of an audience": ({"appid": APP_ID}, ("aud",), "wrong audience"),
    "audience null": ({"aud": None}, (), "wrong audience"),
    "service URL claim null": ({"serviceurl": None}, (), "service url differs"),
    "service URL claim in other case": (
        {"serviceurl": "HTTP://127.0.0.1/AMER/"},
        (),
        "service url differs",
    ),
    "expiry null": ({"exp": None}, (), "times missing or out of range"),
    "expiry infinite": ({"exp": float("inf")}, (), "times missing or out of range"),
    "expiry true": ({"exp": True}, (), "times missing or out of range"),
    "begun and issued a year apart": (
        {"iat": 1_700_000_000},
        (),
        "lifetime too long",
    ),
}


@pytest.mark.parametrize(("claims", "without", "reason"), SIDE_DOORS.values(), ids=SIDE_DOORS)
async def test_there_is_no_side_door(
    door: Door, claims: Claims, without: tuple[str, ...], reason: str
) -> None:
    header = {"Authorization": signed(door, claims, without=without)}

    assert await door.turned_away(door.message(), header) == (401, reason)


@pytest.mark.parametrize("channel", ["webchat", "directline", "emulator", "", None, 7])
async def test_a_key_for_several_channels_opens_only_teams(door: Door, channel: object) -> None:
    """On other channels whoever writes the activity also writes `from` and `channelData`."""
    identity = door.stage.sandbox.identity
    known = identity.keys[-1]
    wide = SigningKey("wide", ANOTHER_KEY, ("msteams", "webchat", "directline", "emulator"))
    identity.keys = [known, wide]
    door.stage.clock.move(minutes=6)
    try:
        header = {"Authorization": identity.sign(door.service_url, signed_by=wide)}
        status, reason = await door.turned_away(door.message() | {"channelId": channel}, header)
    finally:
        identity.keys = [known]

    assert (status, reason) in {(403, "channel"), (400, "activity malformed")}


@pytest.mark.parametrize(
    ("member", "status"),
    [("serviceUrl", 401), ("channelId", 403), ("from", 403), ("conversation", 400)],
)
async def test_null_is_the_same_as_missing(door: Door, member: str, status: int) -> None:
    missing = door.message()
    del missing[member]

    assert (await door.turned_away(door.message() | {member: None}))[0] == status
    assert (await door.turned_away(missing))[0] == status


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stranger() -> AsyncIterator[Stranger]:
    async with listening() as stranger:
        yield stranger


@pytest.mark.parametrize(
    "shape",
    [
        "http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/amer/",
        "http://ada:canary@127.0.0.1:{port}/amer/",
        "http://2130706433:{port}/amer/",
        "http://[::ffff:127.0.0.1]:{port}/amer/",
        "http://localhost:{port}/amer/",
        "http://127.1:{port}/amer/",
        "{own}@127.0.0.1:{port}/amer/",
        "{own}../../",
        "{own}%0d%0aHost:x",
    ],
)
@pytest.mark.parametrize("kind", ["message", "press", "installed"])
async def test_no_token_goes_to_a_stranger_even_when_the_connector_signed_for_it(
    door: Door, stranger: Stranger, shape: str, kind: str
) -> None:
    port = URL(stranger.url).port
    url = shape.format(port=port, own=door.service_url)
    header = {"Authorization": door.signature(url)}
    teams, world = door.stage.sandbox.teams(), door.stage.world
    activity = {
        "message": door.message(),
        "press": door.press(),
        "installed": teams.installed(world.ada, world.channel),
    }[kind]

    answer = await door.turned_away(activity | {"serviceUrl": url}, header)

    assert answer == (403, "service url not allowed")
    assert stranger.asked == []


async def test_who_asks_is_known_by_object_id_and_by_nothing_else(door: Door) -> None:
    ada = door.stage.world.ada
    impostor = {"id": ada.mri, "name": ada.name, "aadObjectId": person("x", 99).oid}
    with door.traced() as trace:
        response = await door.knock(
            door.message("/exchange delete EXCH01")
            | {"from": impostor, "userPrincipalName": "ada"}
        )
        await door.stage.settle()

    assert response.status_code == 202
    assert len(trace.posts) == 1
    assert "Not allowed" in door.stage.shown()[-1]
    assert await door.stage.audited() == ["command refused"]


@pytest.mark.parametrize("path", ["/api/messages", "/api/messages/stream", "/"])
async def test_there_is_no_streaming_door(door: Door, path: str) -> None:
    """The SDK's WebSocket path checks neither validator nor service URL."""
    headers = {
        "Authorization": door.signature(),
        "Content-Type": "",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    response = await door.knock(b"", headers, method="GET", path=path)

    assert response.status_code in {404, 405}


LINES: dict[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no version": b"POST /api/messages\r\n\r\n",
    "a long line": b"POST /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": b"POST /api/messages HTTP/1.1\r\nHost: x\r\nX: "
    + b"a" * 20_000
    + b"\r\n\r\n",
    "two lengths": b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    "length and chunks": b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a bad chunk": b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a null in a header": b"POST /api/messages HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "a token that is no ASCII": b"POST /api/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n"
    b"Authorization: Bearer \xc3\xa4.\xff.\xfe\r\n\r\n{}",
}


@pytest.mark.parametrize("sent", LINES.values(), ids=LINES)
async def test_what_is_hardly_http_is_a_clean_refusal(door: Door, sent: bytes) -> None:
    url = URL(door.stage.url)
    with door.traced() as trace:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(15):
            answer = await reader.read()
        writer.close()

    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert b"Traceback" not in answer
    assert trace.posts == trace.graph == []
    assert not any("exc_info" in line or "exception" in line for line in trace.lines), trace.lines
    assert len(trace.lines) <= 1


@pytest.mark.parametrize("size", [2 * MEBIBYTE, 20 * MEBIBYTE])
async def test_a_body_too_long_is_refused_by_its_length_and_by_its_content(
    door: Door, size: int
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size // MEBIBYTE):
            yield b" " * MEBIBYTE

    announced = await door.knock(b" " * size)
    # In pieces nobody knows the length before; the connection may end under the sender's hands.
    headers = {"Content-Type": JSON, "Authorization": door.signature()}
    try:
        pieces = (
            await door.stage.http.post(
                f"{door.stage.url}/api/messages", content=chunks(), headers=headers
            )
        ).status_code
    except OSError:
        pieces = 413

    assert (announced.status_code, pieces) == (413, 413)


async def test_a_bomb_is_refused_unread(door: Door) -> None:
    bomb = gzip.compress(b" " * 100 * MEBIBYTE)

    answer = await door.turned_away(bomb, {"Content-Encoding": "gzip"})

    assert answer == (415, "content encoding")


async def test_a_hundred_turns_ask_for_one_token_of_each_kind(door: Door) -> None:
    before = dict(door.stage.sandbox.identity.tokens_issued)
    for _ in range(100):
        assert (await door.knock(door.message("/whoami"))).status_code == 202
    await door.stage.settle()

    assert before == {"bot": 1, "graph": 1}
    assert dict(door.stage.sandbox.identity.tokens_issued) == before


async def test_beyond_the_places_there_are_a_request_is_told_to_come_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A place is free again once its turn was acknowledged: on a slow machine before all came.
    monkeypatch.setattr("bot.teams.endpoint.ACKNOWLEDGE_S", 60.0)
    faults = door.stage.sandbox.graph.faults
    faults.add(Fault(kind=FaultKind.HANG, path="exchangeConnectors", times=None))
    many = Capacity().turns + 6
    with door.traced() as trace:
        knocks = [asyncio.ensure_future(door.knock(door.message())) for _ in range(many)]
        for turned_away in itertools.islice(asyncio.as_completed(knocks), 6):
            assert (await turned_away).status_code == 503
        faults.clear()
        faults.release()
        answers = await asyncio.gather(*knocks)
        await door.stage.settle()

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [202] * Capacity().turns + [503] * 6
    assert trace.refusals == [(503, "too many turns")] * 6
