"""The records of one Graph collection, whatever their kind.

A collection is declared, not programmed: its path, its type, its enumerations, its actions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from bot.sandbox.journal import JsonObject
from bot.sandbox.wire import NewId, Now, RefusedError


@dataclass(frozen=True, slots=True)
class Action:
    """A POST to `{id}/{name}` after which the time in property `moves` goes forward.

    `argument` must be in the body with one of `values`; None: no body is looked at. With
    `returns_record` the answer is 200 with the record instead of 204.
    """

    name: str
    moves: str
    argument: str | None = None
    values: frozenset[str] = frozenset()
    returns_record: bool = False


SYNC = Action("sync", "lastSyncDateTime", "syncType", frozenset({"fullSync", "deltaSync"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What Graph knows about a kind of record.

    `path` has no slash at its ends. A new record shows each of `properties` that it lacks as
    null. Values of a property in `enums` must be among those listed.
    """

    path: str
    odata_type: str
    properties: tuple[str, ...] = ()
    enums: Mapping[str, frozenset[str]] = field(default_factory=dict)
    actions: tuple[Action, ...] = (SYNC,)
    versions: frozenset[str] = frozenset({"v1.0", "beta"})

    @property
    def segments(self) -> list[str]:
        """The path's parts."""
        return self.path.split("/")


class Table:
    """The records of a collection in order of creation.

    `action_delay` is how long an action takes to show on the clock; None: it never does.
    """

    def __init__(self, collection: Collection, *, now: Now, new_id: NewId) -> None:
        self.collection = collection
        self.action_delay: timedelta | None = timedelta(0)
        self._now = now
        self._new_id = new_id
        self._records: dict[str, JsonObject] = {}
        self._due: dict[tuple[str, str], datetime] = {}

    @property
    def records(self) -> dict[str, JsonObject]:
        """The records by id as of now, for looking at; change them with `change`."""
        now = self._now()
        for (record, moved), due in list(self._due.items()):
            if due <= now:
                del self._due[record, moved]
                if record in self._records:
                    self._records[record][moved] = graph_time(due)
        return dict(self._records)

    def state(self) -> JsonObject:
        """Return everything there is, as JSON, to `restore` it."""
        due = [[*key, moment.isoformat()] for key, moment in self._due.items()]
        return {"records": list(self.records.values()), "due": due}

    def restore(self, state: JsonObject) -> None:
        """Hold what there was, and nothing else."""
        self._records = {record["id"]: record for record in state["records"]}
        self._due = {
            (record, moved): datetime.fromisoformat(moment)
            for record, moved, moment in state["due"]
        }

    def add(self, properties: JsonObject) -> JsonObject:
        """Create a record, with the id given in `properties` or a new one, and return it."""
        self._check_enums(properties)
        missing: JsonObject = dict.fromkeys(self.collection.properties)
        record = {
            "@odata.type": self.collection.odata_type,
            "id": self._new_id(),
            **missing,
            **properties,
        }
        self._records[record["id"]] = record
        return dict(record)

    def create(self, properties: JsonObject) -> JsonObject:
        """Create a record as a client does: Graph chooses the id."""
        _check_body(properties)
        return self.add({key: properties[key] for key in properties if key not in _READ_ONLY})

    def get(self, record: str) -> JsonObject:
        """Return one record, or refuse as Graph does."""
        if record not in self.records:
            raise RefusedError(404, "ResourceNotFound", f"Resource '{record}' does not exist.")
        return dict(self._records[record])

    def change(self, record: str, properties: JsonObject) -> JsonObject:
        """Set properties of a record and return it whole."""
        found = self.get(record)
        _check_body(properties)
        self._check_enums(properties)
        for key in properties.keys() - _READ_ONLY:
            found[key] = properties[key]
        self._records[record] = found
        return dict(found)

    def remove(self, record: str) -> None:
        """Delete a record."""
        self.get(record)
        del self._records[record]

    def act(self, record: str, name: str, body: JsonObject) -> JsonObject | None:
        """Start an action on a record; return the record where the action answers with it."""
        found = self.get(record)
        known = {action.name: action for action in self.collection.actions}
        action = known.get(name.removeprefix("microsoft.graph."))
        if action is None:
            raise unknown_segment(name)
        if action.argument is not None and body.get(action.argument) not in action.values:
            message = f"{action.argument} must be one of {', '.join(sorted(action.values))}."
            raise RefusedError(400, "BadRequest", message)
        if self.action_delay is not None:
            self._due[record, action.moves] = self._now() + self.action_delay
        return found if action.returns_record else None

    def _check_enums(self, properties: JsonObject) -> None:
        for name in self.collection.enums.keys() & properties.keys():
            if properties[name] not in self.collection.enums[name]:
                message = f"Cannot convert the value '{properties[name]}' of '{name}'."
                raise RefusedError(400, "BadRequest", message)


_READ_ONLY = frozenset({"id", "@odata.type"})


def _check_body(properties: JsonObject) -> None:
    if not properties:
        raise RefusedError(400, "BadRequest", "Empty Payload. JSON content expected.")


def unknown_segment(segment: str) -> RefusedError:
    """Return Graph's refusal of a path that leads nowhere."""
    message = f"Resource not found for the segment '{segment}'."
    return RefusedError(400, "BadRequest", message)


def graph_time(moment: datetime, zone: tzinfo = UTC) -> str:
    """Return a time as Graph writes it: .NET's seven fractional digits, `Z` for UTC."""
    local = moment.astimezone(zone)
    offset = (
        "Z" if local.utcoffset() == timedelta(0) else f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:]
    )
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond:06d}0{offset}"
