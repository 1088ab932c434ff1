"""Approvals: what an operation waits for before it may run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the approvals."""
    op.create_table(
        "approval",
        sa.Column("operation_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", name="approval_pk"),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["operation.id"],
            name="approval_operation_id_fk",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("approval_expires_at_idx", "approval", ["expires_at"])
