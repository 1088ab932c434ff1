"""What an error means to the person who asked."""

import structlog

from bot.domain.errors import (
    BotError,
    DirectoryUnavailable,
    GraphError,
    GraphUnavailable,
    StoreError,
    UserError,
)
from bot.domain.outcome import Failed, GraphFailed, Noted
from bot.service.ports import Ids

log = structlog.get_logger(__name__)


def failure_of(error: BotError, ids: Ids) -> Noted | GraphFailed | Failed:
    """Return the outcome of a turn that an error ended; what people cannot mend is logged."""
    if isinstance(error, UserError):
        return Noted(error.code, tuple(error.details.items()))
    error_id = ids.new()[:8]
    log.warning("turn failed", error_id=error_id, reason=str(error), error=type(error).__name__)
    if isinstance(error, GraphError):
        retry = error.retry_after_s if isinstance(error, GraphUnavailable) else None
        return GraphFailed(error.fault, retry, error_id)
    if isinstance(error, DirectoryUnavailable):
        return Failed("roles-unread", error_id)
    if isinstance(error, StoreError):
        return Failed("store-unavailable", error_id)
    return Failed("internal", error_id)
