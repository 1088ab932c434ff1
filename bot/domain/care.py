"""Who takes care of an incident: taken on, put off, and asked about again. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.incident import Handling, Incident, StoryTurn, line
from bot.domain.operation import Actor

ASK_AGAIN_AFTER = timedelta(hours=4)


def acknowledge(incident: Incident, by: Actor, now: datetime) -> Incident:
    """Return the incident as taken on by somebody; it asks again after `ASK_AGAIN_AFTER`."""
    return replace(
        incident,
        acknowledged=Handling(by, now, now + ASK_AGAIN_AFTER),
        snoozed=None,
        revision=incident.revision + 1,
    )


def snooze(incident: Incident, by: Actor, now: datetime, until: datetime) -> Incident:
    """Return the incident as put off until then; until then nothing but worse is told."""
    return replace(incident, snoozed=Handling(by, now, until), revision=incident.revision + 1)


def due_again(incident: Incident) -> datetime | None:
    """Return when an incident that somebody took on or put off is to be asked about again.

    One that is never asked about wakes all the same, to tell what happened meanwhile.
    """
    if not incident.is_open:
        return None
    acknowledged = None if incident.is_quiet else incident.acknowledged
    handling = incident.snoozed or acknowledged
    return handling.until if handling else None


def ask_again(incident: Incident, now: datetime) -> Incident:
    """Return the incident with the question whether somebody still cares, if it is due."""
    due = due_again(incident)
    if due is None or now < due:
        return incident
    awake = replace(incident, snoozed=None, revision=incident.revision + 1, changed_at=now)
    if incident.is_quiet:
        return awake
    return replace(line(awake, now, turn=StoryTurn.ASKED_AGAIN), acknowledged=None)
