"""Operations as rows: every step is one compare-and-set."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, Select, delete, func, insert, or_, select, update

from bot.domain.operation import Actor, Operation, Result, State
from bot.store.lane import Session
from bot.store.tables import operation as table, operation_target as targets

COLUMNS = tuple(
    column for column in table.c if column.name not in {"target_id", "target_name", "verb"}
)

CHUNK = 1000
"""How many rows one statement inserts: databases limit its parameters."""


async def add(session: Session, operation: Operation, client_request_id: str) -> None:
    """Insert an operation."""
    target_id = operation.result.target_id or operation.plan.target_id
    await session.change(
        insert(table).values(
            id=operation.id,
            short=operation.short,
            state=operation.state,
            kind=operation.plan.kind,
            verb=operation.plan.verb,
            target_id=None if target_id is None else target_id.casefold(),
            target_name=operation.plan.target_name.casefold(),
            command=operation.command,
            plan=operation.plan,
            actor_tenant=operation.actor.tenant,
            actor_oid=operation.actor.oid,
            actor_name=operation.actor.name,
            conversation=operation.conversation,
            reason=operation.reason,
            result=operation.result,
            client_request_id=client_request_id,
            created_at=operation.created_at,
            updated_at=operation.updated_at,
        )
    )
    await _add_targets(session, operation)


async def _add_targets(session: Session, operation: Operation) -> None:
    """Let an operation on several targets be found by each of them."""
    names = {i.target_id.casefold(): i.target_name.casefold() for i in operation.plan.items}
    rows = [
        {"operation_id": operation.id, "target_id": target_id, "target_name": name}
        for target_id, name in names.items()
    ]
    for start in range(0, len(rows), CHUNK):
        await session.change(insert(targets).values(rows[start : start + CHUNK]))


async def move(
    session: Session,
    operation_id: str,
    *,
    source: State,
    target: State,
    result: Result | None,
    now: datetime,
) -> bool:
    """Set the state (and the result) of an operation that is in `source`; False when it is not."""
    values: dict[str, object] = {"state": target, "updated_at": now}
    if result is not None:
        values["result"] = result
        # What was created has an id only now, and history is asked for by it.
        created = None if result.target_id is None else result.target_id.casefold()
        values["target_id"] = func.coalesce(table.c.target_id, created)
    statement = update(table).where(table.c.id == operation_id, table.c.state == source)
    return await session.change(statement.values(**values)) == 1


async def replan(session: Session, operation: Operation, now: datetime) -> bool:
    """Replace what an operation in state `waiting` would do; False when it does not wait."""
    statement = update(table).where(table.c.id == operation.id, table.c.state == State.WAITING)
    changed = statement.values(
        command=operation.command,
        plan=operation.plan,
        reason=operation.reason,
        updated_at=now,
    )
    if await session.change(changed) != 1:
        return False
    await session.change(delete(targets).where(targets.c.operation_id == operation.id))
    await _add_targets(session, operation)
    return True


async def get(session: Session, operation_id: str) -> Operation | None:
    """Return an operation by its full id."""
    row = await session.first(select(*COLUMNS).where(table.c.id == operation_id))
    return None if row is None else of_row(row)


async def client_request_id(session: Session, operation_id: str) -> str | None:
    """Return the id that the operation's Graph request carries."""
    row = await session.first(select(table.c.client_request_id).where(table.c.id == operation_id))
    return None if row is None else row["client_request_id"]


async def find(session: Session, text: str) -> Operation | None:
    """Return an operation by its short or full id, in any case."""
    spellings = {text, text.upper(), text.lower()}
    statement = select(*COLUMNS).where(
        or_(table.c.short.in_(spellings), table.c.id.in_(spellings))
    )
    row = await session.first(statement)
    return None if row is None else of_row(row)


async def is_short_free(session: Session, short: str) -> bool:
    """Whether no operation has that short id, in any case."""
    spellings = {short, short.upper(), short.lower()}
    return await session.first(select(table.c.id).where(table.c.short.in_(spellings))) is None


async def newest(
    session: Session, *, tenant: str | None, target: str | None, offset: int, limit: int
) -> Sequence[Operation]:
    """Return operations newest first; `target` is a record's id or name, in any case."""
    statement: Select[*tuple[object, ...]] = select(*COLUMNS)
    if tenant is not None:
        statement = statement.where(table.c.actor_tenant == tenant)
    if target is not None:
        folded = target.casefold()
        one_of_many = select(targets.c.operation_id).where(
            or_(targets.c.target_id == folded, targets.c.target_name == folded)
        )
        statement = statement.where(
            or_(
                table.c.target_id == folded,
                table.c.target_name == folded,
                table.c.id.in_(one_of_many),
            )
        )
    statement = statement.order_by(table.c.created_at.desc(), table.c.id.desc())
    rows = await session.all(statement.offset(offset).limit(limit))
    return tuple(of_row(row) for row in rows)


async def changed_since(session: Session, kind: str, since: datetime) -> Sequence[Operation]:
    """Return the operations on a kind that changed since, newest first."""
    rows = await session.all(
        select(*COLUMNS)
        .where(table.c.kind == kind, table.c.updated_at >= since)
        .order_by(table.c.updated_at.desc(), table.c.id)
    )
    return tuple(of_row(row) for row in rows)


def of_row(row: RowMapping) -> Operation:
    """Return the operation that a row with `COLUMNS` holds."""
    return Operation(
        id=row["id"],
        short=row["short"],
        state=State(row["state"]),
        command=row["command"],
        plan=row["plan"],
        actor=Actor(row["actor_tenant"], row["actor_oid"], row["actor_name"]),
        conversation=row["conversation"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        reason=row["reason"],
        result=row["result"],
    )
