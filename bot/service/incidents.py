"""What people do about an incident: take it on, put it off; and asking again when they forget."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bot.domain.care import acknowledge, ask_again, due_again, snooze
from bot.domain.command import Catalogue, Command
from bot.domain.errors import UserError
from bot.domain.incident import Incident
from bot.domain.notices import Alarm
from bot.domain.operation import Actor
from bot.domain.outcome import Noted, Outcome
from bot.domain.resource import Effect
from bot.domain.select import PREFIX_MIN
from bot.domain.text import parse_duration
from bot.domain.watch_commands import SNOOZE_FOR
from bot.service.fanout import ASK_JOB, Fanout
from bot.service.ports import AuditRecord, Job, Request, Transaction, World

log = structlog.get_logger(__name__)
CANDIDATES = 6
LONGEST_SNOOZE = timedelta(days=14)


class Incidents:
    """Handles incidents on behalf of people; `wake` tells the job runner that there is work."""

    def __init__(
        self, world: World, *, catalogue: Catalogue, fanout: Fanout, wake: Callable[[], None]
    ) -> None:
        self._store = world.store
        self._clock = world.clock
        self._catalogue = catalogue
        self._fanout = fanout
        self._wake = wake

    async def handle(self, request: Request, command: Command, actor: Actor) -> Outcome | None:
        """Acknowledge or snooze an incident, audited; None for a repeated activity.

        Raises:
            UserError: there is no such incident, or the time cannot be read.
        """
        found = await self._found(command.arguments[0])
        now = self._clock.now()
        until = now + _length(command) if command.spec.verb == "snooze" else None
        async with self._store.begin() as tx:
            if not await tx.claim_activity(
                request.actor.tenant, request.reference.conversation, request.activity
            ):
                return None
            incident = await tx.lock_incident(found.id)
            pressed = _pressed_root(request)
            if incident is not None and pressed is not None:
                # Whether it arrived was not known: now it is.
                where = request.reference
                await tx.adopt(incident, where.tenant, where.root, pressed)
            if incident is None or not incident.is_open:
                return Noted("incident-over", (("id", found.short), ("name", found.name)))
            if until is None and incident.acknowledged is not None:
                return self._alarm(incident, now)
            after = (
                acknowledge(incident, actor, now)
                if until is None
                else snooze(incident, actor, now, until)
            )
            await self._save(tx, after)
            what = f"incident {'acknowledged' if until is None else 'snoozed'}"
            details = {
                "incident": after.id,
                "name": after.name,
                "until": until.isoformat() if until else None,
            }
            await tx.append_audit(AuditRecord(what, actor, None, details))
        self._wake()
        log.info(what, incident=after.short)
        return self._alarm(after, now)

    async def ask(self, job: Job) -> None:
        """Ask about incident `job.subject` again, if somebody took it on and it still goes on."""
        now = self._clock.now()
        async with self._store.begin() as tx:
            incident = await tx.lock_incident(job.subject)
            after = ask_again(incident, now) if incident else None
            if after is not None and after is not incident and incident is not None:
                await tx.save_incidents([after])
                await self._fanout.tell(tx, [after])
            due = due_again(after) if after and after.is_open else None
            if due is None:
                await tx.finish_job(job)
            else:
                await tx.postpone_job(job, due, None)

    async def sync_command(self, command: Command) -> Command:
        """Return the command that syncs what an incident is about, to be judged as if typed.

        Raises:
            UserError: there is no such incident, or nothing of it can be synced.
        """
        incident = await self._found(command.arguments[0])
        kind = self._catalogue.kinds.get(incident.kind)
        verb = next((v for v in kind.verbs if v.effect is Effect.ACT), None) if kind else None
        if kind is None or verb is None:
            raise UserError("incident-not-synced", id=incident.short, name=incident.name)
        spec = self._catalogue.by_permission[f"{kind.name}:{verb.name}"]
        return Command(spec, (incident.record_id,))

    async def _found(self, text: str) -> Incident:
        """Return the incident of an id, else the open one of the record that is called so."""
        found = await self._store.find_incident(text)
        if found is not None:
            return found
        open_ones = _about(await self._store.open_incidents(), text)
        if not open_ones:
            raise UserError("incident-missing", id=text)
        if len(open_ones) > 1:
            which = ", ".join(f"{each.short} ({each.name})" for each in open_ones[:CANDIDATES])
            raise UserError("incident-ambiguous", id=text, incidents=which)
        return open_ones[0]

    async def _save(self, tx: Transaction, after: Incident) -> None:
        await tx.save_incidents([after])
        await self._fanout.tell(tx, [after])
        due = due_again(after)
        if due is not None:
            await tx.add_job(ASK_JOB, after.id, due)

    def _alarm(self, incident: Incident, now: datetime) -> Alarm:
        return Alarm(self._catalogue.kinds.get(incident.kind), incident, now)


def _about(incidents: Sequence[Incident], text: str) -> Sequence[Incident]:
    """Return the incidents whose record is meant: by its id, else its name, else its id's beginning.

    Names and beginnings match in any case, as they do for records.
    """
    folded = text.casefold()
    by_id = [each for each in incidents if each.record_id == text]
    by_name = [each for each in incidents if each.name.casefold() == folded]
    if by_id or by_name or len(folded) < PREFIX_MIN:
        return by_id or by_name
    return [each for each in incidents if each.record_id.casefold().startswith(folded)]


def _pressed_root(request: Request) -> str | None:
    """Return the message whose button was pressed, if it stands by itself.

    A card in a chat may be an answer as well; it is as good to be kept up to date.
    """
    where, pressed = request.reference, request.reference.reply_to
    if not request.is_in_card or pressed is None:
        return None
    is_root = where.conversation in {where.root, f"{where.root};messageid={pressed}"}
    return pressed if is_root else None


def _length(command: Command) -> timedelta:
    wanted = command.options.get(SNOOZE_FOR.name) or SNOOZE_FOR.default or ""
    length = parse_duration(wanted)
    if length is None or not timedelta(0) < length <= LONGEST_SNOOZE:
        raise UserError("snooze-unread", value=wanted)
    return length
