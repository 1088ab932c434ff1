"""Forms as their cards and dialogs show them: new, wrong, planned, and with the worst in every field."""

import json
from dataclasses import replace

from bot.domain.form import FORM_BYTES
from cards import form, form_words, welcome
from cards.form import Entry, Form, Input, Option, Preview
from cards.frame import Button, Place, Rendered, Stamp
from cards.parts import Change
from tests.rendering.hostile import STRINGS

FORM_ID = "01JD0000000000000000000000"
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
TYPES = tuple(Option(name, name) for name in ("onPremises", "hosted"))
RECORDS = tuple(
    Option(f"EXCH0{n} (connected) e11c1de{n}", f"e11c1de{n}-0000-4000-8000-000000000001")
    for n in range(1, 6)
)
TARGET = Input(
    "arg.target",
    "Target",
    "Begin to type its name or its id.",
    Entry.SEARCH,
    RECORDS[0].value,
    RECORDS,
    is_required=True,
    wrong="Target is missing or does not fit.",
    dataset="exchange",
)
INPUTS = (
    TARGET,
    Input(
        "set.serverName", "Server", "The name of the Exchange server.", Entry.TEXT, now="EXCH01"
    ),
    Input(
        "set.primarySmtpAddress",
        "Primary SMTP address",
        "Email address of the connector.",
        Entry.TEXT,
        "ops@contoso.com",
        pattern=EMAIL,
        wrong="Primary SMTP address is missing or does not fit.",
    ),
    Input("set.exchangeConnectorType", "Type", "The type.", Entry.CHOICE, "hosted", TYPES),
    Input("opt.days", "Days", "How many.", Entry.NUMBER, "12"),
    Input("opt.all", "All", "All of this conversation.", Entry.TOGGLE),
)
NEW = Form(
    "exchange:update",
    "Change properties of an Exchange connector",
    "Show plan",
    INPUTS,
    (("form.id", FORM_ID), ("form.seen", "")),
    note=form_words.STAYS,
    twins=("/exchange update <target> name=value … [--reason …]",),
)
WRONG = replace(
    NEW,
    inputs=(
        *INPUTS[:2],
        replace(INPUTS[2], value="ops@", problem="ops@ is not a mail address."),
        *INPUTS[3:],
    ),
    problems=("EXCH01 already looks like that.",),
)
PLANNED = replace(
    NEW,
    send="Update",
    hidden=(("form.id", FORM_ID), ("form.seen", "f" * 64)),
    preview=Preview(
        "Update EXCH01",
        "Exchange connector e11c1de1",
        (Change("Version", "15.1", "15.2"),),
        ("It would run at once.",),
    ),
)


def form_samples(place: Place, stamp: Stamp) -> dict[str, Rendered]:
    """Return every state of a form, on a card and in a dialog."""
    hello = Button("Help", "run", {"command": "/help"})
    lines = (
        welcome.Line("Look", ("/exchange list", "/exchange get", "/status", "/history", "/help")),
        welcome.Line("Change", (), "nothing yet; your roles let you look."),
        welcome.Line("Follow", ("/watch", "/unwatch")),
    )
    states = {"form": NEW, "form-wrong": WRONG, "form-planned": PLANNED}
    return {
        "welcome": welcome.render(welcome.Welcome(lines, buttons=(hello,)), place, Stamp()),
        "welcome-partial": welcome.render(
            welcome.Welcome(lines[:1], is_complete=False), place, Stamp()
        ),
        **{name: form.render(each, place, stamp) for name, each in states.items()},
        **{
            f"{name}-dialog": form.render(each, place, stamp, is_dialog=True)
            for name, each in states.items()
        },
    }


def worst_forms(place: Place, stamp: Stamp) -> dict[str, Rendered]:
    """Return a form with more fields than any command has, and the worst in all of them.

    Together they hold as much as the bot takes in; labels are our own words.
    """
    wide = "😀" * 500
    bad = ("".join(STRINGS) * 3)[:500]
    most = "😀" * (FORM_BYTES // len(json.dumps("😀")[1:-1]) // 10)
    field = Input(
        wide,
        "W" * 40,
        wide,
        Entry.TEXT,
        most,
        is_required=True,
        pattern=EMAIL,
        wrong="W" * 80,
        problem=wide,
        now=bad,
    )
    options = tuple(Option(bad, str(n) * 64) for n in range(99))
    search = replace(
        field, entry=Entry.SEARCH, choices=options, dataset="exchange", value="1" * 64
    )
    fields = [replace(field, id=f"set.{n}") for n in range(9)]
    full = Form(
        "exchange:update",
        wide,
        bad,
        (replace(search, id="arg.target"), *fields),
        (("form.id", FORM_ID), ("form.seen", "f" * 64)),
        twins=(bad,) * 6,
        problems=(wide,),
        preview=Preview(bad, wide, (Change(wide, bad, wide),) * 10, (wide, bad)),
    )
    return {
        "form": form.render(full, place, stamp),
        "form-dialog": form.render(full, place, stamp, is_dialog=True),
    }
