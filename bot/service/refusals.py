"""Keeps who was refused what."""

import structlog

from bot.domain.command import Command
from bot.domain.errors import StoreError
from bot.domain.operation import Actor
from bot.domain.parse import format_command
from bot.service.ports import AuditRecord, Request, Store

log = structlog.get_logger(__name__)


async def audit_refusal(
    store: Store, request: Request, actor: Actor, command: Command, reason: str
) -> None:
    """Record a refusal. A store that is away must not turn a no into silence."""
    line = AuditRecord(
        "command refused",
        actor,
        None,
        {
            "command": format_command(command),
            "reason": reason,
            "conversation": request.reference.root,
        },
    )
    try:
        async with store.begin() as tx:
            await tx.append_audit(line)
    except StoreError:
        log.exception("refusal not audited", permission=command.spec.permission)
