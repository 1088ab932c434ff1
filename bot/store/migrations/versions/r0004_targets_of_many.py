"""An operation on several targets can be found by each of them."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
PAGE = 500


def upgrade() -> None:
    """Create the table and fill it from the plans there are."""
    op.create_table(
        "operation_target",
        sa.Column("operation_id", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("target_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "target_id", name="operation_target_pk"),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["operation.id"],
            name="operation_target_operation_id_fk",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("operation_target_target_id_idx", "operation_target", ["target_id"])
    op.create_index("operation_target_target_name_idx", "operation_target", ["target_name"])
    _fill()


def _fill() -> None:
    operation = sa.table("operation", sa.column("id"), sa.column("plan"))
    names = ("operation_id", "target_id", "target_name")
    target = sa.table("operation_target", *(sa.column(name) for name in names))
    connection, last = op.get_bind(), ""
    while True:
        page = connection.execute(
            sa.select(operation.c.id, operation.c.plan)
            .where(operation.c.id > last)
            .order_by(operation.c.id)
            .limit(PAGE)
        ).all()
        for operation_id, plan in page:
            last = operation_id
            items = json.loads(plan).get("items", ())
            found = {i["target_id"].casefold(): i["target_name"].casefold() for i in items}
            rows = [dict(zip(names, (last, *each), strict=True)) for each in found.items()]
            if rows:
                connection.execute(sa.insert(target), rows)
        if len(page) < PAGE:
            return
