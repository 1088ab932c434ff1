"""The Bot Connector's contract: addresses, retries and errors, and the SDK on top of it.

Source: Bot Connector API v3; "Send and receive messages with a bot", status codes. That a POST is
repeated only after 412 and 429 is our choice: it has no idempotency key.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.schema import Activity, Attachment, ChannelAccount, Mention

from bot.clouds import sandbox_cloud
from bot.teams.activity import Inbound
from bot.teams.adapter import TeamsAdapter
from bot.teams.connector import (
    Ambiguous,
    Blocked,
    Connector,
    ConnectorError,
    Created,
    Gone,
    NotAllowed,
    Patience,
    Throttled,
    Unreachable,
)
from bot.teams.service_urls import ServiceUrls

THREAD = "19:abc@thread.tacv2;messageid=1700000000000"
CARD = {"type": "message", "attachments": [{"contentType": "card", "content": {"a": [1, {}]}}]}


@dataclass(frozen=True)
class Asked:
    method: str
    raw_path: str
    body: object
    token: str | None


@dataclass
class Reply:
    status: int = 200
    body: object = field(default_factory=lambda: {"id": "new"})
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Service:
    """A Bot Connector on loopback that gives the prepared replies, the last one for ever."""

    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    asked: list[Asked] = field(default_factory=list)
    hanging: asyncio.Event | None = None
    drops: bool = False
    is_cut: bool = False
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/amer/"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        token = request.headers.get("Authorization")
        self.asked.append(Asked(request.method, request.raw_path, body, token))
        if self.drops:
            assert request.transport is not None
            request.transport.abort()
        if self.hanging is not None:
            await self.hanging.wait()
        if self.is_cut:
            return await self._half(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply.body, bytes):
            return web.Response(body=reply.body, status=reply.status, headers=reply.headers)
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)

    async def _half(self, request: web.Request) -> web.StreamResponse:
        """Say that it was done, and break off before the body ends."""
        response = web.StreamResponse(status=201)
        response.content_length = 100
        await response.prepare(request)
        await response.write(b'{"id": "17')
        assert request.transport is not None
        request.transport.close()
        return response


@dataclass
class World:
    service: Service
    connector: Connector
    session: ClientSession
    waits: list[float]
    tokens: list[str]

    def impatient(self) -> Connector:
        """Return a connector that gives a call a twentieth of a second."""
        return self.made(timeout_s=0.05)

    def made(self, *, timeout_s: float) -> Connector:
        return made(self.service, self.session, self.waits, self.tokens, timeout_s=timeout_s)


def made(
    service: Service,
    session: ClientSession,
    waits: list[float],
    tokens: list[str],
    *,
    timeout_s: float,
) -> Connector:
    async def token() -> str:
        tokens.append("secret")
        return "secret"

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    cloud = sandbox_cloud(f"http://127.0.0.1:{service.port}")
    return Connector(
        session=session,
        token=token,
        forget=lambda refused: None,
        service_urls=ServiceUrls(cloud, frozenset()),
        patience=Patience(random=lambda: 0.5, sleep=sleep, timeout_s=timeout_s),
    )


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    service = Service()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", service.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.port = runner.addresses[0][1]
    waits: list[float] = []
    tokens: list[str] = []
    async with ClientSession() as session:
        connector = made(service, session, waits, tokens, timeout_s=10.0)
        yield World(service, connector, session, waits, tokens)
        if service.hanging is not None:
            service.hanging.set()
    await runner.cleanup()


ENCODED = "/amer/v3/conversations/19%3Aabc%40thread.tacv2%3Bmessageid%3D1700000000000"


async def test_a_reply_goes_under_its_activity_with_the_token(world: World) -> None:
    posted = await world.connector.reply(world.service.url, THREAD, "1:2/3", CARD)

    assert posted == "new"
    assert world.service.asked == [
        Asked("POST", f"{ENCODED}/activities/1%3A2%2F3", CARD, "Bearer secret")
    ]


async def test_a_message_goes_to_its_conversation(world: World) -> None:
    posted = await world.connector.send(world.service.url.rstrip("/"), THREAD, CARD)

    assert posted == "new"
    assert world.service.asked == [Asked("POST", f"{ENCODED}/activities", CARD, "Bearer secret")]


async def test_an_update_is_a_put(world: World) -> None:
    await world.connector.update(world.service.url, THREAD, "5", CARD)

    assert world.service.asked == [Asked("PUT", f"{ENCODED}/activities/5", CARD, "Bearer secret")]


async def test_a_deletion_has_no_body(world: World) -> None:
    world.service.replies = [Reply(body=b"")]

    await world.connector.delete(world.service.url, THREAD, "5")

    asked = world.service.asked
    assert asked == [Asked("DELETE", f"{ENCODED}/activities/5", None, "Bearer secret")]


async def test_a_conversation_is_created_with_its_first_activity(world: World) -> None:
    world.service.replies = [Reply(201, {"id": "19:new", "activityId": "1", "serviceUrl": "x"})]

    created = await world.connector.create(world.service.url, {"isGroup": True})

    assert created == Created("19:new", "1")
    assert world.service.asked[0].raw_path == "/amer/v3/conversations"


@pytest.mark.parametrize("conversation", ["a%2Fb", "a b", "é", "a/../b", "a?b#c", "a+b"])
async def test_an_id_arrives_as_it_left(world: World, conversation: str) -> None:
    await world.connector.send(world.service.url, conversation, CARD)

    segments = world.service.asked[0].raw_path.split("/")
    assert [unquote(segment) for segment in segments[4:]] == [conversation, "activities"]


@pytest.mark.parametrize("odd", ["", ".", ".."])
async def test_an_id_that_would_change_the_path_is_not_sent(world: World, odd: str) -> None:
    with pytest.raises(NotAllowed):
        await world.connector.delete(world.service.url, THREAD, odd)

    assert world.service.asked == []


@pytest.mark.parametrize(
    "path", ["http://evil.example/", "http://127.0.0.1:1/amer/", "https://smba.example/", ""]
)
async def test_the_token_is_not_even_asked_for_elsewhere(world: World, path: str) -> None:
    with pytest.raises(NotAllowed):
        await world.connector.send(path, THREAD, CARD)

    assert world.tokens == []


async def test_a_redirect_is_not_followed(world: World) -> None:
    elsewhere = {"Location": f"http://127.0.0.1:{world.service.port}/elsewhere"}
    world.service.replies = [Reply(307, {}, elsewhere)]

    with pytest.raises(ConnectorError) as refused:
        await world.connector.send(world.service.url, THREAD, CARD)

    assert refused.value.status == 307
    assert len(world.service.asked) == 1


@pytest.mark.parametrize("status", [412, 429])
async def test_a_throttled_message_is_sent_again_when_it_may_be(world: World, status: int) -> None:
    world.service.replies = [Reply(status, {}, {"Retry-After": "1.5"}), Reply(status, {}), Reply()]

    assert await world.connector.send(world.service.url, THREAD, CARD) == "new"

    assert world.waits == [1.5, 1.5]
    assert len(world.service.asked) == 3


@pytest.mark.parametrize("retry_after", ["soon", "-1", "nan", "inf", ""])
async def test_a_useless_hint_falls_back_to_doubling_pauses(
    world: World, retry_after: str
) -> None:
    world.service.replies = [Reply(429, {}, {"Retry-After": retry_after})]

    with pytest.raises(Throttled) as throttled:
        await world.connector.send(world.service.url, THREAD, CARD)

    assert throttled.value.retry_after_s is None
    assert world.waits == [0.75, 1.5, 3.0]


async def test_a_long_pause_is_left_to_the_caller(world: World) -> None:
    world.service.replies = [Reply(429, {}, {"Retry-After": "30"})]

    with pytest.raises(Throttled) as throttled:
        await world.connector.send(world.service.url, THREAD, CARD)

    assert throttled.value.retry_after_s == 30
    assert world.waits == []


async def test_pauses_stay_within_nine_seconds_together(world: World) -> None:
    world.service.replies = [Reply(429, {}, {"Retry-After": "4"})]

    with pytest.raises(Throttled):
        await world.connector.update(world.service.url, THREAD, "5", CARD)

    assert world.waits == [4, 4]


async def test_a_service_that_says_now_is_asked_five_times_at_most(world: World) -> None:
    world.service.replies = [Reply(429, {}, {"Retry-After": "0"})]

    with pytest.raises(Throttled):
        await world.connector.send(world.service.url, THREAD, CARD)

    assert len(world.service.asked) == 5


async def test_a_pause_beyond_the_calls_own_time_is_not_begun(world: World) -> None:
    world.service.replies = [Reply(429, {}, {"Retry-After": "5"})]

    with pytest.raises(Throttled):
        await world.made(timeout_s=2.0).send(world.service.url, THREAD, CARD)

    assert world.waits == []


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_message_that_may_have_arrived_is_not_sent_again(
    world: World, status: int
) -> None:
    world.service.replies = [Reply(status, b"<html>"), Reply()]

    with pytest.raises(Ambiguous) as failed:
        await world.connector.reply(world.service.url, THREAD, "5", CARD)

    assert failed.value.status == status
    assert len(world.service.asked) == 1


@pytest.mark.parametrize("status", [412, 429, 502, 503, 504])
async def test_an_update_or_deletion_is_repeated_while_trouble_passes(
    world: World, status: int
) -> None:
    world.service.replies = [Reply(status, {}), Reply(), Reply(status, {}), Reply()]

    await world.connector.update(world.service.url, THREAD, "5", CARD)
    await world.connector.delete(world.service.url, THREAD, "5")

    assert [asked.method for asked in world.service.asked] == ["PUT", "PUT", "DELETE", "DELETE"]


async def test_an_update_is_not_repeated_after_an_error_of_the_service(world: World) -> None:
    world.service.replies = [Reply(500, {}), Reply()]

    with pytest.raises(Ambiguous):
        await world.connector.update(world.service.url, THREAD, "5", CARD)


async def test_a_service_that_hangs_leaves_the_outcome_open(world: World) -> None:
    world.service.hanging = asyncio.Event()

    with pytest.raises(Ambiguous):
        await world.impatient().send(world.service.url, THREAD, CARD)

    assert len(world.service.asked) == 1


async def test_a_connection_reset_leaves_the_outcome_open(world: World) -> None:
    world.service.drops = True

    with pytest.raises(Ambiguous):
        await world.connector.send(world.service.url, THREAD, CARD)

    assert len(world.service.asked) == 1


async def test_an_answer_cut_off_after_its_status_was_a_yes_without_an_id(world: World) -> None:
    world.service.is_cut = True

    assert await world.connector.send(world.service.url, THREAD, CARD) == ""
    assert len(world.service.asked) == 1


async def test_a_refused_connection_is_tried_again_and_was_certainly_not_sent(
    world: World,
) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        world.service.port = unheard.getsockname()[1]
        connector = world.made(timeout_s=10.0)

        with pytest.raises(Unreachable):
            await connector.send(world.service.url, THREAD, CARD)

    assert world.waits == [0.75, 1.5, 3.0]
    assert world.service.asked == []


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, {"error": {"code": "BadSyntax", "message": "no"}}, ConnectorError, "BadSyntax"),
        (401, {"error": {"code": "BotNotRegistered"}}, ConnectorError, "BotNotRegistered"),
        (413, {"error": {"code": "MessageSizeTooBig"}}, ConnectorError, "MessageSizeTooBig"),
        (404, {"error": {"code": "ConversationNotFound"}}, Gone, "ConversationNotFound"),
        (404, {"error": {"code": "ActivityNotFound"}}, Gone, "ActivityNotFound"),
        (404, b"", Gone, ""),
        (
            403,
            {"error": {"code": "BotNotInConversationRoster"}},
            Blocked,
            "BotNotInConversationRoster",
        ),
        (
            403,
            {"errorCode": 209, "message": '{"subCode":"MessageWritesBlocked","details":"x"}'},
            Blocked,
            "MessageWritesBlocked",
        ),
        (
            403,
            {"error": {"code": "x", "message": "{subCode:MessageWritesBlocked}"}},
            Blocked,
            "MessageWritesBlocked",
        ),
        (403, {"errorCode": 209, "message": "plain"}, Blocked, "209"),
        (403, {"error": "text"}, Blocked, ""),
        (403, ["odd"], Blocked, ""),
        (403, b"[" * 100_000, Blocked, ""),
        (403, {"error": {"code": 5, "message": None}}, Blocked, "5"),
    ],
)
async def test_refusals_are_told_apart(
    world: World, status: int, body: object, error: type[ConnectorError], code: str
) -> None:
    times = 2 if status == 401 else 1
    world.service.replies = [*[Reply(status, body)] * times, Reply()]

    with pytest.raises(ConnectorError) as refused:
        await world.connector.send(world.service.url, THREAD, CARD)

    assert type(refused.value) is error
    assert (refused.value.status, refused.value.code) == (status, code)
    assert len(world.service.asked) == times


async def test_a_message_gets_through_with_a_new_token_when_the_old_one_was_revoked(
    world: World,
) -> None:
    world.service.replies = [Reply(401), Reply(201, {"id": "9"})]

    assert await world.connector.send(world.service.url, THREAD, CARD) == "9"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 5}', b" " * (256 * 1024 + 1)])
async def test_an_accepted_message_without_readable_id_is_still_accepted(
    world: World, body: bytes
) -> None:
    world.service.replies = [Reply(202, body)]

    assert await world.connector.send(world.service.url, THREAD, CARD) == ""


def inbound(service_url: str, **changes: object) -> dict[str, object]:
    payload = {
        "type": "message",
        "id": "17",
        "channelId": "msteams",
        "serviceUrl": service_url,
        "from": {"id": "29:alice", "aadObjectId": "0aa0c1de-0000-4000-8000-0000000000bb"},
        "recipient": {"id": "28:bot"},
        "conversation": {"id": THREAD, "conversationType": "channel"},
        "channelData": {"tenant": {"id": "0aa0c1de-0000-4000-8000-0000000000aa"}},
        "timestamp": "2026-11-21T12:00:00.1234567Z",
        "text": "/help",
        "entities": [{"type": "mention", "text": "x", "mentioned": {"id": "28:bot"}}],
        **changes,
    }
    return Inbound.model_validate(payload).as_json()


async def test_the_sdk_replies_through_the_connector_and_loses_nothing(world: World) -> None:
    adapter = TeamsAdapter(connector=world.connector, app_id="bot")
    mention = Mention(
        type="mention", text="<at>A</at>", mentioned=ChannelAccount(id="29:a", name="A")
    )
    card = Attachment(content_type="card", content={"body": [{"type": "TextBlock", "n": None}]})
    answers: list[str] = []

    async def logic(turn: TurnContext) -> None:
        answer = Activity(type="message", attachments=[card], entities=[mention])
        answers.append((await turn.send_activity(answer)).id)

    outcome = await adapter.run(inbound(world.service.url), logic)

    assert outcome is None
    assert answers == ["new"]
    asked = world.service.asked[0]
    assert asked.raw_path == f"{ENCODED}/activities/17"
    assert isinstance(asked.body, dict)
    assert asked.body["attachments"] == [
        {"contentType": "card", "content": {"body": [{"type": "TextBlock", "n": None}]}}
    ]
    assert asked.body["entities"] == [
        {"type": "mention", "text": "<at>A</at>", "mentioned": {"id": "29:a", "name": "A"}}
    ]


async def test_the_sdk_updates_deletes_and_sends_through_the_connector(world: World) -> None:
    adapter = TeamsAdapter(connector=world.connector, app_id="bot")

    async def logic(turn: TurnContext) -> None:
        activity = turn.activity
        changed = Activity(type="message", id="5", text="new", conversation=activity.conversation)
        assert (await turn.update_activity(changed)).id == "5"
        await turn.delete_activity("5")

    await adapter.run(inbound(world.service.url), logic)
    arrival = inbound(world.service.url, type="conversationUpdate", id=None)

    async def greet(turn: TurnContext) -> None:
        await turn.send_activity("hello")

    await adapter.run(arrival, greet)

    methods = [asked.method for asked in world.service.asked]
    assert methods == ["PUT", "DELETE", "POST"]
    assert world.service.asked[2].raw_path == f"{ENCODED}/activities"


async def test_an_invoke_is_answered_with_what_the_logic_left(world: World) -> None:
    adapter = TeamsAdapter(connector=world.connector, app_id="bot")
    pressed = inbound(world.service.url, type="invoke", name="adaptiveCard/action", value={"a": 1})
    body = {"statusCode": 200, "value": {"type": "AdaptiveCard"}}

    async def logic(turn: TurnContext) -> None:
        assert turn.activity.value == {"a": 1}
        answer = InvokeResponse(status=200, body=body)
        await turn.send_activity(Activity(type="invokeResponse", value=answer))

    outcome = await adapter.run(pressed, logic)

    assert outcome is not None
    assert (outcome.status, outcome.body) == (200, body)
    assert world.service.asked == []


async def test_an_invoke_left_unanswered_is_not_implemented(world: World) -> None:
    adapter = TeamsAdapter(connector=world.connector, app_id="bot")

    async def logic(turn: TurnContext) -> None:
        """Leave nothing."""

    outcome = await adapter.run(inbound(world.service.url, type="invoke"), logic)

    assert outcome is not None
    assert outcome.status == 501


async def test_the_turn_carries_the_verified_claims(world: World) -> None:
    trusted = TeamsAdapter(connector=world.connector, app_id="bot").authenticated("https://x/")

    assert trusted.claims_identity.is_authenticated
    assert trusted.claims_identity.claims["aud"] == "bot"
    assert trusted.claims_identity.claims["serviceurl"] == "https://x/"


async def test_nothing_reaches_the_sdk_past_the_guard(world: World) -> None:
    adapter = TeamsAdapter(connector=world.connector, app_id="bot")
    authentication = adapter.bot_framework_authentication

    with pytest.raises(PermissionError):
        await adapter.process_activity("Bearer x", Activity(), None)
    with pytest.raises(PermissionError):
        await authentication.authenticate_streaming_request("Bearer x", "msteams")


async def test_a_proactive_turn_uses_the_same_connector(world: World) -> None:
    adapter = TeamsAdapter(connector=world.connector, app_id="bot")
    reference = TurnContext.get_conversation_reference(
        Activity().deserialize(inbound(world.service.url))
    )

    async def logic(turn: TurnContext) -> None:
        await turn.send_activity("news")

    await adapter.continue_conversation(reference, logic, "bot")

    assert [asked.method for asked in world.service.asked] == ["POST"]
