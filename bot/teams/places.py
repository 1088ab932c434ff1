"""Where the bot can write: every activity tells it anew, and some tell that it no longer can.

Teams tells a removal or a deletion once and of the team as a whole, while conversations are its
channels; so a channel is kept with its team.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

import structlog

from bot.domain.errors import StoreError
from bot.service.ports import Reference, Store, Transaction
from bot.teams.activity import Inbound
from bot.teams.guard import Admitted
from bot.teams.inbound import reference_of

log = structlog.get_logger(__name__)
INSTALLATION = "installationUpdate"
CONVERSATION = "conversationUpdate"
REMEMBERED = 10_000
KNOWN_FOR_S = 300

UNINSTALLED, REMOVED = "Uninstalled", "Removed"
NOT_IN_ROSTER = "403 BotNotInConversationRoster"
CHANNEL_DELETED, TEAM_DELETED, TEAM_ARCHIVED = "ChannelDeleted", "TeamDeleted", "TeamArchived"

# Source: "Conversation events in your Teams bot", the table of conversationUpdate events.
_TEAM_ENDS: Final = MappingProxyType(
    {"teamDeleted": TEAM_DELETED, "teamHardDeleted": TEAM_DELETED, "teamArchived": TEAM_ARCHIVED}
)
_TEAM_RETURNS: Final = MappingProxyType(
    {"teamRestored": TEAM_DELETED, "teamUnarchived": TEAM_ARCHIVED}
)


@dataclass(frozen=True, slots=True)
class Farewell:
    """A conversation, or all of a team's, that the bot can no longer write to; `code` says why."""

    code: str
    conversation: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """A conversation, or those of a team that were lost for `codes`, which can be reached again."""

    codes: tuple[str, ...]
    conversation: str | None = None
    team: str | None = None


def farewell_of(payload: Inbound) -> Farewell | None:
    """Return what is lost: the bot was removed, or the channel or team deleted."""
    here = payload.conversation.id.partition(";")[0]
    data = payload.channel_data
    team = data.team.id if data and data.team else None
    if payload.type == INSTALLATION and (payload.action or "").startswith("remove"):
        return Farewell(UNINSTALLED, here, team)
    if payload.type != CONVERSATION:
        return None
    if any(member.id == payload.recipient.id for member in payload.members_removed or ()):
        return Farewell(REMOVED, here, team)
    event = data.event_type or "" if data else ""
    if event == "channelDeleted" and data and data.channel:
        return Farewell(CHANNEL_DELETED, data.channel.id)
    code = _TEAM_ENDS.get(event)
    return Farewell(code, here, team) if code else None


def return_of(payload: Inbound) -> Return | None:
    """Return what is back: the bot was installed again, or the channel or team restored."""
    data = payload.channel_data
    team = data.team.id if data and data.team else None
    event = data.event_type or "" if data else ""
    is_added = payload.type == CONVERSATION and any(
        member.id == payload.recipient.id for member in payload.members_added or ()
    )
    if is_added or (payload.type == INSTALLATION and (payload.action or "").startswith("add")):
        return Return((UNINSTALLED, REMOVED, NOT_IN_ROSTER), team=team)
    if payload.type != CONVERSATION:
        return None
    if event == "channelRestored" and data and data.channel:
        return Return((CHANNEL_DELETED,), data.channel.id)
    code = _TEAM_RETURNS.get(event)
    return Return((code,), team=team) if code else None


class Places:
    """Keeps where conversations can be reached, as every activity tells it.

    What this process has stored lately is not stored again; now and then it is, so that a
    conversation that was given up in vain counts as reachable again.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._known: OrderedDict[tuple[str, str], tuple[object, ...]] = OrderedDict()

    async def keep(self, admitted: Admitted) -> None:
        """Store what an activity tells; a store that cannot serve only delays it."""
        payload = admitted.payload
        heard = reference_of(admitted)
        # One a conversation, not one a thread: a new thread is no new place.
        reference = replace(heard, conversation=heard.root, reply_to=None)
        lost, back = farewell_of(payload), return_of(payload)
        is_event = lost is not None or back is not None or payload.type == CONVERSATION
        if not is_event and self._knows(reference):
            return
        try:
            async with self._store.begin() as tx:
                await self._write(tx, admitted, reference, lost, back)
        except StoreError:
            self._forget(admitted.tenant)
            log.warning("reference not kept", reason="store unavailable")
            return
        if lost is not None:
            log.info("conversation lost", code=lost.code, team=lost.team)
        if is_event:
            # What is known of the other channels of a team may have changed as well.
            self._forget(admitted.tenant)

    async def _write(
        self,
        tx: Transaction,
        admitted: Admitted,
        reference: Reference,
        lost: Farewell | None,
        back: Return | None,
    ) -> None:
        tenant = reference.tenant
        if lost is not None:
            if lost.team is not None:
                await tx.lose_team(tenant, lost.team, lost.code)
            if lost.conversation is not None:
                await tx.set_blocked(tenant, lost.conversation, lost.code)
            return
        await tx.save_reference(reference)
        if back is not None and back.team is not None:
            await tx.regain_team(tenant, back.team, back.codes)
        if back is not None and back.conversation is not None:
            await tx.set_blocked(tenant, back.conversation, None)
        data = admitted.payload.channel_data
        if data and data.channel and data.channel.name:
            await tx.rename(tenant, data.channel.id, data.channel.name)

    def _knows(self, reference: Reference) -> bool:
        """Whether that is how the conversation was last stored, and lately; it is from now on."""
        era = int(self._now().timestamp()) // KNOWN_FOR_S
        key = (reference.tenant, reference.conversation)
        value = (reference.service_url, reference.team, reference.name, era)
        if self._known.get(key) == value:
            return True
        self._known[key] = value
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return False

    def _forget(self, tenant: str) -> None:
        """Store everything of a tenant anew when it is next heard of."""
        for key in [key for key in self._known if key[0] == tenant]:
            del self._known[key]
