"""What a conversation may hear and must hear, and whether it did: the judge of notifications.

It knows the README's rules, what happened, who asked for what, and every message. It fails as soon
as a message had no reason or came too early, and when something was not told in time.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.support.happened import CRITICAL, INFO, STALE, STEADY, UNREAD, Happened, News
from tests.support.wall import Message, Part
from tests.support.wishes import BACK, Handling, Reason, Wish, is_ill, joined, left_of, tells

LONGEST_RETRY = timedelta(seconds=125)
MOST_TURNS_TOLD = 8
"""Four turns, of which the last is that it flaps; a quarter of an hour of rest, and four again."""

ILLS = frozenset({"disconnected", "connectionPending", "melting", STALE, UNREAD})
AGAIN = "Asked again"


class Listener:
    """Hears everything in order and judges it."""

    def __init__(self, retired: frozenset[str]) -> None:
        self.happened = Happened()
        self.wishes: dict[str, dict[str, Wish]] = {}
        self.handled: dict[str, Handling] = {}
        self._retired = retired
        self._reasons: dict[tuple[str, str], list[Reason]] = {}
        self._messages: dict[tuple[str, str], list[Message]] = {}
        self._turns_told: dict[tuple[str, str], list[datetime]] = {}
        self._summarised: dict[tuple[str, str], datetime] = {}
        self._is_shown: set[tuple[str, str]] = set()
        self._left: set[str] = set()
        self._grace: dict[str, datetime] = {}
        self._began = datetime.min.replace(tzinfo=UTC)

    # What people do

    def watched(self, where: str, scope: str, wish: Wish, now: datetime) -> None:
        before = list(self.wishes.get(where, {}).values())
        here = self.wishes.setdefault(where, {})
        # What is only changed was asked for all the time.
        here[scope] = replace(wish, since=here[scope].since if scope in here else now)
        self._wish_changed(where, before, now)

    def unwatched(self, where: str, scope: str | None, now: datetime) -> None:
        """Take one wish of a conversation back, or all of them."""
        before = list(self.wishes[where].values())
        gone = [scope] if scope is not None else list(self.wishes[where])
        for each in gone:
            del self.wishes[where][each]
        self._wish_changed(where, before, now)

    def _wish_changed(self, where: str, before: list[Wish], now: datetime) -> None:
        """Drop what nobody wants any more; what was held may wait for quiet hours old and new."""
        for (place, record), reasons in self._reasons.items():
            here = self._here(place, record)
            if place != where:
                continue
            for each in reasons if here else ():
                if each.may > now:
                    each.may = min(w.hears(each.news.weight, now) for w in here)
                wants = [w for w in here if w.is_eager(record, each.news.weight)]
                # Nobody inherits what happened before they asked for news.
                if each.must is not None and all(w.since >= each.news.at for w in wants):
                    each.must = None
                elif each.must is not None:
                    waits = [w for w in before if w.is_about(record)] + wants
                    late = max(w.hears(each.news.weight, now) for w in waits)
                    each.must = max(each.must, late)
            # A thread that is wanted again goes on: its root message may come back then.
            kept = [each for each in reasons if here or each.news.sentence == BACK]
            self._reasons[place, record] = kept
        for (place, record), messages in self._messages.items():
            if place == where and not self._here(place, record):
                self._left |= {message.id for message in messages}
                self._is_shown.discard((place, record))

    def took_care(self, record: str, until: datetime, *, is_snooze: bool, now: datetime) -> None:
        handling = self.handled.setdefault(record, Handling())
        handling.is_unsure = handling.is_unsure or self.happened.flaps(record)
        if is_snooze:
            handling.snoozed = until
        else:
            handling.taken, handling.snoozed = until, None
            self._wake(record, now)

    def deleted(self, message: Message, now: datetime) -> None:
        """Know that somebody deleted a root message: it may come back whatever happens next."""
        for (where, record), messages in self._messages.items():
            if message in messages:
                self._is_shown.discard((where, record))
                again = News(record, now, INFO, BACK)
                self._reasons.setdefault((where, record), []).append(Reason(again, now, None))

    # What the bot does

    def looked(self, at: datetime, records: Mapping[str, Mapping[str, object]] | None) -> None:
        happened = self.happened
        before = {key: happened.weight(key) for key in happened.names}
        batches: dict[str, list[News]] = {}
        for news in happened.looked(at, records):  # type: ignore[arg-type]
            batches.setdefault(news.record, []).append(news)
        for record in happened.names:
            batch = batches.get(record, [])
            self._care(record, was=before.get(record, 0), at=at)
            for where in self.wishes:
                self._note(where, record, batch)
            if record in happened.steadied:
                self._optional(News(record, at, CRITICAL, "Steady for"))

    def _care(self, record: str, *, was: int, at: datetime) -> None:
        """Let who takes care be forgotten once all is well, and a snooze once it is worse."""
        weight, handling = self.happened.weight(record), self.handled.get(record)
        if handling is None:
            return
        if not weight and self.happened.flaps(record):
            handling.is_unsure = True
        elif not weight:
            self._wake(record, at)
            del self.handled[record]
        elif weight > was and handling.is_asleep:
            self._wake(record, at)
            handling.snoozed = None

    def _note(self, where: str, record: str, batch: list[News]) -> None:
        here = self._here(where, record)
        if not here or not batch:
            return
        worst = max(news.weight for news in batch)
        eager = [w for w in here if w.is_eager(record, worst)] or here
        handling = self.handled.get(record)
        is_asleep = handling is not None and handling.is_asleep
        for news in batch:
            willing = [w for w in here if w.is_eager(news.record, news.weight)]
            is_damped = news.is_turn and self.happened.flaps(record)
            must = min((w.hears(news.weight, news.at) for w in willing), default=None)
            if news.where == where or is_damped or (handling is not None and handling.is_unsure):
                must = None
            may = min(w.hears(worst, news.at) for w in eager)
            reason = Reason(news, may, must, is_asleep=is_asleep, is_damped=is_damped)
            self._reasons.setdefault((where, record), []).append(reason)

    def _optional(self, news: News, *, must_while_ill: bool = False) -> None:
        for where in self.wishes:
            here = self._here(where, news.record)
            willing = [w for w in here if w.is_eager(news.record, news.weight)]
            if not here:
                continue
            may = min(w.hears(news.weight, news.at) for w in willing or here)
            must = min((w.hears(INFO, news.at) for w in willing), default=None)
            reason = Reason(news, may, must if must_while_ill else None, needs_ill=True)
            self._reasons.setdefault((where, news.record), []).append(reason)

    def time_passed(self, since: datetime, now: datetime) -> None:
        """End snoozes that are over, and have what somebody took care of asked about again."""
        self._began = since
        for record, handling in list(self.handled.items()):
            is_asked = record not in self._retired
            until = handling.snoozed or (handling.taken if is_asked else None)
            if until is None or until > now:
                continue
            del self.handled[record]
            at = max(since, until)
            self._wake(record, at)
            if is_asked:
                asked = News(record, at, self.happened.weight(record), AGAIN)
                self._optional(asked, must_while_ill=not handling.is_unsure)

    def _wake(self, record: str, now: datetime) -> None:
        """Let what a snooze kept back be told, as urgent as the record is now."""
        weight = self.happened.weight(record)
        for (where, about), reasons in self._reasons.items():
            here = self._here(where, about)
            for each in (r for r in reasons if about == record and r.is_asleep and here):
                worst = max(weight, each.news.weight)
                each.is_asleep = False
                each.may = min(w.hears(worst, now) for w in here)
                if each.must is not None:
                    each.must = max(w.hears(INFO, now) for w in here)

    def failed(self, at: datetime, where: str, wait_s: float) -> None:
        until = at + max(LONGEST_RETRY, timedelta(seconds=wait_s + 5))
        self._grace[where] = max(until, self._grace.get(where, until))

    def edited(self, message: Message) -> None:
        self._left.discard(message.id)

    def posted(self, at: datetime, message: Message) -> None:
        """Judge a message: was there a reason, was it time, and does it say what happened?"""
        if message.part is Part.OTHER:
            return
        for record in self._records_in(message):
            key = (message.conversation, record)
            self._messages.setdefault(key, []).append(message)
            if not message.is_known:
                continue
            assert self._here(*key), f"told after nobody wanted it: {message}"
            reasons = self._reasons.get(key, [])
            told = [r for r in reasons if tells(message, r) and not self._is_new(message, r)]
            ripe = [r for r in told if r.may <= at and not r.is_asleep]
            if message.part is not Part.SUMMARY and any(is_ill(r) for r in told):
                self._is_shown.add(key)
            if message.part is Part.SUMMARY and self._summarised.get(key) == at:
                # Of two incidents of one record, each may stand in the summary of another wish.
                continue
            assert ripe, f"{record}: no reason, or too early: {message}, {joined(reasons)}"
            self._reasons[key] = left_of(message, reasons, told)
            if message.part is Part.SUMMARY:
                self._summarised[key] = at
            self._count_turns(key, told, at)

    def _is_new(self, message: Message, reason: Reason) -> bool:
        """Whether it was asked again only after a summary, at the same time."""
        is_asked = reason.news.sentence == AGAIN and reason.news.at >= self._began
        return message.part is Part.SUMMARY and is_asked

    def _count_turns(self, key: tuple[str, str], reasons: list[Reason], at: datetime) -> None:
        if not all(reason.news.is_turn for reason in reasons):
            return
        told = [t for t in self._turns_told.get(key, []) if at - t < 2 * STEADY] + [at]
        self._turns_told[key] = told
        assert len(told) <= MOST_TURNS_TOLD, f"{key} was told of its status {len(told)} times"

    # What must be so when all work is done

    def check(self, now: datetime) -> None:
        """Judge what was not told, and what the root messages say."""
        for (where, record), reasons in self._reasons.items():
            for each in reasons:
                if each.needs_ill and not self.happened.ills(record):
                    each.must = None
                is_due = each.must is not None and each.must <= now and not each.is_asleep
                weight = each.news.weight
                # Quiet hours may have begun anew while the bot was away.
                is_heard = any(w.hears(weight, now) <= now for w in self._here(where, record))
                if is_due and is_heard and not self.is_in_grace(where, now):
                    raise AssertionError(f"{where} was not told by {now}: {each}")
        for where, record in self._messages:
            if self._here(where, record) and not self.is_in_grace(where, now):
                self._check_roots(where, record)

    def _check_roots(self, where: str, record: str) -> None:
        roots = [m for m in self._messages[where, record] if m.part is Part.ROOT and m.is_known]
        mine = [m for m in roots if not m.is_deleted]
        incidents = [m.incident for m in mine]
        assert len(set(incidents)) == len(incidents), (
            f"one incident, two root messages: {joined(mine)}"
        )
        opened = [m for m in mine if "] Snooze" in m.text and m.id not in self._left]
        assert len(opened) <= 1, f"two open threads: {joined(opened)}"
        ills = self.happened.ills(record)
        if self.happened.flaps(record):
            return
        for message in opened:
            shown = {ill for ill in ILLS if ill in message.title}
            assert shown == ills, f"{shown} is shown, {ills} is so: {message}"
        if not ills:
            self._is_shown.discard((where, record))
        is_missing = (where, record) in self._is_shown and not opened
        assert not is_missing, f"{where} shows nothing of {record}: {ills}"

    def is_in_grace(self, where: str, now: datetime) -> bool:
        """Whether a message may still be late, since one failed."""
        return self._grace.get(where, now) > now

    def _here(self, where: str, record: str) -> list[Wish]:
        return [w for w in self.wishes.get(where, {}).values() if w.is_about(record)]

    def _records_in(self, message: Message) -> list[str]:
        names = self.happened.names.items()
        if message.part is Part.SUMMARY:
            # Its foot names what was asked for.
            told = message.text.partition("You see this because")[0]
            return [key for key, name in names if name in told]
        return [key for key, name in names if f"{name} \u2013" in message.title]
