"""One story per record: nothing lost, nothing told twice, flapping damped, ends and returns right."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
from hypothesis.strategies import DrawFn

from bot.domain.care import ASK_AGAIN_AFTER, acknowledge, ask_again, due_again, snooze
from bot.domain.incident import (
    FLAPS,
    KEPT,
    REOPEN_WITHIN,
    STEADY_AFTER,
    Cause,
    Incident,
    Stage,
    StoryTurn,
    begin,
    can_reopen,
    follow,
    settle,
)
from bot.domain.operation import Actor
from bot.domain.resource import Severity
from bot.domain.watch import Event, Happening

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ADA = Actor("t", "ada", "Ada")
STEP = timedelta(minutes=5)


def event(
    happening: Happening, at: datetime = NOW, severity: Severity = Severity.CRITICAL
) -> Event:
    return Event(happening, "a", "EXCH01", severity, at, before="x", after="y")


def story(*happened: Event) -> Incident:
    first = happened[0]
    incident = begin("exchange", first, incident_id="I" * 26, short="IIIIII", is_quiet=False)
    for each in happened:
        incident = settle(follow(incident, (each,), each.at), each.at)
    return incident


def flapped(times: int) -> Incident:
    """Return the story of a record that turned ill and well again so many times in all."""
    turns = (Happening.BROKE, Happening.RECOVERED)
    return story(*(event(turns[n % 2], NOW + n * timedelta(minutes=1)) for n in range(times)))


def test_a_break_opens_and_its_end_closes_the_story() -> None:
    open_one = story(event(Happening.BROKE))
    over = story(event(Happening.BROKE), event(Happening.RECOVERED, NOW + STEP))

    assert (open_one.stage, open_one.severity) == (Stage.OPEN, Severity.CRITICAL)
    assert (over.stage, over.closed_at, over.problems) == (Stage.RECOVERED, NOW + STEP, ())
    assert [line.number for line in over.lines] == [1, 2]


def test_two_things_wrong_end_one_by_one() -> None:
    both = story(event(Happening.BROKE), event(Happening.STALE, severity=Severity.WARNING))
    half = follow(both, (event(Happening.RECOVERED),), NOW)
    over = follow(half, (event(Happening.SEEN),), NOW)

    assert [p.cause for p in both.problems] == [Cause.STATUS, Cause.STALE]
    assert (half.stage, half.severity) == (Stage.OPEN, Severity.WARNING)
    assert over.stage is Stage.RECOVERED


def test_what_is_not_wrong_is_noted_and_never_open() -> None:
    changed = story(event(Happening.CHANGED, severity=Severity.WARNING))

    assert (changed.stage, changed.is_open, changed.count) == (Stage.NOTED, False, 1)


def test_a_record_that_goes_ends_its_story() -> None:
    gone = story(event(Happening.BROKE), event(Happening.REMOVED))

    assert (gone.stage, gone.problems) == (Stage.REMOVED, ())
    assert not can_reopen(gone, NOW)


def test_a_story_goes_on_for_a_while_after_its_end() -> None:
    over = story(event(Happening.BROKE), event(Happening.RECOVERED))

    assert can_reopen(over, NOW + REOPEN_WITHIN - STEP)
    assert not can_reopen(over, NOW + REOPEN_WITHIN)
    again = follow(over, (event(Happening.BROKE, NOW + STEP),), NOW + STEP)
    assert (again.stage, again.closed_at, again.id) == (Stage.OPEN, None, over.id)


def test_flapping_is_told_once_and_then_only_shown() -> None:
    few, many = flapped(FLAPS), flapped(20)

    assert few.lines[-1].turn is StoryTurn.FLAPPING
    assert many.count == few.count == FLAPS
    assert many.is_open
    assert many.revision > few.revision


def test_to_turn_from_bad_to_worse_and_back_again_is_flapping_too() -> None:
    turns = (Happening.BROKE, Happening.EASED)
    steps = (event(turns[n % 2], NOW + n * timedelta(minutes=1)) for n in range(9))
    incident = story(*steps)

    assert incident.is_flapping
    assert incident.count == FLAPS


def test_a_record_that_has_come_to_rest_well_is_over_and_ill_stays_open() -> None:
    for times, stage in ((20, Stage.RECOVERED), (21, Stage.OPEN)):
        restless = flapped(times)
        last = restless.flips[-1]
        assert settle(restless, last + STEADY_AFTER - STEP) is restless
        rested = settle(restless, last + STEADY_AFTER)
        assert (rested.stage, rested.is_flapping) == (stage, False)
        assert rested.lines[-1].turn is StoryTurn.STEADY


def test_an_acknowledged_incident_asks_again_and_only_while_it_lasts() -> None:
    mine = acknowledge(story(event(Happening.BROKE)), ADA, NOW)
    due = NOW + ASK_AGAIN_AFTER

    assert due_again(mine) == due
    assert ask_again(mine, due - STEP) is mine
    asked = ask_again(mine, due)
    assert (asked.lines[-1].turn, asked.acknowledged) == (StoryTurn.ASKED_AGAIN, None)
    over = follow(mine, (event(Happening.RECOVERED),), NOW)
    assert ask_again(over, due) is over
    assert due_again(over) is None


def test_a_snoozed_incident_asks_again_when_the_time_is_over() -> None:
    later = snooze(story(event(Happening.BROKE)), ADA, NOW, NOW + STEP)

    assert ask_again(later, NOW + STEP).lines[-1].turn is StoryTurn.ASKED_AGAIN


def test_an_incident_that_was_put_off_while_it_flapped_wakes_in_a_well_moment_too() -> None:
    until = NOW + timedelta(hours=1)
    well_just_now = snooze(flapped(FLAPS), ADA, NOW, until)

    assert well_just_now.problems == ()
    assert due_again(well_just_now) == until
    assert ask_again(well_just_now, until).snoozed is None


def test_what_is_never_asked_about_wakes_without_a_question() -> None:
    until = NOW + timedelta(hours=1)
    retired = replace(story(event(Happening.BROKE)), is_quiet=True)
    awake = ask_again(snooze(acknowledge(retired, ADA, NOW), ADA, NOW, until), until)

    assert (awake.snoozed, awake.count, awake.acknowledged is None) == (None, 1, False)
    assert due_again(awake) is None


def test_what_grows_worse_wakes_a_snoozed_incident() -> None:
    mild = story(event(Happening.BROKE, severity=Severity.WARNING))
    later = snooze(mild, ADA, NOW, NOW + STEP)

    assert follow(later, (event(Happening.BROKE),), NOW).snoozed is None


def test_a_retired_record_is_never_asked_about_again() -> None:
    retired = replace(story(event(Happening.STALE, severity=Severity.WARNING)), is_quiet=True)

    assert due_again(acknowledge(retired, ADA, NOW)) is None


def test_the_outcome_of_a_sync_is_told_only_where_something_is_wrong() -> None:
    well = begin("exchange", event(Happening.SYNCED), incident_id="I", short="I", is_quiet=False)
    ill = story(event(Happening.BROKE))

    assert follow(well, (event(Happening.SYNCED),), NOW) is well
    assert follow(ill, (event(Happening.UNSYNCED),), NOW).count == ill.count + 1


@st.composite
def days(draw: DrawFn) -> list[tuple[Happening, int]]:
    """Return a day of a record that makes sense: what turns well was ill before."""
    day: list[tuple[Happening, int]] = []
    is_ill = is_stale = False
    for _ in range(draw(st.integers(1, 60))):
        possible = [Happening.CHANGED, Happening.RECOVERED if is_ill else Happening.BROKE]
        possible.append(Happening.SEEN if is_stale else Happening.STALE)
        happening = draw(st.sampled_from(possible))
        is_ill = {Happening.BROKE: True, Happening.RECOVERED: False}.get(happening, is_ill)
        is_stale = {Happening.STALE: True, Happening.SEEN: False}.get(happening, is_stale)
        day.append((happening, draw(st.integers(0, 45))))
    return day


@given(days())
def test_no_event_is_lost_and_no_more_than_one_story_is_open(
    day: list[tuple[Happening, int]],
) -> None:
    now = NOW
    stories: list[Incident] = []
    is_ill = is_stale = False
    for happening, minutes in day:
        now += timedelta(minutes=minutes)
        if stories and stories[-1].is_flapping:
            stories[-1] = settle(stories[-1], now)
        if not stories or not can_reopen(stories[-1], now):
            stories.append(
                begin(
                    "exchange", event(happening, now), incident_id="I", short="I", is_quiet=False
                )
            )
        before = stories[-1]
        after = follow(before, (event(happening, now),), now)
        stories[-1] = after
        is_ill = {Happening.BROKE: True, Happening.RECOVERED: False}.get(happening, is_ill)
        is_stale = {Happening.STALE: True, Happening.SEEN: False}.get(happening, is_stale)

        assert after.revision == before.revision + 1
        assert {p.cause for p in after.problems} == (
            ({Cause.STATUS} if is_ill else set()) | ({Cause.STALE} if is_stale else set())
        )
        # Every event has its line, but for the turns of a record that flaps.
        is_turn = happening in {Happening.BROKE, Happening.RECOVERED}
        assert after.count == before.count + (0 if before.is_flapping and is_turn else 1)
        assert after.is_open is (is_ill or is_stale or after.is_flapping)
        assert sum(each.is_open for each in stories) <= 1
        assert len(after.lines) <= KEPT
        assert [line.number for line in after.lines] == list(
            range(after.count - len(after.lines) + 1, after.count + 1)
        )
