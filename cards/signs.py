"""Signs that stand beside words, so that nothing rests on colour or on a picture alone."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from microsoft_teams.cards import ContainerStyle


class Tone(StrEnum):
    """How good or bad something is, from calm to bad; `info` is neither."""

    GOOD = "good"
    NEUTRAL = "neutral"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


BAND: Final[Mapping[Tone, ContainerStyle]] = MappingProxyType(
    {
        Tone.GOOD: "good",
        Tone.NEUTRAL: "emphasis",
        Tone.INFO: "accent",
        Tone.WARNING: "warning",
        Tone.CRITICAL: "attention",
    }
)
DOT_OF: Final[Mapping[Tone, str]] = MappingProxyType(
    {
        Tone.GOOD: "✅",
        Tone.NEUTRAL: "⚪",
        Tone.INFO: "🔵",
        Tone.WARNING: "⚠️",
        Tone.CRITICAL: "❌",
    }
)

LIST, RECORD, PLAN, HELP, PERSON, HISTORY = "📋", "🔎", "📝", "📖", "👤", "🕓"
FORM, HELLO = "✏️", "👋"
REFUSED, PAUSED, SLOW, QUESTION, NOTICE = "🔒", "⏸️", "🐢", "❓", "💬"
DONE, WARNED, FAILED, RUNNING, WAITING = "✅", "⚠️", "❌", "🔄", "⏳"
EXPIRED, STOPPED, CHANGED, RESUMED, APPROVED = "⌛", "⛔", "♻️", "▶️", "☑️"
WATCHED, UNWATCHED, HELD, CROWD, STATUS, DEAD = "🔔", "🔕", "🌙", "🗂️", "📊", "📭"
TAKEN, CURRENT, PENDING, BROKEN = "✔️", "▶️", "◻️", "✖️"


def is_bad(tone: Tone) -> bool:
    """Whether something wants a look."""
    return tone in {Tone.WARNING, Tone.CRITICAL}
