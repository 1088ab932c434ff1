"""The sentences of watching: what happened, how an incident stands, who is told what and why.

They have no subject, so that they read alike in a story, under a name, and on a phone.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cards.text import fill, plain

INCIDENT: Final = "Incident"
SUBSCRIPTION: Final = "Subscription"
GRAPH_NAME: Final = "Microsoft Graph"
GRAPH_UNREAD: Final = "Microsoft Graph cannot be read since {since}: incident {id}."

# What happened: the word behind a name, and the sentence; `mine` is done by the bot's own operation

HAPPENINGS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "broke": ("{after}", "Turned from {before} to {after}."),
        "broke:found": ("{after}", "Found {after} at the first look."),
        "eased": ("better, {after}", "Better, but not well yet: from {before} to {after}."),
        "recovered": ("{after} again", "Turned from {before} to {after}."),
        "stale": ("stale", "Not seen for more than {limit}."),
        "seen": ("seen again", "Seen again, after more than {limit} without a sign."),
        "appeared": ("new", "New, and not made through this bot."),
        "appeared:mine": ("new", "Made by operation {operation} of this bot."),
        "removed": ("gone", "Gone, and not deleted through this bot."),
        "removed:mine": ("deleted", "Deleted by operation {operation} of this bot."),
        "changed": ("changed from outside", "Changed outside this bot: {fields}."),
        "changed:mine": ("changed", "Changed by operation {operation} of this bot: {fields}."),
        "synced": ("action seen to happen", "What operation {operation} did was seen to happen."),
        "unsynced": (
            "action not seen to happen",
            "Operation {operation} was accepted, but nothing was seen to happen.",
        ),
        "unread": ("cannot be read", "Cannot be read: what happens until it can is not known."),
        "read": ("can be read again", "Can be read again."),
    }
)

TURNS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "flapping": (
            "flapping",
            "Began to flap: single changes are not told any more.",
        ),
        "steady": ("steady, {word}", "Steady for {steady}: changes are told again."),
        "asked-again": ("still {word}", "Asked again: nobody looks after it now. Who does?"),
    }
)

# How it stands: the word in the title, and the sentence below

CAUSES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "status": ("{status}", "Status {status} since {since}."),
        "stale": ("stale", "Not seen for more than {limit}; noticed {since}."),
        "unread": (
            "cannot be read",
            "Cannot be read since {since}. Until it can, records are shown as last seen.",
        ),
    }
)

STAGES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "open": ("flapping", "Well at the moment, but not steady. It began {since}."),
        "recovered": ("recovered", "Well again after {span}, at {at}."),
        "removed": ("gone", "It does not exist any more, noticed {at}."),
        "noted": ("noted", "Noticed {at}. Its status is no cause for alarm."),
    }
)
RECOVERED_AT: Final = "Well again, noticed {at}."
"""For what nobody knew to be ill."""

FLAPPING: Final = "Flapping: {count} changes since {since}; told again once steady for {steady}."
QUIET_FOR_GOOD: Final = "It will not be asked about again."

# Who takes care

ACKNOWLEDGED: Final = "Acknowledged by {who}, {at}."
ACKNOWLEDGED_UNTIL: Final = "Acknowledged by {who}, {at}; asked again at {until}."
SNOOZED_UNTIL: Final = "Snoozed by {who} until {until}."
ACKNOWLEDGE_BUTTON, SNOOZE_BUTTON, STATUS_BUTTON = "Acknowledge", "Snooze", "Status"
TWINS: Final = "/{verb} {id}"
HISTORY_TWIN: Final = "/history {id}"

STORY: Final = "What happened"
OUTSIDE: Final = "What was changed from outside"
WHY: Final = "You see this because {who} asked for news of {filter} here. To stop:"
UNWATCH: Final = "/unwatch {id}"

SEVERITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "good": "All well",
        "neutral": "To know",
        "warning": "Warning",
        "critical": "Critical",
    }
)

# What a conversation is told

MINIMUMS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "good": ("whatever happens, good news included", "Everything that is seen to happen."),
        "neutral": (
            "whatever happens",
            "A status that turns bad and its end, nothing seen for too long, records that are "
            "new, changed or gone, by whomever.",
        ),
        "warning": (
            "warnings and what is critical",
            "A status that turns bad and its end, nothing seen for too long, and what is changed "
            "or removed outside this bot.",
        ),
        "critical": ("only what is critical", "A status that turns critical, and its end."),
    }
)
EVERY_KIND: Final = "everything that is watched"
EVERY_RECORD: Final = "all {plural}"
ONE_RECORD: Final = "{title} {name}"
FILTER: Final = "{about} ({minimum})"
HOURS: Final = "{start} to {end} ({zone})"
QUIET: Final = "Quiet {hours}: only what is critical is told then, the rest when they end."
QUIET_WHOLLY: Final = "Quiet {hours}: nothing is told then, everything when they end."
NEVER_QUIET: Final = "At any hour."

WATCHING_TITLE, UNWATCHED_TITLE = "Watching", "Not watching any more"
WATCHING: Final = "This conversation is told about {filter}."
UNWATCHED: Final = "This conversation is not told any more about {filter}."
REPLACED: Final = "It takes the place of an earlier filter for the same."
WATCHES: Final = "/watches"

WATCHES_TITLE: Final = "What this conversation is told"
ALL_WATCHES_TITLE: Final = "What every conversation is told"
WATCHED_IN: Final = "In {where}"
WATCHED_HERE: Final = "In this conversation"
ALL_WATCHES: Final = "/watches --all"
NO_WATCHES: Final = "This conversation is told nothing."
NONE_WATCHES: Final = "No conversation is told anything."
ASKED_BY: Final = "asked for by {who}"
TOLD: Final = "Last told {ago}"
NOT_TOLD: Final = "Nothing told yet"
WATCH_EXAMPLE: Final = "/watch {kind}"

DIGEST_TITLE: Final = "While it was quiet"
CROWD_TITLE: Final = "Many at once"
CROWD: Final = "Too many for a message each. Worst first, each as it stands now:"
DIGEST: Final = "The quiet hours {hours} are over. Worst first, each as it stands now:"
DIGEST_ENDED: Final = "Worst first, each as it stands now:"

# Everything at a glance

STATUS_TITLE: Final = "How things stand"
WORST_FIRST: Final = "Worst first"
COUNTS: Final = "By status"
OPEN: Final = "open"
OPEN_ACKNOWLEDGED: Final = "acknowledged by {who}"
OPEN_SNOOZED: Final = "snoozed until {until}"
OPEN_FLAPPING: Final = "flapping"
NONE_OPEN: Final = "No incident is open."


def open_now(count: int) -> str:
    """Return how many incidents are open."""
    if not count:
        return NONE_OPEN
    return "1 incident is open." if count == 1 else f"{count} incidents are open."


def open_before(count: int) -> str:
    """Return that of incidents which are open already only what comes is told."""
    if count == 1:
        return (
            "1 incident is open already, see /status. Only what happens to it from now on is told."
        )
    known = f"{count} incidents are open already, see /status."
    return f"{known} Only what happens to them from now on is told."


def earlier(count: int) -> str:
    """Return how much of a story stands before what is shown."""
    return f"+{count} earlier"


def left(count: int) -> str:
    """Return how many more there are than are shown."""
    return f"+{count} more"


def summed(count: int, *, is_crowd: bool) -> str:
    """Return the title of a summary."""
    title = CROWD_TITLE if is_crowd else DIGEST_TITLE
    return f"{title}: {count} incident{'' if count == 1 else 's'}"


def elsewhere(count: int) -> str:
    """Return how many subscriptions other conversations have."""
    if count == 1:
        return "1 subscription belongs to another conversation."
    return f"{count} subscriptions belong to other conversations."


def shut_out(count: int) -> str:
    """Return how many subscriptions belong to tenants that are not let in any more."""
    if count == 1:
        return "1 subscription of a tenant that is not let in any more is told nothing."
    return f"{count} subscriptions of tenants that are not let in any more are told nothing."


def failures(count: int) -> str:
    """Return how often telling failed."""
    return f"{count} message{'' if count == 1 else 's'} could not be delivered"


def alert(severity: str, headline: str) -> str:
    """Return what a phone shows of something that is wrong."""
    return f"{SEVERITIES.get(severity, severity)}: {plain(headline, 160)}"


def news(name: str, sentence: str) -> str:
    """Return what a phone shows of something that happened: `EXCH01: Changed outside …`."""
    return f"{plain(name, 96)}: {plain(sentence, 128)}"


def happened(code: str, values: Mapping[str, str]) -> str:
    """Return the sentence of something that happened."""
    return fill(HAPPENINGS[code][1], values)


def happened_word(code: str, values: Mapping[str, str]) -> str:
    """Return the word behind the name of what it happened to."""
    return fill(HAPPENINGS[code][0], values)


def turned(code: str, values: Mapping[str, str]) -> str:
    """Return the sentence of a turn of a story."""
    return fill(TURNS[code][1], values)


def turned_word(code: str, values: Mapping[str, str]) -> str:
    """Return the word of a turn behind a name; `word` is how it stands now."""
    return fill(TURNS[code][0], values)


def begun(text: str) -> str:
    """Return a phrase as the beginning of a line."""
    return text[:1].upper() + text[1:]


# Notices of its own commands; `words.NOTICES` takes them up

WATCH_NOTICES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "watch-kind": (
            "Watch what?",
            "There is no kind {value}. Name one of these, or none for everything: {kinds}.",
        ),
        "quiet-unread": (
            "Which hours?",
            "{value} is no pair of hours. Write them like 22:00-07:00.",
        ),
        "quiet-missing": (
            "Which hours?",
            "A time zone and holding what is critical mean something with quiet hours only: add"
            " --quiet 22:00-07:00.",
        ),
        "zone-unknown": (
            "Which time zone?",
            "There is no time zone {value}. Write its IANA name, like Europe/Berlin.",
        ),
        "unwatch-nothing": (
            "Nothing is told here",
            "This conversation has no subscription. /watch starts one.",
        ),
        "unwatch-missing": (
            "Not told here",
            "This conversation has no subscription {id}. /watches lists those it has.",
        ),
        "unwatched-all": (
            "No longer told",
            "{count} subscriptions of this conversation have ended.",
        ),
        "incident-missing": (
            "No such incident",
            "There is no incident {id}, and no open one about a record of that name. /status lists "
            "those that are open.",
        ),
        "incident-ambiguous": (
            "Which incident?",
            "Several open incidents are about {id}: {incidents}. Name one by its id.",
        ),
        "incident-over": (
            "Already over",
            "Incident {id} about {name} is over; there is nothing left to take on.",
        ),
        "incident-not-synced": (
            "Nothing to sync",
            "Incident {id} is about {name}, which cannot be synced.",
        ),
        "replay-missing": (
            "Nothing to try again",
            "No message {id} is waiting to be tried again. /dead lists those there are.",
        ),
        "snooze-unread": (
            "How long?",
            "{value} is no time to snooze. Write one up to two weeks, like 1h or 2d.",
        ),
    }
)
