"""Posts and edits outcomes as cards, for answers and background jobs alike."""

import asyncio
from collections.abc import Callable

import structlog
from typing_extensions import override

from bot.domain.errors import GraphError, MessengerError
from bot.domain.outcome import Outcome
from bot.service.ports import Messenger, Reference
from bot.teams.connector import Blocked, Connector, ConnectorError, Gone, Throttled
from bot.teams.connector_errors import NotAllowed
from cards.frame import Rendered

log = structlog.get_logger(__name__)
# Teams shows at most this many people a view of their own.
MOST_VIEWERS = 60
MEMBERS_S = 2.0
CARD_TYPE = "application/vnd.microsoft.card.adaptive"


def attachment_of(rendered: Rendered) -> dict[str, object]:
    """Return a card as an activity's attachment."""
    return {"contentType": CARD_TYPE, "content": rendered.payload()}


def delivery_error(error: ConnectorError) -> MessengerError:
    """Return a connector's error in the words of the use cases."""
    return MessengerError(
        str(error),
        is_final=isinstance(error, Gone | Blocked | NotAllowed) or error.status in {400, 413},
        is_gone=isinstance(error, Gone),
        retry_after_s=error.retry_after_s if isinstance(error, Throttled) else None,
    )


class TeamsMessenger(Messenger):
    """Renders outcomes and sends them through the connector; text never stands beside a card."""

    def __init__(self, *, connector: Connector, render: Callable[[Outcome], Rendered]) -> None:
        self._connector = connector
        self._render = render

    @override
    async def post(self, reference: Reference, outcome: Outcome) -> str:
        body = self._activity(outcome)
        try:
            if reference.reply_to is None:
                return await self._connector.send(
                    reference.service_url, reference.conversation, body
                )
            body["replyToId"] = reference.reply_to
            return await self._connector.reply(
                reference.service_url, reference.conversation, reference.reply_to, body
            )
        except ConnectorError as error:
            raise delivery_error(error) from error
        except GraphError as error:
            raise MessengerError("no token for the connector", is_final=False) from error

    @override
    async def edit(self, reference: Reference, activity_id: str, outcome: Outcome) -> None:
        body = {"id": activity_id, **self._activity(outcome)}
        try:
            await self._connector.update(
                reference.service_url, reference.conversation, activity_id, body
            )
        except ConnectorError as error:
            raise delivery_error(error) from error
        except GraphError as error:
            raise MessengerError("no token for the connector", is_final=False) from error

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

    def _activity(self, outcome: Outcome) -> dict[str, object]:
        rendered = self._render(outcome)
        return {
            "type": "message",
            "summary": rendered.summary,
            "attachments": [attachment_of(rendered)],
        }
