"""Cards with the worst of everything in every field, too large unless something is left out."""

from dataclasses import replace

from cards import (
    dead,
    digest,
    help as help_,
    history,
    incident,
    listing,
    operation,
    plan,
    problem,
    record,
    refusal,
    status,
    waiting,
    watching,
)
from cards.frame import Button, Place, Rendered, Stamp
from cards.operation import Item, Mark, Operation, Step, Views
from cards.parts import Change, Fact, Fault, Named, Why
from cards.signs import Tone
from cards.states import State
from tests.rendering.forms import worst_forms
from tests.rendering.hostile import STRINGS

BAD = ("😀<at>" + "".join(STRINGS[:8])) * 8 + "😀" * 256
WIDE = "😀" * 256
TEN = 10
PLACE = Place(BAD, WIDE)
STAMP = Stamp(at=BAD, id=BAD, twin=BAD)
BUTTONS = tuple(Button(WIDE, "verb", {"command": "😀" * 64}, primary=i == 0) for i in range(TEN))
FACTS = tuple(Fact(WIDE, BAD if i % 2 else WIDE) for i in range(TEN))
# Only the names of the roles can be long here: who may decide is for the policy to say.
ASKS = (Fact("Who may decide", WIDE), *(Fact("Lapses", "2026-11-21 07:10 UTC"),) * 3)
ROW = {"operation": "7F3K" * 7, "revision": "9" * 9}
CHANGES = tuple(Change(WIDE, BAD, WIDE) for _ in range(TEN))
FAULT = Fault(403, WIDE, WIDE, WIDE, WIDE, WIDE)
MANY = (WIDE,) * TEN


def worst() -> dict[str, Rendered]:
    """Return a card of every shape that grows, with hostile and wide text everywhere."""
    row = listing.Row(WIDE, WIDE, Tone.CRITICAL, FACTS, WIDE, BAD, WIDE)
    entry = history.Entry(WIDE, WIDE, WIDE, Tone.WARNING, BAD, WIDE)
    candidate = problem.Candidate(WIDE, WIDE, WIDE, Tone.GOOD, WIDE)
    steps = tuple(Step(BAD, Mark.BROKEN, WIDE, BAD, WIDE) for _ in range(TEN))
    write = Operation(
        id=WIDE,
        title=BAD,
        target=WIDE,
        command=BAD,
        state=State.DONE,
        steps=steps,
        standing="done:differs",
        reason=WIDE,
        changes=CHANGES,
        differences=CHANGES,
        facts=FACTS,
        fault=FAULT,
        notes=MANY,
        items=(Item(Named(WIDE, WIDE), WIDE, Tone.CRITICAL, BAD),) * TEN,
        culprit=Named(WIDE, WIDE),
        buttons=BUTTONS,
    )
    waits = replace(
        write,
        state=State.WAITING,
        standing="",
        asks=ASKS,
        takes_comment=True,
        buttons=tuple(Button(t, t.lower(), ROW) for t in ("Approve", "Reject", "Cancel")),
        views=Views("7F3K" * 7, ("29:1" + "w" * 80,) * 60),
    )
    pending = waiting.Entry(WIDE, "7F3K" * 7, BAD, BAD, WIDE, WIDE, (WIDE, WIDE))
    unknown = Operation(WIDE, WIDE, WIDE, WIDE, State.UNKNOWN, steps, fault=FAULT, notes=MANY)
    return {
        "worst-listing": listing.render(
            listing.Listing(BAD, (row,) * TEN, 1, 9, 99, WIDE, MANY, MANY, BUTTONS), PLACE, STAMP
        ),
        "worst-record": record.render(
            record.Record(BAD, WIDE, BAD, Tone.WARNING, FACTS, MANY, MANY, BUTTONS), PLACE, STAMP
        ),
        "worst-plan": plan.render(
            plan.Plan(BAD, WIDE, BAD, CHANGES, WIDE, MANY, BUTTONS, (Named(BAD, WIDE),) * TEN),
            PLACE,
            STAMP,
        ),
        "worst-operation": operation.render(write, PLACE, STAMP),
        "worst-unknown": operation.render(unknown, PLACE, STAMP),
        "worst-approval": operation.render(waits, PLACE, STAMP),
        "worst-waiting": waiting.render(
            waiting.Waiting((pending,) * 50, (pending,) * 50, 10**6, 10**6), PLACE, STAMP
        ),
        "worst-refusal": refusal.render(
            refusal.Refusal(
                "no-rule",
                BAD,
                WIDE,
                BAD,
                MANY,
                MANY,
                MANY,
                reason=WIDE,
                notes=MANY,
                buttons=BUTTONS,
            ),
            PLACE,
            STAMP,
        ),
        "worst-misread": problem.misread(
            problem.Misreading("bad-choice", BAD, 20, 90, (("token", WIDE),), WIDE, MANY, BUTTONS),
            PLACE,
            STAMP,
        ),
        "worst-missing": problem.not_found(
            problem.Missing(WIDE, WIDE, MANY, MANY, BUTTONS), PLACE, STAMP
        ),
        "worst-ambiguity": problem.ambiguous(
            problem.Ambiguity(BAD, WIDE, (candidate,) * TEN, BUTTONS), PLACE, STAMP
        ),
        "worst-history": history.render(
            history.History((entry,) * TEN, WIDE, 3, MANY, MANY, BUTTONS), PLACE, STAMP
        ),
        "worst-manual": help_.manual(
            help_.Manual(
                BAD, WIDE, WIDE, WIDE, (help_.Argument(WIDE, WIDE, MANY),) * TEN, MANY, MANY, MANY
            ),
            PLACE,
            STAMP,
        ),
        **{f"worst-{name}": card for name, card in _watched().items()},
        **{f"worst-{name}": card for name, card in worst_forms(PLACE, STAMP).items()},
    }


def _watched() -> dict[str, Rendered]:
    letter = dead.Letter(BAD, WIDE, BAD, WIDE, BAD, WIDE)
    entry = digest.Entry(WIDE, BAD, WIDE, Tone.CRITICAL, BAD)
    reason = Why(BAD, WIDE)
    row = listing.Row(WIDE, WIDE, Tone.CRITICAL, FACTS, WIDE, BAD)
    subscription = watching.Row(WIDE, BAD, MANY, WIDE, MANY, BAD)
    told = incident.Line(BAD, WIDE, WIDE)
    alarm = incident.Incident(
        tone=Tone.CRITICAL,
        sign="❌",
        title=BAD,
        said=BAD,
        leads=MANY[:3],
        target=Fact(WIDE, BAD),
        remarks=MANY[:1],
        handling=MANY[:2],
        differences=CHANGES,
        lines=(told,) * 20,
        earlier=99,
        notes=MANY,
        why=reason,
        buttons=BUTTONS,
    )
    followup = incident.Followup(
        Tone.WARNING, "⚠️", BAD, WIDE, (told,) * 20, CHANGES, leads=MANY[:3]
    )
    everything = status.Status(
        (row,) * 20,
        999,
        (status.Count(WIDE, 9, Tone.CRITICAL),) * 20,
        "9 incidents are open.",
        trouble=WIDE,
        caution=WIDE,
        buttons=BUTTONS,
    )
    return {
        "alarm": incident.render(alarm, PLACE, STAMP),
        "followup": incident.follow(followup, PLACE, STAMP),
        "digest": digest.render(
            digest.Digest((entry,) * 50, 10_000, BAD, is_crowd=True, why=reason, buttons=BUTTONS),
            PLACE,
            STAMP,
        ),
        "watches": watching.render(
            watching.Watches((subscription,) * 50, notes=MANY, next_steps=MANY), PLACE, STAMP
        ),
        "status": status.render(everything, PLACE, STAMP),
        "dead": dead.render(dead.Dead((letter,) * 50, 99, MANY[:1], MANY), PLACE, STAMP),
    }
