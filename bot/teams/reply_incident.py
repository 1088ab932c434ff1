"""An incident as its cards show it: what is so now, since when, who takes care, what happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, assert_never

from bot.domain.incident import STEADY_AFTER, Handling, Incident, Problem, Stage, StoryTurn, Told
from bot.domain.notices import Alarm, Followup
from bot.domain.resource import Effect, ResourceKind, Severity
from bot.domain.watch import Happening, rank
from bot.teams.reply_story import (
    edits_of,
    event_sentence,
    event_word,
    last_event,
    latest_edit,
    limit_of,
    line_of,
    line_word,
)
from bot.teams.reply_subscription import why_of
from bot.teams.reply_values import TONES
from cards import incident as card, signs, watch_words, words
from cards.frame import Button, Stamp
from cards.parts import Fact
from cards.signs import DOT_OF, Tone
from cards.text import fill, joined
from cards.times import exact, since, span

Kinds: TypeAlias = Mapping[str, ResourceKind]

INCIDENT = "incident"
"""What buttons of an incident carry its full id under."""
ACKNOWLEDGE_VERB = "acknowledge"
SNOOZE_VERB = "snooze"
SYNC_VERB = "sync"

_GLAD = frozenset({Happening.RECOVERED, Happening.SEEN, Happening.READ, Happening.SYNCED})


def alarm_card(outcome: Alarm, kinds: Kinds) -> card.Incident:
    """Return an incident's one card as it stands now."""
    kind, incident, now = outcome.kind, outcome.incident, outcome.now
    tone = tone_of(incident)
    leads = leads_of(incident, kind, now)
    lines, twin = _story(incident, kind, now, leads[0])
    return card.Incident(
        tone=tone,
        sign=_sign(incident, tone),
        title=headline_of(incident, kind),
        said=_said(incident, kind, leads[0]),
        leads=leads,
        target=_target(incident, kind),
        remarks=_remarks(incident, now),
        handling=_handling(incident),
        differences=latest_edit(incident.lines),
        lines=lines,
        twin=twin,
        earlier=incident.count - len(incident.lines),
        notes=_notes(incident, kind),
        why=why_of(outcome.subscription, kinds) if outcome.subscription else None,
        buttons=_buttons(incident, kind),
    )


def followup_card(outcome: Followup) -> card.Followup:
    """Return what happened since; the worst of it gives the title, else how it stands now."""
    kind, incident, now = outcome.kind, outcome.incident, outcome.now
    if not outcome.lines:
        leads, tone = leads_of(incident, kind, now), tone_of(incident)
        said = _said(incident, kind, leads[0])
        title = headline_of(incident, kind)
        return card.Followup(tone, DOT_OF[tone], title, said, lines=(), leads=leads)
    first, main = outcome.lines[0], _main(outcome.lines, incident)
    name, word = name_of(incident, kind), word_of(incident, kind)
    tone, title = _line_tone(main, incident), words.headline(name, line_word(main, kind, word))
    if tone is Tone.GOOD and incident.is_open:
        # Something good is no end while something else is wrong.
        tone, title = tone_of(incident), headline_of(incident, kind)
    return card.Followup(
        tone=tone,
        sign=DOT_OF[tone],
        title=title,
        said=watch_words.news(name if main.event else title, line_of(main, kind, now).text),
        lines=tuple(line_of(told, kind, now) for told in outcome.lines),
        differences=tuple(change for told in outcome.lines for change in edits_of(told)),
        leads=_known(outcome, first),
    )


def _known(outcome: Followup, first: Told) -> tuple[str, ...]:
    """Return what was wrong before and still is, or that all is well again."""
    kind, incident, now = outcome.kind, outcome.incident, outcome.now
    if incident.stage is Stage.RECOVERED:
        return leads_of(incident, kind, now)
    known = (problem for problem in _worst_first(incident) if problem.since < first.at)
    return tuple(_wrong(problem, kind, now) for problem in known)


def incident_stamp(incident: Incident, kind: ResourceKind | None, now: datetime) -> Stamp:
    """Return the foot of an incident's card: its id, and what to type for its buttons."""
    twins = [
        fill(watch_words.TWINS, {"verb": button.verb, "id": incident.short})
        for button in _buttons(incident, kind)
    ]
    return Stamp(
        at=exact(now), id=incident.short, twin="   ".join(twins), label=watch_words.INCIDENT
    )


def name_of(incident: Incident, kind: ResourceKind | None) -> str:
    """Return what the incident is about."""
    return watch_words.GRAPH_NAME if kind is None else incident.name


def tone_of(incident: Incident) -> Tone:
    """Return how bad an incident is as it stands."""
    match incident.stage:
        case Stage.OPEN:
            # One that flaps may have nothing wrong with it just now.
            is_critical = incident.problems and incident.severity is Severity.CRITICAL
            return Tone.CRITICAL if is_critical else Tone.WARNING
        case Stage.RECOVERED:
            return Tone.GOOD
        case Stage.NOTED | Stage.REMOVED:
            return Tone.NEUTRAL
        case _:
            assert_never(incident.stage)


def word_of(incident: Incident, kind: ResourceKind | None) -> str:
    """Return how it stands in a word or two: `disconnected, not seen for long`."""
    last = last_event(incident)
    match incident.stage:
        case Stage.OPEN if incident.problems:
            found = [
                fill(watch_words.CAUSES[p.cause.value][0], {"status": p.status or words.NOT_SET})
                for p in _worst_first(incident)
            ]
            flapping = [watch_words.OPEN_FLAPPING] if incident.is_flapping else []
            return joined([*found, *flapping])
        case Stage.NOTED | Stage.REMOVED if last is not None:
            return event_word(last, kind)
        case _:
            return watch_words.STAGES[incident.stage.value][0]


def headline_of(incident: Incident, kind: ResourceKind | None) -> str:
    """Return the title of an incident: `EXCH01 – disconnected`, with a dash."""  # noqa: RUF002
    return words.headline(name_of(incident, kind), word_of(incident, kind))


def leads_of(incident: Incident, kind: ResourceKind | None, now: datetime) -> tuple[str, ...]:
    """Return what is so now, sentence by sentence, the worst first; at least one."""
    if incident.problems:
        return tuple(_wrong(problem, kind, now) for problem in _worst_first(incident))
    ended = incident.closed_at or incident.changed_at
    values = {
        "since": since(incident.opened_at, now),
        "at": exact(ended),
        "span": span(ended - incident.opened_at),
    }
    stage = watch_words.STAGES[incident.stage.value][1]
    last = last_event(incident)
    if incident.stage is Stage.RECOVERED and ended == incident.opened_at:
        stage = watch_words.RECOVERED_AT
    if incident.stage in {Stage.OPEN, Stage.RECOVERED} or last is None:
        return (fill(stage, values),)
    return event_sentence(last, kind), fill(stage, values)


def handling_word(incident: Incident) -> str:
    """Return who takes care of an open incident, in a few words."""
    if incident.snoozed and incident.snoozed.until:
        return fill(watch_words.OPEN_SNOOZED, {"until": exact(incident.snoozed.until)})
    if incident.acknowledged:
        return fill(watch_words.OPEN_ACKNOWLEDGED, {"who": incident.acknowledged.by.name})
    return watch_words.OPEN_FLAPPING if incident.is_flapping else watch_words.OPEN


def _story(
    incident: Incident, kind: ResourceKind | None, now: datetime, lead: str
) -> tuple[tuple[card.Line, ...], str]:
    """Return the story, newest first, and what to type about the card's first sentence.

    Where that sentence is all there is to tell, there is no story.
    """
    lines = tuple(line_of(told, kind, now) for told in reversed(incident.lines))
    is_told = incident.count == len(lines) == 1 and lines[0].text == lead
    return ((), lines[0].twin) if is_told else (lines, "")


def _said(incident: Incident, kind: ResourceKind | None, lead: str) -> str:
    if incident.is_open:
        return watch_words.alert(tone_of(incident).value, headline_of(incident, kind))
    return watch_words.news(name_of(incident, kind), lead)


def _sign(incident: Incident, tone: Tone) -> str:
    match incident.stage:
        case Stage.OPEN | Stage.RECOVERED:
            return DOT_OF[tone]
        case Stage.NOTED:
            return signs.NOTICE
        case Stage.REMOVED:
            return signs.STOPPED
        case _:
            assert_never(incident.stage)


def _target(incident: Incident, kind: ResourceKind | None) -> Fact | None:
    return Fact(kind.title, incident.name, incident.record_id) if kind else None


def _worst_first(incident: Incident) -> list[Problem]:
    return sorted(incident.problems, key=lambda problem: -rank(problem.severity))


def _wrong(problem: Problem, kind: ResourceKind | None, now: datetime) -> str:
    sentence = watch_words.CAUSES[problem.cause.value][1]
    values = {
        "status": problem.status or words.NOT_SET,
        "since": since(problem.since, now),
        "limit": limit_of(kind),
    }
    return fill(sentence, values)


def _remarks(incident: Incident, now: datetime) -> tuple[str, ...]:
    if not (incident.is_open and incident.is_flapping and incident.flips):
        return ()
    values = {
        "count": str(len(incident.flips)),
        "since": since(incident.flips[0], now),
        "steady": span(STEADY_AFTER),
    }
    return (fill(watch_words.FLAPPING, values),)


def _handling(incident: Incident) -> tuple[str, ...]:
    if not incident.is_open:
        return ()
    said = []
    taken, snoozed = incident.acknowledged, incident.snoozed
    if taken:
        is_asked = taken.until is not None and snoozed is None and not incident.is_quiet
        sentence = watch_words.ACKNOWLEDGED_UNTIL if is_asked else watch_words.ACKNOWLEDGED
        said.append(_handled(sentence, taken))
    if snoozed:
        said.append(_handled(watch_words.SNOOZED_UNTIL, snoozed))
    return tuple(said)


def _handled(sentence: str, handling: Handling) -> str:
    until = exact(handling.until) if handling.until else ""
    return fill(sentence, {"who": handling.by.name, "at": exact(handling.at), "until": until})


def _notes(incident: Incident, kind: ResourceKind | None) -> tuple[str, ...]:
    if not incident.is_quiet:
        return ()
    ended = [words.NOTICES[kind.retired.notice][1]] if kind and kind.retired else []
    # One that was put off says itself until when.
    is_told = incident.is_open and incident.snoozed is None
    asked = [watch_words.QUIET_FOR_GOOD] if is_told else []
    return (*ended, *asked)


def _buttons(incident: Incident, kind: ResourceKind | None) -> tuple[Button, ...]:
    if not incident.is_open:
        return ()
    data = {INCIDENT: incident.id}
    buttons = [Button(watch_words.SNOOZE_BUTTON, SNOOZE_VERB, data)]
    if incident.acknowledged is None:
        taken = Button(watch_words.ACKNOWLEDGE_BUTTON, ACKNOWLEDGE_VERB, data, primary=True)
        buttons.insert(0, taken)
    act = next((v for v in kind.verbs if v.effect is Effect.ACT), None) if kind else None
    if act is not None:
        buttons.append(Button(act.name.capitalize(), SYNC_VERB, data))
    return tuple(buttons)


def _main(lines: tuple[Told, ...], incident: Incident) -> Told:
    """Return the line that says most: the worst, of equals the last."""
    return max(lines, key=lambda t: (rank((t.event or incident).severity), t.number))


def _line_tone(told: Told, incident: Incident) -> Tone:
    match told.turn:
        case StoryTurn.FLAPPING:
            return Tone.WARNING
        case StoryTurn.ASKED_AGAIN | StoryTurn.STEADY:
            return tone_of(incident)
        case None:
            event = told.event
            is_glad = event is None or event.happening in _GLAD
            return Tone.GOOD if is_glad or event is None else TONES[event.severity]
        case _:
            assert_never(told.turn)
