"""One card per shape and state, with the names of a made-up tenant."""

from collections.abc import Mapping
from dataclasses import replace

from cards import (
    help as help_,
    history,
    listing,
    notice,
    operation,
    plan,
    problem,
    record,
    refusal,
    rights,
    whoami,
    words,
)
from cards.frame import Button, Place, Rendered, Stamp
from cards.operation import Mark, Operation, Step
from cards.parts import Change, Fact, Fault
from cards.signs import Tone
from cards.states import State
from tests.rendering.approvals import approval_samples
from tests.rendering.forms import form_samples
from tests.rendering.watched import watch_samples

PLACE = Place(cloud="Global", tenant="Contoso Ltd")
AT = "2026-11-21 03:40 UTC"
STAMP = Stamp(at=AT)
OPERATED = Stamp(at=AT, id="7F3K", twin="/history 7F3K")
ERRED = Stamp(at=AT, id="E-4Q2M9X", label=words.ERROR)
OID = "0aa0c1de-0000-4000-8000-000000000007"
REQUEST = "f1b7c1de-5a3e-4f61-9d1b-2b1f6f0e7a11"
HELP = Button("Help", "read", {"command": "/help"})
NEXT = Button("Next", "read", {"command": "/exchange list --page 2"})
PREVIOUS = Button("Previous", "read", {"command": "/exchange list --page 1"})
UNDO = Button("Undo", "undo", {"operation": "01JD0000000000000000000000"})

FAULT = Fault(
    status=403,
    code="Forbidden",
    message="Application is not authorized to perform this operation.",
    request_id=REQUEST,
    client_request_id="9c1d2b1f-6f0e-7a11-5a3e-4f619d1b2b1f",
)
BUSY = Fault(429, "TooManyRequests", "Too many requests.", REQUEST, retry="in 30 seconds")
CHANGES = (
    Change("Version", "15.1", "15.2"),
    Change("Alias", None, "exch-primary"),
    Change("Organization", "contoso.onmicrosoft.com", None),
)


def _row(number: int, status: str, tone: Tone, age: str) -> listing.Row:
    columns = (Fact("Type", "hosted"), Fact("Version", f"15.{number}"))
    return listing.Row(f"EXCH{number:02}", status, tone, columns, age, AT)


ROWS = (
    _row(4, "disconnected", Tone.CRITICAL, "3 days ago"),
    _row(7, "connectionPending", Tone.WARNING, "never"),
    _row(1, "connected", Tone.GOOD, "2 minutes ago"),
    _row(2, "none", Tone.NEUTRAL, "5 hours ago"),
)

REQUESTED = Step("requested", Mark.TAKEN, "Alice Ops", AT)
ACCEPTED = Step("accepted", Mark.TAKEN, "", AT, "204")


def _operation(
    state: State, steps: tuple[Step, ...], standing: str = "", part: str = ""
) -> Operation:
    return Operation(
        id="7F3K",
        title="Sync Exchange connector",
        target="EXCH01",
        command="/exchange sync EXCH01 --type delta",
        state=state,
        steps=steps,
        standing=standing,
        part=part,
        reason="Mailboxes are missing",
        request_id=REQUEST if len(steps) > 1 else "",
    )


def _operations() -> Mapping[str, Operation]:
    watching = Step("observed", Mark.CURRENT, detail="last sync was 2 hours ago")
    seen = Step("observed", Mark.TAKEN, "", AT, "last sync moved")
    unseen = Step("observed", Mark.BROKEN, "", AT, "last sync did not move in 15 minutes")
    lost = Step("accepted", Mark.BROKEN, detail="no answer")
    accepted = (REQUESTED, ACCEPTED)
    cards = {
        "executing": _operation(
            State.EXECUTING,
            (REQUESTED, Step("accepted", Mark.CURRENT), Step("observed", Mark.PENDING)),
        ),
        "done": _operation(State.DONE, accepted),
        "done-pending": _operation(State.DONE, (*accepted, watching), "done:pending"),
        "done-confirmed": _operation(State.DONE, (*accepted, seen), "done:confirmed"),
        "done-unmoved": _operation(State.DONE, (*accepted, unseen), "done:unmoved"),
        "done-differs": _operation(State.DONE, accepted, "done:differs"),
        "done-unread": _operation(State.DONE, accepted, "done:unread"),
        "done-partly": _operation(State.DONE, accepted, "done:partly", "2 of 3"),
        "done-partly-pending": _operation(
            State.DONE, (*accepted, watching), "done:partly-pending", "2 of 3"
        ),
        "failed": _operation(State.FAILED, (REQUESTED, lost)),
        "unknown": _operation(State.UNKNOWN, (REQUESTED, lost)),
    }
    for state in State:
        cards.setdefault(state.value, _operation(state, (REQUESTED,)))
    return cards


def _operation_cards() -> dict[str, Rendered]:
    shown = dict(_operations())
    shown["done-confirmed"] = replace(shown["done-confirmed"], changes=CHANGES, buttons=(UNDO,))
    found = (Change("Version", "15.2", "15.1"),)
    shown["done-differs"] = replace(shown["done-differs"], differences=found)
    shown["failed"] = replace(shown["failed"], fault=FAULT, code="graph-refused")
    notes = ("The last sync stood at 01:12 UTC.",)
    shown["unknown"] = replace(shown["unknown"], code="lost-answer", notes=notes)
    return {f"operation-{k}": operation.render(v, PLACE, OPERATED) for k, v in shown.items()}


def _reading_cards() -> dict[str, Rendered]:
    full = listing.Listing(
        title="Exchange connectors",
        rows=ROWS,
        page=1,
        pages=3,
        total=24,
        filter="status is not connected",
        notes=("Incomplete: Graph stopped after 1,000 records.", "Read 20 seconds ago."),
        next_steps=("/exchange get EXCH04",),
        buttons=(PREVIOUS, NEXT),
    )
    empty = listing.Listing(
        "Exchange connectors", (), next_steps=("/exchange create serverName=…",)
    )
    shown = record.Record(
        kind="Exchange connector",
        name="EXCH01",
        status="connected",
        tone=Tone.GOOD,
        facts=(
            Fact("Server", "EXCH01"),
            Fact("Alias", ""),
            Fact("Type", "onPremises"),
            Fact("Last sync", f"2 minutes ago ({AT})"),
            Fact("Primary SMTP address", "exchange@contoso.com"),
            Fact("Id", OID),
        ),
        notes=(words.NOTICES["exchange-on-premises"][1],),
        next_steps=("/exchange sync EXCH01",),
        buttons=(Button("History", "read", {"command": "/history EXCH01"}),),
    )
    planned = plan.Plan(
        title="Update Exchange connector",
        verb="update",
        target="EXCH01",
        changes=CHANGES,
        command='/exchange update EXCH01 version=15.2 exchangeAlias="exch-primary"',
        notes=("It would wait for the consent of an administrator.",),
    )
    seen = "Graph cannot be asked just now. As seen 12 minutes ago (03:28 UTC)."
    return {
        "listing-as-of": listing.render(replace(full, caution=seen), PLACE, STAMP),
        "record-as-of": record.render(replace(shown, caution=seen, next_steps=()), PLACE, STAMP),
        "listing": listing.render(full, PLACE, STAMP),
        "listing-empty": listing.render(empty, PLACE, STAMP),
        "record": record.render(shown, PLACE, STAMP),
        "plan": plan.render(planned, PLACE, STAMP),
    }


def _refusal_cards() -> dict[str, Rendered]:
    cards = {}
    for code in words.DENIALS:
        shown = refusal.Refusal(
            code=code,
            command="/exchange delete EXCH01",
            permission="exchange:delete",
            rule="*:delete" if code == "deny-rule" else "*:list, *:get",
            needed=("admin",) if code in {"no-rule", "approval"} else (),
            held=("viewer", "operator") if code == "no-rule" else (),
            grantors=("Dana Admin",) if code == "no-rule" else (),
            wait="20 seconds",
            who="Dana Admin" if code == "paused" else "",
            since=AT if code == "paused" else "",
            reason="Maintenance of the tenant" if code == "paused" else "",
        )
        stamp = Stamp(at=AT, id="R-8K2V", label=words.REFERENCE)
        cards[f"refusal-{code}"] = refusal.render(shown, PLACE, stamp)
    return cards


def _problem_cards() -> dict[str, Rendered]:
    text = "/exchange snyc EXCH01 --type delta"
    misread = problem.Misreading(
        code="unknown-verb",
        text=text,
        start=text.index("snyc"),
        end=text.index("snyc") + 4,
        details=(("kind", "exchange"), ("token", "snyc")),
        usage="/exchange sync <target> [--type full|delta] [--reason …] [--plan]",
        suggestions=("/exchange sync EXCH01 --type delta",),
        buttons=(HELP,),
    )
    two = (
        problem.Candidate("mail_01", OID, "connected", Tone.GOOD, f"/exchange get {OID}"),
        problem.Candidate("mail_01", REQUEST, "none", Tone.NEUTRAL, f"/exchange get {REQUEST}"),
    )
    missing = problem.Missing(
        "Exchange connector", "EXHC01", ("/exchange get EXCH01",), ("/exchange list",)
    )
    cards = {
        "misread": problem.misread(misread, PLACE, STAMP),
        "not-found": problem.not_found(missing, PLACE, STAMP),
        "ambiguous": problem.ambiguous(
            problem.Ambiguity("Exchange connector", "mail_01", two), PLACE, STAMP
        ),
        "graph-refused": problem.graph(
            problem.GraphProblem(FAULT, "/exchange list"), PLACE, ERRED
        ),
        "graph-busy": problem.graph(problem.GraphProblem(BUSY), PLACE, ERRED),
    }
    for code in words.MISREADINGS:
        details = (("token", "snyc"), ("kind", "exchange"), ("name", "EXCH01"), ("near", "sync"))
        other = replace(misread, code=code, details=details, suggestions=(), buttons=())
        cards[f"misread-{code}"] = problem.misread(other, PLACE, STAMP)
    for code in words.FAILURES:
        cards[f"failure-{code}"] = problem.failure(problem.Failure(code), PLACE, ERRED)
    return cards


def _person_cards() -> dict[str, Rendered]:
    overview = help_.Overview(
        sections=(
            help_.Section(
                "Exchange connectors",
                (
                    help_.Entry("/exchange list", "List Exchange connectors, worst first"),
                    help_.Entry("/exchange get", "Show one Exchange connector"),
                    help_.Entry("/exchange sync", "Ask for a sync and watch whether it happens"),
                ),
            ),
            help_.Section(
                "The bot",
                (
                    help_.Entry("/help", "What you can do here, or how one command is used"),
                    help_.Entry("/whoami", "Who you are to the bot, and the roles you have"),
                    help_.Entry("/history", "What was done, newest first"),
                ),
            ),
        ),
        roles=("operator", "viewer"),
        example="exchange sync",
    )
    manual = help_.Manual(
        command="/exchange sync",
        summary="Ask for a sync and watch whether it happens.",
        usage="/exchange sync <target> [--type full|delta] [--reason …] [--plan]",
        permission="exchange:sync",
        arguments=(
            help_.Argument("<target>", "An id, the first 4 or more characters of one, or a name."),
            help_.Argument(
                "--type", "full: all devices; delta: only changed ones.", ("full", "delta")
            ),
        ),
        examples=("/exchange sync EXCH01", "/exchange sync EXCH01 --type delta"),
        roles=("operator", "admin"),
    )
    identity = whoami.Identity(
        "Alice Ops",
        OID,
        "0aa0c1de-0000-4000-8000-0000000000aa",
        (
            whoami.Grant("operator", "group", "0aa0c1de-0000-4000-8000-000000000002"),
            whoami.Grant("admin", "person"),
            whoami.Grant("viewer", "role", "operator"),
        ),
    )
    nobody = whoami.Identity("Guest", OID, OID, ())
    return {
        "help": help_.overview(overview, PLACE, STAMP),
        "help-partial": help_.overview(
            help_.Overview(overview.sections[1:], is_complete=False), PLACE, STAMP
        ),
        "manual": help_.manual(manual, PLACE, STAMP),
        **_rights_cards(),
        "whoami": whoami.render(identity, PLACE, STAMP),
        "whoami-no-role": whoami.render(nobody, PLACE, STAMP),
    }


def _rights_cards() -> dict[str, Rendered]:
    consent = rights.Consent(2, ("admin", "security"), "4 hours")
    yes = rights.Answer(
        "/exchange sync", "exchange:sync", is_yes=True, role="operator", rule="exchange:*"
    )
    waits = rights.Answer(
        "/exchange delete", "exchange:delete", is_yes=True, role="operator", consent=consent
    )
    undo = rights.Answer(
        "/undo", "bot:undo", is_yes=True, role="admin", rule="*:*", depends="operation"
    )
    no = rights.Answer(
        "/exchange delete",
        "exchange:delete",
        is_yes=False,
        why="None of your roles allows exchange:delete.",
        needed=("admin",),
        held=("viewer",),
    )
    holders = (
        rights.Holder("operator", ("0aa0c1de-0000-4000-8000-000000000002",), ()),
        rights.Holder("admin", (), (OID,)),
        rights.Holder("deputy", (), ()),
    )
    circle = rights.Circle(
        "/exchange delete",
        "exchange:delete",
        is_everybody=False,
        is_shut_out=False,
        holders=holders,
        consent=consent,
    )
    return {
        "can-i-yes": rights.answer(yes, PLACE, STAMP),
        "can-i-waits": rights.answer(waits, PLACE, STAMP),
        "can-i-depends": rights.answer(undo, PLACE, STAMP),
        "can-i-no": rights.answer(no, PLACE, STAMP),
        "who-can": rights.circle(circle, PLACE, STAMP),
        "who-can-nobody": rights.circle(
            replace(circle, holders=(), consent=None, is_shut_out=True), PLACE, STAMP
        ),
    }


def _history_cards() -> dict[str, Rendered]:
    entries = (
        history.Entry("7F3K", "/exchange sync EXCH01", "done", Tone.GOOD, "Alice Ops", AT),
        history.Entry(
            "7F2A", "/exchange delete EXCH09", "outcome unknown", Tone.WARNING, "Dana Admin", AT
        ),
        history.Entry("7F1Z", "/pause", "done", Tone.GOOD, "Dana Admin", AT),
    )
    full = history.History(entries, "EXCH01", 2, ("From the audit.",), ("/history 7F3K",), (NEXT,))
    return {
        "history": history.render(full, PLACE, STAMP),
        "history-unknown": history.render(history.History((), "9999"), PLACE, STAMP),
        "history-empty": history.render(history.History(()), PLACE, STAMP),
    }


def _names(code: str, text: str) -> bool:
    """Whether a notice is told of what; votes are, whether or not their sentence says so."""
    return "{id}" in text or code.startswith("vote-")


def _notice_cards() -> dict[str, Rendered]:
    values = {
        "who": "Dana Admin",
        "since": AT,
        "id": "7F3K",
        "outcome": "done",
        "state": "failed",
        "asker": "Oli Operator",
        "what": "Update EXCH01",
        "comment": "Not before the weekend.",
        "approvers": "admin, owner",
        "channel": "Change board",
    }
    return {
        f"notice-{code}": notice.render(
            notice.Notice(
                code,
                tuple((k, v) for k, v in values.items() if k != "id" or _names(code, text)),
                twin="/approve 7F3K" if code == "lapsed" else "",
            ),
            PLACE,
            STAMP,
        )
        for code, (_, text) in words.NOTICES.items()
    }


def samples() -> dict[str, Rendered]:
    """Return every card by the name of its golden file."""
    return {
        **_reading_cards(),
        **_operation_cards(),
        **approval_samples(),
        **_refusal_cards(),
        **_problem_cards(),
        **_person_cards(),
        **_history_cards(),
        **_notice_cards(),
        **watch_samples(),
        **form_samples(PLACE, STAMP),
    }
