"""`/dead` and `/replay`: what could not be delivered, in the words of what it would have shown.

Everybody sees and replays what was to go to conversations of their own tenant.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.domain.command import Catalogue, Command
from bot.domain.errors import UserError
from bot.domain.incident import Incident
from bot.domain.notices import DeadLetter, DeadLetters, Topic
from bot.domain.operation import Actor, Operation
from bot.domain.subscription import Subscription
from bot.service.execution import TELL_JOB
from bot.service.fanout import DIGEST_JOB, NOTICE_JOB
from bot.service.notify import CARD_JOB
from bot.service.ports import AuditRecord, Request, World, root_of
from bot.service.watch_ports import DeadJob

PAGE = 10
AT_ONCE = 1000
"""So many are tried again by one command, newest first: few statements, and an audit to read."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What a delivery is about, and the conversation it goes to, by tenant and id."""

    topic: Topic
    subject: Incident | Operation | Subscription | None = None
    place: tuple[str, str] | None = None


class Letters:
    """Lists what could not be delivered, and has it tried again."""

    def __init__(
        self, world: World, *, catalogue: Catalogue, home: str, wake: Callable[[], None]
    ) -> None:
        self._home = home
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue
        self._wake = wake

    async def dead(self, tenant: str, replayed: int | None = None) -> DeadLetters:
        """Return what could not be delivered to conversations of a tenant, the newest of it named."""
        total, jobs = await self._dead(tenant, PAGE)
        rows = [await self._letter(job) for job in jobs]
        return DeadLetters(tuple(rows), total, self._clock.now(), replayed)

    async def replay(self, request: Request, command: Command, actor: Actor) -> DeadLetters | None:
        """Try again what is named, or the newest of all; None for a repeated activity.

        A conversation that was given up is tried like any other: a person says it is worth it.

        Raises:
            UserError: nothing that could not be delivered goes by that number.
        """
        tenant = request.actor.tenant
        total, jobs = await self._dead(tenant, AT_ONCE if command.target is None else None)
        chosen = [job for job in jobs if command.target in {None, str(job.id)}]
        if command.target is not None and not chosen:
            raise UserError("replay-missing", id=command.target)
        async with self._store.begin() as tx:
            if not await tx.claim_activity(
                request.actor.tenant, request.reference.conversation, request.activity
            ):
                return None
            count = await tx.revive_jobs([job.id for job in chosen], self._clock.now())
            replayed = [f"{job.kind} {job.subject}" for job in chosen]
            line = AuditRecord("messages replayed", actor, None, {"messages": ", ".join(replayed)})
            await tx.append_audit(line)
        self._wake()
        return replace(await self.dead(tenant, count), is_part=total > len(jobs))

    async def _dead(self, tenant: str, limit: int | None) -> tuple[int, Sequence[DeadJob]]:
        """Return what is dead of a tenant; what belongs to nobody is its whose bot this is."""
        return await self._store.dead_jobs(limit, of=tenant, with_lost=tenant == self._home)

    async def _letter(self, job: DeadJob) -> DeadLetter:
        case = await self._case(job)
        match case.subject:
            case Incident() | Subscription() as subject:
                kind = self._catalogue.kinds.get(subject.kind or "")
            case _:
                kind = None
        return DeadLetter(
            id=job.id,
            topic=case.topic if case.subject else Topic.GONE,
            subject=case.subject,
            kind=kind,
            where=await self._where(case.place),
            reason=job.reason,
            since=job.since,
            attempts=job.attempts,
            is_doubtful=job.doubts > 0,
        )

    async def _where(self, place: tuple[str, str] | None) -> str:
        if place is None:
            return ""
        heard = await self._store.reference(*place)
        return (heard.name if heard else None) or place[1]

    async def _case(self, job: DeadJob) -> _Case:
        if job.kind == NOTICE_JOB:
            post = await self._store.post(job.subject)
            incident = await self._store.incident(post.incident_id) if post else None
            return _Case(Topic.INCIDENT, incident, (post.tenant, post.root) if post else None)
        if job.kind == DIGEST_JOB:
            held = await self._store.subscription(job.subject)
            return _Case(Topic.SUMMARY, held, (held.tenant, held.root) if held else None)
        topic = {CARD_JOB: Topic.OPERATION, TELL_JOB: Topic.DECISION}.get(job.kind, Topic.GONE)
        card = await self._store.card(job.subject)
        approval = await self._store.approval(job.subject) if topic is Topic.DECISION else None
        root = card.reference.root if card else ""
        if approval is not None:
            root = root_of(approval.thread)
        place = (card.reference.tenant, root) if card else None
        return _Case(topic, await self._store.operation(job.subject), place)
