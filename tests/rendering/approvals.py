"""Approvals in every state, as the bot turns them into cards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.approval import Approval, Decision, Vote
from bot.domain.kinds import KINDS
from bot.domain.operation import Actor, Observation, Operation, Result, State
from bot.domain.outcome import Operated, View
from bot.domain.plan import Change, Plan
from bot.domain.policy import ApprovalRule
from bot.domain.resource import Effect
from bot.teams.reply_operation import operation_card
from cards import operation, waiting
from cards.frame import Place, Rendered, Stamp

PLACE = Place(cloud="Global", tenant="Contoso Ltd")
STAMP = Stamp(at="2026-11-21 03:40 UTC", id="7F3K", twin="/history 7F3K")
ASKED = datetime(2026, 11, 21, 3, 10, tzinfo=UTC)
TENANT = "c0de0000-0000-4000-8000-00000000c0de"
TARGET = "e11c1de8-0000-4000-8000-000000000001"
COMMAND = '/exchange update EXCH01 version=15.2 exchangeAlias="exch-primary"'
OLI, BOB, CYN = (
    Actor(TENANT, f"0e0b1ec7-0000-4000-8000-00000000000{number}", name)
    for number, name in enumerate(("Oli Operator", "Bob Admin", "Cyn Admin"), start=2)
)
RULE = ApprovalRule(
    commands=("exchange:update",),
    approvers=("admin", "owner"),
    needed=2,
    expires=timedelta(hours=4),
    execute_within=timedelta(hours=1),
    needs_reason=True,
    remind=None,
    channel=None,
)
PLAN = Plan(
    kind="exchange",
    verb="update",
    effect=Effect.UPDATE,
    target_id=TARGET,
    target_name="EXCH01",
    changes=(
        Change("version", "Version", "15.1", "15.2"),
        Change("exchangeAlias", "Alias", None, "exch-primary"),
    ),
    body={"version": "15.2", "exchangeAlias": "exch-primary"},
    before={"id": TARGET, "serverName": "EXCH01", "version": "15.1", "exchangeAlias": None},
)


def _vote(person: Actor, minutes: int, comment: str | None = None) -> Vote:
    decision = Decision.REJECT if comment else Decision.APPROVE
    return Vote(person, decision, comment, ASKED + timedelta(minutes=minutes))


FIRST, SECOND = _vote(BOB, 5), _vote(CYN, 29)
REFUSAL = _vote(CYN, 29, "Not before the weekend: the mailboxes are being moved.")
EXPIRY = ASKED + RULE.expires


def _shown(
    state: State, *votes: Vote, result: Result | None = None, view: View = View.ALL
) -> Operated:
    asked = Operation(
        id="7F3K0000000000000000000000",
        short="7F3K",
        state=state,
        command=COMMAND,
        plan=PLAN,
        actor=OLI,
        conversation="19:c0de@thread.tacv2",
        created_at=ASKED,
        updated_at=EXPIRY if state is State.EXPIRED else ASKED + timedelta(minutes=30),
        reason="The old agent loses mailboxes",
        result=result or Result(),
    )
    approval = Approval(
        operation_id=asked.id,
        rule=RULE,
        fingerprint="0" * 64,
        revision=1,
        expires_at=EXPIRY,
        thread=asked.conversation,
        reply_to=None,
        votes=votes,
    )
    return Operated(KINDS[0], asked, approval, view=view)


def _operations() -> dict[str, Operated]:
    both = (FIRST, SECOND)
    moved = (Change("version", "Version", "15.1", "15.1.9"),)
    request = "f1b7c1de-5a3e-4f61-9d1b-2b1f6f0e7a11"
    confirmed = Result(observation=Observation.CONFIRMED, request_id=request, target_id=TARGET)
    everybody = _shown(State.WAITING, FIRST)
    return {
        "waiting-none-of-two": _shown(State.WAITING),
        "waiting-one-of-two": replace(everybody, viewers=("29:1bob", "29:1cyn", "29:1oli")),
        "waiting-for-an-approver": replace(everybody, view=View.APPROVER),
        "waiting-for-the-asker": replace(everybody, view=View.ASKER),
        "waiting-for-others": replace(everybody, view=View.OTHER),
        "approved": _shown(State.APPROVED, *both),
        "executing": _shown(State.EXECUTING, *both),
        "done": _shown(State.DONE, *both, result=confirmed),
        "unknown": _shown(State.UNKNOWN, *both, result=Result(code="unreadable")),
        "rejected": _shown(State.REJECTED, FIRST, REFUSAL),
        "undecided": _shown(State.EXPIRED, FIRST, result=Result(code="undecided")),
        "not-run-in-time": _shown(State.EXPIRED, *both, result=Result(code="execute-late")),
        "cancelled": _shown(State.CANCELLED, FIRST),
        "stale-target": _shown(
            State.STALE, *both, result=Result(code="target-changed", differences=moved)
        ),
        "stale-asker": _shown(State.STALE, *both, result=Result(code="rights-lost")),
        "stale-approver": _shown(State.STALE, *both, result=Result(code="approver-rights-lost")),
        "paused": _shown(State.FAILED, *both, result=Result(code="paused")),
    }


def approval_samples() -> dict[str, Rendered]:
    """Return an approval's card in every state, and the lists of what waits, by name."""
    mine = waiting.Entry("7F3K", COMMAND, "Oli Operator", "2026-11-21 07:10 UTC")
    other = waiting.Entry("7F2A", "/exchange delete EXCH09", "Dana Admin", "2026-11-22 01:00 UTC")
    lists = {
        "waiting": waiting.Waiting(to_decide=(mine, other), asked=(other,)),
        "waiting-empty": waiting.Waiting((), ()),
    }
    stamp = replace(STAMP, id="", twin="")
    return {
        **{
            f"approval-{name}": operation.render(operation_card(shown), PLACE, STAMP)
            for name, shown in _operations().items()
        },
        **{name: waiting.render(shown, PLACE, stamp) for name, shown in lists.items()},
    }
