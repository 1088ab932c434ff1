"""What the bot itself did to a record, by its operations. Pure."""

from collections.abc import Iterator, Sequence

from bot.domain.operation import Operation, State
from bot.domain.plan import Change
from bot.domain.resource import Effect, ResourceKind, Values

_SENT = frozenset({State.EXECUTING, State.DONE, State.UNKNOWN})
_PERHAPS = frozenset({"not-applied", "changed-meanwhile"})
"""How a write failed that may take effect all the same; by every other failure it had none."""


def has_made(kind: ResourceKind, deed: Operation, record_id: str, values: Values) -> bool:
    """Whether an operation created a record: by its id, or by all that was asked for."""
    if deed.plan.effect is not Effect.CREATE or not _may_have_been(deed.state, deed.result.code):
        return False
    if deed.result.target_id is not None:
        return deed.result.target_id == record_id
    body = deed.plan.body or {}
    wanted = [(p.name, text_of(body[p.name])) for p in kind.properties if p.name in body]
    return all(text_of(values.get(name)) == text for name, text in wanted)


def setter_of(
    deeds: Sequence[Operation], effect: Effect, record_id: str, change: Change
) -> Operation | None:
    """Return the bot's operation that set a property to what it is now."""
    return next(
        (
            deed
            for deed in deeds_on(deeds, effect, record_id)
            if change.name in (deed.plan.body or {})
            and text_of((deed.plan.body or {})[change.name]) == change.after
        ),
        None,
    )


def deeds_on(deeds: Sequence[Operation], effect: Effect, record_id: str) -> Iterator[Operation]:
    """Yield the operations that had, or may have had, such an effect on a record."""
    for deed in deeds:
        if deed.plan.effect is effect and _may_have_touched(deed, record_id):
            yield deed


def _may_have_touched(deed: Operation, record_id: str) -> bool:
    """Whether an operation may have had its effect on a record; of several each by its own result."""
    if deed.plan.target_id is not None:
        is_target = deed.plan.target_id == record_id
        return is_target and _may_have_been(deed.state, deed.result.code)
    return any(
        item.target_id == record_id and _may_have_been(item.state, item.code)
        for item in deed.result.items
    )


def _may_have_been(state: State, code: str) -> bool:
    return state in _SENT or (state is State.FAILED and code in _PERHAPS)


def text_of(value: object) -> str | None:
    """Return a value of a record as it is compared: what is empty is not there."""
    return None if value is None or value == "" else str(value)
