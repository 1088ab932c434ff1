"""What a command would change, and whether what is there is what was asked for."""

from dataclasses import replace

import pytest
from pydantic import JsonValue

from bot.domain.command import BOT_COMMANDS, Catalogue, Command
from bot.domain.errors import UserError
from bot.domain.kinds.exchange import EXCHANGE
from bot.domain.parse import parse
from bot.domain.plan import Change, Plan, differences, make_plan, volatile_of
from bot.domain.resource import Effect, Values

CATALOGUE = Catalogue((EXCHANGE,))
ODATA = "#microsoft.graph.deviceManagementExchangeConnector"
TARGET: Values = {
    "id": "id-1",
    "serverName": "EXCH01",
    "exchangeAlias": None,
    "status": "connected",
    "lastSyncDateTime": "2026-07-01T12:00:00.1234567Z",
    "version": "15.1",
}


def command(text: str) -> Command:
    parsed = parse(text, CATALOGUE)
    assert isinstance(parsed, Command), parsed
    return parsed


def planned(text: str, target: Values | None = TARGET, others: tuple[Values, ...] = ()) -> Plan:
    return make_plan(EXCHANGE, command(text), target=target, others=others)


def refused(text: str, target: Values | None = TARGET) -> UserError:
    with pytest.raises(UserError) as caught:
        planned(text, target)
    return caught.value


def test_an_update_sends_only_what_differs() -> None:
    plan = planned('/exchange update x version=15.2 serverName=EXCH01 exchangeAlias=""')

    assert plan.changes == (Change("version", "Version", "15.1", "15.2"),)
    assert plan.body == {"@odata.type": ODATA, "version": "15.2"}
    assert (plan.target_id, plan.target_name, plan.effect) == ("id-1", "EXCH01", Effect.UPDATE)
    assert plan.before == TARGET


def test_an_empty_value_clears_the_property() -> None:
    plan = planned('/exchange update x version=""')

    assert plan.changes == (Change("version", "Version", "15.1", None),)
    assert plan.body == {"@odata.type": ODATA, "version": None}


def test_changes_stand_in_the_order_of_the_kind() -> None:
    plan = planned("/exchange update x version=2 exchangeAlias=a serverName=b")

    assert [c.name for c in plan.changes] == ["serverName", "exchangeAlias", "version"]


def test_an_update_without_changes_is_refused() -> None:
    assert refused("/exchange update x").code == "changes-missing"


def test_an_update_that_changes_nothing_is_refused() -> None:
    error = refused("/exchange update x version=15.1")

    assert (error.code, error.details) == ("nothing-to-change", {"name": "EXCH01"})


@pytest.mark.parametrize("verb", ["update", "sync", "delete"])
def test_a_write_needs_its_target(verb: str) -> None:
    error = refused(f"/exchange {verb} x", None)

    assert error.code == "target-missing"
    assert error.details["usage"].startswith(f"/exchange {verb} ")


@pytest.mark.parametrize(
    ("options", "sync_type"),
    [("", "fullSync"), ("--type full", "fullSync"), ("--type delta", "deltaSync")],
)
def test_a_sync_sends_its_type_and_changes_no_property(options: str, sync_type: str) -> None:
    plan = planned(f"/exchange sync x {options}")

    assert plan.body == {"syncType": sync_type}
    assert plan.changes == ()


def test_a_delete_sends_no_body() -> None:
    plan = planned("/exchange delete x")

    assert plan.body is None
    assert (plan.verb, plan.effect, plan.target_id) == ("delete", Effect.DELETE, "id-1")


def test_a_create_sends_what_is_filled_and_names_the_new_record() -> None:
    plan = planned(
        '/exchange create exchangeAlias=a version="" exchangeConnectorType=hosted', None
    )

    assert plan.body == {
        "@odata.type": ODATA,
        "exchangeAlias": "a",
        "exchangeConnectorType": "hosted",
    }
    assert [(c.name, c.before, c.after) for c in plan.changes] == [
        ("exchangeAlias", None, "a"),
        ("exchangeConnectorType", None, "hosted"),
    ]
    assert (plan.target_id, plan.target_name, plan.before) == (None, "a", None)


@pytest.mark.parametrize("changes", ["", "version=1", 'serverName=""'])
def test_a_create_needs_a_name(changes: str) -> None:
    error = refused(f"/exchange create {changes}", None)

    assert error.code == "identity-missing"
    assert error.details == {"names": "serverName, connectorServerName, exchangeAlias"}


def test_a_create_knows_the_records_that_already_have_its_name() -> None:
    others: tuple[Values, ...] = (
        {"id": "1", "serverName": "a", "version": "1"},
        {"id": "2", "serverName": "a", "version": "2"},
        {"id": "3", "serverName": "b", "version": "1"},
        {"id": "4", "serverName": "a", "version": "1", "exchangeAlias": "more"},
    )

    assert planned("/exchange create serverName=a version=1", None, others).known == (
        "1",
        "2",
        "4",
    )


def test_a_command_without_an_effect_has_no_plan() -> None:
    pause = next(spec for spec in BOT_COMMANDS if spec.verb == "pause")

    for spec in (pause, replace(command("/exchange get x").spec, effect=None)):
        with pytest.raises(UserError) as caught:
            make_plan(EXCHANGE, Command(spec), target=TARGET, others=())
        assert caught.value.code == "unknown-command"


@pytest.mark.parametrize(
    ("observed", "found"),
    [
        ({"version": "15.2", "exchangeAlias": None}, []),
        ({"version": "15.2", "exchangeAlias": "", "status": "none"}, []),
        ({"version": "15.2"}, []),
        (
            {"version": "15.1", "exchangeAlias": "a"},
            [("exchangeAlias", None, "a"), ("version", "15.2", "15.1")],
        ),
        ({}, [("version", "15.2", None)]),
    ],
)
def test_differences_are_where_the_far_side_is_not_as_asked(
    observed: Values, found: list[tuple[str, JsonValue, JsonValue]]
) -> None:
    wanted: Values = {"@odata.type": ODATA, "version": "15.2", "exchangeAlias": None}

    changes = differences(EXCHANGE, wanted, observed)

    assert [(c.name, c.before, c.after) for c in changes] == found


def test_a_fingerprint_overlooks_what_changes_by_itself() -> None:
    volatile = volatile_of(EXCHANGE)
    moved = {**TARGET, "status": "disconnected", "lastSyncDateTime": "2026-07-02T00:00:00Z"}

    assert volatile == {"status", "lastSyncDateTime"}
    assert planned("/exchange delete x").fingerprint(volatile) == planned(
        "/exchange delete x", moved
    ).fingerprint(volatile)


@pytest.mark.parametrize(
    "other",
    [
        planned("/exchange sync x --type delta"),
        planned("/exchange delete x"),
        planned("/exchange sync x", {**TARGET, "id": "id-2"}),
        planned("/exchange sync x", {**TARGET, "version": "15.2"}),
        planned("/exchange sync x", {**TARGET, "newThing": 1}),
    ],
)
def test_a_fingerprint_changes_with_anything_a_decision_rests_on(other: Plan) -> None:
    volatile = volatile_of(EXCHANGE)

    assert other.fingerprint(volatile) != planned("/exchange sync x").fingerprint(volatile)
