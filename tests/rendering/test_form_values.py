"""What people filled in comes back as they did: never cut, however much else stands on the card."""

import json
from datetime import UTC, datetime

from hypothesis import given, settings, strategies as st

from bot.domain.command import Catalogue, Command
from bot.domain.form import (
    FIELD_LIMIT,
    FORM_BYTES,
    Field,
    Problem,
    fields_of,
    is_too_much,
    read_form,
)
from bot.domain.kinds import KINDS
from bot.domain.offer import Form
from bot.domain.plan import make_plan
from bot.domain.resource import Values
from bot.domain.text import clean_value
from bot.teams.replies import Replies
from cards.frame import Rendered
from cards.size import LIMIT_BYTES, weigh
from tests.rendering.walk import objects

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CATALOGUE = Catalogue(KINDS)
EXCHANGE = CATALOGUE.kinds["exchange"]
UPDATE = CATALOGUE.by_permission["exchange:update"]
FIELDS = tuple(f for f in fields_of(UPDATE, EXCHANGE) if not f.choices)
LONG = "Ω😀" * 40
RECORDS: tuple[Values, ...] = tuple(
    {"id": f"e11c1de8-0000-4000-8000-{n:012d}", **{p.name: LONG for p in EXCHANGE.properties}}
    for n in range(20)
)
# What a client sends: any characters that have a shape, with spaces anywhere.
SHAPED = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"))
VALUES = st.lists(
    st.one_of(st.text(SHAPED, max_size=60), st.text(SHAPED).map(lambda t: (t * 600)[:600])),
    min_size=len(FIELDS),
    max_size=len(FIELDS),
)


class Standing:
    def now(self) -> datetime:
        return NOW


REPLIES = Replies(catalogue=CATALOGUE, clock=Standing(), cloud="global", tenant=lambda: "W" * 64)


def form_of(filled: dict[str, str], *problems: Problem) -> Form:
    """Return the largest form there is: with records to choose from and a plan where one fits."""
    read = read_form(UPDATE, EXCHANGE, {**filled, "arg.target": "x"})
    plan = None
    if isinstance(read, Command) and read.changes:
        plan = make_plan(EXCHANGE, read, target=RECORDS[0], others=())
    return Form(
        UPDATE,
        fields_of(UPDATE, EXCHANGE),
        "0" * 26,
        filled,
        problems,
        EXCHANGE,
        RECORDS,
        RECORDS[0],
        plan=plan,
        seen="f" * 64,
    )


def value_of(card: Rendered, field: Field) -> str:
    """Return what stands in an input of a card."""
    (shown,) = (e for e in objects(card.payload()) if e.get("id") == field.id)
    return str(shown.get("value", ""))


@settings(max_examples=150)
@given(VALUES)
def test_whatever_comes_back_on_a_form_is_read_as_it_was_filled_in(values: list[str]) -> None:
    filled = {field.id: text for field, text in zip(FIELDS, values, strict=True)}
    read = read_form(UPDATE, EXCHANGE, filled)
    problems = () if isinstance(read, Command) else read
    if is_too_much(filled):
        assert weigh(list(values)) > FORM_BYTES
        return
    for card in (
        REPLIES.render(form_of(filled, *problems)),
        REPLIES.dialog(form_of(filled, *problems)),
    ):
        assert weigh(card.payload()) <= LIMIT_BYTES
        for field in FIELDS:
            assert clean_value(value_of(card, field)) == clean_value(filled[field.id])


def test_as_much_as_is_taken_in_fits_beside_the_longest_plan_and_the_most_problems() -> None:
    text = "😀" * ((FORM_BYTES // len(FIELDS) - 2) // 12)
    filled = {field.id: text for field in FIELDS}
    problems = [Problem(f.id, "bad-value", (("token", text),)) for f in FIELDS]
    card = REPLIES.render(form_of(filled, *problems, Problem("", "too-long")))

    assert not is_too_much(filled)
    assert is_too_much({**filled, "opt.reason": json.dumps("x" * FORM_BYTES)})
    assert weigh(card.payload()) <= LIMIT_BYTES
    assert all(value_of(card, field) == text for field in FIELDS)


def test_a_value_that_is_too_long_comes_back_whole_with_why_beside_it() -> None:
    text = "x" * (FIELD_LIMIT + 1)
    read = read_form(UPDATE, EXCHANGE, {"arg.target": "x", "set.version": text})
    assert isinstance(read, tuple)
    card = REPLIES.render(form_of({"set.version": text}, *read))
    body = card.payload()["body"]
    assert isinstance(body, list)
    place = next(n for n, e in enumerate(body) if e.get("id") == "set.version")

    assert body[place]["value"] == text
    assert f"longer than {FIELD_LIMIT} characters" in str(body[place + 1])


def test_a_number_that_is_none_comes_back_as_the_text_it_is() -> None:
    spec = CATALOGUE.by_permission["bot:replay"]
    (field,) = fields_of(spec, None)
    for text in ("12x", "9" * 400):
        form = Form(spec, (field,), "0" * 26, {field.id: text})
        assert value_of(REPLIES.render(form), field) == text
