"""Buttons: what a press is answered with, and what no press can do.

The shapes of an invoke's answer are those of "Universal Action Model" (Adaptive Cards) and its
response table: HTTP 200 with statusCode, type and value.
"""

import pytest

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.journal import JsonObject
from bot.sandbox.terminal import buttons_of, lines_of
from tests.support.paper import typed
from tests.support.stage import Stage, text_of

CARD = "application/vnd.microsoft.card.adaptive"
TOAST = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"
WRITES = (
    "/exchange create serverName=EXCH10",
    "/exchange update EXCH01 version=16",
    "/exchange sync EXCH01",
    "/exchange delete EXCH05",
    "/exchange delete EXCH05 --plan",
    "/pause",
    "/resume",
    "/resolve 7F3K done",
)


def crowd(stage: Stage, count: int) -> None:
    """Add connectors until there are `count`, all of them calm."""
    table = stage.world.connectors
    for number in range(len(table.records), count):
        table.add({"serverName": f"EXCH{number + 1:02d}", "status": "connected"})


async def pressed(stage: Stage, who: str, command: object) -> JsonObject:
    """Press a button that carries a command and return the invoke's answer."""
    response = await stage.post(stage.press(who, {"command": command}))
    await stage.settle()
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/json")
    body: JsonObject = response.json()
    return body


def card_text(body: JsonObject) -> str:
    assert (body["statusCode"], body["type"]) == (200, CARD)
    assert body["value"]["type"] == "AdaptiveCard"
    return "\n".join(lines_of(body["value"]))


def toast_text(body: JsonObject) -> str:
    assert set(body) == {"statusCode", "type", "value"}
    assert (body["statusCode"], body["type"]) == (200, TOAST)
    assert isinstance(body["value"], str)
    assert "Contoso Lab · sandbox" in " ".join(body["value"].split())
    return body["value"]


async def test_next_and_previous_turn_the_pages_of_a_long_list(stage: Stage) -> None:
    crowd(stage, 25)
    first = await stage.says("ada", "/exchange list")
    second = await stage.presses("ada", "Next")
    third = await stage.presses("ada", "Next")
    back = await stage.presses("ada", "Previous")

    assert buttons_of(first.cards[-1]) == ["New…", "Next", "Refresh"]
    assert "Page 1 of 3" in text_of(first)
    assert buttons_of(second.cards[-1]) == ["New…", "Previous", "Next", "Refresh"]
    assert "Page 2 of 3" in text_of(second)
    assert buttons_of(third.cards[-1]) == ["New…", "Previous", "Refresh"]
    assert "Page 3 of 3" in text_of(third)
    assert text_of(back) == text_of(second)
    assert len(stage.messages()) == 1


async def test_a_page_that_no_longer_exists_shows_the_last_one(stage: Stage) -> None:
    crowd(stage, 25)
    await stage.says("ada", "/exchange list")
    for record in list(stage.world.connectors.records)[2:]:
        stage.world.connectors.remove(record)

    assert "2 in all" in text_of(await stage.presses("ada", "Next"))


async def test_refresh_shows_the_record_as_it_is_now(stage: Stage) -> None:
    await stage.says("ada", "/exchange get EXCH01")
    stage.world.connectors.change(stage.world.id_of("EXCH01"), {"status": "disconnected"})
    heard = await stage.presses("ada", "Refresh")

    assert "❌ disconnected" in text_of(heard)
    assert len(stage.messages()) == 1


async def test_history_shows_what_was_done_to_the_record(stage: Stage) -> None:
    await stage.says("ada", "/exchange update EXCH01 version=16")
    await stage.says("ada", "/exchange get EXCH01")
    heard = await stage.presses("ada", "History")

    assert "/exchange update EXCH01 version=16" in text_of(heard)
    assert heard.toast == ""


async def test_show_on_a_finished_write_shows_the_record(stage: Stage) -> None:
    await stage.says("ada", "/exchange update EXCH01 version=16")
    heard = await stage.presses("vic", "Show")

    assert "EXCH01 – Exchange connector" in text_of(heard)  # noqa: RUF001 - as in the card


async def test_the_picker_of_an_ambiguous_name_leads_to_each_record(stage: Stage) -> None:
    stage.world.connectors.add({"id": "feed0001", "serverName": "EXCH01", "status": "none"})
    heard = await stage.says("ada", "/exchange get EXCH01")
    titles = buttons_of(heard.cards[-1])
    chosen = await stage.presses("ada", titles[-1])

    assert titles == ["EXCH01 e11c1de8", "EXCH01 feed0001"]
    assert "feed0001" in text_of(chosen)


async def test_the_picker_of_an_ambiguous_write_is_its_form_with_those_that_fit(
    stage: Stage,
) -> None:
    stage.world.connectors.add({"id": "feed0001", "serverName": "EXCH01", "status": "none"})
    form = await typed(stage, "ada", '/exchange delete EXCH01 --reason "moved away"')
    fitting = {choice["value"] for choice in form.element("arg.target")["choices"]}

    assert "More than one Exchange connector fits EXCH01" in form.text
    assert fitting == {stage.world.id_of("EXCH01"), "feed0001"}
    assert form.inputs["opt.reason"] == "moved away"
    assert stage.graph_writes() == []

    await form.sends(arg__target="feed0001")
    await form.sends()

    assert stage.graph_writes() == [
        ("DELETE", "/deviceManagement/exchangeConnectors/feed0001"),
    ]


@pytest.mark.parametrize(
    ("command", "seen"),
    [
        ("/exchange list", "5 in all"),
        ("/exchange get EXCH01", "INTUNE-GW01"),
        ("/help", "/exchange list"),
        ("/help exchange list", "--sort"),
        ("/whoami", "Vic Viewer"),
        ("/history", "Nothing is recorded here"),
    ],
)
async def test_a_press_that_reads_replaces_the_card_for_the_presser_alone(
    command: str, seen: str, stage: Stage
) -> None:
    body = await pressed(stage, "vic", command)

    assert set(body) == {"statusCode", "type", "value"}
    assert seen in card_text(body)
    assert stage.messages() == []


@pytest.mark.parametrize("command", WRITES)
async def test_a_press_never_writes_and_says_what_to_type(command: str, any_stage: Stage) -> None:
    body = await pressed(any_stage, "ada", command)

    assert command in toast_text(body)
    assert any_stage.graph_writes() == []
    assert await any_stage.audited() == []
    assert any_stage.messages() == []


async def test_the_submit_twin_of_a_press_is_answered_in_the_thread(stage: Stage) -> None:
    crowd(stage, 12)
    heard = await stage.says("ada", "/exchange list")
    twin = heard.cards[-1]["actions"][1]["fallback"]
    teams, ada = stage.sandbox.teams(), stage.chat.people["ada"]
    card = stage.messages()[-1]
    value = {**twin["data"], "msteams": {"type": "messageBack"}}
    submitted = teams.submit(ada, stage.world.channel, card.id, value)
    await stage.post(submitted)
    await stage.settle()

    assert twin["type"] == "Action.Submit"
    assert "Page 2 of 2" in stage.shown()[-1]
    assert stage.messages()[-1].conversation == submitted["conversation"]["id"]


async def test_the_submit_twin_of_a_write_never_writes_either(stage: Stage) -> None:
    teams, ada = stage.sandbox.teams(), stage.chat.people["ada"]
    value: JsonObject = {"verb": "run", "command": "/exchange delete EXCH05"}
    await stage.post(teams.submit(ada, stage.world.channel, "1", value))
    await stage.settle()

    assert stage.graph_writes() == []
    assert "/exchange delete EXCH05" in stage.shown()[-1]


async def test_a_press_is_judged_by_the_rights_of_the_presser(any_stage: Stage) -> None:
    await any_stage.says("ada", "/exchange get EXCH01")
    heard = await any_stage.presses("gus", "Refresh")

    assert "Guests may not use this bot" in heard.toast
    assert "Ask a member of the team" in heard.toast
    assert await any_stage.audited() == ["command refused"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("/exchange get NOPE", "No Exchange connector is called NOPE"),
        ("/exchange frobnicate", "no verb frobnicate"),
        ("\u202e", "no command"),
        ("/exchange list --page 0", "is not a number"),
    ],
)
async def test_a_press_that_leads_nowhere_says_why(
    command: str, reason: str, stage: Stage
) -> None:
    assert reason in toast_text(await pressed(stage, "ada", command))


async def test_a_press_while_graph_refuses_says_so_with_an_id(stage: Stage) -> None:
    stage.sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, path="exchangeConnectors", status=403, times=None)
    )
    said = toast_text(await pressed(stage, "ada", "/exchange list"))

    assert "Graph does not allow this." in said
    assert "Error 0" in said


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"command": ""},
        {"command": 7},
        {"command": None},
        {"command": ["/exchange list"]},
        {"command": {"text": "/exchange list"}},
        {"other": "/exchange delete EXCH05"},
    ],
)
async def test_a_press_that_carries_nothing_the_bot_gave_it_has_lapsed(
    data: JsonObject, stage: Stage
) -> None:
    response = await stage.post(stage.press("ada", data))

    assert "This button has lapsed." in toast_text(response.json())


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [],
        "press",
        7,
        {"action": None},
        {"action": "Action.Execute"},
        {"action": {}},
        {"action": {"type": "Action.Submit", "data": {"command": "/exchange list"}}},
        {"action": {"type": "Action.OpenUrl"}},
        {"trigger": "manual"},
    ],
)
async def test_an_invoke_of_no_documented_shape_is_a_bad_request(
    value: object, stage: Stage
) -> None:
    activity = stage.press("ada", {"command": "/exchange list"}) | {"value": value}
    response = await stage.post(activity)
    body = response.json()

    assert response.status_code == 200
    assert set(body) == {"statusCode", "type", "value"}
    assert (body["statusCode"], body["type"]) == (400, ERROR)
    assert body["value"]["code"] == "BadRequest"
    assert body["value"]["message"]
    assert stage.messages() == []


@pytest.mark.parametrize("data", [None, [], "text", 7])
async def test_an_action_without_readable_data_has_lapsed(data: object, stage: Stage) -> None:
    activity = stage.press("ada", {})
    activity["value"]["action"]["data"] = data
    response = await stage.post(activity)

    assert "This button has lapsed." in toast_text(response.json())


@pytest.mark.parametrize(
    "name", ["composeExtension/fetchTask", "composeExtension/query", "nonsense", None]
)
async def test_an_invoke_the_bot_does_not_know_is_answered_as_not_supported(
    name: str | None, stage: Stage
) -> None:
    activity = stage.press("ada", {"command": "/exchange list"}) | {"name": name}
    response = await stage.post(activity)

    assert response.status_code == 200
    assert response.json()["type"] == ERROR
    assert response.json()["value"]["code"] == "NotSupported"
    assert stage.messages() == []


async def test_an_automatic_refresh_is_answered_like_a_press(stage: Stage) -> None:
    activity = stage.press("vic", {"command": "/exchange get EXCH01"})
    activity["value"]["trigger"] = "automatic"
    response = await stage.post(activity)

    assert "INTUNE-GW01" in card_text(response.json())
