"""`POST /api/messages`: from the guard through the SDK's turn to one HTTP answer, never a 500."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus

import structlog
from aiohttp import web
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.schema import Activity, Attachment

from bot.domain.errors import GraphError, MessengerError
from bot.domain.outcome import Failed, Noted, Outcome
from bot.service.forms import Matches
from bot.service.intent import FILL_VERB
from bot.service.ports import Ids, Job, Messenger, Promise, Reference, Request, Store
from bot.service.promises import Promises
from bot.service.turn import Turn
from bot.teams.activity import INVOKE, MESSAGE, SEARCH, Inbound
from bot.teams.adapter import TeamsAdapter
from bot.teams.answers import FormMessages, MessageAnswer, PressAnswer
from bot.teams.background import Background
from bot.teams.body import TurnedAway
from bot.teams.connector import ConnectorError
from bot.teams.guard import Admitted, Guard
from bot.teams.inbound import (
    Malformed,
    private,
    request_of,
    search_of,
    visit_of,
)
from bot.teams.invokes import (
    CARD_ACTION,
    Shapes,
    error_body,
    found,
    refused,
    repeated,
)
from bot.teams.messenger import attachment_of, delivery_error, no_token
from bot.teams.places import INSTALLATION, Places
from bot.teams.remembered import Remembered
from bot.teams.reply_form import choosable, option_of
from bot.telemetry import Metrics

log = structlog.get_logger(__name__)
ACKNOWLEDGE_S = 2.0
HOLD_S = 6.0
INVOKE_S = 2.0
PROMISE_S = 0.5
REPEATED = Noted("taken-in")


class Whole(dict[str, object]):
    """A finished card: the SDK copies what it sends in depth, and a card need not be."""

    def __deepcopy__(self, _memo: object) -> "Whole":
        return self


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoint joins together."""

    guard: Guard
    adapter: TeamsAdapter
    turn: Turn
    messenger: Messenger
    shapes: Shapes
    store: Store
    promises: Promises
    ids: Ids
    now: Callable[[], datetime]
    is_targeted: bool
    background: Background
    metrics: Metrics


class Endpoint:
    """Answers the Bot Connector's requests."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen = Remembered()
        self._forms = FormMessages()
        self._places = Places(parts.store, parts.now)

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
            again = repeated(payload.name, self._parts.shapes.say(REPEATED))
            return web.json_response(again) if payload.type == INVOKE else web.Response()
        _ = self._parts.background.spawn(self._places.keep(admitted))
        asked = request_of(admitted)
        if isinstance(asked, Malformed):
            return web.json_response(refused(payload.name, "BadRequest", asked.message))
        if asked is None and payload.type == INVOKE:
            # Not 501: the connector takes a 5xx for a broken bot, and may send the invoke again.
            return web.json_response(error_body("NotSupported", "The bot has no such invoke."))
        if asked is None:
            visit = visit_of(admitted)
            if visit and _is_installed(admitted):
                _ = self._parts.background.spawn(self._welcome(visit))
            return web.Response()
        if self._parts.is_targeted:
            asked = private(asked, payload)
        structlog.contextvars.bind_contextvars(turn=payload.id, actor=asked.actor.oid)

        async def logic(context: TurnContext) -> None:
            if payload.type == INVOKE:
                body = await self._invoked(asked, key, payload)
                response = InvokeResponse(status=int(HTTPStatus.OK), body=body)
                await context.send_activity(Activity(type="invokeResponse", value=response))
                return
            await self._run(context, asked, key)

        answer = await self._parts.adapter.run(payload.as_json(), logic)
        structlog.contextvars.unbind_contextvars("turn", "actor")
        if answer is None:
            return web.Response(status=HTTPStatus.ACCEPTED)
        return web.json_response(answer.body, status=answer.status)

    async def _invoked(
        self, asked: Request, key: tuple[str, ...], payload: Inbound
    ) -> Mapping[str, object]:
        """Return the body of an invoke's answer, in time."""
        if payload.name == SEARCH:
            return await self._searched(asked, payload.value)
        is_card = payload.name == CARD_ACTION
        is_sent = (asked.submission or {}).get("verb") == FILL_VERB
        press = PressAnswer(
            reference=asked.reference,
            messenger=self._parts.messenger,
            shape=partial(self._parts.shapes.body, payload.name),
            forms=self._forms if is_card else None,
            is_form=is_card and is_sent,
            presser=payload.sender.id if self._parts.is_targeted and payload.sender else None,
        )
        work = self._parts.background.spawn(self._handle(asked, press, key))
        if not await press.is_there(INVOKE_S) and not payload.is_automatic:
            await self._promise(Promise(asked, press.late, None, self._parts.now()), press, work)
        return press.body()

    async def _searched(self, asked: Request, value: object) -> Mapping[str, object]:
        search = search_of(value)
        if isinstance(search, Malformed):
            return error_body("BadRequest", search.message)
        try:
            async with asyncio.timeout(INVOKE_S):
                matches = await self._parts.turn.search(asked, search)
        except TimeoutError:
            matches = Failed("timeout", self._parts.ids.new()[:8])
        if isinstance(matches, Matches):
            rows = choosable(matches.rows)
            return found([option_of(matches.kind, values) for values in rows])
        return error_body("SearchFailed", self._parts.shapes.say(matches))

    async def _run(self, context: TurnContext, asked: Request, key: tuple[str, ...]) -> None:
        message = MessageAnswer(
            reference=asked.reference,
            post=partial(self._first, context, asked.reference),
            messenger=self._parts.messenger,
            posted_form=partial(self._forms.add, asked.reference),
        )
        work = self._parts.background.spawn(self._handle(asked, message, key))
        done, _ = await asyncio.wait({work}, timeout=ACKNOWLEDGE_S)
        if not done:
            shown = await self._acknowledge(message)
            promise = Promise(asked, asked.reference, shown, self._parts.now())
            await self._promise(promise, message, work)
            if message.is_held and not message.is_promised:
                done, _ = await asyncio.wait({work}, timeout=HOLD_S)
        if work in done and work.cancelled():
            # Nothing was carried out, so Teams is to send it again: to the next process.
            raise TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, "stopping")

    async def _promise(
        self, promise: Promise, answer: MessageAnswer | PressAnswer, work: asyncio.Task[None]
    ) -> None:
        """Commit that an answer follows, so that another process gives it where this one dies.

        People wait for that no longer than `PROMISE_S`.
        """
        if work.done():
            return
        told = asyncio.Event()

        def made(job: Job | None) -> None:
            answer.is_promised = job is not None
            told.set()

        _ = self._parts.background.spawn(self._parts.promises.hold(promise, work, made))
        with suppress(TimeoutError):
            async with asyncio.timeout(PROMISE_S):
                await told.wait()

    async def _welcome(self, visit: Request) -> None:
        """Say hello to whoever installed the bot: a message of its own, not a reply."""
        place = visit.reference
        reference = replace(place, conversation=place.root, reply_to=None)
        outcome = await self._parts.turn.welcome(visit)
        try:
            _ = await self._parts.messenger.post(reference, outcome)
        except MessengerError as error:
            log.warning("welcome not delivered", reason=str(error))

    async def _first(
        self, context: TurnContext, reference: Reference, outcome: Outcome
    ) -> str | None:
        """Post the first message of a turn; the SDK cannot send what one person alone sees."""
        if reference.private_to is None:
            return await self._post(context, outcome)
        return await self._parts.messenger.post(reference, outcome)

    async def _acknowledge(self, answer: MessageAnswer) -> str | None:
        try:
            return await answer.acknowledge()
        except MessengerError as error:
            log.warning("acknowledgement not delivered", reason=str(error))
            return None

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

    async def _post(self, context: TurnContext, outcome: Outcome) -> str | None:
        rendered = self._parts.shapes.render(outcome)
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
            raise delivery_error(error, is_new=True) from error
        except GraphError as error:
            raise no_token(error) from error
        return str(response.id) if response and response.id else None


def _is_installed(admitted: Admitted) -> bool:
    """Whether somebody installed the bot just now, and not again and again."""
    payload = admitted.payload
    is_new = payload.type == INSTALLATION and payload.action == "add"
    return is_new and not admitted.throttled
