"""Commands that steer the bot itself: pause and resume all writes, close an unknown operation."""

from collections.abc import Callable

import structlog

from bot.domain.command import Catalogue, Command
from bot.domain.operation import Actor, Operation, State
from bot.domain.outcome import Noted, Operated, Outcome, Paused
from bot.service.operations import Operations
from bot.service.ports import AuditRecord, Pause, Request, World

log = structlog.get_logger(__name__)


class Controls:
    """The switches of the bot; `wake` tells the job runner that there is work."""

    def __init__(
        self,
        world: World,
        *,
        catalogue: Catalogue,
        operations: Operations,
        wake: Callable[[], None],
        is_read_only: bool,
    ) -> None:
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue
        self._operations = operations
        self._is_read_only = is_read_only
        self.wake = wake

    async def paused(self) -> Paused | None:
        """Return why no write may start now, or None when writes run."""
        if self._is_read_only:
            return Paused("", None, None)
        pause = await self._store.pause()
        return Paused(pause.who, pause.since, pause.reason) if pause else None

    async def switch(self, request: Request, command: Command, actor: Actor) -> Outcome | None:
        """Pause or resume all writes, audited in the same transaction; None for a duplicate."""
        is_pause = command.spec.verb == "pause"
        what = "writes paused" if is_pause else "writes resumed"
        pause = Pause(actor.name, self._clock.now(), command.reason) if is_pause else None
        async with self._store.begin() as tx:
            if not await tx.claim_activity(
                actor.tenant, request.reference.conversation, request.activity
            ):
                return None
            standing = await tx.pause()
            if (standing is not None) is is_pause:
                return _paused_before(standing) if standing else Noted("not-paused")
            await tx.set_pause(pause)
            await tx.append_audit(AuditRecord(what, actor, None, {"reason": command.reason}))
        log.warning("writes switched", is_paused=is_pause, actor=actor.oid)
        return Noted("paused" if is_pause else "resumed", _by(actor.name, command.reason))

    async def resolve(self, found: Operation, command: Command, actor: Actor) -> Outcome:
        """Close an unknown operation by what a person found."""
        state = State(command.arguments[1])
        closed = await self._operations.resolve(found, state, by=actor, reason=command.reason)
        self.wake()
        if closed is None:
            current = await self._store.operation(found.id) or found
            return Noted("not-unknown", current.marks)
        return Operated(self._catalogue.kinds[closed.plan.kind], closed)


def _paused_before(pause: Pause) -> Noted:
    return Noted("already-paused", _by(pause.who, pause.reason))


def _by(who: str, reason: str | None) -> tuple[tuple[str, str], ...]:
    """Return who switched writes, and why where that was said."""
    return (("who", who), *((("reason", reason),) if reason else ()))
