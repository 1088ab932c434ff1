"""Every card: golden, valid, small enough, harmless, and in the one visual language."""

from collections.abc import Callable

import pytest

from cards.frame import PRIMARY_LIMIT, SECONDARY_LIMIT, Button, Rendered, kept
from cards.size import LIMIT_BYTES, size
from tests.rendering.conftest import GOLDEN
from tests.rendering.hostile import STRINGS
from tests.rendering.samples import PLACE, samples
from tests.rendering.schema import complaints, validator
from tests.rendering.test_text import assert_harmless, assert_visible
from tests.rendering.walk import MARKDOWN, objects, texts
from tests.rendering.worst import worst

SAMPLES = samples()
WORST = worst()
KNOWN = {
    "ActionSet",
    "AdaptiveCard",
    "Action.Execute",
    "Action.Submit",
    "Column",
    "ColumnSet",
    "Container",
    "Data.Query",
    "Input.ChoiceSet",
    "Input.Number",
    "Input.Text",
    "Input.Toggle",
    "RichTextBlock",
    "TextBlock",
    "TextRun",
}

every_sample = pytest.mark.parametrize("name", SAMPLES)
every_worst = pytest.mark.parametrize("name", WORST)
every_card = pytest.mark.parametrize(
    "card", [*SAMPLES.values(), *WORST.values()], ids=[*SAMPLES, *WORST]
)


@every_sample
def test_a_card_is_what_its_golden_file_says(
    name: str, golden: Callable[[str, object], None]
) -> None:
    golden(name, SAMPLES[name].payload())


def test_every_golden_file_belongs_to_a_card() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(SAMPLES)


@every_card
def test_a_card_is_valid_against_the_published_schema(
    card: Rendered, request: pytest.FixtureRequest
) -> None:
    assert list(complaints(validator(request.config), card.payload())) == []


@every_card
def test_a_card_uses_known_elements_and_the_teams_width_by_its_real_name(card: Rendered) -> None:
    payload = card.payload()

    # A button's data may say of itself what it opens.
    named = {str(each["type"]) for each in objects(payload) if "type" in each}
    assert named - {"task/fetch"} <= KNOWN
    assert payload["version"] == "1.5"
    assert payload.get("msteams", {"width": "full"}) == {"width": "full"}


@every_card
def test_a_card_stays_under_the_size_teams_takes(card: Rendered) -> None:
    assert size(card.card) <= LIMIT_BYTES


@every_card
def test_every_text_is_harmless_and_wraps(card: Rendered) -> None:
    for kind, text in texts(card.payload()):
        if kind in MARKDOWN:
            assert_harmless(text)
        assert_visible(text.replace("\N{NO-BREAK SPACE}", " "))
    for each in objects(card.payload()):
        assert each.get("type") != "TextBlock" or each["wrap"] is True
        assert "entities" not in each


@every_card
def test_a_card_has_a_summary_a_fallback_and_few_buttons(card: Rendered) -> None:
    payload = card.payload()
    actions = payload.get("actions", [])

    assert isinstance(actions, list)
    assert 0 < len(card.summary) <= 256
    assert payload["fallbackText"] == payload["speak"] == card.summary
    assert sum(a.get("style") == "positive" for a in actions) <= PRIMARY_LIMIT
    assert sum(a.get("style") != "positive" for a in actions) <= SECONDARY_LIMIT
    for action in actions:
        if action["type"] == "Action.Submit":
            continue
        submit = action["fallback"]
        assert submit["data"] == {**action["data"], "verb": action["verb"]}
        assert (submit["type"], submit["title"]) == ("Action.Submit", action["title"])


@every_sample
def test_a_card_names_tenant_and_cloud(name: str) -> None:
    shown = " ".join(text for _, text in texts(SAMPLES[name].payload()))

    assert PLACE.tenant in shown
    assert PLACE.cloud in shown


@every_worst
def test_a_card_with_too_much_on_it_says_what_it_left_out(name: str) -> None:
    shown = " ".join(text for _, text in texts(WORST[name].payload()))

    assert "left out here" in shown


def test_more_buttons_than_allowed_are_cut_the_primary_first() -> None:
    many = [Button(f"B{i}", "v", {}, primary=i % 2 == 1) for i in range(10)]
    heavy = Button("Heavy", "v", {"command": STRINGS[0] * 200}, primary=True)

    assert [b.title for b in kept([heavy, *many])] == ["B1", "B0", "B2", "B4"]


def test_a_payload_is_computed_once() -> None:
    card = SAMPLES["help"]

    assert card.payload() is card.payload()
