"""What a watch of a bot that was killed left behind: incidents, posts and cards against the world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from bot.chance import SystemClock
from bot.domain.incident import Incident
from bot.sandbox.connector import Message
from bot.sandbox.people import Channel
from bot.service.fanout import DIGEST_JOB, NOTICE_JOB, SPREAD_JOB
from bot.service.watch_ports import Post
from bot.store import incidents, snapshots, tables
from bot.store.database import Database
from tests.support.room import text_of
from tests.support.trials import Scene, Trial, title_of

NAME = "EXCH05"
BAD = "disconnected"
OTHER = Channel("19:c0de0000000000000000000000000002@thread.tacv2")
QUIET = "While it was quiet"


@dataclass(frozen=True, slots=True)
class Left:
    """What the database knows of one connector; `looked_at` is when it was last seen, and how."""

    looked_at: datetime | None
    status: str
    incidents: Sequence[Incident]
    posts: Sequence[Post]
    is_idle: bool

    def agrees(self, status: str, since: datetime) -> bool:
        """Whether the world was seen as it is since then, and everything of it was told."""
        if self.looked_at is None or self.looked_at <= since or self.status != status:
            return False
        counts = {incident.id: incident.count for incident in self.incidents}
        return self.is_idle and all(
            post.told == counts[post.incident_id] and post.held_until is None
            for post in self.posts
        )


async def left(scene: Scene) -> Left:
    """Look into the bot's database."""
    record_id = scene.world.id_of(NAME)
    database = Database.open(scene.settings["BOT_DATABASE_URL"], clock=SystemClock())
    try:
        async with database.read() as session:
            seen = await snapshots.get(session, "exchange", known=None)
            mine = tables.incident.c.record_id == record_id
            rows = await session.all(select(tables.incident.c.document).where(mine))
            stories: list[Incident] = [row["document"] for row in rows]
            posts = [p for each in stories for p in await incidents.posts(session, each.id)]
            due = tables.job.c.kind.in_((SPREAD_JOB, NOTICE_JOB, DIGEST_JOB))
            jobs = await session.all(select(tables.job.c.id).where(due))
    finally:
        await database.close()
    snapshot = seen.snapshot
    track = snapshot.tracks.get(record_id) if snapshot else None
    return Left(
        looked_at=snapshot.taken_at if snapshot else None,
        status=str(track.values["status"]) if track else "",
        incidents=stories,
        posts=posts,
        is_idle=not jobs,
    )


async def end_quiet_hours(scene: Scene) -> None:
    """Let what quiet hours hold back be due now."""
    now = SystemClock().now()
    database = Database.open(scene.settings["BOT_DATABASE_URL"], clock=SystemClock())
    try:
        async with database.write() as session:
            held = tables.post.c.held_until.is_not(None)
            await session.change(update(tables.post).where(held).values(held_until=now))
            digests = tables.job.c.kind == DIGEST_JOB
            await session.change(update(tables.job).where(digests).values(due_at=now))
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class Channels:
    """What stands in the channels since the story began."""

    scene: Scene
    before: frozenset[str]

    def messages(self, of: Callable[[Message], bool]) -> list[Message]:
        """Return the messages about the connector for which that holds, oldest first."""
        found = self.scene.sandbox.connector.messages()
        return [m for m in found if m.id not in self.before and NAME in text_of(m.card) and of(m)]

    def roots(self, channel: Channel) -> list[Message]:
        return self.messages(lambda m: m.conversation == channel.id and not _is_summary(m))

    def summaries(self, channel: Channel) -> list[Message]:
        return self.messages(lambda m: m.conversation == channel.id and _is_summary(m))

    def replies(self, root: Message) -> list[Message]:
        return self.messages(lambda m: m.conversation.endswith(f";messageid={root.id}"))


def _is_summary(message: Message) -> bool:
    return QUIET in title_of(message)


def judge(trial: Trial, channels: Channels, found: Left, status: str) -> None:
    """Hold incidents and cards against the world as it is."""
    is_bad = status == BAD
    opened = [incident for incident in found.incidents if incident.is_open]
    trial.ended = f"{status}, {len(found.incidents)} told of"
    trial.expect(is_so=len(found.incidents) <= 1, wanted=f"{len(found.incidents)} incidents")
    trial.expect(is_so=bool(opened) is is_bad, wanted=f"{status}, but {len(opened)} are open")
    for channel in (channels.scene.world.channel, OTHER):
        posts = [post for post in found.posts if post.root == channel.id]
        trial.expect(is_so=len(posts) == len(found.incidents), wanted=f"{len(posts)} posts")
        for post in posts:
            (incident,) = [i for i in found.incidents if i.id == post.incident_id]
            _judge_channel(trial, channels, channel, post, incident)


def _judge_channel(
    trial: Trial, channels: Channels, channel: Channel, post: Post, incident: Incident
) -> None:
    roots, summaries = channels.roots(channel), channels.summaries(channel)
    known = [root for root in roots if root.id == post.activity_id]
    if post.activity_id is None:
        trial.expect(is_so=not roots and bool(summaries), wanted="neither card nor summary")
        trial.orphans += len(summaries) - 1
        return
    trial.orphans += len(roots) - 1
    trial.expect(is_so=len(known) == 1, wanted=f"the card {post.activity_id} is not there")
    trial.expect(is_so=len(roots) <= 2, wanted=f"{len(roots)} root messages")
    for root in known:
        _judge_card(trial, channels, root, incident)


def _judge_card(trial: Trial, channels: Channels, root: Message, incident: Incident) -> None:
    word = BAD if incident.is_open else "recovered"
    title = title_of(root)
    trial.expect(is_so=word in title, wanted=f"the card says {title}, not {word}")
    told = [text_of(m.card) for m in channels.replies(root)]
    first = str(root.activity)
    lost = [
        line.number
        for line in incident.lines
        if line.event and not any(_tells(text, line.event.after) for text in (first, *told))
    ]
    trial.expect(is_so=not lost, wanted=f"lines {lost} were told nowhere: {told}")
    trial.expect(is_so=len(told) <= incident.count, wanted=f"{len(told)} replies: {told}")


def _tells(text: str, after: str) -> bool:
    return f"to {after}." in text
