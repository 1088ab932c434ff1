"""Every way to end has a card, every code that reaches people has its sentence."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from bot.domain.approval import Approval, Decision, Vote
from bot.domain.command import Catalogue
from bot.domain.consent import ApprovalRule
from bot.domain.errors import GraphFault
from bot.domain.form import Problem, fields_of
from bot.domain.kinds import KINDS
from bot.domain.offer import Form, Welcome
from bot.domain.operation import Actor, Observation, Operation, Result, State
from bot.domain.outcome import (
    Ambiguous,
    Decided,
    Failed,
    GraphFailed,
    History,
    Listing,
    Manual,
    Misread,
    Noted,
    NotFound,
    Operated,
    Outcome,
    Overview,
    Paused,
    Planned,
    Refused,
    Shown,
    View,
    Waiting,
    WhoAmI,
)
from bot.domain.plan import Change, Plan
from bot.domain.policy import Allowed, Denial, Denied, Grant, NeedsApproval
from bot.domain.resource import Effect
from bot.domain.rights import Entitled, Explanation, Holder
from bot.sandbox.terminal import buttons_of, lines_of
from bot.teams.replies import Replies
from bot.teams.reply_toast import Brief
from cards import form_words, words
from cards.frame import SECONDARY_LIMIT, Rendered
from cards.text import plain
from tests.rendering.walk import objects
from tests.rendering.watched import watched

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CATALOGUE = Catalogue(KINDS)
EXCHANGE = CATALOGUE.kinds["exchange"]
SPEC = CATALOGUE.by_permission["exchange:sync"]
ADA = Actor("tenant-1", "oid-ada", "Ada Admin")
VALUES = {"id": "id-1", "serverName": "EXCH 01", "status": "connected", "lastSyncDateTime": None}
FAULT = GraphFault(403, "Forbidden", "Not allowed by Intune.", "request-1", "client-1")
CHANGE = Change("version", "Version", "15.2", None)
PLAN = Plan(
    kind="exchange",
    verb="update",
    effect=Effect.UPDATE,
    target_id="id-1",
    target_name="EXCH 01",
    changes=(CHANGE,),
    body={"version": None},
    before=VALUES,
)
OPERATION = Operation(
    id="7F3K0000000000000000000000",
    short="7F3K",
    state=State.DONE,
    command='/exchange update "EXCH 01" version=""',
    plan=PLAN,
    actor=ADA,
    conversation="19:c@thread.tacv2",
    created_at=NOW - timedelta(minutes=1),
    updated_at=NOW,
    reason="tidy up",
)
RULE = ApprovalRule(
    commands=("exchange:sync",),
    approvers=("admin",),
    needed=1,
    expires=timedelta(hours=4),
    execute_within=timedelta(hours=1),
    needs_reason=False,
    remind=None,
    channel=None,
)
APPROVAL = Approval(
    operation_id=OPERATION.id,
    rule=RULE,
    fingerprint="f",
    revision=1,
    expires_at=NOW + timedelta(hours=4),
    thread="19:c@thread.tacv2",
    reply_to="1",
    votes=(
        Vote(ADA, Decision.APPROVE, None, NOW),
        Vote(ADA, Decision.REJECT, "not now", NOW),
    ),
)
PAGE = Listing(
    kind=EXCHANGE,
    rows=(VALUES,) * 10,
    page=2,
    pages=3,
    total=25,
    seen=25,
    is_cut=False,
    filters=(("stale", "1d"),),
    command="/exchange list",
    now=NOW,
)
DONE = History(
    rows=(OPERATION,), page=2, has_more=True, target="EXCH 01", command="/history", now=NOW
)
OUTCOMES: tuple[Outcome, ...] = (
    Overview(CATALOGUE.specs, ("admin",), is_complete=True),
    Overview((), (), is_complete=False),
    *(Manual(spec, ("admin",)) for spec in CATALOGUE.specs),
    Manual(SPEC, ()),
    WhoAmI("Ada", "oid-ada", "tenant-1", (Grant("admin", "person"),), is_guest=False),
    WhoAmI(
        "Gus",
        "oid-gus",
        "tenant-1",
        (Grant("operator", "group-1"), Grant("viewer", "operator", is_inherited=True)),
        is_guest=True,
    ),
    WhoAmI("", "oid", "tenant-1", (), is_guest=False),
    Explanation("x", SPEC, Allowed("operator", "exchange:*"), ()),
    Explanation("x", SPEC, NeedsApproval("operator", RULE), ()),
    Explanation("x", SPEC, Denied(Denial.NO_RULE, "exchange:sync", roles=("admin",)), ()),
    Entitled(SPEC, (Holder("admin", ("g",), ("p",)),), RULE, is_shut_out=False),
    Entitled(SPEC, (), None, is_shut_out=True),
    PAGE,
    replace(PAGE, rows=(), page=1, pages=1, total=0, is_cut=True, filters=()),
    Shown(EXCHANGE, VALUES, NOW),
    Shown(EXCHANGE, {"id": "id-2", "exchangeConnectorType": "onPremises", "new": "x"}, NOW),
    Planned(EXCHANGE, PLAN, OPERATION.command),
    Planned(EXCHANGE, replace(PLAN, effect=Effect.CREATE, target_id=None), "/exchange create"),
    *(
        Form(
            spec,
            fields_of(spec, EXCHANGE if spec.effect else None),
            "0" * 26,
            {},
            tuple(Problem("", code) for code in form_words.PROBLEMS),
            EXCHANGE if spec.effect else None,
            (VALUES,),
            VALUES,
            (OPERATION,),
            PLAN,
            seen="seen",
        )
        for spec in CATALOGUE.specs
    ),
    Welcome(CATALOGUE.specs, CATALOGUE.specs, CATALOGUE.specs, is_complete=True),
    Welcome((), (), (), is_complete=False),
    Operated(EXCHANGE, OPERATION),
    DONE,
    replace(DONE, rows=(), page=1, has_more=False, target=None),
    *(Refused(Denied(reason, "exchange:sync", "*:sync", ("admin",), ())) for reason in Denial),
    *(
        Operated(EXCHANGE, replace(OPERATION, state=State.WAITING), APPROVAL, view)
        for view in View
    ),
    *(Decided(EXCHANGE, replace(OPERATION, state=state), APPROVAL) for state in State),
    Waiting((), (), 0, 0, NOW),
    Waiting(
        (Operated(EXCHANGE, OPERATION, APPROVAL),),
        (Operated(EXCHANGE, OPERATION, APPROVAL),),
        1,
        2,
        NOW,
    ),
    Paused("Ada", NOW, "mail move"),
    Paused("Ada", NOW, None),
    Paused("", None, None),
    Noted("slow-down"),
    *(Noted(code) for code in words.NOTICES),
    *(
        Misread(code, "/exchange lst", 10, 13, SPEC, ("exchange list",))
        for code in words.MISREADINGS
    ),
    Misread("empty", "", 0, 0),
    NotFound(EXCHANGE, "EXCH9", ("EXCH 01",)),
    NotFound(EXCHANGE, "EXCH9", ()),
    NotFound(EXCHANGE, "EXCH9", (), as_of=NOW),
    NotFound(EXCHANGE, "EXCH9", (), known_as="EXCH 09"),
    Ambiguous(EXCHANGE, "EXCH", (VALUES,) * 6, ("/exchange get id-1",) * 6, reads_only=True),
    Ambiguous(EXCHANGE, "EXCH", (VALUES,), ("/exchange delete id-1",), reads_only=False),
    *(
        GraphFailed(replace(FAULT, status=status), 61.0, "ERR12345")
        for status in (0, 403, 429, 500)
    ),
    GraphFailed(FAULT, None, "ERR12345"),
    *(Failed(code, "ERR12345") for code in words.FAILURES),
    *watched().values(),
)
BRIEF: tuple[Brief, ...] = tuple(o for o in OUTCOMES if isinstance(o, Brief))


class Standing:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def replies() -> Replies:
    return Replies(
        catalogue=CATALOGUE, clock=Standing(), cloud="global", tenant=lambda: "Contoso Lab"
    )


def text_of(card: Rendered) -> str:
    return "\n".join(lines_of(card.payload()))


def test_there_is_a_sample_of_every_outcome() -> None:
    assert {type(outcome) for outcome in OUTCOMES} == set(get_args(Outcome))


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda o: type(o).__name__)
def test_every_outcome_has_a_card_that_names_its_place(outcome: Outcome, replies: Replies) -> None:
    card = replies.render(outcome)
    shown = text_of(card)

    assert "Contoso Lab" in card.summary
    assert "Contoso Lab" in shown
    assert "global" in shown
    assert len(shown.splitlines()) > 2
    assert len(buttons_of(card.payload())) <= 1 + SECONDARY_LIMIT


@pytest.mark.parametrize("outcome", BRIEF, ids=lambda o: type(o).__name__)
def test_every_toast_has_a_reason_and_names_its_place(outcome: Brief, replies: Replies) -> None:
    said = replies.say(outcome)
    title = replies.render(outcome).summary.partition(" (")[0]

    assert "Contoso Lab" in said
    assert "global" in said
    assert said == plain(said, 600)
    assert len(said) > len(title) + len("Contoso Lab · global")


@pytest.mark.parametrize(("state", "observation"), [*product(State, [None, *Observation])])
def test_every_state_of_an_operation_is_told_in_words(
    state: State, observation: Observation | None, replies: Replies
) -> None:
    result = Result(observation=observation, target_id="id-1", differences=(CHANGE,))
    shown = text_of(
        replies.render(Operated(EXCHANGE, replace(OPERATION, state=state, result=result)))
    )
    key = f"{state}:{observation}" if state is State.DONE and observation else str(state)

    assert "Operation 7F3K" in shown
    assert "/history 7F3K" in shown
    assert words.STATES[key][0] in shown
    assert ("/resolve 7F3K done" in shown) is (state is State.UNKNOWN)


@pytest.mark.parametrize("code", words.OUTCOMES)
def test_every_end_of_an_operation_is_told_in_words(code: str, replies: Replies) -> None:
    result = Result(code=code, fault=FAULT, resolved_by="Bob")
    ended = replace(OPERATION, state=State.FAILED, result=result)
    shown = text_of(replies.render(Operated(EXCHANGE, ended)))

    assert words.OUTCOMES[code][:40] in shown
    assert "Bob" in shown
    assert "request-1" in shown


def test_a_deleted_record_has_no_button_that_shows_it(replies: Replies) -> None:
    gone = replace(OPERATION, plan=replace(PLAN, verb="delete", effect=Effect.DELETE))
    failed = replace(gone, state=State.FAILED)

    assert buttons_of(replies.render(Operated(EXCHANGE, gone)).payload()) == [words.UNDO_BUTTON]
    assert buttons_of(replies.render(Operated(EXCHANGE, failed)).payload()) == ["Show"]


@pytest.mark.parametrize(
    "outcome",
    [
        replace(PAGE, as_of=NOW - timedelta(minutes=12)),
        Shown(EXCHANGE, VALUES, NOW, as_of=NOW - timedelta(minutes=12)),
    ],
    ids=lambda o: type(o).__name__,
)
def test_what_could_not_be_read_just_now_says_how_old_it_is_and_offers_reading_only(
    outcome: Listing | Shown, replies: Replies
) -> None:
    card = replies.render(outcome).payload()

    shown = " ".join(lines_of(card))
    assert "Graph cannot be asked just now. As seen 12 minutes ago (08:48 UTC)." in shown
    pressed = [each for each in objects(card) if each.get("type") == "Action.Execute"]
    assert {action["verb"] for action in pressed} == {"run"}


# Codes, found in the source, and their sentences


def calls(*folders: str) -> Iterator[ast.Call]:
    """Yield every call in the source of these packages."""
    for folder in folders:
        for path in sorted(Path("bot", folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield node


def name_of(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def texts(node: ast.AST) -> set[str]:
    """Return the strings that an expression can become: a constant, both ends of an `if`."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return texts(body) | texts(orelse)
        case _:
            return set()


def codes(*names: str) -> dict[str, set[str]]:
    """Return each code that is the first argument of such a call, with the values given along."""
    found: dict[str, set[str]] = {}
    for call in calls("domain", "service", "teams", "store", "graph"):
        if name_of(call) in names and call.args:
            given = {keyword.arg for keyword in call.keywords if keyword.arg}
            for code in texts(call.args[0]):
                found[code] = found.get(code, given) & given
    return found


def gaps(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def assert_worded(found: Mapping[str, set[str]], sentences: Mapping[str, str]) -> None:
    assert found, "no code was found: has the source changed its ways?"
    assert set(found) - set(sentences) == set()
    for code, given in found.items():
        assert gaps(sentences[code]) <= given, code


def test_every_misreading_has_a_sentence_whose_gaps_are_filled() -> None:
    assert_worded(codes("Wrong"), {**words.MISREADINGS, **form_words.PROBLEMS})


def test_every_user_error_has_a_sentence_whose_gaps_are_filled() -> None:
    notices = {code: text for code, (_, text) in words.NOTICES.items()}

    assert_worded(codes("UserError"), notices)


def test_every_note_has_a_sentence() -> None:
    found = codes("Noted")

    assert found
    assert set(found) - set(words.NOTICES) == {"slow-down"}
    assert "slow-down" in words.DENIALS


def test_every_failure_has_a_sentence() -> None:
    assert_worded(codes("Failed"), words.FAILURES)


def test_every_end_of_an_execution_has_a_sentence() -> None:
    found = set(codes("failure"))
    for call in calls("service"):
        for keyword in call.keywords:
            if keyword.arg == "code":
                found |= texts(keyword.value)
        if name_of(call) == "get" and isinstance(call.func, ast.Attribute):
            table = call.func.value
            if isinstance(table, ast.Dict) and len(call.args) == 2:
                found |= set().union(*(texts(v) for v in table.values), texts(call.args[1]))

    assert {"graph", "paused", "target-gone", "unseen", "several-found"} <= found
    assert found - {""} - set(words.OUTCOMES) == set()


def test_every_denial_has_a_sentence_and_a_way_on() -> None:
    codes_shown = {*(str(reason) for reason in Denial), "approval", "paused", "read-only"}

    assert codes_shown <= set(words.DENIALS)
    assert codes_shown <= set(words.REMEDIES)


def test_every_state_and_observation_has_a_word() -> None:
    assert {str(state) for state in State} <= set(words.STATES)
    assert {f"done:{seen}" for seen in Observation} <= set(words.STATES)


def test_every_retired_kind_has_its_notice() -> None:
    assert {k.retired.notice for k in KINDS if k.retired} <= set(words.NOTICES)
