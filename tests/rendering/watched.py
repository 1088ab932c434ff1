"""What watching has to say, in every state, as the bot turns it into cards."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from bot.domain.care import acknowledge, ask_again, snooze
from bot.domain.incident import WHOLE, Cause, Incident, begin, follow, settle
from bot.domain.kinds import KINDS
from bot.domain.notices import (
    Alarm,
    DeadLetter,
    DeadLetters,
    Digest,
    Followup,
    Status,
    StatusCount,
    StatusRow,
    Topic,
    Watches,
    Watching,
    WatchRow,
)
from bot.domain.operation import Actor, Operation, State
from bot.domain.plan import Change, Plan
from bot.domain.resource import Effect, Severity, Values
from bot.domain.subscription import Quiet, Subscription
from bot.domain.watch import GRAPH, Event, Happening
from bot.teams.reply_watch import Watched, watch_reply
from cards.frame import Place, Rendered

PLACE = Place(cloud="Global", tenant="Contoso Ltd")
BEGAN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
NOW = BEGAN + timedelta(minutes=42)
TENANT = "c0de0000-0000-4000-8000-00000000c0de"
RECORD = "e11c1de8-0000-4000-8000-000000000001"
INCIDENT = "9Q4M0000000000000000000000"
EXCHANGE = KINDS[0]
CATALOGUE = {kind.name: kind for kind in KINDS}
ADA, OLI = (
    Actor(TENANT, f"0e0b1ec7-0000-4000-8000-00000000000{number}", name)
    for number, name in enumerate(("Ada Admin", "Oli Operator"), start=1)
)
ASKED = Operation(
    id="7F3K0000000000000000000000",
    short="7F3K",
    state=State.DONE,
    command="/exchange sync EXCH01",
    plan=Plan("exchange", "sync", Effect.ACT, RECORD, "EXCH01", (), None, None),
    actor=OLI,
    conversation="19:c0de@thread.tacv2",
    created_at=BEGAN,
    updated_at=BEGAN,
)
NIGHT = Quiet(time(22), time(7), "Europe/Berlin")
ALL = Subscription(
    id="W7K20000000000000000000000",
    short="W7K2",
    tenant=TENANT,
    root="19:c0de@thread.tacv2",
    kind="exchange",
    target=None,
    target_name="",
    minimum=Severity.NEUTRAL,
    quiet=NIGHT,
    holds_critical=False,
    by=ADA,
    created_at=BEGAN,
)
ONE = replace(
    ALL,
    id="W8A30000000000000000000000",
    short="W8A3",
    target=RECORD,
    target_name="EXCH01",
    minimum=Severity.CRITICAL,
    quiet=None,
    by=OLI,
)
EDITS = (
    Change("version", "Version", "15.1", "15.2"),
    Change("exchangeAlias", "Alias", None, "exch-primary"),
)


def event(happening: Happening, severity: Severity, minutes: float = 0) -> Event:
    """Return something that happened to EXCH01 so many minutes after it began."""
    before, after = {
        Happening.BROKE: ("connected", "disconnected"),
        Happening.EASED: ("disconnected", "connectionPending"),
        Happening.RECOVERED: ("disconnected", "connected"),
    }.get(happening, ("", "connected"))
    at = BEGAN + timedelta(minutes=minutes)
    return Event(happening, RECORD, "EXCH01", severity, at, before, after)


BROKE = event(Happening.BROKE, Severity.CRITICAL)
RECOVERED = event(Happening.RECOVERED, Severity.CRITICAL, 42)
CHANGED = replace(event(Happening.CHANGED, Severity.WARNING), differences=EDITS)
STALE = event(Happening.STALE, Severity.WARNING)
REMOVED = event(Happening.REMOVED, Severity.WARNING, 12)
UNREAD = Event(Happening.UNREAD, WHOLE, GRAPH, Severity.CRITICAL, BEGAN)


def mine(happened: Event) -> Event:
    """Return the same as done by an operation of the bot."""
    where = "19:c0de@thread.tacv2"
    return replace(happened, operation="7F3K", where=where, severity=Severity.NEUTRAL)


def story(*events: Event, is_quiet: bool = False) -> Incident:
    """Return the incident of these events, one look after the other."""
    kind = GRAPH if events[0].record_id == WHOLE else EXCHANGE.name
    told = begin(kind, events[0], incident_id=INCIDENT, short="9Q4M", is_quiet=is_quiet)
    for each in events:
        told = follow(told, [each], each.at)
    return told


def flapping() -> Incident:
    """Return an incident whose record turns every other minute, twenty times."""
    turns = (
        event(Happening.RECOVERED if n % 2 else Happening.BROKE, Severity.CRITICAL, n)
        for n in range(21)
    )
    return story(*turns)


OPEN = story(BROKE)
TAKEN = acknowledge(OPEN, ADA, BEGAN + timedelta(minutes=5))
SNOOZED = snooze(TAKEN, OLI, NOW, NOW + timedelta(hours=8))
FLAPPING = flapping()


def _alarms() -> dict[str, Alarm]:
    both = story(BROKE, replace(STALE, at=BEGAN + timedelta(minutes=20)), CHANGED)
    pending = story(BROKE, event(Happening.EASED, Severity.WARNING, 20))
    again = ask_again(TAKEN, NOW + timedelta(hours=4))
    shown = {
        "open-critical": OPEN,
        "open-warning": pending,
        "open-in-two-ways": both,
        "open-first-look": story(replace(BROKE, before="")),
        "acknowledged": TAKEN,
        "snoozed": SNOOZED,
        "asked-again": again,
        "flapping": FLAPPING,
        "flapping-but-well": follow(FLAPPING, [replace(RECOVERED, at=NOW)], NOW),
        "recovered": story(BROKE, RECOVERED),
        "recovered-unheard-of": story(RECOVERED),
        "noted-outside": story(CHANGED),
        "noted-own": story(mine(CHANGED)),
        "noted-new": story(event(Happening.APPEARED, Severity.NEUTRAL)),
        "removed": story(BROKE, REMOVED),
        "removed-own": story(mine(REMOVED)),
        "stale": story(STALE),
        "stale-retired": story(STALE, is_quiet=True),
    }
    late = {"asked-again": NOW + timedelta(hours=4)}
    alarms = {
        name: Alarm(EXCHANGE, incident, late.get(name, NOW), ALL)
        for name, incident in shown.items()
    }
    return {
        **alarms,
        "asked-for": replace(alarms["open-critical"], subscription=None),
        "one-record": replace(alarms["open-critical"], subscription=ONE),
        "graph-unread": Alarm(None, story(UNREAD), NOW, ALL),
    }


def _followups() -> dict[str, Followup]:
    back = story(BROKE, RECOVERED)
    edited = follow(OPEN, [replace(CHANGED, at=NOW)], NOW)
    moved = follow(OPEN, [mine(event(Happening.SYNCED, Severity.GOOD, 42))], NOW)
    calm = settle(FLAPPING, NOW)
    again = ask_again(TAKEN, NOW + timedelta(hours=4))
    read = story(UNREAD, replace(UNREAD, happening=Happening.READ, at=NOW))
    last = {"recovered": back, "edited": edited, "moved": moved, "steady": calm, "again": again}
    return {
        **{name: Followup(EXCHANGE, told, told.lines[-1:], NOW) for name, told in last.items()},
        "several": Followup(EXCHANGE, edited, edited.lines, NOW),
        "flapping": Followup(EXCHANGE, FLAPPING, FLAPPING.lines[-1:], NOW),
        "graph-read": Followup(None, read, read.lines[-1:], NOW),
    }


def _values(number: int, status: str, hours: int) -> Values:
    seen = (NOW - timedelta(hours=hours)).isoformat()
    return {
        "id": f"{RECORD[:-1]}{number}",
        "serverName": f"EXCH{number:02}",
        "status": status,
        "exchangeConnectorType": "hosted",
        "lastSyncDateTime": seen,
    }


def _statuses() -> dict[str, Status]:
    worst = (
        StatusRow(EXCHANGE, _values(1, "disconnected", 40), TAKEN),
        StatusRow(EXCHANGE, _values(4, "disconnected", 3), OPEN),
        StatusRow(EXCHANGE, _values(7, "connectionPending", 2), SNOOZED),
        StatusRow(EXCHANGE, _values(2, "connected", 90), FLAPPING),
        StatusRow(EXCHANGE, _values(3, "connected", 1)),
    )
    counts = (
        StatusCount(EXCHANGE.name, "connected", 15),
        StatusCount(EXCHANGE.name, "connected", 3, is_stale=True),
        StatusCount(EXCHANGE.name, "none", 3),
        StatusCount(EXCHANGE.name, "disconnected", 2),
        StatusCount(EXCHANGE.name, "connectionPending", 1),
    )
    full = Status(
        rows=worst,
        total=24,
        counts=counts,
        open_count=4,
        now=NOW,
    )
    well = replace(
        full, rows=worst[-1:], total=1, counts=(StatusCount(EXCHANGE.name, "connected", 1),)
    )
    return {
        "status": full,
        "status-well": replace(well, open_count=0),
        "status-empty": Status((), 0, (), 0, NOW),
        "status-as-of": replace(full, graph=story(UNREAD), as_of=NOW - timedelta(minutes=12)),
    }


def _subscriptions() -> dict[str, Watching | Watches]:
    every = replace(ALL, kind=None, minimum=Severity.GOOD, holds_critical=True)
    rows = (
        WatchRow(ALL, EXCHANGE, told_at=NOW - timedelta(minutes=5)),
        WatchRow(ONE, EXCHANGE),
        WatchRow(every, None, NOW - timedelta(days=2), 3, "403 BotNotInConversationRoster"),
    )
    everywhere = (replace(rows[2], blocked="Uninstalled", where="Alerts"), rows[0])
    return {
        "watching": Watching(ALL, EXCHANGE, is_on=True, open_count=3),
        "watching-one-record": Watching(ONE, EXCHANGE, is_on=True),
        "watching-everything": Watching(every, None, is_on=True, open_count=1, was_there=True),
        "unwatched": Watching(ALL, EXCHANGE, is_on=False),
        "watches": Watches(rows, 2, NOW),
        "watches-empty": Watches((), 0, NOW),
        "watches-all": Watches(everywhere, 0, NOW, is_all=True),
        "watches-all-page": Watches(
            everywhere, 0, NOW, is_all=True, page=2, has_more=True, shut_out=2
        ),
        "watches-all-empty": Watches((), 0, NOW, is_all=True),
    }


def _others() -> dict[str, Digest | DeadLetters]:
    held: tuple[Incident, ...] = (OPEN, story(STALE), story(BROKE, RECOVERED), story(CHANGED))
    lost, channel = "403 BotNotInConversationRoster", "19:c0de@thread.tacv2"
    letters = (
        DeadLetter(
            12, Topic.INCIDENT, OPEN, EXCHANGE, "Alerts", lost, BEGAN, 3, is_doubtful=False
        ),
        DeadLetter(
            11, Topic.INCIDENT, OPEN, EXCHANGE, channel, "503 Busy", BEGAN, 3, is_doubtful=True
        ),
        DeadLetter(
            9, Topic.OPERATION, ASKED, None, channel, "413 TooBig", BEGAN, 1, is_doubtful=False
        ),
        DeadLetter(
            8, Topic.DECISION, ASKED, None, channel, "NoToken", BEGAN, 9, is_doubtful=False
        ),
        DeadLetter(
            7,
            Topic.SUMMARY,
            ALL,
            EXCHANGE,
            "Alerts",
            "ChannelDeleted",
            BEGAN,
            0,
            is_doubtful=False,
        ),
        DeadLetter(4, Topic.GONE, None, None, "", "302 Found", BEGAN, 10, is_doubtful=False),
    )
    return {
        "digest": Digest(
            ALL,
            ((None, story(UNREAD)), *((EXCHANGE, each) for each in held)),
            NOW,
            total=1 + len(held),
        ),
        "digest-crowd": Digest(
            ALL, tuple((EXCHANGE, each) for each in held), NOW, total=240, is_crowd=True
        ),
        "dead": DeadLetters(letters, 12, NOW),
        "dead-replayed": DeadLetters(letters, 2, NOW, replayed=2),
        "dead-replayed-in-part": DeadLetters(letters, 4000, NOW, replayed=1000, is_part=True),
        "dead-empty": DeadLetters((), 0, NOW),
    }


def watched() -> dict[str, Watched]:
    """Return every outcome of watching in its states, by the name of its golden file."""
    return {
        **{f"alarm-{name}": alarm for name, alarm in _alarms().items()},
        **{f"followup-{name}": followup for name, followup in _followups().items()},
        **_statuses(),
        **_subscriptions(),
        **_others(),
    }


def watch_samples() -> dict[str, Rendered]:
    """Return the cards of all that."""
    return {name: rendered(outcome) for name, outcome in watched().items()}


def rendered(outcome: Watched) -> Rendered:
    """Return an outcome's card, at the time it speaks of."""
    now = NOW if isinstance(outcome, Watching) else outcome.now
    return watch_reply(outcome, PLACE, now, CATALOGUE)


def hostile(text: str) -> dict[str, Watched]:
    """Return the outcomes of watching with that text wherever people or Graph write."""
    who = replace(ADA, name=text)
    told = replace(ALL, target=RECORD, target_name=text, by=who)
    edits = tuple(Change("x", text, text, text) for _ in range(10))
    bad = replace(
        OPEN,
        name=text,
        record_id=text,
        problems=tuple(replace(OPEN.problems[0], cause=cause, status=text) for cause in Cause),
        lines=OPEN.lines * 20,
        is_flapping=True,
        is_quiet=True,
        flips=(BEGAN,) * 20,
    )
    changed = replace(CHANGED, name=text, before=text, after=text, differences=edits)
    bad = follow(bad, [changed] * 10, NOW)
    bad = replace(
        snooze(acknowledge(bad, who, NOW), who, NOW, NOW + timedelta(hours=1)), is_quiet=True
    )
    letter = DeadLetter(
        1, Topic.INCIDENT, bad, EXCHANGE, text, f"403 {text}", BEGAN, 9, is_doubtful=True
    )
    values: Values = {"id": text, "serverName": text, "status": text, "lastSyncDateTime": text}
    return {
        "alarm": Alarm(EXCHANGE, bad, NOW, told),
        "followup": Followup(EXCHANGE, bad, bad.lines, NOW),
        "digest": Digest(told, ((EXCHANGE, bad),) * 60, NOW, total=600),
        "watching": Watching(told, EXCHANGE, is_on=True, open_count=9, was_there=True),
        "watches": Watches((WatchRow(told, EXCHANGE, NOW, 9, text),) * 60, 9, NOW),
        "status": Status(
            rows=(StatusRow(EXCHANGE, values, bad),) * 60,
            total=999,
            counts=(StatusCount("exchange", text, 9),) * 20,
            open_count=60,
            now=NOW,
            graph=bad,
            as_of=BEGAN,
        ),
        "dead": DeadLetters((letter,) * 60, 99, NOW, 60),
    }
