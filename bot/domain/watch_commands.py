"""The commands of watching: who is told what, and what people do about an incident."""

from types import MappingProxyType

from bot.domain.resource import Option, Severity, ValueType
from bot.domain.spec import BOT, PAGE, Argument, CommandSpec

LEVELS = MappingProxyType(
    {
        "info": str(Severity.NEUTRAL),
        "warning": str(Severity.WARNING),
        "critical": str(Severity.CRITICAL),
    }
)
LEVEL = Option(
    "severity", "The least that is told: info, warning or critical.", LEVELS, default="info"
)
QUIET = Option("quiet", "Hours that hold news back for one summary, as 22:00-07:00.")
ZONE = Option("tz", "The time zone of the quiet hours, as Europe/Berlin.", default="UTC")
HOLD_CRITICAL = Option(
    "hold-critical", "Hold back in quiet hours even what is critical.", is_flag=True
)
SNOOZE_FOR = Option("for", "How long, as 1h or 2d.", default="1h", type=ValueType.DURATION)
EVERYTHING = Option("all", "All of this conversation.", is_flag=True)
MAY_SEE_ALL = f"{BOT}:dead"
EVERYWHERE = Option(
    "all",
    "Those of every conversation, and which can be reached.",
    is_flag=True,
    needs=MAY_SEE_ALL,
)
INCIDENT = Argument(
    "incident",
    "The incident's id; or, while it is open, the record's name or the start of its id.",
)
MAY_WATCH = f"{BOT}:watch"

WATCH_COMMANDS = (
    CommandSpec(
        BOT,
        "status",
        "Every connector at a glance, worst first, with its age and open incident",
        examples=("/status",),
        in_menu=True,
    ),
    CommandSpec(
        BOT,
        "watch",
        "Tell this conversation when something breaks, goes quiet, changes or recovers",
        arguments=(
            Argument(
                "kind", "What to watch; none: everything.", is_required=False, names_kind=True
            ),
            Argument("target", "One record, by name or id.", is_required=False),
        ),
        options=(LEVEL, QUIET, ZONE, HOLD_CRITICAL),
        examples=(
            "/watch exchange",
            "/watch exchange EXCH01 --severity critical",
            "/watch exchange --quiet 22:00-07:00 --tz Europe/Berlin",
        ),
        acts=True,
        in_menu=True,
    ),
    CommandSpec(
        BOT,
        "watches",
        "What this conversation is told, and how telling goes",
        options=(EVERYWHERE, PAGE),
        examples=("/watches", "/watches --all"),
        is_open=True,
    ),
    CommandSpec(
        BOT,
        "unwatch",
        "Tell this conversation no more",
        arguments=(
            Argument(
                "subscription", "Its id, or the kind; none where it is one.", is_required=False
            ),
        ),
        options=(EVERYTHING,),
        examples=("/unwatch", "/unwatch 7F3K", "/unwatch --all"),
        acts=True,
    ),
    CommandSpec(
        BOT,
        "acknowledge",
        "Say that you take an incident on",
        arguments=(INCIDENT,),
        aliases=("ack",),
        examples=("/acknowledge 7F3K", "/acknowledge EXCH01"),
        acts=True,
        comes_with=MAY_WATCH,
    ),
    CommandSpec(
        BOT,
        "snooze",
        "Put an incident off for a while, unless it gets worse",
        arguments=(INCIDENT,),
        options=(SNOOZE_FOR,),
        examples=("/snooze 7F3K", "/snooze EXCH01 --for 2h"),
        acts=True,
        comes_with=MAY_WATCH,
    ),
    CommandSpec(
        BOT,
        "sync",
        "Ask for a sync of what an incident is about",
        arguments=(INCIDENT,),
        examples=("/sync 7F3K",),
        is_open=True,
        acts=True,
        derives=True,
    ),
    CommandSpec(
        BOT,
        "dead",
        "Messages that could not be delivered",
        examples=("/dead",),
    ),
    CommandSpec(
        BOT,
        "replay",
        "Try again what could not be delivered",
        arguments=(
            Argument(
                "letter",
                "Its number; none: all of them.",
                is_required=False,
                type=ValueType.NUMBER,
            ),
        ),
        examples=("/replay", "/replay 12"),
        acts=True,
        comes_with=MAY_SEE_ALL,
    ),
)
