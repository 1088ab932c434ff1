"""Who wants to be told what, and when not: filters and quiet hours. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from re import compile as pattern
from zoneinfo import ZoneInfo

from bot.domain.errors import UserError
from bot.domain.operation import Actor
from bot.domain.resource import Severity
from bot.domain.watch import GRAPH, rank

_HOURS = pattern(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of every day in which only what is critical is told; `zone` is an IANA name."""

    start: time
    end: time
    zone: str

    def until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours end that `now` lies in, or None outside of them.

        Where the clocks go forward over the end, they end at the first moment after it.
        """
        zone = ZoneInfo(self.zone)
        local = now.astimezone(zone)
        for day in (local.date() - timedelta(days=1), local.date()):
            begins = datetime.combine(day, self.start, zone).astimezone(UTC)
            last = day if self.start < self.end else day + timedelta(days=1)
            ends = datetime.combine(last, self.end, zone).astimezone(UTC)
            if begins <= now < ends:
                return ends
        return None


def quiet_of(hours: str, zone: str) -> Quiet:
    """Return quiet hours from `22:00-07:00` and a time zone's IANA name.

    Raises:
        UserError: the hours cannot be read or are empty, or there is no such zone.
    """
    found = _HOURS.fullmatch(hours.strip())
    if found is None:
        raise UserError("quiet-unread", value=hours)
    start = time(int(found[1]), int(found[2]))
    end = time(int(found[3]), int(found[4]))
    if start == end:
        raise UserError("quiet-unread", value=hours)
    try:
        key = ZoneInfo(zone).key
    except (ValueError, OSError, KeyError) as error:
        # ZoneInfoNotFoundError is a KeyError; odd names end as ValueError or OSError.
        raise UserError("zone-unknown", value=zone) from error
    return Quiet(start, end, key)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one conversation wants to be told.

    `kind` None stands for every kind; `target` is a record's id, `target_name` what people call it.
    `holds_critical` keeps quiet hours for what is critical, too.
    """

    id: str
    short: str
    tenant: str
    root: str
    kind: str | None
    target: str | None
    target_name: str
    minimum: Severity
    quiet: Quiet | None
    holds_critical: bool
    by: Actor
    created_at: datetime

    def wants(self, kind: str, record_id: str, severity: Severity) -> bool:
        """Whether something of that severity about that record is to be told.

        That Graph cannot be read concerns everybody who waits for news of a record: what they wait
        for, however bad, would not be noticed.
        """
        if kind == GRAPH:
            return True
        is_about = self.kind in {None, kind} and self.target in {None, record_id}
        return is_about and rank(severity) >= rank(self.minimum)

    def held_until(self, severity: Severity, now: datetime) -> datetime | None:
        """Return until when something of that severity is held back, None: tell it now."""
        if self.quiet is None:
            return None
        if severity is Severity.CRITICAL and not self.holds_critical:
            return None
        return self.quiet.until(now)
