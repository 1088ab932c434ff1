"""Approvals in every state, as the bot turns them into cards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.approval import Approval, Decision, Vote
from bot.domain.consent import ApprovalRule
from bot.domain.kinds import KINDS
from bot.domain.operation import Actor, Observation, Operation, Result, State
from bot.domain.outcome import Operated, View
from bot.domain.plan import Change, Item, Plan
from bot.domain.resource import Effect
from bot.teams.reply_operation import entry_of, operation_card
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

CREATION = replace(
    PLAN,
    verb="create",
    effect=Effect.CREATE,
    target_id=None,
    changes=(Change("serverName", "Server", None, "EXCH01"),),
    body={"serverName": "EXCH01"},
    before=None,
)

TWINS = Plan(
    kind="exchange",
    verb="delete",
    effect=Effect.DELETE,
    target_id=None,
    target_name="3 Exchange connectors",
    changes=(),
    body=None,
    before=None,
    items=(
        Item(TARGET, "EXCH01", {}),
        Item("2e11c1de-0000-4000-8000-000000000002", "EXCH 09", {}),
        Item("3e11c1de-0000-4000-8000-000000000003", "EXCH 09", {}),
    ),
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


def _of_many(shown: Operated) -> Operated:
    command = "/exchange delete --status disconnected"
    return replace(shown, operation=replace(shown.operation, command=command, plan=TWINS))


def _operations() -> dict[str, Operated]:
    both = (FIRST, SECOND)
    moved = (Change("version", "Version", "15.1", "15.1.9"),)
    request = "f1b7c1de-5a3e-4f61-9d1b-2b1f6f0e7a11"
    confirmed = Result(observation=Observation.CONFIRMED, request_id=request, target_id=TARGET)
    everybody = _shown(State.WAITING, FIRST)
    found = Result(code="equal-exists", target_id=TARGET)
    equal = _shown(State.STALE, *both, result=found)
    gone = Result(code="target-gone", target_id=TWINS.items[1].target_id)
    return {
        "waiting-for-many": _of_many(_shown(State.WAITING)),
        "stale-of-many": _of_many(_shown(State.STALE, *both, result=gone)),
        "waiting-none-of-two": _shown(State.WAITING),
        "waiting-one-of-two": replace(everybody, viewers=("29:1bob", "29:1cyn", "29:1oli")),
        "waiting-where-nobody-sees-it": replace(_shown(State.WAITING), is_unseen=True),
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
        "stale-equal": replace(equal, operation=replace(equal.operation, plan=CREATION)),
        "stale-consent": _shown(State.STALE, *both, result=Result(code="consent-late")),
        "paused": _shown(State.FAILED, *both, result=Result(code="paused")),
    }


def approval_samples() -> dict[str, Rendered]:
    """Return an approval's card in every state, and the lists of what waits, by name."""
    mine = entry_of(_shown(State.WAITING, view=View.APPROVER))
    own = entry_of(_shown(State.WAITING, view=View.ASKER))
    other = replace(mine, id="7F2A", what="Delete EXCH09", command="/exchange delete EXCH09")
    other = replace(other, twins=("/approve 7F2A", "/reject 7F2A"))
    lists = {
        "waiting": waiting.Waiting(to_decide=(mine, other), asked=(own, own)),
        "waiting-more": waiting.Waiting((mine,), (own,), more_to_decide=9979, more_asked=1),
        "waiting-asked": waiting.Waiting((), (own,)),
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
