"""Forms: opened by typing or by a button, sent twice for a write, and never worth more than typed text."""

import asyncio
from pathlib import Path

import pytest

from bot.sandbox.terminal import buttons_of, inputs_of
from tests.support.paper import TOAST, Sheet, fetched, opened, said, typed
from tests.support.room import policy
from tests.support.stage import Script, Stage, staged

CREATE = "/exchange create"
SYNCS_WAIT = policy(commands='"exchange:sync"')
NAMED = {"set__serverName": "EXCH10", "set__primarySmtpAddress": "ops@contoso.com"}


async def test_a_command_typed_alone_is_answered_with_its_form(stage: Stage) -> None:
    form = await typed(stage, "ada", CREATE)

    assert "Create an Exchange connector" in form.text
    assert buttons_of(form.card) == ["Show plan"]
    assert form.card["actions"][0]["data"] == {"form": "exchange:create"}
    assert form.element("set.exchangeConnectorType")["type"] == "Input.ChoiceSet"
    assert form.element("set.primarySmtpAddress")["regex"]
    assert form.element("set.primarySmtpAddress")["errorMessage"].endswith("it may be left empty.")
    assert all(
        e["label"] for e in form.card["body"] if "Input" in e["type"] and "form." not in e["id"]
    )
    assert stage.graph_writes() == []


async def test_a_form_shows_the_plan_first_and_then_does_it_in_its_own_message(
    any_stage: Stage,
) -> None:
    stage = any_stage
    form = await typed(stage, "ada", CREATE)
    await form.sends(**NAMED)
    planned = form.text
    writes = stage.graph_writes()
    await form.sends()

    assert "Nothing was changed." in planned
    assert "EXCH10" in planned
    assert buttons_of(form.card) == ["Create"]
    assert writes == []
    assert [method for method, _ in stage.graph_writes()] == ["POST"]
    assert len(stage.messages()) == 1
    assert "Create EXCH10 – done" in stage.shown()[0]  # noqa: RUF001 - as in the card
    assert (form.body["statusCode"], form.body["type"]) == (200, TOAST)


async def test_a_form_that_is_sent_twice_has_one_effect(any_stage: Stage) -> None:
    form = await typed(any_stage, "ada", CREATE)
    await form.sends(**NAMED)
    await form.sends()
    again = await form.sends()

    assert "Already asked for" in said(again)
    assert len(any_stage.graph_writes()) == 1
    assert "done" in any_stage.shown()[0]


async def test_a_form_of_yesterday_does_nothing_and_says_how_to_open_a_new_one(
    any_stage: Stage,
) -> None:
    form = await typed(any_stage, "ada", CREATE)
    await form.sends(**NAMED)
    planned = any_stage.shown()
    any_stage.clock.move(hours=25)
    body = await form.sends()

    assert body["type"] == TOAST
    assert "This form is old" in said(body)
    assert CREATE in said(body)
    assert any_stage.graph_writes() == []
    assert any_stage.shown() == planned


async def test_a_form_of_this_day_is_still_good(stage: Stage) -> None:
    form = await typed(stage, "ada", CREATE)
    await form.sends(**NAMED)
    stage.clock.move(hours=23)
    await form.sends()

    assert len(stage.graph_writes()) == 1


async def test_a_double_click_has_one_effect(any_stage: Stage) -> None:
    form = await typed(any_stage, "ada", CREATE)
    await form.sends(**NAMED)
    clicks = [form.activity() for _ in range(2)]
    answers = await asyncio.gather(*(any_stage.post(click) for click in clicks))
    await any_stage.settle()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(any_stage.graph_writes()) == 1
    assert len(any_stage.messages()) == 1


async def test_two_people_who_send_one_form_at_once_get_a_card_each(any_stage: Stage) -> None:
    form = await typed(any_stage, "ada", CREATE)
    other = Sheet(any_stage, "oli", form.card, form.message, form.root)
    await form.sends(set__serverName="EXCH10")
    await other.sends(set__serverName="EXCH11")
    sent = [each.activity() for each in (form, other)]
    await asyncio.gather(*(any_stage.post(each) for each in sent))
    await any_stage.settle()

    shown = "\n".join(any_stage.shown())
    assert "Create EXCH10" in shown
    assert "Create EXCH11" in shown
    assert len(any_stage.graph_writes()) == 2


async def test_the_form_of_an_undo_shows_what_it_comes_to_before_it_happens(stage: Stage) -> None:
    await stage.says("ada", "/exchange update EXCH01 version=16")
    (done,) = await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9)
    form = await typed(stage, "ada", "/undo")
    await form.sends(arg__operation=done.short)

    assert "Plan: Update EXCH01" in form.text
    assert "Nothing was changed." in form.text
    assert len(stage.graph_writes()) == 1

    await form.sends()

    assert len(stage.graph_writes()) == 2
    assert "Update EXCH01 – done" in stage.shown()[-1]  # noqa: RUF001 - as in the card


async def test_a_bot_command_runs_by_form_as_it_does_typed(stage: Stage) -> None:
    form = await fetched(stage, "ada", {"form": "bot:pause"})
    await form.sends(opt__reason="mail move")

    assert "Writes paused" in said(form.body)
    assert "mail move" in await stage.sees("ada", "/exchange sync EXCH01")


@pytest.mark.parametrize("place", ["thread", "dialog"])
@pytest.mark.parametrize(("verb", "state"), [("approve", "done"), ("reject", "rejected")])
async def test_a_vote_by_form_counts(tmp_path: Path, verb: str, state: str, place: str) -> None:
    async with staged(tmp_path, Script(policy=SYNCS_WAIT)) as stage:
        await stage.says("oli", "/exchange sync EXCH01")
        (asked,) = await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9)
        if place == "thread":
            form = await typed(stage, "ada", f"/{verb}")
        else:
            form = await fetched(stage, "ada", {"form": f"bot:{verb}"})
        await form.sends(arg__operation=asked.short)

        (ended,) = await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9)
        assert ended.state == state


async def test_a_form_that_was_refused_is_good_for_what_is_chosen_then(tmp_path: Path) -> None:
    async with staged(tmp_path, Script(policy=SYNCS_WAIT)) as stage:
        await stage.says("ada", "/exchange sync EXCH01")
        await stage.says("oli", "/exchange sync EXCH02")
        found = await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9)
        mine, theirs = found
        form = await typed(stage, "oli", "/cancel")
        refused = await form.sends(arg__operation=theirs.short)
        await form.sends(arg__operation=mine.short)

        assert "Not yours to cancel" in said(refused)
        ended = await stage.bot.store.operation(mine.id)
        assert ended is not None
        assert ended.state == "cancelled"


async def test_a_plan_that_is_not_the_one_shown_is_shown_first(stage: Stage) -> None:
    form = await typed(stage, "ada", CREATE)
    await form.sends(**NAMED)
    await form.sends(set__serverName="EXCH11")

    assert "EXCH11" in form.text
    assert stage.graph_writes() == []

    await form.sends()

    assert len(stage.graph_writes()) == 1


async def test_a_target_that_changed_since_the_plan_was_shown_is_planned_anew(
    stage: Stage,
) -> None:
    form = await typed(stage, "ada", "/exchange update EXCH01")
    await form.sends(set__version="16")
    target = stage.world.id_of("EXCH01")
    stage.world.connectors.change(target, {"exchangeAlias": "moved"})
    await form.sends()

    assert stage.graph_writes() == []
    assert buttons_of(form.card) == ["Update"]

    await form.sends()

    assert stage.graph_writes() == [("PATCH", f"/deviceManagement/exchangeConnectors/{target}")]


async def test_an_error_stands_beside_its_field_and_everything_typed_is_kept(stage: Stage) -> None:
    form = await typed(stage, "ada", CREATE)
    await form.sends(
        set__serverName="EXCH10", set__primarySmtpAddress="ops@", opt__reason="new site"
    )

    assert "ops@ is not a mail address" in str(form.below("set.primarySmtpAddress"))
    assert form.inputs["set.serverName"] == "EXCH10"
    assert form.inputs["set.primarySmtpAddress"] == "ops@"
    assert form.inputs["opt.reason"] == "new site"
    assert stage.graph_writes() == []


async def test_more_than_a_card_can_hold_is_refused_in_words_and_the_form_stays(
    stage: Stage,
) -> None:
    form = await typed(stage, "ada", CREATE)
    before = form.text
    body = await form.sends(set__serverName="\N{GREEK SMALL LETTER OMEGA}" * 2000)

    assert body["type"] == TOAST
    assert "longer than a card can hold" in said(body)
    assert stage.shown() == [before]
    assert stage.graph_writes() == []


async def test_what_only_the_plan_can_know_stands_beside_its_field_too(stage: Stage) -> None:
    form = await typed(stage, "ada", CREATE)
    await form.sends(set__version="15.2")

    assert "at least one of these" in str(form.below("set.serverName"))
    assert form.inputs["set.version"] == "15.2"


async def test_the_form_of_a_change_names_its_record_and_what_stands_there_now(
    stage: Stage,
) -> None:
    form = await typed(stage, "ada", "/exchange update EXCH01")

    target = form.element("arg.target")
    assert target["value"] == stage.world.id_of("EXCH01")
    assert target["style"] == "filtered"
    assert target["choices.data"] == {"type": "Data.Query", "dataset": "exchange"}
    assert form.element("set.serverName")["placeholder"] == "now: EXCH01"
    assert "value" not in form.element("set.serverName")


async def test_a_property_is_emptied_by_choosing_it(stage: Stage) -> None:
    form = await typed(stage, "ada", "/exchange update EXCH01")
    await form.sends(set__version='""', set__exchangeAlias="x")
    await form.sends()

    record = stage.world.connectors.records[stage.world.id_of("EXCH01")]
    assert (record["version"], record["exchangeAlias"]) == (None, "x")


async def test_a_name_that_fits_several_gets_a_picker(stage: Stage) -> None:
    stage.world.connectors.add({"id": "feed0001", "serverName": "EXCH01", "status": "none"})
    form = await typed(stage, "ada", "/exchange sync")
    await form.sends(arg__target="EXCH01")

    assert "More than one Exchange connector fits EXCH01" in str(form.below("arg.target"))
    assert {c["value"] for c in form.element("arg.target")["choices"]} == {
        stage.world.id_of("EXCH01"),
        "feed0001",
    }

    await form.sends(arg__target="feed0001")
    await form.sends()

    assert [path.rsplit("/", 2)[-2] for _, path in stage.graph_writes()] == ["feed0001"]


async def test_a_name_that_fits_nothing_can_be_typed_anew(stage: Stage) -> None:
    form = await typed(stage, "ada", "/exchange sync")
    await form.sends(arg__target="nobody")

    assert "No Exchange connector is called nobody" in str(form.below("arg.target"))
    assert form.element("arg.target")["type"] == "Input.Text"
    assert form.inputs["arg.target"] == "nobody"


async def test_a_form_that_claims_to_stand_on_another_card_does_not_replace_it(
    stage: Stage,
) -> None:
    await stage.says("ada", "/exchange list")
    listed = stage.messages()[-1]
    form = await typed(stage, "ada", CREATE)
    form.message = listed.id
    await form.sends(**NAMED)
    await form.sends()

    assert len(stage.graph_writes()) == 1
    assert "5 in all" in stage.shown()[0]
    assert "Create EXCH10 – done" in stage.shown()[2]  # noqa: RUF001 - as in the card


async def test_a_form_sent_by_a_client_that_knows_only_submit_is_carried_out_too(
    stage: Stage,
) -> None:
    form = await typed(stage, "ada", CREATE)
    twin = form.card["actions"][0]["fallback"]
    teams, where = stage.sandbox.teams(), stage.world.channel
    for seen in ("", None):
        inputs = inputs_of(stage.messages()[-1].card or {})
        value = {**inputs, **twin["data"], "set.serverName": "EXCH10"}
        assert seen is None or inputs["form.seen"] == seen
        await stage.post(teams.submit(form.person, where, form.message, value))
        await stage.settle()

    assert len(stage.graph_writes()) == 1
    assert "Create EXCH10 – done" in stage.shown()[-1]  # noqa: RUF001 - as in the card


async def test_who_may_not_run_a_command_gets_no_form_of_it(stage: Stage) -> None:
    heard = await stage.sees("vic", CREATE)
    dialog = await fetched(stage, "vic", {"form": "exchange:create"})

    assert "Not allowed" in heard
    assert dialog.body["task"]["type"] == "message"
    assert await stage.audited() == ["command refused", "command refused"]


async def test_a_form_that_somebody_else_sends_is_judged_by_their_rights(stage: Stage) -> None:
    form = await typed(stage, "ada", CREATE)
    await form.sends(**NAMED)
    form.who = "vic"
    body = await form.sends()

    assert body["type"] == TOAST
    assert stage.graph_writes() == []


async def test_a_form_waits_for_consent_like_typed_text(stage: Stage) -> None:
    stage.policy.write_text(policy(), "utf-8")
    assert stage.bot.policies.reload_if_changed()
    form = await typed(stage, "oli", CREATE)
    await form.sends(**NAMED)
    await form.sends()

    assert stage.graph_writes() == []
    assert len(stage.messages()) == 1
    assert "waiting for approval" in stage.shown()[0]


async def test_new_on_a_list_opens_a_dialog_that_does_the_same(stage: Stage) -> None:
    await stage.says("ada", "/exchange list")
    dialog = await opened(stage, "ada", "New…")
    value = dialog.body["task"]["value"]
    await dialog.sends(**NAMED)
    await dialog.sends()

    assert dialog.body["task"]["type"] == "message"
    assert value["title"] == "Create an Exchange connector"
    assert set(value) == {"title", "height", "width", "card"}
    assert dialog.card["actions"][0]["type"] == "Action.Submit"
    assert len(stage.graph_writes()) == 1
    assert [("done" in text) for text in stage.shown()] == [False, True]


async def test_change_on_a_record_opens_its_form(stage: Stage) -> None:
    await stage.says("ada", "/exchange get EXCH01")
    dialog = await opened(stage, "ada", "Change…")

    assert dialog.inputs["arg.target"] == stage.world.id_of("EXCH01")


async def test_sync_on_a_record_opens_its_form_and_runs_after_its_plan(stage: Stage) -> None:
    heard = await stage.says("ada", "/exchange get EXCH01")
    dialog = await opened(stage, "ada", "Sync…")
    await dialog.sends(opt__type="delta")
    await dialog.sends()
    ((_, path),) = stage.graph_writes()

    assert buttons_of(heard.cards[-1]) == ["Change…", "Refresh", "History", "Sync…"]
    assert path.endswith("/sync")


async def test_who_may_not_write_is_offered_no_form(stage: Stage) -> None:
    heard = await stage.says("vic", "/exchange get EXCH01")

    assert buttons_of(heard.cards[-1]) == ["Refresh", "History"]


async def test_a_client_without_dialogs_gets_the_form_in_the_thread(stage: Stage) -> None:
    heard = await stage.says("ada", "/exchange list")
    button = heard.cards[-1]["actions"][0]
    teams, ada = stage.sandbox.teams(), stage.chat.people["ada"]
    card = stage.messages()[-1]
    await stage.post(teams.submit(ada, stage.world.channel, card.id, button["data"]))
    await stage.settle()
    pressed = teams.press(ada, stage.world.channel, card.id, {"form": "exchange:create"}, "open")
    response = await stage.post(pressed)
    await stage.settle()

    assert "Create an Exchange connector" in stage.shown()[1]
    assert "Create an Exchange connector" in stage.shown()[2]
    assert response.json()["type"] == TOAST
    assert len(stage.messages()) == 3


@pytest.mark.parametrize(
    "name", ["bot:view", "exchange:nothing", "", None, 7, ["exchange:create"]]
)
async def test_a_form_of_nothing_has_lapsed(name: object, stage: Stage) -> None:
    dialog = await fetched(stage, "ada", {"form": name})

    assert "This button has lapsed" in said(dialog.body)


async def test_a_reason_that_the_policy_wants_is_asked_for_on_the_form(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    script = Script(policy=policy(reason="true"))
    async with staged(tmp_path_factory.mktemp("bot"), script) as stage:
        form = await typed(stage, "oli", CREATE)
        await form.sends(**NAMED)

        assert "wants a reason" in str(form.below("opt.reason"))

        await form.sends(opt__reason="new site")
        await form.sends()

        assert "waiting for approval" in stage.shown()[0]


def values_of(form: Sheet, name: str) -> list[str]:
    """Return what a field offers to choose from."""
    assert form.element(name)["type"] == "Input.ChoiceSet"
    return [choice["value"] for choice in form.element(name)["choices"]]


async def test_a_field_with_a_closed_set_is_a_choice_among_it(stage: Stage) -> None:
    rights = await typed(stage, "vic", "/can-i")
    watch = await fetched(stage, "ada", {"form": "bot:watch"})
    wrong = await fetched(stage, "ada", {"form": "bot:watch", "arg.kind": "printer"})

    assert {"exchange sync", "pause", "help"} <= set(values_of(rights, "arg.command"))
    assert values_of(watch, "arg.kind") == ["exchange"]
    assert values_of(watch, "opt.severity") == ["info", "warning", "critical"]
    assert wrong.element("arg.kind")["type"] == "Input.Text"
    assert wrong.inputs["arg.kind"] == "printer"

    await rights.sends(arg__command="exchange sync")

    assert "No, you may not" in said(rights.body)


async def test_a_form_about_an_operation_offers_those_one_may_mean(stage: Stage) -> None:
    await stage.says("ada", "/exchange update EXCH01 version=16")
    await stage.says("oli", "/exchange update EXCH01 version=17")
    await stage.says("ada", "/exchange sync EXCH01")
    sync, olis, adas = await stage.bot.store.operations(
        tenant=None, target=None, offset=0, limit=9
    )
    undo = await typed(stage, "ada", "/undo")
    other = await fetched(stage, "ada", {"form": "bot:undo", "arg.operation": olis.short})
    none = await fetched(stage, "ada", {"form": "bot:again"})

    assert values_of(undo, "arg.operation") == [adas.short]
    (offered,) = undo.element("arg.operation")["choices"]
    assert "/exchange update EXCH01 version=16" in offered["title"]
    assert other.element("arg.operation")["type"] == "Input.Text"
    assert other.inputs["arg.operation"] == olis.short
    assert none.element("arg.operation")["type"] == "Input.Text"
    assert none.element("arg.operation")["placeholder"] == "The operation's id."
    assert sync.short not in values_of(undo, "arg.operation")


async def test_what_waits_is_offered_to_who_may_decide_and_to_who_asked(stage: Stage) -> None:
    stage.policy.write_text(policy(), "utf-8")
    assert stage.bot.policies.reload_if_changed()
    await stage.says("oli", "/exchange update EXCH01 version=17")
    (waits,) = await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=9)
    approve = await fetched(stage, "ada", {"form": "bot:approve"})
    cancel = await fetched(stage, "oli", {"form": "bot:cancel"})
    nothing = await fetched(stage, "oli", {"form": "bot:approve"})

    assert values_of(approve, "arg.operation") == [waits.short]
    assert values_of(cancel, "arg.operation") == [waits.short]
    assert nothing.element("arg.operation")["type"] == "Input.Text"


async def test_the_form_of_a_change_names_every_property_once(stage: Stage) -> None:
    form = await typed(stage, "ada", "/exchange update EXCH01")
    labels = [e["label"] for e in form.card["body"] if e.get("label")]
    offered = [c["title"] for e in form.card["body"] for c in e.get("choices", ())]

    assert len(labels) == len(set(labels))
    assert not set(labels) & set(offered)
    assert "two quotation marks" in form.text
