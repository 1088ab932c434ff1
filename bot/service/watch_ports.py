"""What watching and telling need of the store; part of the port's `Transaction` and `Store`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.incident import Incident
from bot.domain.operation import Operation
from bot.domain.subscription import Subscription
from bot.domain.watch import Snapshot


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a kind; `failures` counts looks in a row that could not be taken."""

    snapshot: Snapshot | None
    failures: int


@dataclass(frozen=True, slots=True)
class Post:
    """An incident as one conversation sees it.

    `activity_id` is the root message, None until it stands. `revision_sent` and `told` are the
    incident's revision and the last line of its story that stand there. `held_until` is set while
    quiet hours hold it back, and while it waits for a summary of many.
    """

    id: str
    incident_id: str
    subscription_id: str
    tenant: str
    root: str
    activity_id: str | None = None
    revision_sent: int = 0
    told: int = 0
    told_at: datetime | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A post, what it is about and why it is told; no subscription: that one has ended."""

    post: Post
    incident: Incident
    subscription: Subscription | None


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a conversation can be reached: refused messages in a row, and why it is given up."""

    failures: int
    blocked: str | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A subscription and how telling goes: when it last did, and how its conversation is reached.

    `name` is what people call the conversation, where that is known.
    """

    subscription: Subscription
    told_at: datetime | None
    reach: Reach
    name: str | None


@dataclass(frozen=True, slots=True)
class Lane:
    """A budget of messages: instants in seconds, and a stop that the service asked for."""

    marks: tuple[float, ...]
    blocked_until: datetime | None


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A delivery that is not tried again by itself; `doubts` messages of it may have arrived."""

    id: int
    kind: str
    subject: str
    reason: str
    since: datetime
    attempts: int
    doubts: int


class WatchTransaction(Protocol):
    """The part of a transaction that watching uses."""

    async def save_seen(self, kind: str, seen: Seen) -> None:
        """Replace what is known of a kind."""
        ...

    async def note_look(self, kind: str, *, taken_at: datetime, failures: int) -> None:
        """Note a look that brought nothing new, or failed: the records known stay as they are."""
        ...

    async def failed_looks(self) -> Mapping[str, int]:
        """Return of each kind how many looks in a row could not be taken."""
        ...

    async def lock_incidents(self, kind: str, record_ids: Sequence[str]) -> Mapping[str, Incident]:
        """Return the latest incident of each record and keep others from changing them."""
        ...

    async def flapping(self, kind: str) -> Sequence[Incident]:
        """Return the open incidents of a kind whose records flap, locked."""
        ...

    async def lock_incident(self, incident_id: str) -> Incident | None:
        """Return an incident and keep everybody else from changing it until the block ends."""
        ...

    async def save_incidents(self, incidents: Sequence[Incident]) -> None:
        """Insert incidents, or replace those that this transaction has locked.

        Thousands at once are fine.
        """
        ...

    async def save_posts(self, posts: Sequence[Post]) -> None:
        """Insert posts; of those that are there only subscription and hold are changed.

        Thousands at once are fine.
        """
        ...

    async def shown(
        self,
        post_id: str,
        *,
        activity_id: str | None,
        revision: int,
        told: int,
        at: datetime | None,
    ) -> None:
        """Record what stands in Teams; a late report does not turn anything back.

        Without an `activity_id` it stands in a summary.
        """
        ...

    async def summarised(self, told: Mapping[str, int], at: datetime) -> None:
        """Record up to which line a summary told these posts; they are held back no more."""
        ...

    async def add_jobs(self, kind: str, due: Mapping[str, datetime]) -> None:
        """Add a job per subject, as `add_job` does; thousands at once are fine."""
        ...

    async def save_subscription(self, subscription: Subscription) -> None:
        """Insert a subscription, or replace the one with its id."""
        ...

    async def drop_subscription(self, subscription_id: str) -> bool:
        """Delete a subscription; False when it is not there."""
        ...

    async def lanes(self, first: str, others: Sequence[str]) -> Mapping[str, Lane]:
        """Return budgets, unused ones included; others wait for the first until the block ends."""
        ...

    async def save_lanes(self, lanes: Mapping[str, Lane]) -> None:
        """Replace budgets that this transaction has asked for."""
        ...

    async def forget_root(self, post_id: str) -> None:
        """Note that the root message of a post is gone: what comes next is a new one."""
        ...

    async def adopt(self, incident: Incident, tenant: str, root: str, activity_id: str) -> None:
        """Take a message for an incident's root in a conversation where that is not known.

        It is to be edited, which tells all that has been so far.
        """
        ...

    async def note_refusal(self, tenant: str, root: str, code: str, *, limit: int | None) -> bool:
        """Count a refused message; with a limit it may make the conversation unreachable.

        Returns whether it is.
        """
        ...

    async def note_success(self, tenant: str, root: str) -> None:
        """Forget the refusals counted against a conversation."""
        ...

    async def lose_team(self, tenant: str, team: str, code: str) -> None:
        """Give up every conversation of a team."""
        ...

    async def regain_team(self, tenant: str, team: str, codes: Sequence[str]) -> None:
        """Take back the conversations of a team that were given up for these reasons."""
        ...

    async def rename(self, tenant: str, root: str, name: str) -> None:
        """Keep what people call a conversation."""
        ...

    async def set_blocked(self, tenant: str, root: str, code: str | None) -> None:
        """Give a conversation up for the connector's code, or take it as reachable again."""
        ...

    async def revive_jobs(self, ids: Sequence[int], now: datetime) -> int:
        """Make dead jobs due at once, and where they go reachable; at most 1,000, return how many."""
        ...


class WatchStore(Protocol):
    """The part of the store that watching reads."""

    async def seen(self, kind: str, *, known: Seen | None = None) -> Seen:
        """Return what is known of a kind; `known` itself if nobody looked since.

        Thousands of records are not read again for nothing.
        """
        ...

    async def deeds(self, kind: str, since: datetime) -> Sequence[Operation]:
        """Return the operations on a kind that changed since, newest first."""
        ...

    async def incident(self, incident_id: str) -> Incident | None:
        """Return one incident by its full id."""
        ...

    async def find_incident(self, text: str) -> Incident | None:
        """Return one incident by its short or full id, in any case."""
        ...

    async def open_incidents(self) -> Sequence[Incident]:
        """Return what is open."""
        ...

    async def posts(self, incident_id: str) -> Sequence[Post]:
        """Return where an incident stands."""
        ...

    async def post(self, post_id: str) -> Post | None:
        """Return one post."""
        ...

    async def delivery(self, post_id: str) -> Delivery | None:
        """Return a post with what it is about; None where it is not there any more."""
        ...

    async def held_posts(self, subscription_id: str) -> Sequence[tuple[Post, Incident]]:
        """Return what is held back for a subscription, by the id of the post."""
        ...

    async def subscription(self, subscription_id: str) -> Subscription | None:
        """Return one subscription."""
        ...

    async def subscriptions(self) -> Sequence[Subscription]:
        """Return every subscription, oldest first."""
        ...

    async def watched(
        self, tenant: str, *, root: str | None, offset: int, limit: int | None
    ) -> tuple[int, Sequence[Watched]]:
        """Return how many subscriptions a tenant has, or one conversation of it, and some of them.

        What cannot be told comes first.
        """
        ...

    async def reach(self, tenant: str, root: str) -> Reach | None:
        """Return whether a conversation can be reached; None when it was never heard of."""
        ...

    async def shut_out(self, admitted: Collection[str]) -> int:
        """Return how many subscriptions belong to other tenants than these."""
        ...

    async def dead_jobs(
        self, limit: int | None, *, of: str | None = None, with_lost: bool = False
    ) -> tuple[int, Sequence[DeadJob]]:
        """Return how many jobs are dead and the newest of them, all for None.

        With `of` they are those that concern a conversation of that tenant; `with_lost` adds those
        of which it is not known any more where they were to go.
        """
        ...
