"""What a write would change, worked out before it happens and compared with what did."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from bot.domain.command import Command
from bot.domain.errors import UserError
from bot.domain.resource import Effect, ResourceKind, Values, Verb


@dataclass(frozen=True, slots=True)
class Change:
    """One property before and after; None stands for not set."""

    name: str
    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One of several targets, as it was seen."""

    target_id: str
    target_name: str
    before: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Plan:
    """One write, complete: what is sent to Graph and the state it was planned against.

    `target_id` is None for a create. `before` holds the target's values as they were seen. `known`
    holds the ids of records that already had the identity of the one to be created. `items` are the
    targets where there are several; `target_id` is None then.
    """

    kind: str
    verb: str
    effect: Effect
    target_id: str | None
    target_name: str
    changes: tuple[Change, ...]
    body: Mapping[str, JsonValue] | None
    before: Mapping[str, JsonValue] | None
    known: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()

    def single(self, item: Item) -> "Plan":
        """Return the plan for one of several targets."""
        return replace(
            self,
            target_id=item.target_id,
            target_name=item.target_name,
            before=item.before,
            items=(),
        )

    def fingerprint(self, volatile: frozenset[str]) -> str:
        """Return a hash of everything a decision about this plan rests on, volatile fields aside."""
        seen = {k: v for k, v in (self.before or {}).items() if k not in volatile}
        several = [
            [item.target_id, {k: v for k, v in item.before.items() if k not in volatile}]
            for item in self.items
        ]
        facts = [self.kind, self.verb, self.target_id, dict(self.body or {}), seen, several]
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def volatile_of(kind: ResourceKind) -> frozenset[str]:
    """Return the names of the properties that change by themselves."""
    return frozenset(p.name for p in kind.properties if p.wire.is_volatile)


def make_plan(
    kind: ResourceKind, command: Command, *, target: Values | None, others: tuple[Values, ...]
) -> Plan:
    """Work out what `command` would do to `target`, the record as it is now (None for a create).

    `others` are the records that exist, for a create.

    Raises:
        UserError: there is nothing to change, or nothing to name the new record by.
    """
    verb = kind.verb(command.spec.verb)
    if verb is None or command.spec.effect is None:
        raise UserError("unknown-command", token=command.spec.title)
    wanted = {name: value or None for name, value in command.changes.items()}
    if verb.effect is Effect.CREATE:
        return _creation(kind, verb.name, wanted, others)
    if target is None:
        raise UserError("target-missing", usage=command.spec.usage)
    changes = _changes(kind, target, wanted)
    body = action_body(verb, command)
    if verb.effect is Effect.UPDATE:
        if not wanted:
            raise UserError("changes-missing", usage=command.spec.usage)
        if not changes:
            raise UserError("nothing-to-change", name=kind.name_of(target))
        body = {"@odata.type": kind.odata_type, **{c.name: c.after for c in changes}}
    return Plan(
        kind=kind.name,
        verb=verb.name,
        effect=verb.effect,
        target_id=str(target["id"]),
        target_name=kind.name_of(target),
        changes=changes,
        body=body,
        before=dict(target),
    )


def action_body(verb: Verb, command: Command) -> dict[str, JsonValue] | None:
    """Return the body that a verb's options make; None for a verb without."""
    if not verb.options:
        return None
    return {
        option.wire: option.choices.get(value, value)
        for option in verb.options
        if option.wire and (value := command.options.get(option.name, option.default))
    }


def make_bulk_plan(kind: ResourceKind, command: Command, targets: tuple[Values, ...]) -> Plan:
    """Work out what `command` would do to several records, in their order.

    Raises:
        UserError: there is none.
    """
    verb = kind.verb(command.spec.verb)
    if verb is None or not targets:
        raise UserError("bulk-empty")
    items = tuple(Item(str(t["id"]), kind.name_of(t), dict(t)) for t in targets)
    return Plan(
        kind=kind.name,
        verb=verb.name,
        effect=verb.effect,
        target_id=None,
        target_name=f"{len(items)} {kind.plural if len(items) > 1 else kind.title}",
        changes=(),
        body=action_body(verb, command),
        before=None,
        items=items,
    )


def _creation(
    kind: ResourceKind,
    verb: str,
    wanted: Mapping[str, str | None],
    others: tuple[Values, ...],
) -> Plan:
    filled: dict[str, JsonValue] = {name: value for name, value in wanted.items() if value}
    if not any(p.name in filled for p in kind.identities):
        raise UserError("identity-missing", names=", ".join(p.name for p in kind.identities))
    return Plan(
        kind=kind.name,
        verb=verb,
        effect=Effect.CREATE,
        target_id=None,
        target_name=kind.name_of(filled),
        changes=_changes(kind, {}, {k: str(v) for k, v in filled.items()}),
        body={"@odata.type": kind.odata_type, **filled},
        before=None,
        known=equals_of(kind, filled, others),
    )


def equals_of(kind: ResourceKind, wanted: Values, records: Iterable[Values]) -> tuple[str, ...]:
    """Return the ids of the records that have the identity of the one wanted."""
    names = {p.name for p in kind.identities}
    identity = {name: value for name, value in wanted.items() if name in names and value}
    return tuple(str(r["id"]) for r in records if not differences(kind, identity, r))


def _changes(
    kind: ResourceKind, before: Values, wanted: Mapping[str, str | None]
) -> tuple[Change, ...]:
    return tuple(
        Change(p.name, p.label, _text(before.get(p.name)), wanted[p.name])
        for p in kind.properties
        if p.name in wanted and _text(before.get(p.name)) != wanted[p.name]
    )


def differences(kind: ResourceKind, wanted: Values, observed: Values) -> tuple[Change, ...]:
    """Return where `observed` is not what was asked for: `before` is wanted, `after` observed."""
    return tuple(
        Change(p.name, p.label, _text(wanted[p.name]), _text(observed.get(p.name)))
        for p in kind.properties
        if p.name in wanted and _text(wanted[p.name]) != _text(observed.get(p.name))
    )


def after_of(plan: Plan, observed: Values | None) -> dict[str, JsonValue] | None:
    """Return what was read back and is not as the plan saw it; None: nothing was read."""
    if observed is None:
        return None
    before = plan.before or {}
    return {
        name: value
        for name, value in observed.items()
        if name not in before or before[name] != value
    }


def _text(value: JsonValue) -> str | None:
    return None if value is None or value == "" else str(value)
