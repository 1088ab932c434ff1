"""Checkpoints of the audit: what stands at or before one may be deleted, and nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQLITE_GUARDS = (
    "DROP TRIGGER audit_no_delete",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
    " WHEN OLD.seq > coalesce((SELECT max(seq) FROM audit_checkpoint), 0)"
    " BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
)
POSTGRESQL_GUARDS = (
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF TG_OP = 'DELETE' THEN"
    " IF OLD.seq <= coalesce((SELECT max(seq) FROM audit_checkpoint), 0) THEN RETURN OLD; END IF;"
    " END IF;"
    " RAISE EXCEPTION 'the audit is append-only'; END $$",
)


def upgrade() -> None:
    """Create the table of checkpoints, and let the guards know it."""
    op.create_table(
        "audit_checkpoint",
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="audit_checkpoint_pk"),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_GUARDS if is_sqlite else POSTGRESQL_GUARDS:
        op.execute(statement)
