"""`POST /api/messages`: from the guard through the SDK's turn to one HTTP answer, never a 500."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus

import structlog
from aiohttp import web
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.schema import Activity, Attachment

from bot.domain.errors import GraphError, MessengerError, StoreError
from bot.domain.outcome import Failed, Outcome
from bot.service.ports import Ids, Messenger, Request, Store
from bot.service.turn import Turn
from bot.teams.activity import INVOKE, MESSAGE
from bot.teams.adapter import TeamsAdapter
from bot.teams.answers import MessageAnswer, PressAnswer, error_body
from bot.teams.body import TurnedAway
from bot.teams.connector import ConnectorError
from bot.teams.guard import Admitted, Guard
from bot.teams.inbound import Malformed, reference_of, request_of
from bot.teams.messenger import attachment_of, delivery_error
from bot.teams.reply_toast import Brief
from bot.telemetry import Metrics
from cards.frame import Rendered

log = structlog.get_logger(__name__)
ACKNOWLEDGE_S = 2.0
HOLD_S = 6.0
LAST_WORDS_S = 2.0
INVOKE_S = 2.5
REMEMBERED = 10_000


class Remembered:
    """The last activities that were taken in, so that a repeated one has no second answer."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._keys: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def add(self, key: tuple[str, ...]) -> bool:
        """Remember a key; False when it was known."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
        return True

    def forget(self, key: tuple[str, ...]) -> None:
        """Let a key in again: what it asked for was not carried out."""
        self._keys.pop(key, None)


class Whole(dict[str, object]):
    """A finished card: the SDK copies what it sends in depth, and a card need not be."""

    def __deepcopy__(self, _memo: object) -> "Whole":
        return self


class Background:
    """Work that outlives its HTTP request; owned and awaited by the application."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether anything runs."""
        return bool(self._tasks)

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start work that reports its own errors."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self, grace_s: float) -> None:
        """Give running work `grace_s` seconds, then end it."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(tuple(self._tasks), timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            # What is ended still tells people so.
            await asyncio.wait(late, timeout=LAST_WORDS_S)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoint joins together."""

    guard: Guard
    adapter: TeamsAdapter
    turn: Turn
    messenger: Messenger
    render: Callable[[Outcome], Rendered]
    say: Callable[[Brief], str]
    store: Store
    ids: Ids
    background: Background
    metrics: Metrics


class Endpoint:
    """Answers the Bot Connector's requests."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen = Remembered()
        self._references = Remembered()

    async def messages(self, request: web.Request) -> web.Response:
        """Handle one activity; see the contract's answers to the wire."""
        metrics = self._parts.metrics
        try:
            with metrics.in_flight.track_inprogress(), metrics.turn_seconds.time():
                async with self._parts.guard.admit(request) as admitted:
                    response = await self._respond(admitted)
        except TurnedAway as refusal:
            metrics.turned_away.labels(refusal.reason).inc()
            response = web.Response(status=refusal.status)
        metrics.activities.labels(str(response.status)).inc()
        return response

    async def _respond(self, admitted: Admitted) -> web.Response:
        payload = admitted.payload
        key = (admitted.tenant, payload.conversation.id, payload.id or "", payload.type)
        if admitted.stale or (payload.id and not self._seen.add(key)):
            log.info("activity without effect", stale=admitted.stale, type=payload.type)
            return web.json_response({}) if payload.type == INVOKE else web.Response()
        _ = self._parts.background.spawn(self._keep_reference(admitted))
        asked = request_of(admitted)
        if isinstance(asked, Malformed):
            return web.json_response(error_body("BadRequest", asked.message))
        if asked is None and payload.type == INVOKE:
            # Not 501: the connector takes a 5xx for a broken bot, and may send the invoke again.
            return web.json_response(error_body("NotSupported", "The bot has no such invoke."))
        if asked is None:
            return web.Response()
        structlog.contextvars.bind_contextvars(turn=payload.id, actor=asked.actor.oid)

        async def logic(context: TurnContext) -> None:
            await self._run(context, asked, key, is_press=payload.type == INVOKE)

        answer = await self._parts.adapter.run(payload.as_json(), logic)
        structlog.contextvars.unbind_contextvars("turn", "actor")
        if answer is None:
            return web.Response(status=HTTPStatus.ACCEPTED)
        return web.json_response(answer.body, status=answer.status)

    async def _run(
        self, context: TurnContext, asked: Request, key: tuple[str, ...], *, is_press: bool
    ) -> None:
        if is_press:
            press = PressAnswer(
                reference=asked.reference,
                messenger=self._parts.messenger,
                render=self._parts.render,
                say=self._parts.say,
            )
            _ = self._parts.background.spawn(self._handle(asked, press, key))
            body = await press.body(INVOKE_S)
            response = InvokeResponse(status=int(HTTPStatus.OK), body=body)
            await context.send_activity(Activity(type="invokeResponse", value=response))
            return
        message = MessageAnswer(
            reference=asked.reference,
            post=lambda outcome: self._post(context, outcome),
            messenger=self._parts.messenger,
        )
        work = self._parts.background.spawn(self._handle(asked, message, key))
        done, _ = await asyncio.wait({work}, timeout=ACKNOWLEDGE_S)
        if not done:
            await self._acknowledge(message)
            if message.is_held:
                done, _ = await asyncio.wait({work}, timeout=HOLD_S)
        if work in done and work.cancelled():
            # Nothing was carried out, so Teams is to send it again: to the next process.
            raise TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, "stopping")

    async def _acknowledge(self, answer: MessageAnswer) -> None:
        try:
            await answer.acknowledge()
        except MessengerError as error:
            log.warning("acknowledgement not delivered", reason=str(error))

    async def _handle(
        self, asked: Request, answer: MessageAnswer | PressAnswer, key: tuple[str, ...]
    ) -> None:
        """Run the turn; the last resort against an error nobody foresaw."""
        try:
            await self._parts.turn.handle(asked, answer)
        except asyncio.CancelledError:
            self._seen.forget(key)
            with suppress(MessengerError):
                await answer.interrupt()
            raise
        except Exception:
            error_id = self._parts.ids.new()[:8]
            log.exception("turn broke", error_id=error_id)
            self._seen.forget(key)
            try:
                await answer.show(Failed("internal", error_id))
            except MessengerError as error:
                log.warning("answer not delivered", reason=str(error))

    async def _post(self, context: TurnContext, outcome: Outcome) -> str:
        rendered = self._parts.render(outcome)
        self._parts.metrics.outcomes.labels(type(outcome).__name__).inc()
        card = attachment_of(rendered)
        activity = Activity(
            type=MESSAGE,
            summary=rendered.summary,
            attachments=[
                Attachment(content_type=card["contentType"], content=Whole(rendered.payload()))
            ],
        )
        try:
            response = await context.send_activity(activity)
        except ConnectorError as error:
            raise delivery_error(error) from error
        except GraphError as error:
            raise MessengerError("no token for the connector", is_final=False) from error
        return str(response.id or "") if response else ""

    async def _keep_reference(self, admitted: Admitted) -> None:
        """Store where the conversation can be reached, when that is news to this process."""
        heard = reference_of(admitted)
        # One a conversation, not one a thread: a new thread is no new place.
        reference = replace(heard, conversation=heard.root, reply_to=None)
        key = (reference.tenant, reference.conversation, reference.service_url)
        if not self._references.add(key):
            return
        try:
            async with self._parts.store.begin() as tx:
                await tx.save_reference(reference)
        except StoreError:
            self._references.forget(key)
            log.warning("reference not kept", reason="store unavailable")
