"""Finding the record that is meant, and the order and filters of lists."""

from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from bot.domain.command import Catalogue, Command
from bot.domain.kinds.exchange import EXCHANGE
from bot.domain.parse import parse
from bot.domain.resource import Values
from bot.domain.select import arrange, filters_of, find, near

CATALOGUE = Catalogue((EXCHANGE,))
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def record(id: str, **values: JsonValue) -> Values:  # noqa: A002 - the name on the wire
    return {"id": id, **values}


def ids(records: tuple[Values, ...]) -> list[JsonValue]:
    return [r["id"] for r in records]


FLEET = (
    record("aaaa-1", serverName="EXCH01", exchangeAlias="mail"),
    record("aaaa-2", serverName="EXCH02", connectorServerName="conn02"),
    record("bbbb-1", serverName="aaaa-1", exchangeAlias=None),
    record("bbbb-2", serverName="EXCH02"),
    record("cc", serverName="bbbb"),
    record("dddd", version="7"),
)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("EXCH01", ["aaaa-1"]),
        ("exch01", ["aaaa-1"]),
        ("MAIL", ["aaaa-1"]),
        ("Conn02", ["aaaa-2"]),
        ("exch02", ["aaaa-2", "bbbb-2"]),
        # an exact id is meant before the same name, a name before the beginning of an id
        ("aaaa-1", ["aaaa-1"]),
        ("AAAA-1", ["bbbb-1"]),
        ("bbbb", ["cc"]),
        ("BBBB-", ["bbbb-1", "bbbb-2"]),
        ("aaaa", ["aaaa-1", "aaaa-2"]),
        ("DDDD", ["dddd"]),
        # three characters are too few to begin an id, but enough to be one
        ("aaa", []),
        ("cc", ["cc"]),
        ("7", []),
        ("", []),
        ("EXCH", []),
    ],
)
def test_a_target_is_an_id_a_name_or_the_beginning_of_an_id(
    target: str, expected: list[str]
) -> None:
    assert ids(find(EXCHANGE, FLEET, target)) == expected


def test_values_of_other_types_break_neither_search_nor_order() -> None:
    odd = (record("x", serverName=["a"], status={}), {"serverName": 7})

    assert find(EXCHANGE, odd, "7") == (odd[1],)
    assert len(arrange(EXCHANGE, odd, {"sort": "serverName", "status": "{}"}, NOW)) == 1


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("EXHC01", ("EXCH01", "EXCH02")),
        ("exch", ("EXCH01", "EXCH02")),
        ("con", ("conn02",)),
        ("zzz", ()),
        ("", ()),
    ],
)
def test_similar_names_are_offered_each_once(target: str, expected: tuple[str, ...]) -> None:
    assert sorted(near(EXCHANGE, FLEET, target)) == sorted(expected)


def test_at_most_three_similar_names_are_offered() -> None:
    many = tuple(record(f"id-{n}", serverName=f"EXCH0{n}") for n in range(9))

    assert len(near(EXCHANGE, many, "EXCH")) == 3


SEEN = (
    record("1", serverName="b", status="connected", lastSyncDateTime="2026-07-01T11:00:00Z"),
    record("2", serverName="a", status="disconnected", lastSyncDateTime="2026-06-30T00:00:00Z"),
    record("3", serverName="C", status="disconnected", lastSyncDateTime="0001-01-01T00:00:00Z"),
    record("4", serverName="c", status="disconnected"),
    record(
        "5", serverName="d", status="quarantined", lastSyncDateTime="2026-07-01T13:30:00+02:00"
    ),
    record("6", status="none", version="15.2", lastSyncDateTime="2026-06-30T12:00:00.1234567Z"),
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # worst first, never seen before long ago, then by name and id
        ({}, ["3", "4", "2", "5", "6", "1"]),
        ({"sort": "serverName"}, ["6", "2", "1", "3", "4", "5"]),
        ({"sort": "-serverName"}, ["5", "3", "4", "1", "2", "6"]),
        ({"sort": "status"}, ["1", "2", "3", "4", "6", "5"]),
        ({"sort": "lastSyncDateTime"}, ["3", "4", "2", "6", "1", "5"]),
        ({"sort": "-lastSyncDateTime"}, ["5", "1", "6", "2", "3", "4"]),
        ({"sort": "unheard"}, ["3", "4", "2", "5", "6", "1"]),
        ({"status": "DISCONNECTED"}, ["3", "4", "2"]),
        ({"status": "connect"}, []),
        ({"status": "quarantined"}, ["5"]),
        ({"serverName": "C"}, ["3", "4"]),
        ({"version": "5.", "status": "none"}, ["6"]),
        ({"version": "9"}, []),
        ({"stale": "1d"}, ["3", "4", "2"]),
        ({"stale": "86399s"}, ["3", "4", "2", "6"]),
        ({"stale": "400d"}, ["3", "4"]),
        ({"stale": "30m", "status": "connected"}, ["1"]),
        ({"page": "2", "reason": "x"}, ["3", "4", "2", "5", "6", "1"]),
    ],
)
def test_a_list_is_filtered_and_worst_first_unless_told_otherwise(
    options: dict[str, str], expected: list[str]
) -> None:
    forwards = arrange(EXCHANGE, SEEN, options, NOW)
    backwards = arrange(EXCHANGE, SEEN[::-1], options, NOW)

    assert ids(forwards) == expected
    assert backwards == forwards


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"version": "15.2"}, ["6"]),
        ({"version": "5."}, []),
        ({"serverName": "C"}, ["3", "4"]),
        ({"stale": "30m"}, ["2", "6", "1"]),
        ({"stale": "soon"}, []),
    ],
)
def test_what_is_chosen_to_be_changed_is_chosen_by_whole_values_and_known_ages(
    options: dict[str, str], expected: list[str]
) -> None:
    assert ids(arrange(EXCHANGE, SEEN, options, NOW, to_change=True)) == expected


def test_filters_are_the_options_that_shorten_a_list_as_declared() -> None:
    text = "/exchange list --stale 2d --page 2 --sort version --status none --serverName a"
    command = parse(text, CATALOGUE)

    assert isinstance(command, Command)
    assert filters_of(command) == (("serverName", "a"), ("status", "none"), ("stale", "2d"))
