"""What watching has to say, as cards: incidents, digests, subscriptions, the state of things."""

from datetime import datetime
from typing import TypeAlias, assert_never

from bot.domain.incident import Incident
from bot.domain.notices import (
    Alarm,
    DeadLetters,
    Digest,
    Followup,
    Status,
    StatusCount,
    StatusRow,
    Watches,
    Watching,
)
from bot.domain.resource import ResourceKind, Severity
from bot.teams.reply_incident import (
    Kinds,
    alarm_card,
    followup_card,
    handling_word,
    incident_stamp,
    leads_of,
    name_of,
    tone_of,
    word_of,
)
from bot.teams.reply_letter import dead_card
from bot.teams.reply_subscription import (
    hours_of,
    watches_card,
    watching_card,
    watching_stamp,
    why_of,
)
from bot.teams.reply_values import (
    caution_of,
    run_button,
    seen_of,
    shown,
    standing,
    status_of,
    told_apart,
)
from cards import (
    dead as dead_cards,
    digest as digest_cards,
    incident as incident_cards,
    listing,
    status as status_cards,
    watch_words,
    watching as watching_cards,
    words,
)
from cards.frame import Place, Rendered, Stamp
from cards.parts import Fact, Named
from cards.text import fill, joined
from cards.times import exact, since

STATUS_COMMAND = "/status"
Watched: TypeAlias = Alarm | Followup | Digest | Watching | Watches | Status | DeadLetters
"""The outcomes that watching brings about."""


def watch_reply(outcome: Watched, place: Place, now: datetime, kinds: Kinds) -> Rendered:
    """Return the card of something that watching has to say; `kinds` are the kinds by name."""
    foot = Stamp(at=exact(now))
    match outcome:
        case Alarm(kind=kind, incident=incident):
            stamp = incident_stamp(incident, kind, now)
            return incident_cards.render(alarm_card(outcome, kinds), place, stamp)
        case Followup(kind=kind, incident=incident):
            stamp = incident_stamp(incident, kind, now)
            return incident_cards.follow(followup_card(outcome), place, stamp)
        case Digest():
            return digest_cards.render(digest_card(outcome, kinds), place, foot)
        case Watching():
            stamp = watching_stamp(outcome, now)
            return watching_cards.confirm(watching_card(outcome), place, stamp)
        case Watches():
            return watching_cards.render(watches_card(outcome, kinds), place, foot)
        case Status():
            return status_cards.render(status_card(outcome, kinds), place, foot)
        case DeadLetters():
            return dead_cards.render(dead_card(outcome), place, foot)
        case _:
            assert_never(outcome)


def digest_card(outcome: Digest, kinds: Kinds) -> digest_cards.Digest:
    """Return a summary: each incident as it stands now."""
    subscription = outcome.subscription
    intro = watch_words.CROWD if outcome.is_crowd else watch_words.DIGEST_ENDED
    if subscription.quiet is not None and not outcome.is_crowd:
        intro = fill(watch_words.DIGEST, {"hours": hours_of(subscription.quiet)})
    return digest_cards.Digest(
        entries=tuple(_held(kind, each, outcome.now) for kind, each in outcome.incidents),
        total=outcome.total,
        intro=intro,
        is_crowd=outcome.is_crowd,
        why=why_of(subscription, kinds),
        buttons=(run_button(watch_words.STATUS_BUTTON, STATUS_COMMAND),),
    )


def _held(kind: ResourceKind | None, incident: Incident, now: datetime) -> digest_cards.Entry:
    return digest_cards.Entry(
        id=incident.short,
        name=name_of(incident, kind),
        word=word_of(incident, kind),
        tone=tone_of(incident),
        remark=leads_of(incident, kind, now)[0],
    )


def status_card(outcome: Status, kinds: Kinds) -> status_cards.Status:
    """Return how things stand: the worst first, and how many are how."""
    is_mixed = len({count.kind for count in outcome.counts}) > 1
    records = told_apart(
        (row.kind.name_of(row.values), shown(row.values.get("id"))) for row in outcome.rows
    )
    return status_cards.Status(
        rows=tuple(
            _standing(row, record, outcome.now, is_mixed=is_mixed)
            for row, record in zip(outcome.rows, records, strict=True)
        ),
        total=outcome.total,
        counts=tuple(
            _count(kinds.get(count.kind), count, is_mixed=is_mixed) for count in outcome.counts
        ),
        summary=watch_words.open_now(outcome.open_count),
        trouble=_unread(outcome.graph, outcome.now),
        caution=caution_of(outcome.as_of, outcome.now),
        buttons=(run_button(words.REFRESH_BUTTON, STATUS_COMMAND),),
    )


def _unread(graph: Incident | None, now: datetime) -> str:
    if graph is None:
        return ""
    values = {"id": graph.short, "since": since(graph.opened_at, now)}
    return fill(watch_words.GRAPH_UNREAD, values)


def _standing(row: StatusRow, record: Named, now: datetime, *, is_mixed: bool) -> listing.Row:
    kind, values, incident = row.kind, row.values, row.incident
    status, tone = status_of(kind, values, now)
    age, seen = seen_of(kind, values, now)
    columns = [Fact(words.KIND, kind.title)] if is_mixed else []
    if incident is not None:
        told = joined((incident.short, handling_word(incident)))
        columns.append(Fact(watch_words.INCIDENT, told))
    return listing.Row(record.name, status, tone, tuple(columns), age, seen, record.id)


def _count(kind: ResourceKind | None, count: StatusCount, *, is_mixed: bool) -> status_cards.Count:
    severity = kind.severities.get(count.status, Severity.WARNING) if kind else Severity.NEUTRAL
    word, tone = standing(count.status, severity, is_silent=count.is_stale)
    label = f"{kind.title} {word}" if kind and is_mixed else word
    return status_cards.Count(label, count.number, tone)
