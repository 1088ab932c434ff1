"""Tells many incidents in one message: after quiet hours, and where they come too fast."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.command import Catalogue
from bot.domain.errors import MessengerError
from bot.domain.incident import Incident
from bot.domain.notices import Digest
from bot.domain.subscription import Subscription
from bot.domain.watch import rank
from bot.service.courier import Courier
from bot.service.fanout import (
    AT_ONCE,
    CROWD,
    DIGEST_JOB,
    NOTICE_JOB,
    hears,
    heir_of,
    quiet_again,
    severity_of,
)
from bot.service.ports import Clock, Job, Messenger, Reference, Store, Transaction
from bot.service.watch_ports import Post

SHOWN = 50
"""How many incidents a summary is made of; its card has room for fewer, and counts the others."""
MOMENT = timedelta(seconds=1)


class Summaries:
    """Runs the summaries of subscriptions."""

    def __init__(
        self,
        *,
        store: Store,
        messenger: Messenger,
        clock: Clock,
        courier: Courier,
        catalogue: Catalogue,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock
        self._courier = courier
        self._catalogue = catalogue

    async def digest(self, job: Job) -> None:
        """Tell in one message what was held back for subscription `job.subject`."""
        subscription = await self._store.subscription(job.subject)
        held = await self._store.held_posts(job.subject)
        if subscription is None:
            await self._hand_over(job, held)
            return
        place = await self._store.reference(subscription.tenant, subscription.root)
        if place is None:
            await self._finish(job, None)
            return
        now = self._clock.now()
        ripe = [pair for pair in held if _is_ripe(subscription, *pair, now)]
        ends = [
            p.held_until for p, i in held if p.held_until and not _is_ripe(subscription, p, i, now)
        ]
        until = quiet_again(subscription, ripe, now) if ripe else None
        if until is not None:
            await self._pass_on(subscription, ripe)
        elif _is_few(subscription, ripe):
            await self._release(ripe)
        elif not await self._tell(job, subscription, ripe, place):
            return
        await self._finish(job, min(filter(None, (until, *ends)), default=None))

    async def _pass_on(
        self, subscription: Subscription, held: Sequence[tuple[Post, Incident]]
    ) -> None:
        """Have told at once what another subscription of the conversation does not hold back."""
        now = self._clock.now()
        where = (subscription.tenant, subscription.root)
        every = await self._store.subscriptions()
        others = [s for s in every if (s.tenant, s.root) == where and s.id != subscription.id]
        moved = []
        for post, incident in held:
            worst = severity_of(incident, incident.news(post.told, post.root))
            heir = next((s for s in others if hears(s, incident, worst, now)), None)
            if heir is not None:
                moved.append(replace(post, subscription_id=heir.id, held_until=None))
        async with self._store.begin() as tx:
            await tx.save_posts(moved)
            await tx.add_jobs(NOTICE_JOB, dict.fromkeys((post.id for post in moved), now))

    async def _hand_over(self, job: Job, held: Sequence[tuple[Post, Incident]]) -> None:
        """Leave what was held for a subscription that has ended to others of the conversation."""
        heirs = [(post, await heir_of(self._store, post, incident)) for post, incident in held]
        moved = [replace(post, subscription_id=heir.id) for post, heir in heirs if heir]
        async with self._store.begin() as tx:
            await tx.save_posts(moved)
            due = self._clock.now()
            await tx.add_jobs(DIGEST_JOB, {post.subscription_id: due for post in moved})
            await tx.finish_job(job)

    async def _release(self, crowd: Sequence[tuple[Post, Incident]]) -> None:
        """Have each told by itself: for one message there are too few."""
        now = self._clock.now()
        async with self._store.begin() as tx:
            await tx.save_posts([replace(post, held_until=None) for post, _ in crowd])
            await tx.add_jobs(NOTICE_JOB, dict.fromkeys((post.id for post, _ in crowd), now))

    async def _tell(
        self,
        job: Job,
        subscription: Subscription,
        held: Sequence[tuple[Post, Incident]],
        where: Reference,
    ) -> bool:
        """Tell all of it in one message; False when its turn comes later."""
        place = replace(where, conversation=subscription.root, reply_to=None)
        untold = _untold(held)
        if untold:
            if not await self._courier.may_send(job, place):
                return False
            try:
                await self._messenger.post(place, self._digest(subscription, untold))
            except MessengerError as error:
                await self._courier.failed(job, place, error)
                return False
        now = self._clock.now()
        for start in range(0, len(held), AT_ONCE):
            await self._courier.record(_summarised(held[start : start + AT_ONCE], now))
        async with self._store.begin() as tx:
            await tx.note_success(place.tenant, place.root)
        return True

    def _digest(
        self, subscription: Subscription, untold: Sequence[tuple[Post, Incident]]
    ) -> Digest:
        worst = sorted(untold, key=lambda pair: (not pair[1].is_open, -rank(pair[1].severity)))
        return Digest(
            subscription,
            tuple((self._catalogue.kinds.get(i.kind), i) for _, i in worst[:SHOWN]),
            self._clock.now(),
            total=len(untold),
            is_crowd=all(_is_of_crowd(subscription, *pair) for pair in untold),
        )

    async def _finish(self, job: Job, again: datetime | None) -> None:
        async with self._store.begin() as tx:
            await tx.add_jobs(DIGEST_JOB, {job.subject: again} if again else {})
            await tx.finish_job(job)


def _is_ripe(subscription: Subscription, post: Post, incident: Incident, now: datetime) -> bool:
    """Whether its time has come; of many at once each goes along with the first."""
    is_over = post.held_until is not None and post.held_until <= now
    return is_over or _is_of_crowd(subscription, post, incident)


def _is_few(subscription: Subscription, ripe: Sequence[tuple[Post, Incident]]) -> bool:
    """Whether these came with many others, of which few concern this conversation."""
    return len(_untold(ripe)) < CROWD and all(_is_of_crowd(subscription, *pair) for pair in ripe)


def _untold(held: Sequence[tuple[Post, Incident]]) -> list[tuple[Post, Incident]]:
    return [(post, incident) for post, incident in held if incident.news(post.told, post.root)]


def _is_of_crowd(subscription: Subscription, post: Post, incident: Incident) -> bool:
    """Whether it waits because many came at once, and not for the end of quiet hours.

    Just before the end of quiet hours it would not have been told.
    """
    severity = severity_of(incident, incident.news(post.told, post.root))
    until = post.held_until
    is_quiet = until is not None and subscription.held_until(severity, until - MOMENT) is not None
    return incident.in_crowd and not is_quiet


def _summarised(
    held: Sequence[tuple[Post, Incident]], now: datetime
) -> Callable[[Transaction], Awaitable[None]]:
    """Return what writes down that a summary told of these."""

    async def write(tx: Transaction) -> None:
        await tx.summarised({post.id: incident.count for post, incident in held}, now)
        # What came in while the summary was on its way is told as it happens.
        await tx.add_jobs(NOTICE_JOB, dict.fromkeys((post.id for post, _ in held), now))

    return write
