"""Everything that watching can say has its sentence, and its cards say what is so."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from string import Formatter

import pytest

from bot.domain.care import acknowledge, snooze
from bot.domain.incident import Cause, Incident, Problem, Stage, StoryTurn, Told, follow, settle
from bot.domain.kinds import KINDS
from bot.domain.notices import Alarm, Followup, Watching
from bot.domain.resource import Effect, Severity
from bot.domain.watch import Happening
from bot.sandbox.terminal import buttons_of, lines_of
from bot.teams.reply_incident import ACKNOWLEDGE_VERB, INCIDENT, SNOOZE_VERB, SYNC_VERB
from bot.teams.reply_watch import Watched
from cards import watch_words
from tests.rendering.walk import objects
from tests.rendering.watched import (
    ADA,
    ALL,
    BROKE,
    CHANGED,
    EXCHANGE,
    FLAPPING,
    INCIDENT as ID,
    NOW,
    OPEN,
    RECOVERED,
    REMOVED,
    SNOOZED,
    STALE,
    TAKEN,
    UNREAD,
    event,
    mine,
    rendered,
    story,
    watched,
)

DEEDS = {Happening.APPEARED, Happening.REMOVED, Happening.CHANGED}
GIVEN = {
    "happenings": {"before", "after", "limit", "operation", "fields"},
    "turns": {"steady", "word"},
    "causes": {"status", "since", "limit"},
    "stages": {"since", "at", "span"},
}
TABLES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "happenings": watch_words.HAPPENINGS,
    "turns": watch_words.TURNS,
    "causes": watch_words.CAUSES,
    "stages": watch_words.STAGES,
}


def shown(outcome: Watched) -> str:
    return " ".join(lines_of(rendered(outcome).payload()))


def alarm(incident: Incident) -> Alarm:
    return Alarm(EXCHANGE, incident, NOW, ALL)


def gaps(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_there_is_a_sentence_for_everything_that_can_happen_and_for_nothing_else() -> None:
    variants = {"broke:found", *(f"{deed}:mine" for deed in DEEDS)}

    assert set(watch_words.HAPPENINGS) == {*Happening, *variants}
    assert set(watch_words.TURNS) == {*StoryTurn}
    assert set(watch_words.CAUSES) == {*Cause}
    assert set(watch_words.STAGES) == {*Stage}
    assert set(watch_words.MINIMUMS) == {*Severity}
    assert set(watch_words.SEVERITIES) == {*Severity}


@pytest.mark.parametrize("table", TABLES)
def test_every_gap_in_a_sentence_is_one_that_is_filled(table: str) -> None:
    for word, sentence in TABLES[table].values():
        assert gaps(word) | gaps(sentence) <= GIVEN[table]
        assert sentence[0].isupper()
        assert sentence.endswith((".", "?"))


@pytest.mark.parametrize("name", watched())
def test_no_card_has_a_gap_left_in_its_sentences(name: str) -> None:
    card = rendered(watched()[name])
    text = " ".join([*lines_of(card.payload()), card.summary])

    assert "{" not in text
    assert " ?" not in text


@pytest.mark.parametrize("happening", Happening)
@pytest.mark.parametrize("operation", [None, "7F3K"])
def test_whatever_happens_is_told_in_a_sentence_and_with_the_operation_that_did_it(
    happening: Happening, operation: str | None
) -> None:
    it = replace(event(happening, Severity.WARNING), operation=operation)
    told = Followup(EXCHANGE, OPEN, (Told(2, NOW, it),), NOW)
    card = rendered(told)

    assert card.summary.startswith("EXCH01: ")
    assert len(card.summary) > len("EXCH01:  (Contoso Ltd)")
    assert ("/history 7F3K" in shown(told)) is (operation is not None)


@pytest.mark.parametrize("turn", StoryTurn)
def test_every_turn_of_a_story_is_told(turn: StoryTurn) -> None:
    told = Followup(EXCHANGE, OPEN, (Told(2, NOW, turn=turn),), NOW)

    assert watch_words.TURNS[turn][1].partition(":")[0].partition("{")[0] in shown(told)


@pytest.mark.parametrize("cause", Cause)
def test_whatever_is_wrong_is_told_with_since_when(cause: Cause) -> None:
    problem = Problem(cause, Severity.WARNING, NOW - timedelta(minutes=42), "disconnected")
    text = shown(alarm(replace(OPEN, problems=(problem,))))

    assert "2026-11-21 03:00 UTC (42 minutes ago)" in text


# The card of an incident


@pytest.mark.parametrize(
    ("incident", "sign"),
    [
        (OPEN, "attention"),
        (story(STALE), "warning"),
        (story(BROKE, RECOVERED), "good"),
        (story(CHANGED), "emphasis"),
        (story(REMOVED), "emphasis"),
        (replace(FLAPPING, problems=()), "warning"),
    ],
)
def test_the_band_says_how_bad_it_is_now(incident: Incident, sign: str) -> None:
    body = rendered(alarm(incident)).payload()["body"]

    assert isinstance(body, list)
    assert body[0]["style"] == sign


@pytest.mark.parametrize(
    ("incident", "titles"),
    [
        (OPEN, ["Acknowledge", "Snooze", "Sync"]),
        (TAKEN, ["Snooze", "Sync"]),
        (SNOOZED, ["Snooze", "Sync"]),
        (FLAPPING, ["Acknowledge", "Snooze", "Sync"]),
        (story(BROKE, RECOVERED), []),
        (story(BROKE, REMOVED), []),
        (story(CHANGED), []),
    ],
)
def test_an_open_incident_can_be_handled_and_a_closed_one_not(
    incident: Incident, titles: list[str]
) -> None:
    assert buttons_of(rendered(alarm(incident)).payload()) == titles


def test_a_kind_that_nothing_can_be_done_with_and_graph_itself_offer_no_sync() -> None:
    verbs = tuple(verb for verb in EXCHANGE.verbs if verb.effect is not Effect.ACT)
    idle = Alarm(replace(EXCHANGE, verbs=verbs), OPEN, NOW, ALL)
    graph = Alarm(None, story(UNREAD), NOW, ALL)

    for outcome in (idle, graph):
        assert buttons_of(rendered(outcome).payload()) == ["Acknowledge", "Snooze"]


def test_buttons_carry_the_whole_id_and_the_card_shows_the_short_one_with_what_to_type() -> None:
    card = rendered(alarm(OPEN)).payload()
    pressed = [each for each in objects(card) if each.get("type") == "Action.Execute"]

    assert [p["verb"] for p in pressed] == [ACKNOWLEDGE_VERB, SNOOZE_VERB, SYNC_VERB]
    assert all(p["data"] == {INCIDENT: ID} for p in pressed)
    assert [p.get("style") for p in pressed] == ["positive", None, None]
    text = " ".join(lines_of(card)).replace("\N{NO-BREAK SPACE}", " ")
    assert "Incident 9Q4M" in text
    assert "/acknowledge 9Q4M" in text
    assert ID not in text


def test_what_was_changed_outside_shows_before_and_after_and_what_the_bot_did_its_operation() -> (
    None
):
    outside, own = shown(alarm(story(CHANGED))), shown(alarm(story(mine(CHANGED))))

    assert "15.1  →  15.2" in outside
    assert "/history" not in outside
    assert "15.1" not in own
    assert "/history 7F3K" in own


def test_an_incident_names_who_takes_care_and_until_when() -> None:
    assert "Acknowledged by Ada Admin, 2026-11-21 03:05 UTC; asked again at 2026-11-21 07:05" in (
        shown(alarm(TAKEN))
    )
    assert "Snoozed by Oli Operator until 2026-11-21 11:42 UTC." in shown(alarm(SNOOZED))
    assert "asked again" not in shown(alarm(SNOOZED))


def test_nobody_takes_care_of_what_is_gone() -> None:
    gone = follow(SNOOZED, [REMOVED], NOW)

    assert "Acknowledged" not in shown(alarm(gone))
    assert "Snoozed" not in shown(alarm(gone))


def test_a_reply_without_lines_still_says_how_it_stands() -> None:
    assert "Status disconnected since" in shown(Followup(EXCHANGE, OPEN, (), NOW))


def test_a_record_without_support_says_so_and_is_not_promised_to_be_asked_about() -> None:
    quiet = acknowledge(story(STALE, is_quiet=True), ADA, NOW)
    text = shown(alarm(quiet))

    assert "Support for the on-premises Exchange connector ended" in text
    assert watch_words.QUIET_FOR_GOOD in text
    assert "asked again" not in text
    assert "Support" not in shown(alarm(story(STALE)))
    put_off = shown(alarm(snooze(quiet, ADA, NOW, NOW + timedelta(hours=8))))
    assert "Snoozed by" in put_off
    assert watch_words.QUIET_FOR_GOOD not in put_off


def test_an_end_says_how_long_it_took() -> None:
    assert "Well again after 42 minutes" in shown(alarm(story(BROKE, RECOVERED)))
    assert "after" not in shown(alarm(story(RECOVERED)))


def test_flapping_is_counted_from_when_it_began_and_gone_once_it_is_steady() -> None:
    assert "Flapping: 21 changes since 2026-11-21 03:00 UTC" in shown(alarm(FLAPPING))
    assert "Flapping" not in shown(alarm(settle(FLAPPING, NOW)))


def test_only_the_last_lines_of_a_long_story_stand_on_the_card() -> None:
    long = replace(OPEN, lines=OPEN.lines * 20, count=50)

    assert "+45 earlier" in shown(alarm(long))


def test_a_card_says_why_it_was_sent_unless_somebody_asked_for_it() -> None:
    asked = Alarm(EXCHANGE, OPEN, NOW)

    assert "because Ada Admin asked for news of all Exchange connectors" in shown(alarm(OPEN))
    assert "/unwatch W7K2" in shown(alarm(OPEN))
    assert "/unwatch" not in shown(asked)


def test_the_worst_of_several_lines_is_what_a_phone_shows() -> None:
    edited = replace(OPEN, lines=(*OPEN.lines, Told(2, NOW, CHANGED)))

    card = rendered(Followup(EXCHANGE, edited, edited.lines, NOW))
    assert card.summary == "EXCH01: Turned from connected to disconnected. (Contoso Ltd)"


def test_a_phone_shows_how_bad_it_is_what_it_is_and_where() -> None:
    summary = rendered(alarm(OPEN)).summary

    assert summary.startswith("Critical: EXCH01")
    assert summary.endswith("disconnected (Contoso Ltd)")


@pytest.mark.parametrize("minimum", Severity)
def test_a_new_subscription_repeats_its_filter_in_words(minimum: Severity) -> None:
    told = shown(Watching(replace(ALL, minimum=minimum), KINDS[0], is_on=True, open_count=1))

    assert "all Exchange connectors" in told
    assert watch_words.MINIMUMS[minimum][0] in told
    assert watch_words.MINIMUMS[minimum][1] in told
    assert "22:00 to 07:00 (Europe/Berlin)" in told
    assert "/unwatch W7K2" in told
