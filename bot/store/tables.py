"""Every table of the store. A change here needs a revision in `migrations/versions`."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from bot.domain.approval import Approval
from bot.domain.operation import Result
from bot.domain.plan import Plan
from bot.store.types import Document, Instant

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
    }
)

# `target_id` and `target_name` are case-folded for searching; the plan keeps them as they are.
operation = Table(
    "operation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("short", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target_id", Text),
    Column("target_name", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("plan", Document(Plan), nullable=False),
    Column("actor_tenant", Text, nullable=False),
    Column("actor_oid", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("reason", Text),
    Column("result", Document(Result), nullable=False),
    Column("client_request_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("short"),
    Index(None, "created_at"),
)

# `due_at` is timer, retry time and end of the lease at once. `token` is set while the job is
# claimed; `again_at` is when the work is wanted once more after the present claim.
job = Table(
    "job",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("again_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("token", Text),
    Column("error", Text),
    UniqueConstraint("kind", "subject"),
    Index(None, "due_at"),
)

# `document` is the whole approval with its votes; `expires_at` stands beside it to sort by.
approval = Table(
    "approval",
    metadata,
    Column(
        "operation_id",
        ForeignKey("operation.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("expires_at", Instant, nullable=False),
    Column("document", Document(Approval), nullable=False),
    Index(None, "expires_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("activity", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Index(None, "seen_at"),
)

# The reference is checked at commit, so that the order inside a transaction does not matter.
card = Table(
    "card",
    metadata,
    Column(
        "operation_id",
        ForeignKey("operation.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("tenant", Text, nullable=False),
    Column("service_url", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("conversation_kind", Text, nullable=False),
    Column("reply_to", Text),
    Column("activity_id", Text),
    Column("revision_wanted", Integer, nullable=False),
    Column("revision_sent", Integer, nullable=False),
)

# `root` is the conversation without the thread: what notifications are sent to.
conversation = Table(
    "conversation",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("root", Text, nullable=False),
    Column("service_url", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reply_to", Text),
    Column("updated_at", Instant, nullable=False),
    Index(None, "tenant", "root"),
)

# Triggers refuse UPDATE and DELETE; `at` is microseconds as they were hashed.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

# One row, the end of the chain; locked before a line is added.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

# Switches that hold for every replica; the row `pause` stands for stopped writes.
control = Table(
    "control",
    metadata,
    Column("name", Text, primary_key=True),
    Column("who", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("reason", Text),
)
