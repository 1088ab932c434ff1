"""What a kind makes of the records that Graph sends, known to it or not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue, ValidationError

from bot.domain.kinds.exchange import EXCHANGE, ExchangeConnector
from bot.domain.operation import ARROWS, State
from bot.domain.resource import Effect, Severity, moment

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01T12:00:00Z", NOW),
        ("2026-07-01T12:00:00", NOW),
        ("2026-07-01T14:00:00+02:00", NOW),
        ("2026-07-01T03:30:00-08:30", NOW),
        # Graph gives seven digits where a datetime has six
        ("2026-07-01T12:00:00.1234567Z", NOW.replace(microsecond=123456)),
        ("2026-07-01T12:00:00.5Z", NOW.replace(microsecond=500000)),
    ],
)
def test_a_time_of_graph_is_an_instant_in_utc(text: str, expected: datetime) -> None:
    found = moment(text)

    assert found == expected
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:00",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00.0000000-08:00",
        "",
        "never",
        "2026-13-01T00:00:00Z",
        None,
        7,
        ["2026-07-01T12:00:00Z"],
    ],
)
def test_year_one_and_what_is_no_time_are_never(value: JsonValue) -> None:
    assert moment(value) is None


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59.9999999-14:00"]
)
def test_a_time_beyond_the_last_year_is_never(text: str) -> None:
    assert moment(text) is None


def test_unknown_properties_and_enum_members_are_kept() -> None:
    sent = {
        "@odata.type": "#microsoft.graph.deviceManagementExchangeConnector",
        "id": "1",
        "status": "hibernating",
        "lastSyncDateTime": "2026-07-01T12:00:00.1234567Z",
        "newThing": {"deep": [1, None]},
    }

    values = ExchangeConnector.model_validate(sent).values()

    kept = {name: values[name] for name in sent if name in values}
    assert kept == {name: value for name, value in sent.items() if not name.startswith("@")}
    assert values["serverName"] is None


def test_a_record_without_an_id_is_none() -> None:
    with pytest.raises(ValidationError):
        ExchangeConnector.model_validate({"serverName": "x"})


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ("connected", Severity.GOOD),
        ("none", Severity.NEUTRAL),
        ("connectionPending", Severity.WARNING),
        ("disconnected", Severity.CRITICAL),
        ("hibernating", Severity.WARNING),
        ("unknownFutureValue", Severity.WARNING),
        (None, Severity.WARNING),
    ],
)
def test_an_unknown_status_is_a_warning(status: str | None, severity: Severity) -> None:
    assert EXCHANGE.severity_of({"id": "1", "status": status}) is severity


@pytest.mark.parametrize(
    ("age", "expected"),
    [(timedelta(), False), (timedelta(days=1), False), (timedelta(days=1, seconds=1), True)],
)
def test_a_record_is_stale_once_unseen_for_longer_than_its_kind_allows(
    age: timedelta,
    expected: bool,  # noqa: FBT001
) -> None:
    seen = {"id": "1", "lastSyncDateTime": (NOW - age).isoformat()}

    assert EXCHANGE.is_stale(seen, NOW) is expected


def test_a_record_that_was_never_seen_is_stale() -> None:
    assert EXCHANGE.is_stale({"id": "1", "lastSyncDateTime": "0001-01-01T00:00:00Z"}, NOW)
    assert EXCHANGE.is_stale({"id": "1"}, NOW)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"id": "1", "serverName": "s", "exchangeAlias": "a"}, "s"),
        ({"id": "1", "serverName": "", "exchangeAlias": "a"}, "a"),
        ({"id": "1"}, "1"),
        ({}, "?"),
    ],
)
def test_a_record_is_called_by_its_first_filled_identity(
    values: dict[str, JsonValue], name: str
) -> None:
    assert EXCHANGE.name_of(values) == name


def test_support_has_ended_for_on_premises_connectors_only() -> None:
    assert EXCHANGE.is_retired({"id": "1", "exchangeConnectorType": "onPremises"})
    assert not EXCHANGE.is_retired({"id": "1", "exchangeConnectorType": "hosted"})
    assert not EXCHANGE.is_retired({"id": "1"})
    assert not replace(EXCHANGE, retired=None).is_retired({"id": "1"})


def test_properties_and_verbs_are_found_by_name() -> None:
    found = EXCHANGE.property("LASTSYNCDATETIME")

    assert found is not None
    assert (found.name, found.label, found.is_writable) == ("lastSyncDateTime", "Last sync", False)
    assert EXCHANGE.property("color") is None
    assert EXCHANGE.verb("show") is EXCHANGE.verb("get")
    assert EXCHANGE.verb("frob") is None
    assert [p.name for p in EXCHANGE.columns] == ["exchangeConnectorType", "version"]


def test_only_lists_and_single_reads_change_nothing() -> None:
    assert [e for e in Effect if not e.writes] == [Effect.LIST, Effect.GET]


def test_every_state_is_reached_from_waiting_and_the_ended_ones_stay() -> None:
    reached = {State.WAITING}
    for _ in State:
        reached |= {after for before in reached for after in ARROWS.get(before, frozenset())}

    assert reached == set(State)
    assert set(State) - set(ARROWS) == {
        State.DONE,
        State.FAILED,
        State.REJECTED,
        State.EXPIRED,
        State.CANCELLED,
        State.STALE,
    }
