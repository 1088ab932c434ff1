"""What people and Graph write reaches the cards of watching as text, whatever it is."""

import pytest

from cards.size import LIMIT_BYTES, size
from tests.rendering.hostile import STRINGS
from tests.rendering.schema import complaints, validator
from tests.rendering.test_text import assert_harmless, assert_visible
from tests.rendering.walk import MARKDOWN, texts
from tests.rendering.watched import hostile, rendered


@pytest.mark.parametrize("text", STRINGS)
def test_hostile_names_stay_text_on_cards_of_a_size_that_teams_takes(text: str) -> None:
    for name, outcome in hostile(text).items():
        card = rendered(outcome)

        assert size(card.card) <= LIMIT_BYTES, name
        assert 0 < len(card.summary) <= 256
        for kind, shown in texts(card.payload()):
            if kind in MARKDOWN:
                assert_harmless(shown)
            assert_visible(shown.replace("\N{NO-BREAK SPACE}", " "))


def test_cards_full_of_hostile_names_follow_the_published_schema(
    request: pytest.FixtureRequest,
) -> None:
    schema = validator(request.config)

    for name, outcome in hostile(STRINGS[0]).items():
        assert list(complaints(schema, rendered(outcome).payload())) == [], name
