"""Many requests that wait, made from one without going through the bot."""

from sqlalchemy import text

from bot.domain.operation import Operation
from bot.store.database import Database
from bot.store.tables import approval, operation as table

SERIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"


async def crowd(database: Database, like: Operation, count: int) -> None:
    """Add `count` copies of an operation that waits; they lapse before it, in their order."""
    names = [column.name for column in table.c if column.name not in {"id", "short"}]
    others = [c.name for c in approval.c if c.name not in {"operation_id", "expires_at"}]
    statements = (
        f"INSERT INTO operation (id, short, {', '.join(names)}) {SERIES}"  # noqa: S608 - own names
        f" SELECT id || '-' || i, short || '-' || i, {', '.join(names)}"
        " FROM operation, n WHERE id = :id",
        f"INSERT INTO approval (operation_id, expires_at, {', '.join(others)}) {SERIES}"  # noqa: S608
        f" SELECT operation_id || '-' || i, expires_at - :count + i - 1, {', '.join(others)}"
        " FROM approval, n WHERE operation_id = :id",
        f"INSERT INTO operation_target (operation_id, target_id, target_name) {SERIES}"  # noqa: S608
        " SELECT operation_id || '-' || i, target_id, target_name"
        " FROM operation_target, n WHERE operation_id = :id",
    )
    async with database.write() as session:
        for statement in statements:
            await session.change(text(statement).bindparams(count=count, id=like.id))
