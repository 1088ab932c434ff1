"""Small pieces of replies: facts of records, statuses as tones, faults, buttons that read."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from pydantic import JsonValue

from bot.domain.command import CommandSpec
from bot.domain.errors import GraphFault
from bot.domain.resource import ResourceKind, Severity, Values, ValueType, moment
from bot.domain.values import settable
from cards import words
from cards.frame import Button
from cards.help import Argument
from cards.parts import Fact, Fault, Named
from cards.signs import Tone
from cards.text import fill
from cards.times import ago, exact, near, within

RUN_VERB = "run"
SHORT = 8
TONES = {
    Severity.GOOD: Tone.GOOD,
    Severity.NEUTRAL: Tone.NEUTRAL,
    Severity.WARNING: Tone.WARNING,
    Severity.CRITICAL: Tone.CRITICAL,
}


def run_button(title: str, command: str) -> Button:
    """Return a button that carries a reading command; it is judged anew when pressed."""
    return Button(title, RUN_VERB, {"command": command})


def page_buttons(command: str, page: int, *, has_more: bool) -> tuple[Button, ...]:
    """Return what leads to the page before and the page after, as far as there are such."""
    buttons = []
    if page > 1:
        buttons.append(run_button(words.PREVIOUS_BUTTON, f"{command} --page {page - 1}"))
    if has_more:
        buttons.append(run_button(words.NEXT_BUTTON, f"{command} --page {page + 1}"))
    return tuple(buttons)


def typed(name: str) -> str:
    """Return a name as one word of a command."""
    return f'"{name}"' if " " in name else name


def short_of(record_id: str) -> str:
    """Return the start of an id, which names a record wherever no other begins like it."""
    return record_id[:SHORT]


def told_apart(records: Iterable[tuple[str, str]]) -> tuple[Named, ...]:
    """Return records of one card by name and id as they are told apart: twins by their ids."""
    known = tuple(records)
    names = Counter(name.casefold() for name, _ in known)
    starts = Counter((name.casefold(), short_of(record_id)) for name, record_id in known)

    def mark(name: str, record_id: str) -> str:
        if names[name.casefold()] == 1:
            return ""
        start = short_of(record_id)
        return start if starts[name.casefold(), start] == 1 else record_id

    return tuple(Named(name, mark(name, record_id)) for name, record_id in known)


def shown(value: JsonValue) -> str:
    """Return a property's value as text; empty for not set."""
    return "" if value is None else str(value)


def status_of(kind: ResourceKind, values: Values, now: datetime | None) -> tuple[str, Tone]:
    """Return a record's status word and how bad it is; a good one seen long ago is a warning."""
    is_silent = now is not None and kind.is_silent(values, now)
    return standing(shown(values.get(kind.status)), kind.severity_of(values), is_silent=is_silent)


def standing(status: str, severity: Severity, *, is_silent: bool) -> tuple[str, Tone]:
    """Return the word of a status and how bad it is; `is_silent` is one seen too long ago."""
    word, tone = status or words.NOT_SET, TONES[severity]
    if is_silent:
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


def caution_of(as_of: datetime | None, now: datetime) -> str:
    """Return how old what is shown is, where Graph could not be asked; empty where it was."""
    if as_of is None:
        return ""
    return fill(words.AS_OF, {"ago": ago(as_of, now), "at": near(as_of, now)})


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
    return f"{exact(when)} ({ago(when, now)})"


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
        *(Argument(f"{p.name}=", p.wire.about, settable(p)) for p in spec.properties),
        *((Argument("--<property>", words.FILTER_ABOUT, filters),) if filters else ()),
        *(
            Argument(f"--{o.name}", o.about, tuple(o.choices))
            for o in spec.options
            if not o.is_filter
        ),
    )


def notes_on(spec: CommandSpec, kind: ResourceKind | None) -> tuple[str, ...]:
    """Return what other words there are for a command, or which other command does the same."""
    command = f"/{spec.title}"
    before = command.removesuffix(spec.verb)
    also = [fill(words.ALSO, {"also": f"{before}{a}", "command": command}) for a in spec.aliases]
    verb = kind.verb(spec.verb) if kind else None
    if kind is None or verb is None or verb.ref_path is None:
        return tuple(also)
    plain = next((v for v in kind.verbs if v.effect is verb.effect and v is not verb), None)
    same = [fill(words.LIKE_CREATE, {"command": f"{before}{plain.name}"})] if plain else []
    return (*also, *same)
