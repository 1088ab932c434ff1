"""The part of a transaction and of the store that watching uses, made of what each aggregate offers."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.operation import Operation
from bot.domain.subscription import Subscription
from bot.service.watch_ports import DeadJob, Delivery, Lane, Post, Reach, Seen, Watched
from bot.store import (
    conversations,
    dead_jobs,
    incidents,
    jobs,
    operations,
    snapshots,
    subscriptions,
    watched,
)
from bot.store.database import Database
from bot.store.lane import Session


class SqlWatchTransaction:
    """The port's `WatchTransaction` on one database session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def save_seen(self, kind: str, seen: Seen) -> None:
        """Replace what is known of a kind."""
        await snapshots.save(self._session, kind, seen)

    async def note_look(self, kind: str, *, taken_at: datetime, failures: int) -> None:
        """Note a look that brought nothing new, or failed: the records known stay as they are."""
        await snapshots.note(self._session, kind, taken_at, failures)

    async def failed_looks(self) -> Mapping[str, int]:
        """Return of each kind how many looks in a row could not be taken."""
        return await snapshots.failures(self._session)

    async def lock_incidents(self, kind: str, record_ids: Sequence[str]) -> Mapping[str, Incident]:
        """Return the latest incident of each record and keep others from changing them."""
        return await incidents.lock_latest(self._session, kind, record_ids)

    async def flapping(self, kind: str) -> Sequence[Incident]:
        """Return the open incidents of a kind whose records flap, locked."""
        return await incidents.flapping(self._session, kind)

    async def lock_incident(self, incident_id: str) -> Incident | None:
        """Return an incident and keep everybody else from changing it until the block ends."""
        return await incidents.lock(self._session, incident_id)

    async def save_incidents(self, some: Sequence[Incident]) -> None:
        """Insert incidents, or replace those that this transaction has locked."""
        await incidents.save(self._session, some)

    async def save_posts(self, posts: Sequence[Post]) -> None:
        """Insert posts; of those that are there only subscription and hold are changed."""
        await incidents.save_posts(self._session, posts)

    async def shown(
        self,
        post_id: str,
        *,
        activity_id: str | None,
        revision: int,
        told: int,
        at: datetime | None,
    ) -> None:
        """Record what stands in Teams; a late report does not turn anything back."""
        await incidents.shown(
            self._session, post_id, activity_id=activity_id, revision=revision, told=told, at=at
        )

    async def summarised(self, told: Mapping[str, int], at: datetime) -> None:
        """Record what a summary told of these posts; they are held back no more."""
        await incidents.summarised(self._session, told, at)

    async def add_jobs(self, kind: str, due: Mapping[str, datetime]) -> None:
        """Add a job per subject, as `add_job` does."""
        await jobs.add_all(self._session, kind, due)

    async def save_subscription(self, subscription: Subscription) -> None:
        """Insert a subscription, or replace the one with its id."""
        await subscriptions.save(self._session, subscription)

    async def drop_subscription(self, subscription_id: str) -> bool:
        """Delete a subscription; False when it is not there."""
        return await subscriptions.drop(self._session, subscription_id)

    async def lanes(self, first: str, others: Sequence[str]) -> Mapping[str, Lane]:
        """Return budgets, unused ones included; others wait for the first until the block ends."""
        return await subscriptions.lanes(self._session, first, others)

    async def save_lanes(self, lanes: Mapping[str, Lane]) -> None:
        """Replace budgets that this transaction has asked for."""
        await subscriptions.save_lanes(self._session, lanes)

    async def forget_root(self, post_id: str) -> None:
        """Note that the root message of a post is gone: what comes next is a new one."""
        await incidents.forget_root(self._session, post_id)

    async def adopt(self, incident: Incident, tenant: str, root: str, activity_id: str) -> None:
        """Take a message for an incident's root in a conversation where that is not known."""
        await incidents.adopt(self._session, incident, tenant, root, activity_id)

    async def note_refusal(self, tenant: str, root: str, code: str, *, limit: int | None) -> bool:
        """Count a refused message; with a limit it may make the conversation unreachable."""
        return await conversations.note_refusal(self._session, tenant, root, code, limit)

    async def note_success(self, tenant: str, root: str) -> None:
        """Forget the refusals counted against a conversation."""
        await conversations.note_success(self._session, tenant, root)

    async def lose_team(self, tenant: str, team: str, code: str) -> None:
        """Give up every conversation of a team."""
        await conversations.lose_team(self._session, tenant, team, code)

    async def regain_team(self, tenant: str, team: str, codes: Sequence[str]) -> None:
        """Take back the conversations of a team that were given up for these reasons."""
        await conversations.regain_team(self._session, tenant, team, codes)

    async def rename(self, tenant: str, root: str, name: str) -> None:
        """Keep what people call a conversation."""
        await conversations.rename(self._session, tenant, root, name)

    async def set_blocked(self, tenant: str, root: str, code: str | None) -> None:
        """Give a conversation up for the connector's code, or take it as reachable again."""
        await conversations.set_blocked(self._session, tenant, root, code)

    async def revive_jobs(self, ids: Sequence[int], now: datetime) -> int:
        """Make dead jobs due at once, and where they go reachable; at most 1,000, return how many."""
        await conversations.take_back(self._session, await dead_jobs.places(self._session, ids))
        return await dead_jobs.revive(self._session, ids, now)


class SqlWatchStore:
    """The port's `WatchStore` on a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, kind: str, *, known: Seen | None = None) -> Seen:
        """Return what is known of a kind; `known` itself if nobody looked since."""
        async with self._database.read() as session:
            return await snapshots.get(session, kind, known)

    async def deeds(self, kind: str, since: datetime) -> Sequence[Operation]:
        """Return the operations on a kind that changed since, newest first."""
        async with self._database.read() as session:
            return await operations.changed_since(session, kind, since)

    async def incident(self, incident_id: str) -> Incident | None:
        """Return one incident by its full id."""
        async with self._database.read() as session:
            return await incidents.get(session, incident_id)

    async def find_incident(self, text: str) -> Incident | None:
        """Return one incident by its short or full id, in any case."""
        async with self._database.read() as session:
            return await incidents.find(session, text)

    async def open_incidents(self) -> Sequence[Incident]:
        """Return what is open."""
        async with self._database.read() as session:
            return await incidents.open_ones(session)

    async def posts(self, incident_id: str) -> Sequence[Post]:
        """Return where an incident stands."""
        async with self._database.read() as session:
            return await incidents.posts(session, incident_id)

    async def post(self, post_id: str) -> Post | None:
        """Return one post."""
        async with self._database.read() as session:
            return await incidents.post_of(session, post_id)

    async def delivery(self, post_id: str) -> Delivery | None:
        """Return a post with what it is about; None where it is not there any more."""
        async with self._database.read() as session:
            return await incidents.delivery(session, post_id)

    async def held_posts(self, subscription_id: str) -> Sequence[tuple[Post, Incident]]:
        """Return what is held back for a subscription, by the id of the post."""
        async with self._database.read() as session:
            return await incidents.held(session, subscription_id)

    async def subscription(self, subscription_id: str) -> Subscription | None:
        """Return one subscription."""
        async with self._database.read() as session:
            return await subscriptions.get(session, subscription_id)

    async def subscriptions(self) -> Sequence[Subscription]:
        """Return every subscription, oldest first."""
        async with self._database.read() as session:
            return await subscriptions.every(session)

    async def watched(
        self, tenant: str, *, root: str | None, offset: int, limit: int | None
    ) -> tuple[int, Sequence[Watched]]:
        """Return how many subscriptions a tenant has, or one conversation of it, and some of them."""
        async with self._database.read() as session:
            return await watched.some(session, tenant, root=root, offset=offset, limit=limit)

    async def reach(self, tenant: str, root: str) -> Reach | None:
        """Return whether a conversation can be reached; None when it was never heard of."""
        async with self._database.read() as session:
            return await conversations.reach(session, tenant, root)

    async def shut_out(self, admitted: Collection[str]) -> int:
        """Return how many subscriptions belong to other tenants than these."""
        async with self._database.read() as session:
            return await watched.outside(session, admitted)

    async def dead_jobs(
        self, limit: int | None, *, of: str | None = None, with_lost: bool = False
    ) -> tuple[int, Sequence[DeadJob]]:
        """Return how many jobs are dead and the newest of them, all for None; of a tenant or all."""
        async with self._database.read() as session:
            return await dead_jobs.some(session, limit, of=of, with_lost=with_lost)
