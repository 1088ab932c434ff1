"""What waits can be searched by its verb and by the roles that may decide it."""

import json
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
PAGE = 500


def upgrade() -> None:
    """Add both columns and fill them from the documents that hold them already."""
    op.add_column("operation", sa.Column("verb", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "approval", sa.Column("approvers", sa.Text(), nullable=False, server_default="[]")
    )
    _fill("operation", "id", "plan", "verb", _verb)
    _fill("approval", "operation_id", "document", "approvers", _approvers)


def _verb(plan: str) -> str:
    return str(json.loads(plan)["verb"])


def _approvers(approval: str) -> str:
    names = json.loads(approval)["rule"]["approvers"]
    return json.dumps(names, ensure_ascii=False, separators=(",", ":"))


def _fill(table: str, key: str, source: str, target: str, derive: Callable[[str], str]) -> None:
    """Set a column of every row from another, page by page."""
    rows = sa.table(table, sa.column(key), sa.column(source), sa.column(target))
    connection, last = op.get_bind(), ""
    while True:
        page = connection.execute(
            sa.select(rows.c[key], rows.c[source])
            .where(rows.c[key] > last)
            .order_by(rows.c[key])
            .limit(PAGE)
        ).all()
        for row_id, document in page:
            connection.execute(
                sa.update(rows).where(rows.c[key] == row_id).values({target: derive(document)})
            )
            last = row_id
        if len(page) < PAGE:
            return
