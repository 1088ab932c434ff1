"""What happened, line by line: the sentence of an event or a turn, its word, what it changed."""

from datetime import datetime

from bot.domain.incident import STEADY_AFTER, Incident, StoryTurn, Told
from bot.domain.resource import ResourceKind
from bot.domain.watch import Event, Happening
from bot.teams.reply_operation import changes_of
from cards import watch_words, words
from cards.incident import Line
from cards.parts import Change
from cards.text import fill, joined
from cards.times import near, span

_DEEDS = frozenset({Happening.APPEARED, Happening.REMOVED, Happening.CHANGED})


def event_sentence(event: Event, kind: ResourceKind | None) -> str:
    """Return what happened, in a sentence."""
    return watch_words.happened(_code(event), _values(event, kind))


def event_word(event: Event, kind: ResourceKind | None) -> str:
    """Return what happened, as it stands behind a name."""
    return watch_words.happened_word(_code(event), _values(event, kind))


def last_event(incident: Incident) -> Event | None:
    """Return the last event of a story; None for a story without one."""
    return next((told.event for told in reversed(incident.lines) if told.event), None)


def line_of(told: Told, kind: ResourceKind | None, now: datetime) -> Line:
    """Return one line of a story, with the command that shows what the bot itself did."""
    at = near(told.at, now)
    if told.event is None:
        values = {"steady": span(STEADY_AFTER)}
        return Line(at, watch_words.turned((told.turn or StoryTurn.STEADY).value, values))
    event = told.event
    text = event_sentence(event, kind)
    shows = fill(watch_words.HISTORY_TWIN, {"id": event.operation}) if event.operation else ""
    return Line(at, text, shows)


def line_word(told: Told, kind: ResourceKind | None, now_is: str) -> str:
    """Return what one line tells, as it stands behind a name; `now_is` is how it stands now."""
    if told.event is None:
        return watch_words.turned_word((told.turn or StoryTurn.STEADY).value, {"word": now_is})
    return event_word(told.event, kind)


def edits_of(told: Told) -> tuple[Change, ...]:
    """Return what somebody changed outside the bot, as far as this line tells of it."""
    event = told.event
    if event is None or event.happening is not Happening.CHANGED or event.operation:
        return ()
    return changes_of(event.differences)


def latest_edit(lines: tuple[Told, ...]) -> tuple[Change, ...]:
    """Return the last thing that somebody changed outside the bot."""
    return next((edits for told in reversed(lines) if (edits := edits_of(told))), ())


def _code(event: Event) -> str:
    """Return the key of an event's sentence."""
    if event.operation and event.happening in _DEEDS:
        return f"{event.happening.value}:mine"
    if event.happening is Happening.BROKE and not event.before:
        return f"{event.happening.value}:found"
    return event.happening.value


def _values(event: Event, kind: ResourceKind | None) -> dict[str, str]:
    return {
        "before": event.before or words.NOT_SET,
        "after": event.after or words.NOT_SET,
        "limit": limit_of(kind),
        "operation": event.operation or "",
        "fields": joined(change.label for change in event.differences),
    }


def limit_of(kind: ResourceKind | None) -> str:
    """Return how long a record may be silent, in words."""
    return span(kind.stale_after) if kind else ""
