"""What the use cases need of the world; adapters and fakes honour these contracts alike."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import JsonValue

from bot.domain.approval import Approval
from bot.domain.operation import Actor, Operation, Result, State
from bot.domain.outcome import Outcome
from bot.domain.plan import Plan
from bot.domain.policy import Person, Policy
from bot.domain.resource import Record, ResourceKind, Verb
from bot.service.watch_ports import WatchStore, WatchTransaction


class Clock(Protocol):
    """The time, aware and in UTC."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...


class Ids(Protocol):
    """Chance: ids that cannot be guessed."""

    def new(self) -> str:
        """Return 26 characters of upper-case Crockford base 32, 130 random bits."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """All records of a kind; `is_cut` tells that Graph had more than the cap."""

    records: tuple[Record, ...]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Graph's 2xx for a write: accepted, not yet observed.

    `record` is the body where one came. `was_gone` marks a delete answered 404.
    """

    request_id: str | None
    record: Record | None = None
    was_gone: bool = False


class Resources(Protocol):
    """Microsoft Graph, for any kind.

    Every method raises `GraphError`; `GraphUnavailable` when nothing was changed and trying later
    may help; writes raise `GraphAmbiguous` when the answer was lost.
    """

    async def list(self, kind: ResourceKind, *, patience_s: float | None = None) -> Page:
        """Return every record, following next links on the configured host up to a cap.

        `patience_s` is how long each request may take with all its repetitions, in seconds; None:
        as long as is right when there is nothing else to show.
        """
        ...

    async def get(
        self, kind: ResourceKind, record_id: str, *, patience_s: float | None = None
    ) -> Record | None:
        """Return one record, or None when Graph says 404; `patience_s` as in `list`."""
        ...

    async def write(
        self,
        kind: ResourceKind,
        verb: Verb,
        *,
        record_id: str | None,
        body: Mapping[str, JsonValue] | None,
        client_request_id: str,
    ) -> Receipt:
        """Carry out one write verb, once."""
        ...

    async def organization(self) -> str | None:
        """Return the tenant's display name, or None when it cannot be read."""
        ...


class Directory(Protocol):
    """Who a person is and which of the policy's groups they are in."""

    async def person(
        self, tenant: str, oid: str, groups: frozenset[str], *, is_fresh: bool
    ) -> Person:
        """Return the person; answers up to 60 s old serve unless `is_fresh`.

        Raises:
            DirectoryUnavailable: Graph could not be asked.
        """
        ...


class PolicySource(Protocol):
    """The policy in force."""

    def current(self) -> Policy:
        """Return the last good policy; a changed file is taken over within 15 seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a message can be sent: a conversation as last heard of.

    `conversation` is Teams' id with the thread's root where there is one; `reply_to` is the message
    that is answered. What people call the conversation, and the team it belongs to, are known now
    and then, and no part of the address. `private_to` is the one person who is to see the answer;
    it is never kept.
    """

    tenant: str
    service_url: str
    conversation: str
    kind: str
    reply_to: str | None = None
    team: str | None = field(default=None, compare=False)
    name: str | None = field(default=None, compare=False)
    private_to: str | None = field(default=None, compare=False)

    @property
    def root(self) -> str:
        """The conversation's id without the thread."""
        return root_of(self.conversation)

    @property
    def is_personal(self) -> bool:
        """Whether one person alone is there with the bot."""
        return self.kind == "personal"


def root_of(conversation: str) -> str:
    """Return the id of a conversation without the thread."""
    return conversation.partition(";")[0]


class Messenger(Protocol):
    """Shows outcomes to people. Raises `MessengerError`."""

    async def post(self, reference: Reference, outcome: Outcome) -> str | None:
        """Post a new message and return its activity id, None where it stands without one known."""
        ...

    async def edit(self, reference: Reference, activity_id: str, outcome: Outcome) -> None:
        """Replace a posted message by the outcome."""
        ...

    async def is_answering(self, reference: Reference) -> bool:
        """Return whether the service behind a conversation answers, whatever it says.

        Asking changes nothing.
        """
        ...

    async def members(self, reference: Reference) -> tuple[str, ...]:
        """Return who may be shown a view of their own, in Teams' ids, at most 60; or nobody.

        Nothing depends on it, so a failure is nobody.
        """
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed piece of work; `token` proves the lease.

    `doubts` counts messages it has sent so far of which nobody knows whether they arrived. `streak`
    counts how often in a row it failed for the same reason, `error`.
    """

    id: int
    kind: str
    subject: str
    attempts: int
    token: str
    doubts: int = 0
    streak: int = 0
    error: str | None = None

    def failures(self, error: str) -> int:
        """Return how often in a row it failed for this reason, a failure now included."""
        return 1 + (self.streak if self.error == error else 0)


@dataclass(frozen=True, slots=True)
class Card:
    """The one message that shows an operation; `activity_id` is None until it is posted."""

    operation_id: str
    reference: Reference
    activity_id: str | None
    revision_wanted: int
    revision_sent: int


@dataclass(frozen=True, slots=True)
class Matter:
    """What requests are about, as far as it says who may decide them."""

    kind: str
    verb: str
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Docket:
    """Requests of a matter that somebody may decide: by how many targets they have, and for how long.

    `fewest` and `most` bound the number of targets. `within` is how long after the request, or its
    last revision, today's policy lets it be decided; None: only what was said then counts.
    """

    matter: Matter
    fewest: int = 0
    most: int | None = None
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """Requests that wait for consent, the one that lapses first first; `more` there are beyond."""

    rows: tuple[tuple[Operation, Approval], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Who stopped all writes, when and why."""

    who: str
    since: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One line of the audit before it is chained. `what` is past tense: `operation executed`."""

    what: str
    actor: Actor | None
    operation_id: str | None
    details: Mapping[str, JsonValue]


class Transaction(WatchTransaction, Protocol):
    """One atomic change of the store: all of it becomes true at the end of the block, or none.

    Every method raises `StoreError` when the database cannot serve.
    """

    async def claim_activity(self, tenant: str, conversation: str, activity: str) -> bool:
        """Record an inbound activity; False when it was recorded before."""
        ...

    async def add_operation(self, operation: Operation, client_request_id: str) -> None:
        """Insert a new operation."""
        ...

    async def move_operation(
        self, operation_id: str, *, source: State, target: State, result: Result | None = None
    ) -> bool:
        """Compare-and-set the state (and result); False when the operation is not in `source`."""
        ...

    async def replan(self, operation: Operation) -> bool:
        """Replace command, plan and reason of an operation that waits; False when it does not."""
        ...

    async def set_result(self, operation_id: str, state: State, result: Result) -> bool:
        """Replace the result of an operation that is in `state`; False when it is not."""
        ...

    async def add_card(self, card: Card) -> None:
        """Insert the card of an operation and the job that shows it, due at once."""
        ...

    async def want_card(self, operation_id: str) -> None:
        """Ask for the operation's card to be shown anew: revision + 1 and a job, due at once."""
        ...

    async def add_approval(self, approval: Approval) -> None:
        """Insert what an operation waits for."""
        ...

    async def lock_approval(self, operation_id: str) -> Approval | None:
        """Return an approval and keep everybody else from changing it until the block ends."""
        ...

    async def save_approval(self, approval: Approval) -> None:
        """Replace an approval that this transaction has locked."""
        ...

    async def card_shown(
        self, operation_id: str, *, activity_id: str | None, revision: int
    ) -> None:
        """Record that a revision of the card stands in Teams, under an id where one is known."""
        ...

    async def add_job(self, kind: str, subject: str, due_at: datetime) -> None:
        """Add a job; one that is already there for (kind, subject) is moved to the earlier time."""
        ...

    async def renew_job(self, job: Job) -> bool:
        """Extend a lease, which nobody takes over until the block ends; False when it was lost."""
        ...

    async def finish_job(self, job: Job) -> bool:
        """Delete a claimed job; False when the lease was lost, and the block must be left."""
        ...

    async def postpone_job(
        self, job: Job, due_at: datetime, error: str | None, *, is_doubtful: bool = False
    ) -> bool:
        """Give a claimed job back, to fall due later; False when the lease was lost.

        Without an error it was not tried, and no attempt is counted. `is_doubtful` tells that a
        message was sent which may have arrived.
        """
        ...

    async def bury_job(self, job: Job, reason: str, *, is_doubtful: bool = False) -> bool:
        """Keep a claimed job that is not to be tried again; False when the lease was lost."""
        ...

    async def add_promise(self, promise_id: str, promise: "Promise") -> Job:
        """Insert a promise and return its job, which the caller holds for a lease."""
        ...

    async def drop_promise(self, promise_id: str) -> None:
        """Delete a promise."""
        ...

    async def append_audit(self, record: AuditRecord) -> None:
        """Add a line to the hash chain."""
        ...

    async def save_reference(self, reference: Reference) -> None:
        """Keep where a conversation can be reached."""
        ...

    async def set_pause(self, pause: Pause | None) -> None:
        """Stop or resume all writes."""
        ...

    async def operation(self, operation_id: str) -> Operation | None:
        """Return an operation as this transaction sees it."""
        ...

    async def pause(self) -> Pause | None:
        """Return who paused writes, as this transaction sees it."""
        ...


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is over is kept; what is open, waits or is unknown is kept whatever its age.

    `activities` are those that had an effect, `letters` messages that could not be delivered,
    `conversations` those out of reach that nobody watches.
    """

    activities: timedelta
    operations: timedelta
    cards: timedelta
    incidents: timedelta
    letters: timedelta
    conversations: timedelta


class Store(WatchStore, Protocol):
    """The database. Methods raise `StoreError` when it cannot serve."""

    def begin(self, busy_s: float | None = None) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction; an exception inside rolls back everything.

        `busy_s` is how long a locked file is waited for, where that is less than usual.
        """
        ...

    async def operation(self, operation_id: str) -> Operation | None:
        """Return one operation by its full id."""
        ...

    async def knows_activity(self, tenant: str, conversation: str, activity: str) -> bool:
        """Whether an inbound activity was recorded, so that it had its effect before."""
        ...

    async def client_request_id(self, operation_id: str) -> str | None:
        """Return the id that the operation's Graph request carries."""
        ...

    async def find_operation(self, short: str) -> Operation | None:
        """Return one operation by the short id people type, or a full id, in any case."""
        ...

    async def is_short_free(self, short: str) -> bool:
        """Whether no operation has that short id yet."""
        ...

    async def operations(
        self, *, tenant: str | None, target: str | None, offset: int, limit: int
    ) -> Sequence[Operation]:
        """Return operations newest first; `target` matches a record's id or name, any case.

        `tenant` is that of who asked for them; None: all.
        """
        ...

    async def card(self, operation_id: str) -> Card | None:
        """Return the card of an operation."""
        ...

    async def approval(self, operation_id: str) -> Approval | None:
        """Return what an operation waits, or waited, for."""
        ...

    async def matters(self, tenant: str) -> Sequence[Matter]:
        """Return what waits for consent in a tenant, by what it is and who may decide, each once."""
        ...

    async def to_decide(
        self, voter: tuple[str, str], dockets: Sequence[Docket], limit: int, *, now: datetime
    ) -> Waits:
        """Return what of these others wait for that this (tenant, object id) has not voted on."""
        ...

    async def asked_by(self, asker: tuple[str, str], limit: int) -> Waits:
        """Return what this (tenant, object id) waits for."""
        ...

    async def waiting_alike(self, asker: tuple[str, str], plan: Plan) -> Operation | None:
        """Return what this (tenant, object id) waits to do in the same way to the plan's target."""
        ...

    async def reference(self, tenant: str, root: str) -> Reference | None:
        """Return how a conversation can be reached, as last heard of."""
        ...

    async def promise(self, promise_id: str) -> "Promise | None":
        """Return an answer that is owed, or None where it was given."""
        ...

    async def is_card(self, conversation: str, activity_id: str) -> bool:
        """Whether a message of the bot is the card of an operation."""
        ...

    async def pause(self) -> Pause | None:
        """Return who paused writes, or None while they run."""
        ...

    async def claim_jobs(
        self, kinds: Sequence[str], limit: int, *, besides: Collection[int] = ()
    ) -> Sequence[Job]:
        """Claim due jobs of these kinds under a lease; other kinds stay for other replicas.

        `besides` are the ids of jobs that are passed over, due or not.
        """
        ...

    async def recall_jobs(self, kinds: Sequence[str], behind: datetime) -> None:
        """Let jobs that lie behind an instant fall due now, or after a lease where one is held."""
        ...

    async def renew_job(self, job: Job) -> bool:
        """Extend a lease; False when it was lost."""
        ...

    async def next_due(self, kinds: Sequence[str]) -> datetime | None:
        """Return when the earliest job of these kinds falls due."""
        ...

    async def prune(self, kept: Retention) -> None:
        """Forget what is over and older than it is to be kept, a few rows at a time."""
        ...


Handler = Callable[[Job], Awaitable[None]]
"""Does one job and finishes or postpones it itself, in the transaction of its result."""


class Answer(Protocol):
    """The one visible answer to a message or a press.

    When the work takes longer than the acknowledgement limit, the adapter shows a "working" answer
    by itself and later turns it into what `show` is given.
    """

    async def show(self, outcome: Outcome) -> None:
        """Give the final answer."""
        ...

    def hold(self) -> None:
        """Keep Teams waiting for the HTTP answer: what is asked for is not durable yet.

        A process that dies meanwhile breaks the connection, and Teams sends the activity again.
        """
        ...

    def hand_over(self) -> AbstractAsyncContextManager[str | None]:
        """Leave the answer to an operation's card: inside the block no acknowledgement is sent.

        Yields the activity id of the acknowledgement already shown, None when there is none. When
        the block ends well the turn has nothing more to show.
        """
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What an authenticated person asks: typed text, or what a card sent along.

    `submission` is what a card claims, never authoritative. `activity` is the activity's id.
    `is_in_card` tells that the answer takes the place of the pressed card; older clients submit a
    message instead, whose answer is one more message. `seen` is the fingerprint of the plan that a
    form has shown, empty for none yet; None where no form was filled in. `asked_at` is when it was
    asked, where it is carried out later by another process; None: just now.
    """

    actor: Actor
    reference: Reference
    activity: str
    text: str = ""
    submission: Mapping[str, JsonValue] | None = None
    is_throttled: bool = False
    is_in_card: bool = False
    seen: str | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """An answer that somebody was told would follow.

    `place` is where it is expected. `message` is what told them so, to become the answer; None
    where there is no such message.
    """

    request: Request
    place: Reference
    message: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tenant whose records these are, and all that are let in; ids in lower case.

    `settled` are let in by the settings, further ones by the policy as it is now.
    """

    home: str
    settled: frozenset[str]
    policies: PolicySource | None = None

    @property
    def admitted(self) -> frozenset[str]:
        """All that are let in."""
        return self.settled | (self.policies.current().tenants if self.policies else frozenset())


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside, as the use cases see it."""

    store: Store
    resources: Resources
    directory: Directory
    policies: PolicySource
    clock: Clock
    ids: Ids
