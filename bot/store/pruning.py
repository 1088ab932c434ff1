"""Forgets what is over, a few rows a transaction, so that nobody waits long for the database.

What is open, waits, is unknown, may be told yet or could be opened again stays, whatever its age.
Replicas may prune at the same time: what one of them holds the others pass over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from bot.domain.incident import Stage
from bot.domain.operation import ARROWS, State
from bot.service.ports import Retention
from bot.store.database import Database
from bot.store.tables import (
    approval,
    card,
    conversation,
    inbox,
    incident,
    job,
    operation,
    operation_target,
    post,
    snapshot,
    subscription,
    throttle,
)

log = structlog.get_logger(__name__)
AT_ONCE = 500
"""How many rows one transaction takes."""
STORIES = 100
"""How many incidents are looked through at once; each may stand in thousands of conversations."""
IDLE = timedelta(days=1)
"""A budget of messages that was not used for so long is whole again: Teams counts by the hour."""
ENDED = tuple(state for state in State if state not in ARROWS)


async def prune(database: Database, kept: Retention, now: datetime) -> None:
    """Delete what is over and older than it is to be kept.

    Raises:
        StoreError: the database cannot serve; what was deleted by then stays deleted.
    """
    is_old_letter = and_(job.c.dead_at < now - kept.letters, ~_is_about_open())
    is_long_over = _is_over(now - kept.operations)
    counts = {
        "activities": await _rows(database, inbox, inbox.c.seen_at < now - kept.activities),
        "letters": await _rows(database, job, is_old_letter),
        "cards": await _rows(database, card, _hangs_on(card, _is_over(now - kept.cards))),
        # They are many: with the rest of their operation they would be one long transaction.
        "targets": await _rows(
            database, operation_target, _hangs_on(operation_target, is_long_over)
        ),
        "operations": await _rows(
            database, operation, is_long_over, along=(approval, card, operation_target)
        ),
        "incidents": await _incidents(database, now - kept.incidents),
        "budgets": await _budgets(database, now - IDLE),
        "conversations": await _rows(
            database, conversation, _is_out_of_use(now - kept.conversations)
        ),
        # A kind that is watched has been looked at lately, or the looks fail.
        "snapshots": await _rows(
            database,
            snapshot,
            and_(snapshot.c.taken_at < now - kept.incidents, snapshot.c.failures == 0),
        ),
    }
    if any(counts.values()):
        log.info("forgotten", **counts)


async def _rows(
    database: Database, table: Table, chosen: ColumnElement[bool], *, along: Sequence[Table] = ()
) -> int:
    """Delete the chosen rows of a table chunk by chunk; return how many there were.

    With an operation goes what hangs on it in the tables `along`.
    """
    key = tuple(table.primary_key)
    some = (
        select(*key)
        .where(chosen)
        .order_by(*key)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=table)
    )
    total, is_more = 0, True
    while is_more:
        async with database.write() as session:
            found = [tuple(row.values()) for row in await session.all(some)]
            for other in along:
                ids = [row[0] for row in found]
                await session.change(delete(other).where(other.c.operation_id.in_(ids)))
            await session.change(delete(table).where(tuple_(*key).in_(found)))
        total += len(found)
        is_more = len(found) == AT_ONCE
    return total


def _is_over(before: datetime) -> ColumnElement[bool]:
    """Whether an operation has ended by then, and nothing is left to be done about it."""
    return and_(
        operation.c.state.in_(ENDED),
        operation.c.updated_at < before,
        ~exists().where(job.c.subject == operation.c.id).correlate(operation),
    )


def _hangs_on(table: Table, is_over: ColumnElement[bool]) -> ColumnElement[bool]:
    return table.c.operation_id.in_(select(operation.c.id).where(is_over))


def _is_about_open() -> ColumnElement[bool]:
    """Whether a job is about an operation or an incident that is not over."""
    stories = post.join(incident, post.c.incident_id == incident.c.id)
    return or_(
        exists()
        .where(operation.c.id == job.c.subject, operation.c.state.not_in(ENDED))
        .correlate(job),
        exists()
        .select_from(stories)
        .where(post.c.id == job.c.subject, incident.c.stage == Stage.OPEN)
        .correlate(job),
    )


def _is_out_of_use(before: datetime) -> ColumnElement[bool]:
    """Whether a conversation can be reached no more, and nobody waits for anything there."""
    here = conversation.c
    waits = card.join(operation, card.c.operation_id == operation.c.id)
    return and_(
        here.blocked.is_not(None),
        here.updated_at < before,
        ~exists()
        .where(subscription.c.tenant == here.tenant, subscription.c.root == here.root)
        .correlate(conversation),
        ~exists()
        .select_from(waits)
        .where(
            card.c.tenant == here.tenant,
            card.c.conversation == here.conversation,
            operation.c.state.not_in(ENDED),
        )
        .correlate(conversation),
    )


async def _incidents(database: Database, before: datetime) -> int:
    """Delete incidents that ended by then, and where they stood."""
    total, count, ids = 0, 1, await _ended_stories(database, before)
    while count and ids:
        await _rows(database, post, post.c.incident_id.in_(ids))
        count = await _rows(
            database,
            incident,
            # A post that another replica holds goes next time, and its incident with it.
            and_(incident.c.id.in_(ids), incident.c.id.not_in(select(post.c.incident_id))),
        )
        total += count
        ids = await _ended_stories(database, before)
    return total


async def _ended_stories(database: Database, before: datetime) -> Sequence[str]:
    """Return some incidents that are over, and that no conversation is to hear of any more.

    What a subscription told last stays: `/watches` says when that was.
    """
    last = (
        select(post.c.subscription_id, func.max(post.c.told_at).label("told_at"))
        .where(post.c.subscription_id.in_(select(subscription.c.id)))
        .group_by(post.c.subscription_id)
        .subquery()
    )
    told_last = post.join(
        last,
        and_(post.c.subscription_id == last.c.subscription_id, post.c.told_at == last.c.told_at),
    )
    may_be_told = exists().where(
        post.c.incident_id == incident.c.id,
        or_(
            post.c.held_until >= before,
            exists().where(job.c.subject == post.c.id).correlate(post),
        ),
    )
    statement = (
        select(incident.c.id)
        .where(
            incident.c.stage != Stage.OPEN,
            incident.c.changed_at < before,
            ~may_be_told.correlate(incident),
            # To whom it is to be told may not be written down yet.
            ~exists().where(job.c.subject == incident.c.id).correlate(incident),
            incident.c.id.not_in(select(post.c.incident_id).select_from(told_last)),
        )
        .order_by(incident.c.id)
        .limit(STORIES)
    )
    async with database.read() as session:
        return [row["id"] for row in await session.all(statement)]


async def _budgets(database: Database, idle_since: datetime) -> int:
    """Delete budgets of messages that nobody used since."""
    total, last, is_more = 0, "", True
    while is_more:
        page = (
            select(throttle)
            .where(throttle.c.lane > last)
            .order_by(throttle.c.lane)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        async with database.write() as session:
            rows = await session.all(page)
            idle = [
                row["lane"]
                for row in rows
                if max(row["marks"], default=0.0) < idle_since.timestamp()
                and (row["blocked_until"] is None or row["blocked_until"] < idle_since)
            ]
            total += await session.change(delete(throttle).where(throttle.c.lane.in_(idle)))
        is_more = len(rows) == AT_ONCE
        last = rows[-1]["lane"] if rows else last
    return total
