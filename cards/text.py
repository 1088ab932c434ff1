"""Makes words of people and of Graph safe to show: no markup, no link, no mention, no trick.

Two roads lead into a card. Text runs (`plain`) know no markdown, so the words stay as they are and
can be copied: names, ids, values and commands go there. Text blocks (`escape`) do know it, and
backslashes are no way out, because Teams on iOS and Android shows them
(https://github.com/microsoft/AdaptiveCards/issues/5590). So a character that would have an effect
is replaced by its full-width or look-alike twin, which compatibility normalisation (NFKC) folds
back, and so does the bot when the text is typed back; every other character stays, and the text
keeps its length. Nothing to type or to copy goes this way: see `line` and `rich` in `elements`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

ELLIPSIS: Final = "…"

# Format characters (zero-width, bidi controls and isolates, soft hyphen, tags), surrogates and
# unassigned code points are dropped; controls and every kind of separator become a space.
_DROPPED: Final = frozenset({"Cf", "Cs", "Cn"})
_SPACES: Final = frozenset({"Cc", "Zl", "Zp", "Zs"})

_DOT: Final = "\N{ONE DOT LEADER}"


def _wide(char: str) -> str:
    """Return the full-width twin of a printable ASCII character."""
    return chr(ord(char) + 0xFEE0)


# Every character that `escape` may put in, and what it stands for.
TWINS: Final[Mapping[str, str]] = MappingProxyType(
    {**{_wide(char): char for char in "<>*`[]&_~\\:/-+#."}, _DOT: "."}
)
_ALWAYS: Final = str.maketrans({char: _wide(char) for char in "<>*`[]"})
_SCHEMES: Final = r"mailto|tel|sips?|callto|skype|msteams|javascript|vbscript|data|file|ftp|xmpp"
_EFFECTS: Final = (
    # an HTML entity, which would become the character it stands for
    (re.compile(r"&(?=#?\w{1,32};)"), _wide("&")),
    # emphasis: an underscore inside a word has no effect
    (re.compile(r"(?<![^\W_])_|_(?![^\W_])"), _wide("_")),
    (re.compile(r"~(?=~)|(?<=~)~"), _wide("~")),
    # an escape: before a letter or a digit (CONTOSO\alice) it has no effect
    (re.compile(r"\\(?![^\W_])"), _wide("\\")),
    # links
    (re.compile(r":(?=//)"), _wide(":")),
    (re.compile(r"/(?=/)|(?<=/)/"), _wide("/")),
    (re.compile(rf"(?i)\b({_SCHEMES}):(?=\S)"), rf"\1{_wide(':')}"),
    (re.compile(r"(?i)(?<=\bwww)\."), _DOT),
    (re.compile(r"(?<=[^\W_])\.(?=[^\W\d_]{2})"), _DOT),
)
_GAPS: Final = re.compile(r" {2,}")
_AT_START: Final = re.compile(r"(?P<mark>[-+#])(?=[\s#-]|$)|(?P<number>\d{1,9})[.)](?=\s|$)")


def plain(text: str, limit: int = 256) -> str:
    """Return the text on one line without invisible or reordering characters, at most `limit` long.

    Safe in text runs, titles of buttons and summaries, none of which know markdown.
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    kept = "".join(_visible(char) for char in text[: limit * 8])
    line = " ".join(kept.split())
    if len(line) <= limit and len(text) <= limit * 8:
        return line
    return line[: limit - 1].rstrip() + ELLIPSIS


def exact(text: str, limit: int = 256) -> str:
    """Return what `plain` does, but with all the spaces between words, which a value may need.

    Clients show several spaces as one, so all but the last of a row are no-break spaces.
    """
    if "  " not in text:
        return plain(text, limit)
    kept = "".join(_visible(char) for char in text[: limit * 8]).strip()
    line = _GAPS.sub(_unbroken, kept)
    if len(line) <= limit and len(text) <= limit * 8:
        return line
    return line[: limit - 1].rstrip() + ELLIPSIS


def escape(text: str, limit: int = 256) -> str:
    """Return the text so that a text block shows it and nothing more, at most `limit` long.

    Host names and addresses get a look-alike dot, which stops clients from linking them; where
    people should copy a value, show it in a text run. Escaping twice changes nothing.
    """
    safe = plain(text, limit).translate(_ALWAYS)
    for effect, twin in _EFFECTS:
        safe = effect.sub(twin, safe)
    return _AT_START.sub(_disarmed, safe, count=1) if _AT_START.match(safe) else safe


def fill(sentence: str, values: Mapping[str, str]) -> str:
    """Return the sentence with its values in place; a value that is missing shows as `?`."""
    return sentence.format_map(_Gaps({name: plain(text) for name, text in values.items()}))


def joined(words: Iterable[str]) -> str:
    """Return words as one enumeration."""
    return ", ".join(plain(word) for word in words)


class _Gaps(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _visible(char: str) -> str:
    if " " <= char <= "~":
        return char
    category = unicodedata.category(char)
    if category in _DROPPED:
        return ""
    return " " if category in _SPACES else char


def _unbroken(gap: re.Match[str]) -> str:
    return "\N{NO-BREAK SPACE}" * (len(gap[0]) - 1) + " "


def _disarmed(match: re.Match[str]) -> str:
    mark = match["mark"]
    return _wide(mark) if mark else match["number"] + _wide(".")
