"""The one visual language, held against every golden card there is, of shapes and of conversations."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cards import words
from cards.frame import PRIMARY_LIMIT, SECONDARY_LIMIT
from cards.signs import DOT_OF
from tests.rendering.conftest import GOLDEN
from tests.rendering.walk import objects, texts

SCENARIO = GOLDEN.parents[1] / "scenario" / "golden"
BANDS = {"good", "emphasis", "accent", "warning", "attention"}
SHORT = re.compile(r"\b[0-9A-Z]{4}\b")
UNSURE = re.compile(r"missing|revise-other|incident-")
Card = dict[str, object]


def cards_of(path: Path) -> Iterator[Card]:
    """Yield the cards of a golden file; what a press brings about is several."""
    value = json.loads(path.read_text("utf-8"))
    yield from value if isinstance(value, list) else [value]


CARDS = {
    f"{path.parent.parent.name}-{path.stem}-{number}": card
    for folder in (GOLDEN, SCENARIO)
    for path in sorted(folder.glob("*.json"))
    for number, card in enumerate(cards_of(path))
}
every_card = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)


def pressed(card: Card) -> list[Mapping[str, object]]:
    """Return every action that somebody can press, wherever it stands."""
    found: list[Mapping[str, object]] = []
    for each in objects(card):
        actions = each.get("actions", [])
        assert isinstance(actions, list)
        found += actions
    return found


def body_of(card: Card) -> list[Mapping[str, object]]:
    """Return what a card shows from its head to its foot."""
    body = card["body"]
    assert isinstance(body, list)
    return body


def said(*elements: Mapping[str, object]) -> list[str]:
    """Return every text of these elements."""
    return [text for element in elements for _, text in texts(element)]


@every_card
def test_a_card_has_at_most_one_primary_action_and_three_others(card: Card) -> None:
    styles = [action.get("style") for action in pressed(card)]

    assert set(styles) <= {None, "positive"}
    assert styles.count("positive") <= PRIMARY_LIMIT
    assert styles.count(None) <= SECONDARY_LIMIT


@every_card
def test_a_card_begins_with_a_sign_a_title_and_where_it_comes_from(card: Card) -> None:
    head = body_of(card)[0]
    title, place = said(head)[0], said(head)[-1]
    sign, _, name = title.partition(" ")

    assert head["style"] in BANDS
    assert not sign.isascii()
    assert name
    assert words.DOT.strip() in place


@every_card
def test_the_card_of_an_operation_has_its_id_at_its_foot(card: Card) -> None:
    body = body_of(card)
    if words.STEPS in said(*body[:-1]):
        foot = "".join(said(body[-1]))
        assert re.match(rf"{words.OPERATION} [0-9A-Z]{{4}}{words.DOT}/history ", foot)


@pytest.mark.parametrize(
    "code", [c for c, (_, t) in words.NOTICES.items() if "{id}" in t and not UNSURE.search(c)]
)
def test_a_notice_of_an_operation_quotes_it_at_its_foot(code: str) -> None:
    (card,) = cards_of(GOLDEN / f"notice-{code}.json")
    foot = "".join(said(body_of(card)[-1]))

    assert foot.startswith(f"{words.OPERATION} 7F3K{words.DOT}/history 7F3K")


@every_card
def test_a_coloured_bar_has_its_number_and_its_sign_beside_it(card: Card) -> None:
    for each in objects(card):
        columns = each.get("columns")
        if not isinstance(columns, list) or columns[0].get("style"):
            continue
        if any(column.get("style") for column in objects(columns[1:])):
            (text,) = said(columns[0])
            assert re.match(rf"(?:{'|'.join(DOT_OF.values())}) \d+ \S", text)


@pytest.mark.parametrize("name", ["none-of-two", "one-of-two"])
def test_a_waiting_card_gives_each_command_a_line_and_its_consent_a_step(name: str) -> None:
    (card,) = cards_of(GOLDEN / f"approval-waiting-{name}.json")
    texts_shown = ["".join(said(element)) for element in body_of(card)]
    place = texts_shown.index(words.TO_TYPE)
    steps = texts_shown[texts_shown.index(words.STEPS) + 1 :]
    labels = [text for step in steps for text in words.STEPS_TAKEN.values() if text in step[:30]]

    assert texts_shown[place + 1 : place + 4] == ["/approve 7F3K", "/reject 7F3K", "/cancel 7F3K"]
    votes = ["Approved by"] if name == "one-of-two" else []
    assert labels == ["Requested", *votes, "Approval", "Accepted by Graph", "Observed"]
