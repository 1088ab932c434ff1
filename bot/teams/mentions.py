"""Taking the bot's own mention off the start of a message, and nothing else.

The SDK's stripper deletes the bot's name anywhere in the text, also inside a value that is to be
set. Who is mentioned says the entity's id alone; its text only says which letters to remove.
"""

from collections.abc import Sequence
from unicodedata import category

from pydantic import JsonValue

MENTIONS_MAX = 50
_SPACES = ("&nbsp;", "&#160;")
_CLOSING = "</at>"


def strip_mention(text: str, entities: Sequence[JsonValue], bot_id: str) -> str:
    """Return the text after the bot's mentions that it starts with; unchanged without any.

    Teams leaves out an entity's text when the name holds an `&`: for such an entity one leading
    `<at>…</at>` goes that no other entity claims.
    """
    mentions = [mention for entity in entities if (mention := _mention(entity))]
    own = {said for who, said in mentions if who == bot_id.casefold() and said and said in text}
    others = {said for who, said in mentions if who != bot_id.casefold()}
    unsaid = sum(who == bot_id.casefold() and said not in own for who, said in mentions)
    end = 0
    for _ in range(MENTIONS_MAX):
        start = _gap_end(text, end)
        said = _first_of(text, start, own)
        if not said and unsaid:
            said = _tag_at(text, start)
            said = "" if said in others else said
            unsaid -= 1
        if not said:
            break
        end = start + len(said)
    return text[end:]


def _mention(entity: JsonValue) -> tuple[str, str] | None:
    """Return whom a mention entity names and the text it stands for, which may be empty."""
    if not isinstance(entity, dict) or entity.get("type") != "mention":
        return None
    mentioned = entity.get("mentioned")
    who = mentioned.get("id") if isinstance(mentioned, dict) else None
    said = entity.get("text")
    if not isinstance(who, str) or not who:
        return None
    return who.casefold(), said if isinstance(said, str) else ""


def _first_of(text: str, start: int, said: set[str]) -> str:
    """Return the longest of the texts that stands at `start`, empty if none does."""
    return max((s for s in said if text.startswith(s, start)), key=len, default="")


def _gap_end(text: str, position: int) -> int:
    while position < len(text):
        space = next((s for s in _SPACES if text.startswith(s, position)), text[position])
        if not (space in _SPACES or space.isspace() or category(space) == "Cf"):
            break
        position += len(space)
    return position


def _tag_at(text: str, start: int) -> str:
    if not text.startswith(("<at>", "<at "), start):
        return ""
    end = text.find(_CLOSING, start)
    return text[start : end + len(_CLOSING)] if end >= 0 else ""
