"""Where conversations can be reached, kept as last heard of.

A thread is a row of its own, so that both it and its channel can be written to; a new message in
a known thread changes nothing.
"""

from collections import OrderedDict
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import or_, select

from bot.service.ports import Reference
from bot.store.lane import Session
from bot.store.tables import conversation as table

Known: TypeAlias = tuple[str, str, str, str]


class Memory:
    """The references that are known to be stored, the most recent thousand or so."""

    def __init__(self, size: int = 1024) -> None:
        self._size = size
        self._known: OrderedDict[Known, None] = OrderedDict()

    def __contains__(self, reference: Reference) -> bool:
        known = _known(reference)
        if known not in self._known:
            return False
        self._known.move_to_end(known)
        return True

    def add(self, reference: Reference) -> None:
        """Remember a reference after its transaction was committed."""
        self._known[_known(reference)] = None
        if len(self._known) > self._size:
            self._known.popitem(last=False)


def _known(reference: Reference) -> Known:
    return (
        reference.tenant,
        reference.conversation,
        reference.service_url,
        reference.kind,
    )


async def save(session: Session, reference: Reference, now: datetime) -> None:
    """Insert a reference, or update one whose service URL or kind changed."""
    to = session.insert(table)
    new = to.excluded
    await session.change(
        to.values(
            tenant=reference.tenant,
            conversation=reference.conversation,
            root=reference.root,
            service_url=reference.service_url,
            kind=reference.kind,
            reply_to=reference.reply_to,
            updated_at=now,
        ).on_conflict_do_update(
            index_elements=[table.c.tenant, table.c.conversation],
            set_={
                "service_url": new.service_url,
                "kind": new.kind,
                "reply_to": new.reply_to,
                "updated_at": new.updated_at,
            },
            where=or_(table.c.service_url != new.service_url, table.c.kind != new.kind),
        )
    )


async def latest(session: Session, *, tenant: str, root: str) -> Reference | None:
    """Return the reference of a conversation or any of its threads that changed last."""
    row = await session.first(
        select(table)
        .where(table.c.tenant == tenant, table.c.root == root)
        .order_by(table.c.updated_at.desc(), table.c.conversation)
        .limit(1)
    )
    if row is None:
        return None
    return Reference(
        tenant=row["tenant"],
        service_url=row["service_url"],
        conversation=row["conversation"],
        kind=row["kind"],
        reply_to=row["reply_to"],
    )
