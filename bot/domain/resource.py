"""The words a kind of resource is declared with: properties, verbs, options, severities.

Everything the bot does with a kind (commands, forms, cards, Graph requests, watching) follows from
one `ResourceKind`. A kind that needs a special case elsewhere is a word missing here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

Values: TypeAlias = Mapping[str, JsonValue]


class ValueType(StrEnum):
    """How a property's text is to be read."""

    TEXT = "text"
    EMAIL = "email"
    CHOICE = "choice"
    TIME = "time"
    DURATION = "duration"
    NUMBER = "number"


class Severity(StrEnum):
    """How bad a status is; the order of declaration is from calm to bad."""

    GOOD = "good"
    NEUTRAL = "neutral"
    WARNING = "warning"
    CRITICAL = "critical"


class Effect(StrEnum):
    """What a verb does to the far side; decides method, read-back and what may be repeated."""

    LIST = "list"
    GET = "get"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ACT = "act"

    @property
    def writes(self) -> bool:
        """Whether a command with this effect changes the far side."""
        return self not in {Effect.LIST, Effect.GET}


@dataclass(frozen=True, slots=True)
class Wire:
    """What a record model says of one of its fields, beside its type.

    `is_volatile` fields change by themselves: they are no drift and stand in no plan.
    `is_identity` fields name a record for people. `is_column` fields stand in lists.
    """

    label: str
    about: str
    type: ValueType = ValueType.TEXT
    choices: tuple[str, ...] = ()
    is_writable: bool = False
    is_volatile: bool = False
    is_identity: bool = False
    is_column: bool = False


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a kind: its name on the wire and what the model says of it."""

    name: str
    wire: Wire

    @property
    def label(self) -> str:
        """The name shown to people."""
        return self.wire.label

    @property
    def is_writable(self) -> bool:
        """Whether create and update may set it."""
        return self.wire.is_writable


class Record(BaseModel):
    """One resource as Graph gave it: wire names by alias, unknown properties and members kept.

    Times stay the text Graph sent, so that seven fractional digits and offsets survive.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        coerce_numbers_to_str=True,
        extra="allow",
        frozen=True,
        populate_by_name=True,
    )

    id: str

    def values(self) -> dict[str, JsonValue]:
        """Return the properties by wire name, without OData annotations."""
        dumped: dict[str, JsonValue] = self.model_dump(mode="json", by_alias=True)
        return {name: value for name, value in dumped.items() if not name.startswith("@")}


def moment(text: JsonValue) -> datetime | None:
    """Return the instant of a Graph time in UTC, or None for never (year 1) and unreadable text.

    Fractions beyond microseconds are cut: compare the text itself where they matter.
    """
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
        in_utc = parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        # Year 1 or 9999 with an offset may lie beyond what can be moved to UTC.
        return None
    return None if parsed.year <= 1 else in_utc


@dataclass(frozen=True, slots=True)
class Option:
    """A `--name value` of a command.

    `choices` maps what people type to what is meant; empty means free text. A flag takes no value.
    `wire` is the property of the request body it fills, where it fills one. `is_filter` marks those
    that choose records by a property: usage lines name them once for all. `needs` is another
    command's permission, without which the option may not be used. `is_typed_only` keeps it out of
    forms.
    """

    name: str
    about: str
    choices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    default: str | None = None
    is_flag: bool = False
    wire: str | None = None
    is_filter: bool = False
    needs: str | None = None
    type: ValueType = ValueType.TEXT
    is_typed_only: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """What can be done with a kind and how Graph is asked for it.

    `path` follows the collection (`""`, `"/{id}"`, `"/{id}/sync"`); `ref_path` replaces it when
    BOT_GRAPH_REF is on. `observes` names the property whose movement proves that an accepted
    action really happened.
    """

    name: str
    effect: Effect
    summary: str
    method: str
    path: str
    success: frozenset[int]
    options: tuple[Option, ...] = ()
    aliases: tuple[str, ...] = ()
    ref_path: str | None = None
    observes: str | None = None
    examples: tuple[str, ...] = ()
    in_menu: bool = False


@dataclass(frozen=True, slots=True)
class Retirement:
    """An end of support: `notice` explains it for records whose `name` has that `value`."""

    notice: str
    name: str
    value: str


@dataclass(frozen=True)
class ResourceKind:
    """One kind of resource, declared once.

    `path` is the collection below the API version. `stale_after` is how long `last_seen` may stand
    still before that is a finding. `retired` says which of its records are no longer supported.
    """

    name: str
    title: str
    plural: str
    path: str
    odata_type: str
    record: type[Record]
    verbs: tuple[Verb, ...]
    status: str
    severities: Mapping[str, Severity]
    last_seen: str
    stale_after: timedelta
    versions: frozenset[str] = frozenset({"v1.0", "beta"})
    retired: Retirement | None = None

    @cached_property
    def properties(self) -> tuple[Property, ...]:
        """Every declared property in the order of the record model."""
        return tuple(
            Property(info.alias or name, wire)
            for name, info in self.record.model_fields.items()
            for wire in info.metadata
            if isinstance(wire, Wire)
        )

    def property(self, name: str) -> Property | None:
        """Return the property of that wire name, in any case; None if there is none."""
        folded = name.casefold()
        return next((p for p in self.properties if p.name.casefold() == folded), None)

    @cached_property
    def writable(self) -> tuple[Property, ...]:
        """The properties create and update may set."""
        return tuple(p for p in self.properties if p.wire.is_writable)

    @cached_property
    def identities(self) -> tuple[Property, ...]:
        """The properties by which people name a record, best first."""
        return tuple(p for p in self.properties if p.wire.is_identity)

    @cached_property
    def columns(self) -> tuple[Property, ...]:
        """The properties shown in a list beside name, status and age."""
        return tuple(p for p in self.properties if p.wire.is_column)

    def verb(self, name: str) -> Verb | None:
        """Return the verb of that name or alias."""
        return next((v for v in self.verbs if name == v.name or name in v.aliases), None)

    def name_of(self, values: Values) -> str:
        """Return what people call a record: its first filled identity property, else its id."""
        for candidate in (*(p.name for p in self.identities), "id"):
            value = values.get(candidate)
            if isinstance(value, str) and value:
                return value
        return "?"

    def severity_of(self, values: Values) -> Severity:
        """Return how bad the record's status is; an unknown status is a warning."""
        return self.severities.get(str(values.get(self.status)), Severity.WARNING)

    def is_retired(self, values: Values) -> bool:
        """Whether support for such a record has ended."""
        return self.retired is not None and values.get(self.retired.name) == self.retired.value

    def is_stale(self, values: Values, now: datetime) -> bool:
        """Whether the record was last seen longer ago than the kind allows; never counts."""
        seen = moment(values.get(self.last_seen))
        return seen is None or now - seen > self.stale_after

    def is_silent(self, values: Values, now: datetime) -> bool:
        """Whether the record was seen once, but too long ago for its status to be believed."""
        return moment(values.get(self.last_seen)) is not None and self.is_stale(values, now)
