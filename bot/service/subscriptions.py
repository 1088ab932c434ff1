"""Who is told what: `/watch`, `/watches`, `/unwatch`."""

from dataclasses import replace

from bot.domain.command import Catalogue, Command
from bot.domain.errors import UserError
from bot.domain.notices import Watches, Watching, WatchRow
from bot.domain.operation import Actor
from bot.domain.outcome import Ambiguous, Noted, NotFound, Outcome
from bot.domain.parse import format_command
from bot.domain.resource import ResourceKind, Severity
from bot.domain.select import find, near
from bot.domain.spec import PAGE
from bot.domain.subscription import Quiet, Subscription, quiet_of
from bot.domain.watch_commands import EVERYTHING, EVERYWHERE, HOLD_CRITICAL, LEVEL, QUIET, ZONE
from bot.service.ports import AuditRecord, Request, Tenants, World
from bot.service.reads import CANDIDATES, ROWS, Reads, pointed_at
from bot.service.watch_ports import Watched
from bot.service.watching import SHORT


class Subscriptions:
    """Keeps what every conversation wants to be told."""

    def __init__(
        self, world: World, *, catalogue: Catalogue, reads: Reads, tenants: Tenants
    ) -> None:
        self._tenants = tenants
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids
        self._catalogue = catalogue
        self._reads = reads

    async def watch(self, request: Request, command: Command, actor: Actor) -> Outcome | None:
        """Tell the conversation of the request from now on; None for a repeated activity.

        What it was told of the same kind and record by another filter, it is told by this one now.

        Raises:
            UserError: kind, hours or zone are not understood.
        """
        kind = self._kind(command)
        target = await self._target(kind, command)
        if isinstance(target, NotFound | Ambiguous):
            return target
        record_id, name = target
        wish = self._wish(request, command, actor, kind)
        mine = [
            s for s in await self._here(request) if (s.kind, s.target) == (wish.kind, record_id)
        ]
        wish = replace(wish, target=record_id, target_name=name)
        if mine:
            old = mine[0]
            wish = replace(wish, id=old.id, short=old.short, created_at=old.created_at)
        opened = await self._store.open_incidents()
        count = sum(wish.wants(i.kind, i.record_id, i.severity) for i in opened)
        async with self._store.begin() as tx:
            if not await tx.claim_activity(
                request.actor.tenant, request.reference.conversation, request.activity
            ):
                return None
            await tx.save_reference(
                replace(request.reference, conversation=wish.root, reply_to=None)
            )
            await tx.save_subscription(wish)
            await tx.append_audit(_line("watch started", wish, actor, command))
        return Watching(wish, kind, is_on=True, open_count=count, was_there=bool(mine))

    async def unwatch(self, request: Request, command: Command, actor: Actor) -> Outcome | None:
        """Tell the conversation no more of what is named; None for a repeated activity.

        Raises:
            UserError: nothing here goes by that name, or it is not clear what is meant.
        """
        here = await self._here(request)
        chosen = _chosen(here, command)
        if not here:
            raise UserError("unwatch-nothing")
        if not chosen:
            raise UserError("unwatch-missing", id=command.target or "")
        if len(chosen) > 1 and EVERYTHING.name not in command.options:
            return replace(await self._told_here(request), elsewhere=0)
        async with self._store.begin() as tx:
            if not await tx.claim_activity(
                request.actor.tenant, request.reference.conversation, request.activity
            ):
                return None
            for subscription in chosen:
                await tx.drop_subscription(subscription.id)
                await tx.append_audit(_line("watch ended", subscription, actor, command))
        if len(chosen) > 1:
            return Noted("unwatched-all", (("count", str(len(chosen))),))
        kind = self._catalogue.kinds.get(chosen[0].kind or "")
        return Watching(chosen[0], kind, is_on=False)

    async def listed(self, request: Request, command: Command) -> Watches:
        """Return what the conversation is told, or everyone of the tenant, and how telling goes."""
        page = int(command.options.get(PAGE.name, "1"))
        if EVERYWHERE.name not in command.options:
            return await self._told_here(request, page)
        _, watches = await self._page(request, None, page)
        is_home = request.actor.tenant == self._tenants.home
        # Whose they are is nobody else's business; that they are told nothing is the home's.
        silent = await self._store.shut_out(self._tenants.admitted) if is_home else 0
        return replace(watches, is_all=True, shut_out=silent)

    async def _told_here(self, request: Request, page: int = 1) -> Watches:
        tenant = request.actor.tenant
        everybody, _ = await self._store.watched(tenant, root=None, offset=0, limit=0)
        total, watches = await self._page(request, request.reference.root, page)
        return replace(watches, elsewhere=everybody - total)

    async def _page(self, request: Request, root: str | None, page: int) -> tuple[int, Watches]:
        """Return how many there are and one page of them, the last one where there are fewer."""
        tenant = request.actor.tenant
        total, rows = await self._store.watched(
            tenant, root=root, offset=(page - 1) * ROWS, limit=ROWS
        )
        if total and not rows:
            return await self._page(request, root, -(-total // ROWS))
        shown = tuple(self._row(each, request) for each in rows)
        has_more = total > page * ROWS
        return total, Watches(shown, 0, self._clock.now(), page=page, has_more=has_more)

    def _row(self, each: Watched, request: Request) -> WatchRow:
        subscription = each.subscription
        is_here = subscription.root == request.reference.root
        return WatchRow(
            subscription=subscription,
            kind=self._catalogue.kinds.get(subscription.kind or ""),
            told_at=each.told_at,
            failures=each.reach.failures,
            blocked=each.reach.blocked,
            where=None if is_here else each.name or subscription.root,
        )

    async def _here(self, request: Request) -> tuple[Subscription, ...]:
        _, rows = await self._store.watched(
            request.actor.tenant, root=request.reference.root, offset=0, limit=None
        )
        return tuple(sorted((row.subscription for row in rows), key=lambda s: s.created_at))

    def _kind(self, command: Command) -> ResourceKind | None:
        name = command.arguments[0].casefold() if command.arguments else ""
        if name in {"", "all", "*"}:
            return None
        kind = self._catalogue.kinds.get(name)
        if kind is None:
            raise UserError("watch-kind", value=name, kinds=", ".join(self._catalogue.kinds))
        return kind

    async def _target(
        self, kind: ResourceKind | None, command: Command
    ) -> tuple[str | None, str] | NotFound | Ambiguous:
        if kind is None or len(command.arguments) < 2:  # noqa: PLR2004 - kind and target
            return None, ""
        name = command.arguments[1]
        seen = await self._reads.records(kind)
        records = seen.rows
        found = find(kind, records, name)
        if not found:
            return NotFound(kind, name, near(kind, records, name), seen.as_of)
        if len(found) > 1:
            few = found[:CANDIDATES]
            commands = tuple(pointed_at(command, values, place=1) for values in few)
            return Ambiguous(kind, name, few, commands, reads_only=False, as_of=seen.as_of)
        return str(found[0]["id"]), kind.name_of(found[0])

    def _wish(
        self, request: Request, command: Command, actor: Actor, kind: ResourceKind | None
    ) -> Subscription:
        new = self._ids.new()
        return Subscription(
            id=new,
            short=new[:SHORT],
            tenant=request.actor.tenant,
            root=request.reference.root,
            kind=kind.name if kind else None,
            target=None,
            target_name="",
            minimum=Severity(LEVEL.choices[_option(command, LEVEL.name) or LEVEL.default or ""]),
            quiet=_quiet(command),
            holds_critical=HOLD_CRITICAL.name in command.options,
            by=actor,
            created_at=self._clock.now(),
        )


def _option(command: Command, name: str) -> str | None:
    return command.options.get(name)


def _quiet(command: Command) -> Quiet | None:
    hours = command.options.get(QUIET.name)
    zone = command.options.get(ZONE.name)
    if hours is None:
        if zone is not None or HOLD_CRITICAL.name in command.options:
            raise UserError("quiet-missing")
        return None
    return quiet_of(hours, zone or ZONE.default or "UTC")


def _chosen(here: tuple[Subscription, ...], command: Command) -> tuple[Subscription, ...]:
    named = (command.target or "").casefold()
    if not named:
        return here
    return tuple(
        s
        for s in here
        if named
        in {s.id.casefold(), s.short.casefold(), (s.kind or "all"), s.target_name.casefold()}
    )


def _line(what: str, subscription: Subscription, actor: Actor, command: Command) -> AuditRecord:
    details = {
        "subscription": subscription.id,
        "conversation": subscription.root,
        "command": format_command(command),
        "target": subscription.target,
        "severity": str(subscription.minimum),
    }
    return AuditRecord(what, actor, None, details)
