"""Small pieces of replies: facts of records, statuses as tones, faults, buttons that read."""

from datetime import datetime

from pydantic import JsonValue

from bot.domain.command import CommandSpec
from bot.domain.errors import GraphFault
from bot.domain.resource import ResourceKind, Severity, Values, ValueType, moment
from cards import words
from cards.frame import Button
from cards.help import Argument
from cards.parts import Fact, Fault
from cards.signs import Tone
from cards.times import ago, exact, within

RUN_VERB = "run"
TONES = {
    Severity.GOOD: Tone.GOOD,
    Severity.NEUTRAL: Tone.NEUTRAL,
    Severity.WARNING: Tone.WARNING,
    Severity.CRITICAL: Tone.CRITICAL,
}


def run_button(title: str, command: str) -> Button:
    """Return a button that carries a reading command; it is judged anew when pressed."""
    return Button(title, RUN_VERB, {"command": command})


def shown(value: JsonValue) -> str:
    """Return a property's value as text; empty for not set."""
    return "" if value is None else str(value)


def status_of(kind: ResourceKind, values: Values, now: datetime | None) -> tuple[str, Tone]:
    """Return a record's status word and how bad it is; a good one seen long ago is a warning."""
    word, tone = shown(values.get(kind.status)) or words.NOT_SET, TONES[kind.severity_of(values)]
    is_seen = moment(values.get(kind.last_seen)) is not None
    if now is not None and is_seen and kind.is_stale(values, now):
        word = f"{word}, {words.STALE_WORD}"
        tone = Tone.WARNING if tone in {Tone.GOOD, Tone.NEUTRAL} else tone
    return word, tone


def seen_of(kind: ResourceKind, values: Values, now: datetime) -> tuple[str, str]:
    """Return when a record was last seen: relative and exact; unreadable text stays as it is."""
    raw = shown(values.get(kind.last_seen))
    when = moment(raw)
    if when is None:
        return (words.NEVER if not raw or raw.startswith("0001-") else raw), ""
    return ago(when, now), exact(when)


def facts_of(kind: ResourceKind, values: Values, now: datetime) -> tuple[Fact, ...]:
    """Return every declared property of a record, then its id, then what this bot does not know."""
    known = [
        Fact(p.label, _fact(p.wire.type, shown(values.get(p.name)), now)) for p in kind.properties
    ]
    names = {p.name for p in kind.properties} | {"id"}
    unknown = [
        Fact(name, shown(value)) for name, value in values.items() if name not in names and value
    ]
    return (*known, Fact("Id", shown(values.get("id"))), *unknown)


def _fact(kind: ValueType, text: str, now: datetime) -> str:
    if kind is not ValueType.TIME:
        return text
    when = moment(text)
    if when is None:
        return words.NEVER if not text or text.startswith("0001-") else text
    return f"{text} ({ago(when, now)})"


def fault_of(fault: GraphFault, retry_after_s: float | None) -> Fault:
    """Return Graph's error as cards take it."""
    return Fault(
        fault.status,
        fault.code,
        fault.message,
        request_id=fault.request_id or "",
        client_request_id=fault.client_request_id or "",
        retry=within(retry_after_s) if retry_after_s is not None else "",
    )


def arguments_of(spec: CommandSpec) -> tuple[Argument, ...]:
    """Return everything a command takes, in the order it is typed."""
    filters = tuple(option.name for option in spec.options if option.is_filter)
    return (
        *(Argument(f"<{a.name}>", a.about, a.choices) for a in spec.arguments),
        *(Argument(f"{p.name}=", p.wire.about, p.wire.choices) for p in spec.properties),
        *((Argument("--<property>", words.FILTER_ABOUT, filters),) if filters else ()),
        *(
            Argument(f"--{o.name}", o.about, tuple(o.choices))
            for o in spec.options
            if not o.is_filter
        ),
    )
