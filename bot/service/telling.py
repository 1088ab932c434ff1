"""Delivers incidents: one root message a conversation, edited to the truth, and replies under it.

A job renders what is true when it runs, so repeats are harmless and bursts collapse. There is one
job per incident and conversation, which keeps its messages in order.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.command import Catalogue
from bot.domain.errors import MessengerError
from bot.domain.incident import Incident
from bot.domain.notices import Alarm, Followup
from bot.domain.resource import ResourceKind
from bot.domain.subscription import Subscription
from bot.service.courier import Courier, is_deleted
from bot.service.fanout import heir_of
from bot.service.ports import Clock, Job, Messenger, Reference, Store, Transaction
from bot.service.watch_ports import Post

CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class _Case:
    """What a delivery is about."""

    post: Post
    incident: Incident
    kind: ResourceKind | None
    subscription: Subscription
    reference: Reference


class Telling:
    """Runs the deliveries of incidents."""

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

    async def notice(self, job: Job) -> None:
        """Bring post `job.subject` up to date: the root message first, then what is new under it."""
        case = await self._case(job.subject)
        if case is None:
            async with self._store.begin() as tx:
                await tx.finish_job(job)
            return
        try:
            done = await self._root(job, case) and await self._replies(job, case)
        except MessengerError as error:
            await self._courier.failed(job, case.reference, error)
            return
        if done:
            async with self._store.begin() as tx:
                await self._courier.delivered(tx, job, case.reference)

    async def _case(self, post_id: str) -> _Case | None:
        """Return what a post is about; None when nobody wants it told any more."""
        found = await self._store.delivery(post_id)
        if found is None:
            return None
        post, incident = found.post, found.incident
        subscription = found.subscription or await heir_of(self._store, post, incident)
        if subscription is None:
            return None
        reference = await self._store.reference(post.tenant, post.root)
        if reference is None:
            return None
        place = replace(reference, conversation=post.root, reply_to=None)
        kind = self._catalogue.kinds.get(incident.kind)
        return _Case(post, incident, kind, subscription, place)

    async def _root(self, job: Job, case: _Case) -> bool:
        """Post the root message, or edit it; False when its turn comes later, or a post told all."""
        post, incident = case.post, case.incident
        is_held = post.held_until is not None
        # What a summary told needs no message of its own until something happens.
        has_no_root = post.activity_id is None and (
            is_held or not incident.news(post.told, post.root)
        )
        if has_no_root or post.revision_sent >= incident.revision:
            return True
        if not await self._courier.may_send(job, case.reference):
            return False
        alarm = Alarm(case.kind, incident, self._clock.now(), case.subscription)
        activity_id = post.activity_id
        if activity_id is not None:
            activity_id = await self._edited(job, case.reference, activity_id, alarm)
            if activity_id is None and is_held:
                return True
            if activity_id is None and (until := _rests_until(case, self._clock.now())):
                async with self._store.begin() as tx:
                    await tx.postpone_job(job, until, None)
                return False
        is_new = activity_id is None
        if activity_id is None:
            activity_id = await self._messenger.post(case.reference, alarm)
        at = self._clock.now()

        async def write(tx: Transaction) -> None:
            await tx.shown(
                post.id,
                activity_id=activity_id,
                revision=incident.revision,
                # A new root message tells the whole story so far.
                told=incident.count if is_new else 0,
                at=at,
            )
            if is_new:
                await self._courier.delivered(tx, job, case.reference)

        await self._courier.record(write)
        return not is_new

    async def _edited(
        self, job: Job, reference: Reference, activity_id: str, alarm: Alarm
    ) -> str | None:
        """Edit the root message; None when somebody deleted it, and a new one is due."""
        try:
            await self._messenger.edit(reference, activity_id, alarm)
        except MessengerError as error:
            if not is_deleted(job, error):
                raise
            return None
        return activity_id

    async def _replies(self, job: Job, case: _Case) -> bool:
        """Tell under the root message what happened since; False when its turn comes later."""
        post = await self._store.post(case.post.id)
        now = self._clock.now()
        if post is None or post.activity_id is None or post.held_until is not None:
            return True
        if case.incident.sleeps(now):
            return True
        lines = case.incident.news(post.told, post.root)
        if not lines:
            return True
        if not await self._courier.may_send(job, case.reference):
            return False
        followup = Followup(case.kind, case.incident, lines, now)
        try:
            await self._messenger.post(_thread(case.reference, post.activity_id), followup)
        except MessengerError as error:
            if not is_deleted(job, error):
                raise
            # The thread went with its root message: a new one tells the whole story.
            async with self._store.begin() as tx:
                await tx.forget_root(post.id)
                await tx.postpone_job(job, now, error.code)
            return False

        async def write(tx: Transaction) -> None:
            await tx.shown(post.id, activity_id=None, revision=0, told=case.incident.count, at=now)

        await self._courier.record(write)
        return True


def _rests_until(case: _Case, now: datetime) -> datetime | None:
    """Return until when a root message that somebody deleted stays away: it told all there is."""
    if case.incident.news(case.post.told, case.post.root):
        return None
    return case.subscription.held_until(case.incident.severity, now)


def _thread(reference: Reference, root_id: str) -> Reference:
    """Return the thread under a message; chats know no threads."""
    if reference.kind != CHANNEL:
        return reference
    conversation = f"{reference.root};messageid={root_id}"
    return replace(reference, conversation=conversation, reply_to=root_id)
