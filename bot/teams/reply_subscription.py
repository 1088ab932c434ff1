"""Subscriptions as cards show them: the filter in words, why something is told, how telling goes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.domain.notices import Watches, Watching, WatchRow
from bot.domain.resource import ResourceKind
from bot.domain.subscription import Quiet, Subscription
from bot.teams.reply_values import page_buttons
from cards import letter_words, watch_words, watching as card
from cards.frame import Stamp
from cards.parts import Why
from cards.text import fill
from cards.times import ago, exact


def why_of(subscription: Subscription, kinds: Mapping[str, ResourceKind]) -> Why:
    """Return why a conversation is told something, and what to type to stop it."""
    kind = kinds.get(subscription.kind) if subscription.kind else None
    values = {"filter": filter_of(subscription, kind), "who": subscription.by.name}
    return Why(fill(watch_words.WHY, values), unwatch_of(subscription))


def filter_of(subscription: Subscription, kind: ResourceKind | None) -> str:
    """Return about what, and from how bad on, a conversation is told."""
    minimum = watch_words.MINIMUMS[subscription.minimum.value][0]
    return fill(watch_words.FILTER, {"about": _about(subscription, kind), "minimum": minimum})


def hours_of(quiet: Quiet) -> str:
    """Return quiet hours with the zone they are meant in."""
    values = {"start": f"{quiet.start:%H:%M}", "end": f"{quiet.end:%H:%M}", "zone": quiet.zone}
    return fill(watch_words.HOURS, values)


def unwatch_of(subscription: Subscription) -> str:
    """Return what to type to end a subscription."""
    return fill(watch_words.UNWATCH, {"id": subscription.short})


def watching_card(outcome: Watching) -> card.Watching:
    """Return what a conversation is told from now on, or no longer, sentence by sentence."""
    subscription = outcome.subscription
    about = {"filter": filter_of(subscription, outcome.kind)}
    if not outcome.is_on:
        gone = fill(watch_words.UNWATCHED, about)
        return card.Watching(is_on=False, title=watch_words.UNWATCHED_TITLE, sentences=(gone,))
    notes = [watch_words.REPLACED] if outcome.was_there else []
    if outcome.open_count:
        notes.append(watch_words.open_before(outcome.open_count))
    sentences = (
        fill(watch_words.WATCHING, about),
        watch_words.MINIMUMS[subscription.minimum.value][1],
        _hours(subscription),
    )
    return card.Watching(
        is_on=True, title=watch_words.WATCHING_TITLE, sentences=sentences, notes=tuple(notes)
    )


def watching_stamp(outcome: Watching, now: datetime) -> Stamp:
    """Return the foot of a confirmation: the subscription's id and what to type next."""
    subscription = outcome.subscription
    twin = unwatch_of(subscription) if outcome.is_on else watch_words.WATCHES
    return Stamp(at=exact(now), id=subscription.short, twin=twin, label=watch_words.SUBSCRIPTION)


def watches_card(outcome: Watches, kinds: Mapping[str, ResourceKind]) -> card.Watches:
    """Return every subscription of a conversation and how telling goes."""
    notes = (watch_words.elsewhere(outcome.elsewhere),) if outcome.elsewhere else ()
    command = watch_words.ALL_WATCHES if outcome.is_all else watch_words.WATCHES
    buttons = page_buttons(command, outcome.page, has_more=outcome.has_more)
    if outcome.is_all:
        rows = tuple(_placed(row, outcome.now) for row in outcome.rows)
        silent = (watch_words.shut_out(outcome.shut_out),) if outcome.shut_out else ()
        return card.Watches(
            rows=rows, is_all=True, notes=silent, page=outcome.page, buttons=buttons
        )
    first = next(iter(kinds), "")
    example = fill(watch_words.WATCH_EXAMPLE, {"kind": first})
    return card.Watches(
        rows=tuple(_row(row, outcome.now) for row in outcome.rows),
        notes=notes,
        next_steps=() if outcome.rows or outcome.page > 1 else (example,),
        page=outcome.page,
        buttons=buttons,
    )


def _row(row: WatchRow, now: datetime) -> card.Row:
    subscription = row.subscription
    told = fill(watch_words.TOLD, {"ago": ago(row.told_at, now)}) if row.told_at else ""
    trouble = [watch_words.failures(row.failures)] if row.failures else []
    if row.blocked is not None:
        reason = letter_words.reason(row.blocked)
        trouble.insert(0, fill(letter_words.UNREACHABLE, {"reason": reason}))
    return card.Row(
        filter=watch_words.begun(filter_of(subscription, row.kind)),
        hours=_hours(subscription),
        remarks=(
            told or watch_words.NOT_TOLD,
            fill(watch_words.ASKED_BY, {"who": subscription.by.name}),
        ),
        twin=unwatch_of(subscription),
        trouble=tuple(trouble),
    )


def _placed(row: WatchRow, now: datetime) -> card.Row:
    """Return a row among those of other conversations, where it cannot be ended."""
    if row.where is None:
        return replace(_row(row, now), where=watch_words.WATCHED_HERE)
    where = fill(watch_words.WATCHED_IN, {"where": row.where})
    return replace(_row(row, now), where=where, twin="")


def _about(subscription: Subscription, kind: ResourceKind | None) -> str:
    if subscription.target is not None:
        name = subscription.target_name or subscription.target
        title = kind.title if kind else subscription.kind or ""
        return fill(watch_words.ONE_RECORD, {"title": title, "name": name}).strip()
    if subscription.kind is None:
        return watch_words.EVERY_KIND
    plural = kind.plural if kind else subscription.kind
    return fill(watch_words.EVERY_RECORD, {"plural": plural})


def _hours(subscription: Subscription) -> str:
    if subscription.quiet is None:
        return watch_words.NEVER_QUIET
    is_whole = subscription.holds_critical
    sentence = watch_words.QUIET_WHOLLY if is_whole else watch_words.QUIET
    return fill(sentence, {"hours": hours_of(subscription.quiet)})
