"""Every table of the store. A change here needs a revision in `migrations/versions`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.domain.approval import Approval
from bot.domain.incident import Incident
from bot.domain.operation import Result
from bot.domain.plan import Plan
from bot.domain.subscription import Subscription
from bot.domain.watch import Snapshot
from bot.service.ports import Promise
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
    Column("verb", Text, nullable=False, server_default=""),
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

# The targets of an operation on several, case-folded for searching.
operation_target = Table(
    "operation_target",
    metadata,
    Column(
        "operation_id",
        ForeignKey("operation.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("target_id", Text, primary_key=True),
    Column("target_name", Text, nullable=False),
    Index(None, "target_id"),
    Index(None, "target_name"),
)

# `due_at` is timer, retry time and end of the lease at once. `token` is set while the job is
# claimed; `again_at` is when the work is wanted once more after the present claim. What has a
# `dead_at` is not tried again before somebody wants it. `doubts` counts messages sent of which
# nobody knows whether they arrived.
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
    Column("dead_at", Instant),
    Column("doubts", Integer, nullable=False, server_default="0"),
    Column("streak", Integer, nullable=False, server_default="0"),
    UniqueConstraint("kind", "subject"),
    Index(None, "due_at"),
)

# `document` is the whole approval with its votes. `expires_at` stands beside it to sort by, and
# `approvers`, the names of their roles, to search by.
approval = Table(
    "approval",
    metadata,
    Column(
        "operation_id",
        ForeignKey("operation.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("expires_at", Instant, nullable=False),
    Column("approvers", Document(tuple[str, ...]), nullable=False, server_default="[]"),
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

promise = Table(
    "promise",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document", Document(Promise), nullable=False),
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

# `root` is the conversation without the thread: what notifications are sent to. `failures` counts
# refused messages in a row; `blocked` is the connector's code once it counts as unreachable, or
# what happened to it. `team` is what a channel belongs to: the bot is removed from it as a whole.
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
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("blocked", Text),
    Column("team", Text),
    Column("name", Text),
    Index(None, "tenant", "root"),
    Index(None, "tenant", "team"),
)

# All records of a kind as last seen; `taken_at` is when they last were so, which the document does
# not always know. `failures` counts looks in a row that could not be taken.
snapshot = Table(
    "snapshot",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("taken_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("document", Document(Snapshot)),
)

# `changed_at` orders the stories of one record; at most one of them is open.
incident = Table(
    "incident",
    metadata,
    Column("id", Text, primary_key=True),
    Column("short", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("is_flapping", Boolean, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("document", Document(Incident), nullable=False),
    UniqueConstraint("short"),
    Index(None, "kind", "record_id", "changed_at"),
    Index(
        "incident_open_key",
        "kind",
        "record_id",
        unique=True,
        sqlite_where=text("stage = 'open'"),
        postgresql_where=text("stage = 'open'"),
    ),
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Text, primary_key=True),
    Column("short", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("document", Document(Subscription), nullable=False),
    UniqueConstraint("short"),
    Index(None, "tenant", "root"),
)

# An incident as one conversation sees it. `told` is the last line of the story that stands there.
# `held_until` is set while quiet hours hold it back.
post = Table(
    "post",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", ForeignKey("incident.id"), nullable=False),
    Column("subscription_id", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("activity_id", Text),
    Column("revision_sent", Integer, nullable=False),
    Column("told", Integer, nullable=False),
    Column("told_at", Instant),
    Column("held_until", Instant),
    UniqueConstraint("incident_id", "tenant", "root"),
    Index(None, "subscription_id"),
)

# What may be sent when: the budgets of Teams, shared by all replicas. `marks` are instants in
# seconds, one per limit of the lane.
throttle = Table(
    "throttle",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("marks", Document(tuple[float, ...]), nullable=False),
    Column("blocked_until", Instant),
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
audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
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
