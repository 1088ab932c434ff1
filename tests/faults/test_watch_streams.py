"""Notifications under any order of events: flapping, quiet hours, snoozes, refusals, outages, crashes.

A part is run each time; the whole is
`python -m pytest tests/faults/test_watch_streams.py --watch-runs=300 --watch-steps=40`.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, note, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from bot import logs
from bot.domain.incident import Incident
from bot.domain.watch import GRAPH as GRAPH_KIND
from bot.service.fanout import ASK_JOB, DIGEST_JOB, NOTICE_JOB
from bot.service.ports import Reference
from bot.service.watching import WATCH_JOB
from bot.store.policy_file import parse_policy
from tests.support.happened import CRITICAL, GRAPH, INFO, WARNING
from tests.support.listener import Listener
from tests.support.office import OFFICE, Listed, Office, copied, empty_database, request
from tests.support.stage import POLICY
from tests.support.wall import Edited, Failed, Killed, Part, Posted, Trouble
from tests.support.wishes import Wish

T = TypeVar("T")
CHANNEL = Reference(OFFICE.tenant, OFFICE.service_url, "19:ops@thread.tacv2", "channel")
PRIVATE = replace(CHANNEL, conversation="a:ada", kind="personal")
PLACES = (CHANNEL, OFFICE, PRIVATE)
RETIRED = "c3"
KEYS = ("c1", "c2", RETIRED, "c4")
STATUSES = ("connected", "disconnected", "connectionPending", "none", "melting")
FLAPS = (
    ("connected", "disconnected"),
    ("connected", "melting"),
    ("disconnected", "connectionPending"),
)
LEVELS = {"info": INFO, "warning": WARNING, "critical": CRITICAL}
HOURS = (
    None,
    ("08:00-11:00", (480, 660), "UTC"),
    ("22:00-07:00", (1320, 420), "UTC"),
    ("17:30-20:00", (1050, 1200), "Asia/Tokyo"),
    ("01:00-06:00", (60, 360), "America/New_York"),
)
INTERVAL_S = 60.0
SOON = timedelta(seconds=10)
DELIVERIES = (NOTICE_JOB, DIGEST_JOB, ASK_JOB)
COUNTS: Counter[str] = Counter()
PHASES = (Phase.generate,)
"""A story is not made shorter: that takes minutes, and says little more than its last steps."""


class Machine(RuleBasedStateMachine):
    """Some connectors, three conversations and what they are told."""

    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory(dir=self.template.parent)
        url = copied(self.template, Path(self.folder.name) / "office.db")
        self.office = self.run(self._make(url))
        self.listener = Listener(frozenset({RETIRED}))
        self.serial = 0
        self.is_broken = False

    async def _make(self, url: str) -> Office:
        rules = parse_policy(POLICY.encode())
        return Office(url, rules, {"ada": "admin"}, records={}, watch_interval_s=INTERVAL_S)

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run(work)

    @override
    def teardown(self) -> None:
        """Let everything be well and the night pass: all that was wanted must have been told."""
        try:
            self.office.graph.is_listed = True
            self.office.wall.troubles.clear()
            now = self.office.clock.now()
            tomorrow = (now + timedelta(days=2)).replace(hour=15, minute=0)
            waits = (timedelta(minutes=20), timedelta(minutes=20), tomorrow - now)
            for wait in () if self.is_broken else waits:
                self.let_time_pass(int(wait.total_seconds()) // 60, syncs=True)
                self.look()
            COUNTS.update(message.part.value for message in self.office.wall.messages)
            COUNTS["runs"] += 1
        finally:
            self.run(self.office.close())
            self.loop.close()
            self.folder.cleanup()

    # What happens to the connectors

    @initialize()
    def begin(self) -> None:
        for key in KEYS[:3]:
            self.appear(key, "connected")
        self.run(self.office.use_cases.watching.arm())
        self.work()
        self.watch(CHANNEL, "exchange", "info", None, holds_critical=False)
        self.watch(OFFICE, "", "warning", HOURS[1], holds_critical=False)

    @rule(key=st.sampled_from(KEYS), status=st.sampled_from(STATUSES))
    def turn(self, key: str, status: str) -> None:
        if key in self.office.graph.records:
            self.office.graph.records[key]["status"] = status
            self.look()

    @rule(
        key=st.sampled_from(KEYS), pair=st.sampled_from(FLAPS), times=st.sampled_from([3, 5, 12])
    )
    def flap(self, key: str, pair: tuple[str, str], times: int) -> None:
        for number in range(times):
            self.turn(key, pair[number % 2])

    @rule(key=st.sampled_from(KEYS), is_silent=st.booleans())
    def sync(self, key: str, *, is_silent: bool) -> None:
        if key in self.office.graph.records:
            self._sync(key, hours=25 if is_silent else 0)

    def _sync(self, key: str, *, hours: int) -> None:
        at = self.office.clock.now() - timedelta(hours=hours)
        self.office.graph.records[key]["lastSyncDateTime"] = at.isoformat()

    @rule(key=st.sampled_from(KEYS))
    def change_from_outside(self, key: str) -> None:
        if key in self.office.graph.records:
            self.serial += 1
            self.office.graph.records[key]["version"] = f"v{self.serial}"

    @rule(key=st.sampled_from(KEYS), place=st.sampled_from(PLACES))
    def change_by_the_bot(self, key: str, place: Reference) -> None:
        if key in self.office.graph.records and self.office.graph.is_listed:
            self.serial += 1
            version = f"v{self.serial}"
            self.listener.happened.deeds[key, version] = place.conversation
            self.say(place, f"/exchange update {_name(key)} version={version}")
            self.work()

    @rule(key=st.sampled_from(KEYS), status=st.sampled_from(STATUSES))
    def appear(self, key: str, status: str) -> None:
        if key not in self.office.graph.records:
            kind = "onPremises" if key == RETIRED else "hosted"
            self.office.graph.records[key] = {
                "id": key,
                "serverName": _name(key),
                "exchangeConnectorType": kind,
                "status": status,
                "version": "v0",
            }
            self._sync(key, hours=0)

    @rule(key=st.sampled_from(KEYS))
    def remove(self, key: str) -> None:
        self.office.graph.records.pop(key, None)

    # What people do

    @rule(
        place=st.sampled_from(PLACES),
        scope=st.sampled_from(["", "exchange", "exchange", "c1", "c2"]),
        level=st.sampled_from(["info", "info", *LEVELS]),
        hours=st.sampled_from(HOURS),
        holds_critical=st.booleans(),
    )
    def watch(
        self,
        place: Reference,
        scope: str,
        level: str,
        hours: tuple[str, tuple[int, int], str] | None,
        *,
        holds_critical: bool,
    ) -> None:
        record = scope if scope in KEYS else None
        if record and not self._is_there(record):
            return
        text = f"/watch {f'exchange {_name(scope)}' if record else scope} --severity {level}"
        wish = Wish(record, LEVELS[level])
        if hours:
            text += f" --quiet {hours[0]} --tz {hours[2]}"
            text += " --hold-critical" if holds_critical else ""
            wish = Wish(record, LEVELS[level], hours[1], hours[2], holds_critical)
        self.say(place, text)
        self.listener.watched(place.conversation, scope, wish, self.office.clock.now())

    def _is_there(self, record: str) -> bool:
        """Whether people can name a record: as Graph has it, or as last seen without Graph."""
        graph = self.office.graph
        return record in (self.listener.happened.known or {}) and (
            record in graph.records or not graph.is_listed
        )

    @rule(place=st.sampled_from(PLACES), data=st.data())
    def unwatch(self, place: Reference, data: st.DataObject) -> None:
        wishes = self.listener.wishes.get(place.conversation)
        if not wishes:
            return
        scope = data.draw(st.sampled_from([None, *sorted(wishes)]))
        self.say(place, f"/unwatch {'--all' if scope is None else self._short(place, scope)}")
        self.listener.unwatched(place.conversation, scope, self.office.clock.now())

    def _short(self, place: Reference, scope: str) -> str:
        found = self.run(self.office.store.subscriptions())
        (one,) = [
            s
            for s in found
            if s.root == place.conversation and scope in {s.target, s.target or s.kind or ""}
        ]
        return one.short

    @rule(place=st.sampled_from(PLACES), data=st.data(), hours=st.sampled_from([0, 0, 1, 8]))
    def take_care(self, place: Reference, data: st.DataObject, hours: int) -> None:
        """Acknowledge something that is open, or snooze it for some hours."""
        ill = [i for i in self._open() if self.listener.happened.ills(_record(i))]
        if not ill:
            return
        about = data.draw(st.sampled_from(sorted(map(_record, ill))))
        (one,) = [i for i in ill if _record(i) == about]
        now = self.office.clock.now()
        text = f"snooze {one.short} --for {hours}h" if hours else f"acknowledge {one.short}"
        self.say(place, f"/{text}")
        if hours or one.acknowledged is None:
            until = now + timedelta(hours=hours or 4)
            self.listener.took_care(_record(one), until, is_snooze=bool(hours), now=now)
        self.work()

    @rule(data=st.data())
    def delete_a_root_message(self, data: st.DataObject) -> None:
        found = [m for m in self.office.wall.messages if m.part is Part.ROOT]
        standing = [m for m in found if m.is_known and not m.is_deleted]
        if standing:
            message = standing[data.draw(st.integers(0, len(standing) - 1))]
            message.is_deleted = True
            self.listener.deleted(message, self.office.clock.now())

    # What goes wrong, and time

    @rule(
        place=st.sampled_from(PLACES),
        trouble=st.sampled_from(list(Trouble)),
        throttle_s=st.sampled_from([20.0, 600.0]),
    )
    def let_teams_fail(self, place: Reference, trouble: Trouble, throttle_s: float) -> None:
        where = place.conversation
        if trouble is Trouble.REFUSED and self.listener.is_in_grace(
            where, self.office.clock.now()
        ):
            return
        self.office.wall.troubles[where] = trouble
        self.office.wall.throttle_s = throttle_s

    @rule()
    def let_graph_go_away(self) -> None:
        self.office.graph.is_listed = False

    @precondition(lambda self: not self.office.graph.is_listed)
    @rule()
    def let_graph_come_back(self) -> None:
        self.office.graph.is_listed = True

    @rule()
    def restart(self) -> None:
        self.run(self._restart())

    @rule(minutes=st.sampled_from([5, 20, 60, 240, 780, 1440]), syncs=st.booleans())
    def let_time_pass(self, minutes: int, *, syncs: bool) -> None:
        self.office.clock.move(minutes=minutes)
        for key in self.office.graph.records if syncs else ():
            self._sync(key, hours=0)
        self.work()

    @rule(times=st.sampled_from([1, 1, 3]))
    def look(self, times: int = 1) -> None:
        """Let the next looks fall due, and do all work."""
        for _ in range(times):
            due = self.run(self.office.store.next_due((WATCH_JOB,)))
            assert due is not None
            self.office.clock.jump(max(timedelta(), due - self.office.clock.now()))
            self.work()

    def work(self) -> None:
        """Do what is due and what follows at once; a death on the way leaves a lease behind."""
        began = self.office.clock.now()
        is_done = False
        while not is_done:
            try:
                self.run(self.office.jobs.drain())
            except Killed:
                COUNTS["kills"] += 1
                self.run(self._restart())
                self.office.clock.move(seconds=31)
                continue
            due = self.run(self.office.store.next_due(DELIVERIES))
            wait = due - self.office.clock.now() if due else SOON
            is_done = wait >= SOON
            if not is_done:
                self.office.clock.jump(wait)
        self._listen(began)

    # What must be so

    def _listen(self, began: datetime) -> None:
        """Judge what happened since, in its order, and then what stands in the conversations."""
        try:
            self._judge(began, self.office.clock.now())
        except AssertionError:
            self.is_broken = True
            for message in self.office.wall.messages:
                note(str(message))
            raise

    def _judge(self, began: datetime, now: datetime) -> None:
        self.listener.time_passed(began, now)
        for entry in self.office.journal:
            match entry:
                case Listed(at, records):
                    self.listener.looked(at, records)
                case Posted(at, message):
                    self.listener.posted(at, message)
                case Edited(_, message):
                    self.listener.edited(message)
                case Failed(at, where, wait_s):
                    self.listener.failed(at, where, wait_s)
        self.office.journal.clear()
        self.listener.check(now)
        about = [_record(incident) for incident in self._open()]
        assert len(set(about)) == len(about), f"two open incidents of one record: {about}"

    def _open(self) -> list[Incident]:
        return list(self.run(self.office.store.open_incidents()))

    def say(self, place: Reference, text: str) -> None:
        self.serial += 1
        asked = request("ada", f"a{self.serial}", text=text, place=place)
        before = list(self.office.journal)
        self.run(self.office.asks(asked))
        # What people ask to see is no look.
        heard = self.office.journal[len(before) :]
        self.office.journal[:] = before + [e for e in heard if not isinstance(e, Listed)]

    async def _restart(self) -> None:
        await self.office.close()
        self.office.open()


def _name(key: str) -> str:
    return f"EXCH0{key[1:]}"


def _record(incident: Incident) -> str:
    return GRAPH if incident.kind == GRAPH_KIND else incident.record_id


def test_every_change_is_told_once_in_time_and_nothing_else_is(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs.configure("CRITICAL")
    runs = int(pytestconfig.getoption("--watch-runs", default="12"))
    steps = int(pytestconfig.getoption("--watch-steps", default="30"))
    where = tmp_path_factory.mktemp("office")
    with asyncio.Runner() as runner:
        Machine.template = runner.run(empty_database(where / "empty.db"))
    COUNTS.clear()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=runs <= 12,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(dict(COUNTS))  # noqa: T201 - shown with -s, to say what the runs came to
