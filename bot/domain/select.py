"""Which of the records that Graph gave are meant: found by name or id, filtered, put in order."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from bot.domain.command import Command
from bot.domain.resource import Property, ResourceKind, Severity, Values, ValueType, moment
from bot.domain.text import parse_duration, similar

STALE = "stale"
SORT = "sort"
PREFIX_MIN = 4
NEAR_MAX = 3
_NEVER = datetime.min.replace(tzinfo=UTC)
_BADNESS = {severity: rank for rank, severity in enumerate(Severity)}


def find(kind: ResourceKind, records: Sequence[Values], target: str) -> tuple[Values, ...]:
    """Return the records meant by `target`: by exact id, else by name, else by an id's beginning.

    Names and beginnings match in any case; a beginning has at least 4 characters.
    """
    folded = target.casefold()
    by_id = tuple(r for r in records if _text(r.get("id")) == target)
    by_name = tuple(r for r in records if any(n.casefold() == folded for n in _names(kind, r)))
    if by_id or by_name or len(folded) < PREFIX_MIN:
        return by_id or by_name
    return tuple(r for r in records if _text(r.get("id")).casefold().startswith(folded))


def near(kind: ResourceKind, records: Sequence[Values], target: str) -> tuple[str, ...]:
    """Return names that look like `target` or begin with it, best first, at most three."""
    names = dict.fromkeys(name for record in records for name in _names(kind, record))
    folded = target.casefold()
    longer = (name for name in names if folded and name.casefold().startswith(folded))
    return tuple(dict.fromkeys((*similar(target, names), *longer)))[:NEAR_MAX]


def _names(kind: ResourceKind, values: Values) -> tuple[str, ...]:
    return tuple(name for p in kind.identities if (name := _text(values.get(p.name))))


def _text(value: JsonValue) -> str:
    return "" if value is None else str(value)


def filters_of(command: Command) -> tuple[tuple[str, str], ...]:
    """Return the options that choose records, in the order the command declares them."""
    return tuple(
        (option.name, command.options[option.name])
        for option in command.spec.options
        if option.name in command.options and (option.is_filter or option.name == STALE)
    )


def arrange(
    kind: ResourceKind,
    records: Sequence[Values],
    options: Mapping[str, str],
    now: datetime,
    *,
    to_change: bool = False,
) -> tuple[Values, ...]:
    """Return the records that options ask for, worst first unless they name another order.

    Within one severity the one seen longest ago comes first; what was never seen is oldest of all.
    What is chosen `to_change` it is chosen narrowly: by a whole value, not by a part of it, and by
    an age only where there is one, for what was never seen may be new.
    """
    kept = [r for r in records if _fits(kind, r, options, now, to_change=to_change)]
    kept.sort(key=lambda record: (kind.name_of(record).casefold(), _text(record.get("id"))))
    wanted = options.get(SORT, "")
    by = kind.property(wanted.removeprefix("-"))
    if by is None:
        kept.sort(key=lambda record: (-_BADNESS[kind.severity_of(record)], _seen(kind, record)))
    elif by.wire.type is ValueType.TIME:
        kept.sort(key=lambda record: _instant(record.get(by.name)), reverse=wanted[0] == "-")
    else:
        kept.sort(key=lambda record: _folded(record, by), reverse=wanted[0] == "-")
    return tuple(kept)


def _fits(
    kind: ResourceKind,
    record: Values,
    options: Mapping[str, str],
    now: datetime,
    *,
    to_change: bool,
) -> bool:
    if STALE in options:
        longer_than = parse_duration(options[STALE])
        seen = moment(record.get(kind.last_seen))
        # A filter that cannot be read lets nothing through: what fits may be deleted.
        if longer_than is None or (seen is None and to_change):
            return False
        if seen is not None and now - seen <= longer_than:
            return False
    return all(
        _has(record, p, options[p.name], is_whole=to_change or bool(p.wire.choices))
        for p in kind.properties
        if p.name in options
    )


def _has(record: Values, wanted: Property, value: str, *, is_whole: bool) -> bool:
    text = _folded(record, wanted)
    return text == value.casefold() if is_whole else value.casefold() in text


def _folded(record: Values, by: Property) -> str:
    return _text(record.get(by.name)).casefold()


def _seen(kind: ResourceKind, record: Values) -> datetime:
    return _instant(record.get(kind.last_seen))


def _instant(value: JsonValue) -> datetime:
    return moment(value) or _NEVER
