"""Who is told what happened: which conversations, now or after their quiet hours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.incident import Incident, Told, handed_out
from bot.domain.resource import Severity
from bot.domain.subscription import Subscription
from bot.domain.watch import rank
from bot.service.ports import Clock, Ids, Job, Store, Tenants, Transaction
from bot.service.watch_ports import Post

SPREAD_JOB = "spread"
NOTICE_JOB = "notice"
DIGEST_JOB = "digest"
ASK_JOB = "ask"
AT_ONCE = 500
"""How many conversations one transaction writes down."""

CROWD = 6
"""So many incidents of one look are told in one message, and not in a message each."""
GATHER_FOR = timedelta(seconds=5)
"""How long what came with many others waits for them."""

SPACING_S = 1 / 30
"""Deliveries to many conversations fall due one after another, as fast as a tenant allows."""


class Fanout:
    """Has a change told: the change's own transaction notes that, a job writes down to whom.

    So a transaction stays short however many watch and however much broke at once.
    """

    def __init__(
        self,
        *,
        store: Store,
        ids: Ids,
        clock: Clock,
        tenants: Tenants,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._ids = ids
        self._clock = clock
        self._wake = wake

    async def tell(self, tx: Transaction, changed: Iterable[Incident]) -> None:
        """Have what is new about these incidents told to who wants it."""
        await tx.add_jobs(SPREAD_JOB, dict.fromkeys((i.id for i in changed), self._clock.now()))

    async def spread(self, job: Job) -> None:
        """Write down who is to hear what of incident `job.subject` is not handed out yet.

        Repeats are harmless: a conversation has one post an incident, whoever writes it first.
        """
        incident = await self._store.incident(job.subject)
        posts = await self._posts(incident) if incident else []
        now = self._clock.now()
        due = _spaced(posts, now)
        for start in range(0, len(posts), AT_ONCE):
            some = posts[start : start + AT_ONCE]
            if not await self._store.renew_job(job):
                # Another replica writes it down by now, and knows more.
                return
            async with self._store.begin() as tx:
                await tx.save_posts(some)
                await tx.add_jobs(NOTICE_JOB, {p.id: due[p.id] for p in some if p.id in due})
                await tx.add_jobs(DIGEST_JOB, _digests(some))
        async with self._store.begin() as tx:
            current = await tx.lock_incident(job.subject)
            if current is not None and incident is not None:
                await tx.save_incidents([handed_out(current, incident)])
            await tx.finish_job(job)
        self._wake()

    async def _posts(self, incident: Incident) -> list[Post]:
        """Return what is to be told where, by id: so everybody locks posts in one order."""
        now = self._clock.now()
        about = _by_place(
            s
            for s in await self._store.subscriptions()
            if s.tenant in self._tenants.admitted
            and s.wants(incident.kind, incident.record_id, Severity.CRITICAL)
        )
        standing = {(p.tenant, p.root): p for p in await self._store.posts(incident.id)}
        posts = []
        for place, here in about.items():
            post = standing.get(place)
            news = incident.news(incident.handed, place[1])
            new = news if post else _news_to(here, incident, news)
            severity = severity_of(incident, new)
            willing = [s for s in here if s.wants(incident.kind, incident.record_id, severity)]
            if post is None and (incident.sleeps(now) or not (new and willing)):
                continue
            if post is not None and _rests(post, incident, now):
                continue
            chosen, held_until = _hold(willing or here, severity, now)
            if post is not None and _keeps_hold(post, incident, now):
                held_until = post.held_until
            elif incident.in_crowd and (post is None or post.activity_id is None):
                held_until = held_until or now + GATHER_FOR
            if post is not None and post.activity_id is None and not news:
                # Who watches since then is not told of it by what people do about it.
                posts.append(replace(post, held_until=held_until))
                continue
            posts.append(self._post(post, incident, chosen, held_until))
        return sorted(posts, key=lambda post: post.id)

    def _post(
        self,
        post: Post | None,
        incident: Incident,
        subscription: Subscription,
        held_until: datetime | None,
    ) -> Post:
        if post is not None:
            return replace(post, subscription_id=subscription.id, held_until=held_until)
        return Post(
            id=self._ids.new(),
            incident_id=incident.id,
            subscription_id=subscription.id,
            tenant=subscription.tenant,
            root=subscription.root,
            held_until=held_until,
        )


def _by_place(
    subscriptions: Iterable[Subscription],
) -> Mapping[tuple[str, str], list[Subscription]]:
    places: dict[tuple[str, str], list[Subscription]] = {}
    for subscription in subscriptions:
        places.setdefault((subscription.tenant, subscription.root), []).append(subscription)
    return places


def severity_of(incident: Incident, news: Sequence[Told]) -> Severity:
    """Return how bad the news is; a turn of the story is as bad as the story."""
    found = (line.event.severity if line.event else incident.severity for line in news)
    return max(found, key=rank, default=incident.severity)


def _news_to(
    here: Sequence[Subscription], incident: Incident, news: Sequence[Told]
) -> Sequence[Told]:
    """Return what is new to a conversation that was told nothing of an incident yet.

    Of what piled up while it was put off that is only what happened since somebody asked for it.
    """
    if not incident.handed_asleep:
        return news
    first = min(subscription.created_at for subscription in here)
    return [line for line in news if line.at >= first]


def _rests(post: Post, incident: Incident, now: datetime) -> bool:
    """Whether all of it stands there, or nothing of it does while it is put off.

    A repeat must not hold back once more what was told, nor a snooze be the end of quiet hours.
    """
    if post.activity_id is None and incident.sleeps(now):
        return True
    is_told = not incident.news(post.told, post.root)
    return is_told and post.revision_sent >= incident.revision


def _keeps_hold(post: Post, incident: Incident, now: datetime) -> bool:
    """Whether what is untold goes its way as before: nothing new, or nothing to hold back any more.

    What is on its way already must not wait because of something smaller that came after it.
    """
    slept = incident.handed_asleep
    if incident.sleeps(now):
        return True
    if not incident.news(post.told if slept else incident.handed, post.root):
        return True
    is_on_its_way = any(t.number <= incident.handed for t in incident.news(post.told, post.root))
    return not slept and post.held_until is None and is_on_its_way


def _hold(
    subscriptions: Sequence[Subscription], severity: Severity, now: datetime
) -> tuple[Subscription, datetime | None]:
    """Return the subscription to tell by, and until when that is held back: never if one wants it."""
    holds = [(s.held_until(severity, now), s) for s in subscriptions]
    for until, subscription in holds:
        if until is None:
            return subscription, None
    until, subscription = min(holds, key=lambda hold: hold[0] or now)
    return subscription, until


def hears(
    subscription: Subscription, incident: Incident, severity: Severity, now: datetime
) -> bool:
    """Whether a subscription wants news of an incident at once."""
    wants = subscription.wants(incident.kind, incident.record_id, severity)
    return wants and subscription.held_until(severity, now) is None


async def heir_of(store: Store, post: Post, incident: Incident) -> Subscription | None:
    """Return the subscription a post is told by.

    Where that has ended it is another of the conversation that was there when it happened.
    """
    found = await store.subscription(post.subscription_id)
    if found is not None:
        return found
    untold = incident.news(post.told, post.root)
    least = Severity.CRITICAL if post.activity_id else severity_of(incident, untold)
    last = max((line.at for line in untold), default=incident.changed_at)
    return next(
        (
            s
            for s in await store.subscriptions()
            if (s.tenant, s.root) == (post.tenant, post.root)
            and s.wants(incident.kind, incident.record_id, least)
            and s.created_at < last
        ),
        None,
    )


def quiet_again(
    subscription: Subscription, held: Sequence[tuple[Post, Incident]], now: datetime
) -> datetime | None:
    """Return until when all of it waits, by the hours wanted now."""
    untold = (
        severity_of(incident, incident.news(post.told, post.root)) for post, incident in held
    )
    waits = [subscription.held_until(severity, now) for severity in untold]
    return None if None in waits else min(filter(None, waits), default=None)


def _digests(posts: Iterable[Post]) -> dict[str, datetime]:
    """Return when each subscription is to have its summary: at the end of the first hold."""
    due: dict[str, datetime] = {}
    for post in posts:
        if post.held_until is not None:
            first = due.get(post.subscription_id, post.held_until)
            due[post.subscription_id] = min(first, post.held_until)
    return due


def _spaced(posts: Sequence[Post], now: datetime) -> dict[str, datetime]:
    """Return when each post is to be delivered; what is held and stands nowhere has its summary."""
    due = [post.id for post in posts if post.held_until is None or post.activity_id is not None]
    return {
        post_id: now + timedelta(seconds=number * SPACING_S) for number, post_id in enumerate(due)
    }
