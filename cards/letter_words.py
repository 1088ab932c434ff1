"""The sentences of what could not be delivered: what it was, where to, why not, what to do."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cards.text import fill

TITLE: Final = "What could not be delivered"
NONE: Final = "Everything could be delivered."
WHERE: Final = "to {where}"
REPLAY_ALL: Final = "/replay"
REPLAY: Final = "/replay {id}"
MAY_HAVE_ARRIVED: Final = "It may have arrived all the same: look there before you try again."

# What it would have shown

TOPICS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "incident": "Incident {id}: {what}",
        "summary": "Summary of what was held back: {what}",
        "operation": "Operation {id}: {what}",
        "decision": "How operation {id} turned out: {what}",
        "gone": "Something that does not exist any more",
    }
)

# Why not: by the connector's code, else by its status, else in general

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Uninstalled": "The bot was uninstalled there; install it again",
        "Removed": "The bot was removed from there; add it again",
        "ChannelDeleted": "The channel was deleted",
        "TeamDeleted": "The team was deleted",
        "TeamArchived": "The team is archived",
        "BotNotInConversationRoster": "The bot is not installed there any more; install it again",
        "ConversationBlockedByUser": "The bot was blocked there",
        "BotDisabledByAdmin": "An administrator of Teams disabled the bot there",
        "MessageWritesBlocked": "Nobody may write there",
        "NotEnoughPermissions": "The bot may not write there",
        "InvalidBotApiHost": "Teams serves it from another host",
        "ConversationNotFound": "The conversation does not exist any more",
        "ActivityNotFoundInConversation": "The message to answer does not exist any more",
        "BotNotRegistered": "Teams does not know the bot: its registration has to be mended",
        "ServiceUrlNotAllowed": "Its service URL is not let in any more (BOT_SERVICE_URLS)",
        "TenantNotAllowed": "Its tenant is not let in any more (BOT_ALLOWED_TENANTS)",
        "MessageSizeTooBig": "The message is too long for Teams",
        "NoToken": "The bot got no token for Teams",
    }
)
STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "400": "Teams did not understand the message",
        "401": "Teams did not accept the bot's token",
        "403": "The bot may not write there",
        "404": "The conversation does not exist any more",
        "413": "The message is too long for Teams",
        "429": "Teams had too much to do",
        "500": "Teams failed",
        "502": "Teams could not be reached",
        "503": "Teams was not available",
        "504": "Teams did not answer in time",
    }
)
UNANSWERED: Final = "Teams did not answer"
REFUSED: Final = "Teams did not take it"
REASON: Final = "{reason} ({code})."
UNREACHABLE: Final = "Nothing arrives: {reason}"


def reason(code: str) -> str:
    """Return why something was not delivered, from `403 BotDisabledByAdmin` or one of the two."""
    status, _, name = code.partition(" ")
    if not status.isdecimal():
        status, name = "", code
    words = CODES.get(name) or STATUSES.get(status) or (REFUSED if status else UNANSWERED)
    return fill(REASON, {"reason": words, "code": code}) if code else f"{words}."


def attempts(count: int) -> str:
    """Return how often a message was tried."""
    return f"{count} attempt{'' if count == 1 else 's'}"


def replayed(count: int, left: int | None) -> str:
    """Return how many messages are tried again, and how many are left for another time."""
    if not count:
        return "Nothing is left to try again."
    tried = f"{count} message{' is' if count == 1 else 's are'} being tried again"
    return f"{tried}." if left is None else f"{tried}, {left} left: once more for the next."


def undelivered(shown: int, total: int) -> str:
    """Return how many messages could not be delivered, and how many of them stand here."""
    return f"{shown} of {total}, newest first" if shown < total else f"{total} in all"
