"""Posts and edits outcomes as cards, for answers and background jobs alike."""

import asyncio
from collections.abc import Callable

import structlog
from typing_extensions import override

from bot.domain.errors import GraphError, MessengerError, Trouble
from bot.domain.outcome import Outcome
from bot.service.ports import Messenger, Reference
from bot.teams.connector import (
    Ambiguous,
    Blocked,
    Connector,
    ConnectorError,
    Gone,
    NotAllowed,
    Throttled,
    Unreachable,
)
from cards.frame import Rendered

log = structlog.get_logger(__name__)
# Teams shows at most this many people a view of their own.
MOST_VIEWERS = 60
MEMBERS_S = 2.0
SERVER_ERROR = 500
"""What the service says of its own faults: unlike 502 to 504 no passing trouble."""
NOT_REGISTERED = "BotNotRegistered"
CARD_TYPE = "application/vnd.microsoft.card.adaptive"


def attachment_of(rendered: Rendered) -> dict[str, object]:
    """Return a card as an activity's attachment."""
    return {"contentType": CARD_TYPE, "content": rendered.payload()}


def delivery_error(error: ConnectorError, *, is_new: bool) -> MessengerError:
    """Return a connector's error in the words of the use cases; `is_new` tells a post from an edit."""
    return MessengerError(
        str(error),
        trouble=_trouble(error, is_new=is_new),
        code=f"{error.status or ''} {error.code}".strip(),
        retry_after_s=error.retry_after_s if isinstance(error, Throttled) else None,
    )


def _trouble(error: ConnectorError, *, is_new: bool) -> Trouble:
    match error:
        case Gone():
            return Trouble.GONE
        case Blocked():
            return Trouble.REFUSED
        case NotAllowed():
            return Trouble.FINAL
        case Throttled() | Unreachable():
            return Trouble.PASSING
        case Ambiguous() if is_new:
            return Trouble.DOUBTFUL
        case Ambiguous() if error.status != SERVER_ERROR:
            # An edit may be repeated whatever became of it.
            return Trouble.PASSING
        case _ if error.status in {400, 413} or error.code == NOT_REGISTERED:
            return Trouble.FINAL
        case _:
            return Trouble.OTHER


def no_token(error: GraphError) -> MessengerError:
    """Return that nothing was sent, because the bot cannot prove who it is."""
    return MessengerError(
        f"no token for the connector: {error}", trouble=Trouble.PASSING, code="NoToken"
    )


class TeamsMessenger(Messenger):
    """Renders outcomes and sends them through the connector; text never stands beside a card.

    Nothing is sent to a conversation of a tenant that is not among those let in.
    """

    def __init__(
        self,
        *,
        connector: Connector,
        render: Callable[[Outcome], Rendered],
        admitted: Callable[[], frozenset[str]],
    ) -> None:
        self._connector = connector
        self._render = render
        self._admitted = admitted

    @override
    async def post(self, reference: Reference, outcome: Outcome) -> str | None:
        self._check(reference)
        try:
            posted = await self._posted(reference, self._activity(outcome))
        except ConnectorError as error:
            raise delivery_error(error, is_new=True) from error
        except GraphError as error:
            raise no_token(error) from error
        return posted or None

    async def _posted(self, reference: Reference, body: dict[str, object]) -> str:
        where, under = (reference.service_url, reference.conversation), reference.reply_to
        if reference.private_to is not None:
            try:
                private = {**body, "recipient": {"id": reference.private_to}}
                return await self._connector.send(*where, private, is_targeted=True)
            except (Ambiguous, Throttled, Unreachable):
                raise
            except ConnectorError as error:
                # Not every conversation has them yet: an answer for all is better than none.
                log.info("not answered in private", reason=str(error))
        if under is None:
            return await self._connector.send(*where, body)
        return await self._connector.reply(*where, under, {**body, "replyToId": under})

    @override
    async def edit(self, reference: Reference, activity_id: str, outcome: Outcome) -> None:
        self._check(reference)
        body = {"id": activity_id, **self._activity(outcome)}
        try:
            await self._edited(reference, activity_id, body)
        except ConnectorError as error:
            raise delivery_error(error, is_new=False) from error
        except GraphError as error:
            raise no_token(error) from error

    async def _edited(
        self, reference: Reference, activity_id: str, body: dict[str, object]
    ) -> None:
        where = (reference.service_url, reference.conversation, activity_id)
        if reference.private_to is not None:
            try:
                await self._connector.update(*where, body, is_targeted=True)
            except Gone:
                log.info("not edited in private", activity=activity_id)
            else:
                return
        await self._connector.update(*where, body)

    @override
    async def is_answering(self, reference: Reference) -> bool:
        try:
            await self._connector.members(reference.service_url, reference.root, 1)
        except NotAllowed:
            return True
        except (Ambiguous, Throttled, Unreachable, GraphError) as error:
            log.info("service not answering", reason=str(error))
            return False
        except ConnectorError:
            return True
        return True

    @override
    async def members(self, reference: Reference) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(MEMBERS_S):
                found = await self._connector.members(
                    reference.service_url, reference.root, MOST_VIEWERS
                )
        except (ConnectorError, GraphError, TimeoutError) as error:
            log.info("members not read", reason=str(error))
            return ()
        return tuple(found)

    def _check(self, reference: Reference) -> None:
        """Send nobody anything who is not let in, or not any more."""
        if reference.tenant not in self._admitted():
            raise MessengerError(
                "tenant not let in", trouble=Trouble.FINAL, code="TenantNotAllowed"
            )

    def _activity(self, outcome: Outcome) -> dict[str, object]:
        rendered = self._render(outcome)
        return {
            "type": "message",
            "summary": rendered.summary,
            "attachments": [attachment_of(rendered)],
        }
