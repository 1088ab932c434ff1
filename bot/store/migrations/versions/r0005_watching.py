"""Watching: snapshots, incidents, who is told, what was told, how fast; letters that are dead."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what watching needs."""
    op.add_column("job", sa.Column("dead_at", sa.BigInteger()))
    op.add_column(
        "conversation", sa.Column("failures", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("job", sa.Column("doubts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("job", sa.Column("streak", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("conversation", sa.Column("blocked", sa.Text()))
    op.add_column("conversation", sa.Column("team", sa.Text()))
    op.add_column("conversation", sa.Column("name", sa.Text()))
    op.create_index("conversation_tenant_team_idx", "conversation", ["tenant", "team"])
    _create_snapshot_and_throttle()
    _create_incident()
    _create_subscription_and_post()


def _create_snapshot_and_throttle() -> None:
    op.create_table(
        "snapshot",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.BigInteger()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text()),
        sa.PrimaryKeyConstraint("kind", name="snapshot_pk"),
    )
    op.create_table(
        "throttle",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("lane", name="throttle_pk"),
    )


def _create_incident() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("short", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("is_flapping", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="incident_pk"),
        sa.UniqueConstraint("short", name="incident_short_key"),
    )
    op.create_index(
        "incident_kind_record_id_changed_at_idx", "incident", ["kind", "record_id", "changed_at"]
    )
    op.create_index(
        "incident_open_key",
        "incident",
        ["kind", "record_id"],
        unique=True,
        sqlite_where=sa.text("stage = 'open'"),
        postgresql_where=sa.text("stage = 'open'"),
    )


def _create_subscription_and_post() -> None:
    op.create_table(
        "subscription",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("short", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="subscription_pk"),
        sa.UniqueConstraint("short", name="subscription_short_key"),
    )
    op.create_index("subscription_tenant_root_idx", "subscription", ["tenant", "root"])
    op.create_table(
        "post",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("activity_id", sa.Text()),
        sa.Column("revision_sent", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.BigInteger()),
        sa.Column("held_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="post_pk"),
        sa.UniqueConstraint(
            "incident_id", "tenant", "root", name="post_incident_id_tenant_root_key"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="post_incident_id_fk"),
    )
    op.create_index("post_subscription_id_idx", "post", ["subscription_id"])
