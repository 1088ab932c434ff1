"""Approvals under any order of events: requests, votes, replays, lost rights, crashes, time.

A part is run each time; the whole is
`python -m pytest tests/faults/test_approval_machine.py --approval-runs=2000 --approval-steps=50`;
with `-s` it says how far it is.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from bot import logs
from bot.domain.approval import Approval, Decision
from bot.domain.audit import Verified
from bot.domain.operation import Operation, State
from bot.domain.outcome import Outcome
from bot.service.farside import RECOVERY_S
from bot.service.ports import Request
from bot.store.audit import exported
from bot.store.policy_file import parse_policy
from cards import words
from tests.support.office import Office, Write, copied, empty_database, request
from tests.support.room import policy
from tests.support.wall import Killed

T = TypeVar("T")
ASKERS = ("oli", "ada")
VOTERS = ("ada", "bob", "cyn", "oli")
PEOPLE = {"oli": "operator", "ada": "admin", "bob": "admin", "cyn": "admin"}
POLICIES = {n: parse_policy(policy(needed=str(n)).encode()) for n in (1, 2)}
ENDED = frozenset(State) - {State.WAITING, State.APPROVED, State.EXECUTING}
TITLES = {
    state: [title for key, (title, _) in words.STATES.items() if key.split(":")[0] == state]
    for state in State
}
COUNTS: Counter[str] = Counter()
SOME = 100
PHASES = (Phase.generate, Phase.shrink)


@dataclass
class Asked:
    """What the test itself remembers of an operation: each revision's body, and who pressed what."""

    asker: str
    request_id: str
    bodies: dict[int, object] = field(default_factory=dict)
    consents: set[tuple[str, int]] = field(default_factory=set)
    presses: list[Request] = field(default_factory=list)
    ended: State | None = None
    is_checked: bool = False


class Machine(RuleBasedStateMachine):
    """One office and one day in it."""

    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory(dir=self.template.parent)
        url = copied(self.template, Path(self.folder.name) / "office.db")
        self.office = self.run(self._make(url))
        self.asked: dict[str, Asked] = {}
        self.sent: list[Request] = []
        self.audited: dict[str, list[str]] = {}
        self.heard = 0
        self.written = 0
        self.serial = 0

    async def _make(self, url: str) -> Office:
        return Office(url, POLICIES[1], PEOPLE)

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run(work)

    @override
    def teardown(self) -> None:
        """Let the day end: what was asked for must come to its end, and the audit must hold."""
        try:
            self.office.graph.is_readable = True
            self.office.graph.dies = ""
            for hours in (0, 1, 5, 5):
                self.office.clock.move(hours=hours)
                self.work()
                self.every_write_had_consent()
                self.every_end_is_seen()
                self.every_vote_is_somebody_elses_on_this_plan()
            states = self.run(self._states())
            assert set(states.values()) <= ENDED, states
            assert isinstance(self.run(self.office.store.verify_audit()), Verified)
            COUNTS.update(state.value for state in states.values())
            COUNTS["runs"] += 1
            if COUNTS["runs"] % SOME == 0:
                print(dict(COUNTS), flush=True)  # noqa: T201 - shown with -s: the whole takes hours
        finally:
            self.run(self.office.close())
            self.loop.close()
            self.folder.cleanup()

    # What people and the world do

    def say(self, who: str, text: str) -> Outcome | None:
        return self.send(request(who, self._activity(), text=text))

    def _activity(self) -> str:
        self.serial += 1
        return f"a{self.serial}"

    def send(self, asked: Request) -> Outcome | None:
        self.sent.append(asked)
        return self.run(self.office.asks(asked))

    @initialize(needed=st.sampled_from([1, 2]))
    def begin(self, needed: int) -> None:
        self.office.rules.policy = POLICIES[needed]
        self.ask("oli", "EXCH01")
        self.ask("ada", "EXCH02")

    @rule(who=st.sampled_from(ASKERS), name=st.sampled_from(["EXCH01", "EXCH02"]))
    def ask(self, who: str, name: str) -> None:
        self.serial += 1
        self.office.people.roles[who] = {PEOPLE[who]}
        self.say(who, f"/exchange update {name} version={self.serial}")
        self.run(self._learn())

    @rule(data=st.data())
    def revise(self, data: st.DataObject) -> None:
        one = self._pick(data)
        self.serial += 1
        short, name = one.short, one.plan.target_name
        text = f"/exchange update {name} version={self.serial} --revise {short}"
        self.say(self.asked[one.id].asker, text)
        self.run(self._learn())

    @rule(
        data=st.data(),
        who=st.sampled_from(VOTERS),
        decision=st.sampled_from(["approve", "approve", "approve", "reject"]),
        is_typed=st.booleans(),
    )
    def vote(self, data: st.DataObject, who: str, decision: str, *, is_typed: bool) -> None:
        one = self._pick(data)
        asked = self.asked[one.id]
        revision = max(asked.bodies)
        if not is_typed:
            revision = data.draw(st.sampled_from(sorted(asked.bodies)))
        if decision == "approve":
            asked.consents.add((who, revision))
        if is_typed:
            self.say(who, f"/{decision} {one.short}")
            return
        press = {"verb": decision, "operation": one.id, "revision": str(revision)}
        asked.presses.append(request(who, self._activity(), press=press))
        self.send(asked.presses[-1])

    @rule(data=st.data(), dies=st.sampled_from(["", "", "before", "after"]))
    def agree(self, data: st.DataObject, dies: str) -> None:
        """Let two administrators consent at once, which is what happens on most days."""
        if all(asked.ended for asked in self.asked.values()):
            self.be_well_again()
            self.ask("oli", "EXCH01")
        one = self._pick(data)
        asked = self.asked[one.id]
        revision = max(asked.bodies)
        for who in ("bob", "cyn"):
            asked.consents.add((who, revision))
            press = {"verb": "approve", "operation": one.id, "revision": str(revision)}
            asked.presses.append(request(who, self._activity(), press=press))
            self.send(asked.presses[-1])
        self.office.graph.dies = dies
        if data.draw(st.booleans()):
            self.work()

    @rule()
    def be_well_again(self) -> None:
        self.office.people.roles = {oid: {role} for oid, role in PEOPLE.items()}
        self.office.graph.is_readable = True
        self.office.graph.dies = ""
        self.say("ada", "/resume")

    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.send(data.draw(st.sampled_from(self.sent)))
        self.run(self._learn())

    @precondition(lambda self: any(a.presses for a in self.asked.values()))
    @rule(data=st.data())
    def press_an_old_card_again(self, data: st.DataObject) -> None:
        presses = [press for asked in self.asked.values() for press in asked.presses]
        old = data.draw(st.sampled_from(presses))
        self.send(request(old.actor.oid, self._activity(), press=old.submission))

    @rule(data=st.data(), who=st.sampled_from(VOTERS))
    def cancel(self, data: st.DataObject, who: str) -> None:
        self.say(who, f"/cancel {self._pick(data).short}")

    @rule(who=st.sampled_from(sorted(PEOPLE)))
    def lose_the_role(self, who: str) -> None:
        self.office.people.roles[who] = set()

    @rule(needed=st.sampled_from([1, 2]))
    def change_the_policy(self, needed: int) -> None:
        self.office.rules.policy = POLICIES[needed]

    @rule(key=st.sampled_from(["c1", "c2"]), is_volatile=st.booleans())
    def change_the_target(self, key: str, *, is_volatile: bool) -> None:
        self.serial += 1
        name = "lastSyncDateTime" if is_volatile else "exchangeAlias"
        self.office.graph.records[key][name] = f"t{self.serial}"

    @rule(minutes=st.sampled_from([1, 1, 10, 61, 250, -60]))
    def move_the_clock(self, minutes: int) -> None:
        self.office.clock.move(minutes=minutes)

    @rule()
    def pause(self) -> None:
        self.say("ada", "/pause")

    @rule()
    def resume(self) -> None:
        self.say("ada", "/resume")

    @rule()
    def let_graph_fail(self) -> None:
        self.office.graph.is_readable = False

    @rule(dies=st.sampled_from(["before", "after"]))
    def let_the_next_write_kill_the_bot(self, dies: str) -> None:
        self.office.graph.dies = dies

    @rule()
    def restart(self) -> None:
        self.run(self._restart())

    @rule()
    def work(self) -> None:
        """Do all that is due, and give what was left behind the time in which it is looked for."""
        self._do()
        while State.EXECUTING in self.run(self._states()).values():
            self.office.clock.move(seconds=RECOVERY_S[-1])
            self._do()

    def _do(self) -> None:
        """Do what is due now; a death on the way leaves its lease to the next process."""
        while True:
            try:
                self.run(self.office.jobs.drain())
            except Killed:
                COUNTS["kills"] += 1
                self.run(self._restart())
                self.office.clock.move(seconds=31)
            else:
                return

    # What must be true after each of them

    @invariant()
    def every_write_had_consent(self) -> None:
        writes = self.office.graph.writes
        assert len({write.request_id for write in writes}) == len(writes)
        for write in writes[self.written :]:
            (key,) = (k for k, a in self.asked.items() if a.request_id == write.request_id)
            self._check_write(self.asked[key], self.run(self._approval(key)), write)
            operation = self.run(self.office.store.operation(key))
            assert operation is not None
            assert operation.plan.before is not None
            if write.request_id not in self.office.graph.lost:
                for name in ("version", "exchangeAlias"):
                    assert write.target.get(name) == operation.plan.before.get(name)
        self.written = len(writes)

    def _check_write(self, asked: Asked, approval: Approval, write: Write) -> None:
        assert approval.execute_by is not None
        assert write.at < approval.execute_by
        assert len(approval.consents) >= approval.rule.needed
        assert write.body == asked.bodies[approval.revision]

    @invariant()
    def every_vote_is_somebody_elses_on_this_plan(self) -> None:
        for key, asked in self.asked.items():
            if asked.is_checked:
                continue
            approval = self.run(self._approval(key))
            voters = [vote.person.oid for vote in approval.votes]
            assert len(set(voters)) == len(voters)
            assert asked.asker not in voters
            assert all(vote.at < approval.expires_at for vote in approval.votes)
            if approval.execute_by is not None:
                assert len(voters) >= approval.rule.needed
            for vote in approval.consents:
                assert (vote.person.oid, approval.revision) in asked.consents

    @invariant()
    def every_end_is_seen(self) -> None:
        for key, state in self.run(self._states()).items():
            asked = self.asked[key]
            if asked.ended in {State.UNKNOWN, None}:
                asked.ended = state if state in ENDED else None
            assert asked.ended in {None, state}, f"{key} was {asked.ended}, is {state}"
        self.run(self._see())

    async def _see(self) -> None:
        """Compare what ended with the audit, and with the card once it has been shown."""
        async for row in self.office.store.audit_rows(self.heard):
            line = exported(row)
            self.heard = row.seq
            self.audited.setdefault(str(line["operation"]), []).append(str(line["what"]))
        for key, asked in self.asked.items():
            if asked.ended is None or asked.is_checked:
                continue
            lines = self.audited[key]
            assert lines.count("operation executing") <= 1
            assert lines.count(f"operation {asked.ended}") == 1
            assert sum(lines.count(f"operation {state}") for state in ENDED) == 1
            card = await self.office.store.card(key)
            if card is None or card.activity_id is None:
                continue
            if card.revision_sent == card.revision_wanted:
                shown = self.office.wall.messages[int(card.activity_id) - 1].text
                assert any(title in shown for title in TITLES[asked.ended])
                asked.is_checked = True

    # How it looks things up

    def _pick(self, data: st.DataObject) -> Operation:
        waiting = sorted(k for k, a in self.asked.items() if a.ended is None)
        is_any = not waiting or data.draw(st.integers(0, 4)) == 0
        key = data.draw(st.sampled_from(sorted(self.asked) if is_any else waiting))
        found = self.run(self.office.store.operation(key))
        assert found is not None
        return found

    async def _restart(self) -> None:
        await self.office.close()
        self.office.open()

    async def _learn(self) -> None:
        """Note what was asked for, or revised, just now."""
        found = await self.office.store.operations(tenant=None, target=None, offset=0, limit=100)
        for operation in found:
            approval = await self._approval(operation.id)
            sent = await self.office.store.client_request_id(operation.id)
            asked = self.asked.setdefault(operation.id, Asked(operation.actor.oid, str(sent)))
            known = asked.bodies.setdefault(approval.revision, operation.plan.body)
            assert known == operation.plan.body

    async def _approval(self, key: str) -> Approval:
        approval = await self.office.store.approval(key)
        assert approval is not None
        assert all(vote.decision in Decision for vote in approval.votes)
        return approval

    async def _states(self) -> dict[str, State]:
        found = await self.office.store.operations(tenant=None, target=None, offset=0, limit=200)
        return {operation.id: operation.state for operation in found}


def test_no_order_of_events_breaks_an_approval(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs.configure("CRITICAL")
    runs = int(pytestconfig.getoption("--approval-runs", default="15"))
    steps = int(pytestconfig.getoption("--approval-steps", default="30"))
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
            derandomize=runs <= 15,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(dict(COUNTS))  # noqa: T201 - shown with -s, to say what the runs came to
