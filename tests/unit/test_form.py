"""A form says what its command's declaration says: the same fields, the same values, the same no."""

import re

import pytest
from hypothesis import example, given, strategies as st
from pydantic import JsonValue

from bot.domain.command import BOT, Catalogue, Command, CommandSpec
from bot.domain.form import (
    FIELD_LIMIT,
    PATTERNS,
    Entry,
    Problem,
    fields_of,
    inputs_of,
    read_form,
    texts_of,
)
from bot.domain.kinds import KINDS
from bot.domain.operation import Actor
from bot.domain.parse import parse
from bot.domain.resource import ResourceKind, ValueType
from bot.domain.text import clean_value, parse_duration
from bot.domain.values import is_email
from bot.service.intent import INCIDENT_VERBS, ROW_VERBS, Filled, intent
from bot.service.ports import Reference, Request

CATALOGUE = Catalogue(KINDS)
REFERENCE = Reference("tenant", "https://x", "19:c@thread.tacv2", "channel")
EXAMPLES = [(spec, text) for spec in CATALOGUE.specs for text in spec.examples]
ROWS = sorted((ROW_VERBS | INCIDENT_VERBS) - {"view"})
UPDATE = CATALOGUE.by_permission["exchange:update"]


def kind_of(spec: CommandSpec) -> ResourceKind | None:
    return CATALOGUE.kinds.get(spec.subject)


def typed_only(spec: CommandSpec) -> set[str]:
    return {option.name for option in spec.options if option.is_typed_only}


def request(**sent: str) -> Request:
    return Request(Actor("tenant", "oid", "Ada"), REFERENCE, "1", submission=dict(sent))


@pytest.mark.parametrize("spec", CATALOGUE.specs, ids=lambda s: s.permission)
def test_a_form_has_a_field_for_all_that_its_command_takes(spec: CommandSpec) -> None:
    fields = fields_of(spec, kind_of(spec))
    expected = [
        *(argument.name for argument in spec.arguments),
        *(p.name for p in spec.properties),
        *(option.name for option in spec.options if not option.is_typed_only),
    ]

    assert [field.name for field in fields] == expected
    assert len({field.id for field in fields}) == len(fields)
    assert all(field.label and field.about for field in fields)


@pytest.mark.parametrize(("spec", "text"), EXAMPLES, ids=[text for _, text in EXAMPLES])
def test_a_command_by_form_is_the_command_typed(spec: CommandSpec, text: str) -> None:
    typed = parse(text, CATALOGUE)
    assert isinstance(typed, Command)
    sent = request(verb="fill", form=spec.permission, **inputs_of(typed))
    filled = intent(sent, CATALOGUE)

    assert isinstance(filled, Filled)
    by_form = read_form(filled.spec, kind_of(spec), filled.inputs)
    assert isinstance(by_form, Command)
    kept = {n: v for n, v in typed.options.items() if n not in typed_only(spec)}
    required = {f.name for f in fields_of(spec, kind_of(spec)) if f.is_required}
    assert required <= {a.name for a in spec.arguments}
    assert (by_form.spec, by_form.arguments, by_form.changes) == (
        spec,
        typed.arguments,
        typed.changes,
    )
    assert by_form.options == kept


@pytest.mark.parametrize("verb", ROWS)
def test_a_command_by_button_is_the_command_typed_and_by_form(verb: str) -> None:
    spec = CATALOGUE.by_permission[f"{BOT}:{verb}"]
    row = "incident" if verb in INCIDENT_VERBS else "operation"
    typed = parse(f"/{verb} 7F3K", CATALOGUE)
    pressed = intent(request(verb=verb, **{row: "7F3K"}), CATALOGUE)
    by_form = read_form(spec, None, {f"arg.{row}": "7F3K"})

    assert isinstance(typed, Command)
    assert pressed == Command(typed.spec, typed.arguments, typed.options)
    assert by_form == Command(typed.spec, typed.arguments, {}, {})


@pytest.mark.parametrize(
    ("name", "inputs", "problems"),
    [
        ("exchange:get", {}, [("arg.target", "argument-missing")]),
        ("exchange:get", {"arg.target": "\u200b "}, [("arg.target", "argument-missing")]),
        ("exchange:sync", {}, [("arg.target", "argument-missing")]),
        (
            "exchange:create",
            {"set.primarySmtpAddress": "ops@", "set.exchangeConnectorType": "cloud"},
            [
                ("set.exchangeConnectorType", "bad-choice"),
                ("set.primarySmtpAddress", "bad-email"),
            ],
        ),
        (
            "exchange:create",
            {"set.exchangeConnectorType": "unknownFutureValue"},
            [("set.exchangeConnectorType", "bad-choice")],
        ),
        (
            "exchange:create",
            {"set.version": "1" * (FIELD_LIMIT + 1)},
            [("set.version", "value-long")],
        ),
        ("exchange:create", {"set.status": "connected"}, [("", "form-changed")]),
        ("exchange:create", {"opt.plan": "true"}, [("", "form-changed")]),
        ("exchange:sync", {"arg.target": "x", "opt.all": "true"}, [("", "form-changed")]),
        (
            "exchange:sync",
            {"arg.target": "x", "opt.type": "twice"},
            [("opt.type", "bad-choice")],
        ),
        ("exchange:list", {"opt.stale": "soon"}, [("opt.stale", "bad-duration")]),
        ("bot:watch", {"arg.target": "EXCH01"}, [("arg.target", "argument-before")]),
        ("bot:resolve", {"arg.operation": "7F3K"}, [("arg.outcome", "argument-missing")]),
        ("bot:unwatch", {"opt.all": "perhaps"}, [("opt.all", "bad-value")]),
    ],
)
def test_what_does_not_fit_is_named_beside_its_field(
    name: str, inputs: dict[str, str], problems: list[tuple[str, str]]
) -> None:
    spec = CATALOGUE.by_permission[name]
    read = read_form(spec, kind_of(spec), inputs)

    assert isinstance(read, tuple)
    assert [(p.field, p.code) for p in read] == problems


def test_an_input_that_means_the_default_is_not_given() -> None:
    spec = CATALOGUE.by_permission["exchange:sync"]
    read = read_form(spec, kind_of(spec), {"arg.target": "EXCH01", "opt.type": "full"})

    assert read == Command(spec, ("EXCH01",), {}, {})


def test_inputs_of_any_json_become_texts_or_fall_away() -> None:
    sent: dict[str, JsonValue] = {
        "a": True,
        "b": 12.0,
        "c": 1.5,
        "d": None,
        "e": [],
        "f": {},
        "g": "x",
        "h": 7,
    }

    assert texts_of(sent) == {"a": "true", "b": "12", "c": "1.5", "g": "x", "h": "7"}


SHAPED = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=12)
ADDRESSES = st.emails() | st.tuples(SHAPED, SHAPED, SHAPED).map(lambda t: f"{t[0]}@{t[1]}.{t[2]}")
BLANKS = st.text(" \N{NO-BREAK SPACE}", max_size=3)


@given(BLANKS, ADDRESSES, BLANKS)
@example(" ", "ops@contoso.com", "  ")
@example("", "ops@contoso\N{ONE DOT LEADER}com", "")
@example("", "ops@contoso..com", "")
def test_client_and_bot_take_the_same_mail_addresses(before: str, text: str, after: str) -> None:
    sent = f"{before}{text}{after}"
    taken = re.search(PATTERNS[ValueType.EMAIL], sent) is not None

    assert taken == is_email(clean_value(sent))


@pytest.mark.parametrize("quotes", ['""', "\N{LEFT DOUBLE QUOTATION MARK}" * 2, ' "" '])
def test_two_quotation_marks_empty_a_property_as_they_do_where_it_is_typed(quotes: str) -> None:
    typed = parse('/exchange update x primarySmtpAddress="" exchangeConnectorType=""', CATALOGUE)
    filled = {"set.primarySmtpAddress": quotes, "set.exchangeConnectorType": quotes}
    read = read_form(UPDATE, kind_of(UPDATE), {"arg.target": "x", **filled})

    assert isinstance(typed, Command)
    assert isinstance(read, Command)
    assert read.changes == typed.changes
    assert re.search(PATTERNS[ValueType.EMAIL], quotes)


@given(st.from_regex(r"[0-9]{1,7}[smhdSMHDx]", fullmatch=True))
def test_a_client_lets_every_duration_through_that_the_bot_takes(text: str) -> None:
    assert bool(re.search(PATTERNS[ValueType.DURATION], text)) == bool(parse_duration(text))


@given(st.text(max_size=600))
def test_any_text_in_a_field_is_a_command_that_reads_back_or_a_problem(text: str) -> None:
    kind = kind_of(UPDATE)
    read = read_form(UPDATE, kind, {"arg.target": "EXCH01", "set.version": text})

    if isinstance(read, Command):
        assert read_form(UPDATE, kind, inputs_of(read)) == read
    else:
        assert read == (Problem("set.version", "value-long", (("limit", str(FIELD_LIMIT)),)),)


def test_a_record_is_looked_for_wherever_a_kinds_command_names_one() -> None:
    looked = {
        spec.permission
        for spec in CATALOGUE.specs
        for field in fields_of(spec, kind_of(spec))
        if field.entry is Entry.RECORD
    }

    assert looked == {f"exchange:{verb}" for verb in ("get", "update", "sync", "delete")}
