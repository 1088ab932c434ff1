"""What a conversation asked for, what it has to be told and why, and whether a message does."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from typing_extensions import override

from tests.support.happened import GRAPH, WARNING, News
from tests.support.wall import Message, Part

MINUTE = timedelta(minutes=1)
EVER = datetime.min.replace(tzinfo=UTC)
BACK = "The root message that somebody deleted is back."


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked to be told from `since` on; `hours` are minutes of the day in `zone`."""

    record: str | None
    least: int
    hours: tuple[int, int] | None = None
    zone: str = "UTC"
    holds_critical: bool = False
    since: datetime = EVER

    def is_about(self, record: str) -> bool:
        return self.record in {None, record} or record == GRAPH

    def is_eager(self, record: str, weight: int) -> bool:
        """Whether something that bad is wanted; that Graph cannot be read is, however little."""
        return record == GRAPH or self.least <= weight

    def hears(self, weight: int, now: datetime) -> datetime:
        """Return from when on something that bad may be told: now, or when it is quiet no more."""
        if weight > WARNING and not self.holds_critical:
            return now
        # Quiet hours begin and end at full minutes.
        end = now.replace(second=0, microsecond=0)
        while self._is_quiet(end):
            end += MINUTE
        return max(now, end)

    def _is_quiet(self, at: datetime) -> bool:
        if self.hours is None:
            return False
        local = at.astimezone(ZoneInfo(self.zone))
        start, end = self.hours
        passed = (local.hour * 60 + local.minute - start) % (24 * 60)
        return passed < (end - start) % (24 * 60)


@dataclass
class Reason:
    """News for one conversation: not before `may`, and at the latest at `must`, where wanted.

    What is asleep waits for the end of a snooze. What `needs_ill` is void once the record is well.
    What `is_damped` is a turn while the record flapped: that it flaps, or did, tells it.
    """

    news: News
    may: datetime
    must: datetime | None
    is_asleep: bool = False
    needs_ill: bool = False
    is_damped: bool = False

    @override
    def __str__(self) -> str:
        must = f"{self.must:%d %H:%M:%S}" if self.must else "never"
        return f"{self.news} (may {self.may:%d %H:%M:%S}, must {must}, asleep {self.is_asleep})"


@dataclass
class Handling:
    """That somebody takes care, and until when; that it was put off, and until when.

    `is_unsure`: the record was well for a moment while it flapped.
    """

    taken: datetime | None = None
    snoozed: datetime | None = None
    is_unsure: bool = False

    @property
    def is_asleep(self) -> bool:
        return self.snoozed is not None and not self.is_unsure


def tells(message: Message, reason: Reason) -> bool:
    """Whether a message told of something when it came; a summary does by naming the record."""
    sentence = reason.news.sentence
    if sentence == BACK:
        return message.part is Part.ROOT
    text = _first_text(message)
    return message.part is Part.SUMMARY or (
        sentence in text or _is_damped(text, reason) or _is_cut(text)
    )


def _first_text(message: Message) -> str:
    return " ".join(message.versions[0][1].split())


def _is_damped(text: str, reason: Reason) -> bool:
    return reason.is_damped and re.search("Began to flap|Steady for", text) is not None


def _is_cut(text: str) -> bool:
    return re.search(r"\+\d+ earlier", text) is not None


def left_of(message: Message, reasons: list[Reason], told: list[Reason]) -> list[Reason]:
    """Return the reasons for further messages, once these have been told.

    A root message that is back tells old news anew. One incident's message may look like it told
    of another incident of the same record: each of its sentences stands for one piece of news.
    """
    back = next((reason for reason in told if reason.news.sentence == BACK), None)
    if back is not None:
        for reason in told:
            reason.must = None
        return [reason for reason in reasons if reason is not back]
    text = _first_text(message)
    seen: Counter[str] = Counter()
    left = [reason for reason in reasons if reason not in told]
    for reason in reversed(told if message.part is not Part.SUMMARY else []):
        if _is_damped(text, reason):
            continue
        sentence = reason.news.sentence
        seen[sentence] += 1
        if text.count(sentence) >= seen[sentence]:
            continue
        if _is_cut(text):
            reason.must = None
        left.append(reason)
    return left


def is_ill(reason: Reason) -> bool:
    """Whether something that is wrong was to be told."""
    is_about = reason.news.is_turn or "Not seen" in reason.news.sentence
    return is_about and reason.must is not None


def joined(some: Iterable[object]) -> str:
    return " | ".join(map(str, some))
