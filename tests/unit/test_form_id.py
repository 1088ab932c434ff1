"""A form's id tells how old the form is, and nothing else makes it so."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from bot.chance import RandomIds
from bot.domain.form_id import CROCKFORD, GOOD_FOR, is_form_id, is_old, new_form_id

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DIGITS = st.text(CROCKFORD, min_size=26, max_size=26)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is given beside
    DIGITS,
    st.timedeltas(timedelta(0), 2 * GOOD_FOR),
)
def test_a_form_is_old_once_it_was_opened_longer_ago_than_it_is_good_for(
    opened: datetime, chance: str, age: timedelta
) -> None:
    opened = opened.replace(microsecond=0)
    form_id = new_form_id(opened, chance)

    assert is_form_id(form_id)
    assert form_id[10:] == chance[:16]
    millisecond = timedelta(milliseconds=1)
    assert is_old(form_id, opened + age) == (age // millisecond > GOOD_FOR // millisecond)


@given(DIGITS)
def test_an_id_of_mere_chance_is_judged_without_failing(text: str) -> None:
    assert isinstance(is_old(text, NOW), bool)


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "U" * 26, "o" * 26, "0" * 25 + "\n"])
def test_what_is_no_id_is_none(text: str) -> None:
    assert not is_form_id(text)


def test_an_id_of_a_time_to_come_is_no_better_than_an_old_one() -> None:
    form_id = new_form_id(NOW + timedelta(hours=1), RandomIds().new())

    assert is_old(form_id, NOW)
    assert not is_old(form_id, NOW + timedelta(minutes=56))
