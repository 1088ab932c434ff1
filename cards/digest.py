"""The card of many incidents in one message, worst first."""

from dataclasses import dataclass

from microsoft_teams.cards import CardElement

from cards import signs, watch_words
from cards.elements import code, grid, line, rich, run
from cards.frame import Button, Head, Place, Rendered, Stamp, compose
from cards.parts import Why, listed, sentence, why
from cards.signs import DOT_OF, Tone, is_bad


@dataclass(frozen=True, slots=True)
class Entry:
    """One incident as it stands now: `word` as in its title, `remark` a sentence about it."""

    id: str
    name: str
    word: str
    tone: Tone
    remark: str


@dataclass(frozen=True, slots=True)
class Digest:
    """Incidents, worst first; `total` counts those that do not stand here, too.

    `is_crowd`: they are many at once, and no quiet hours held them back.
    """

    entries: tuple[Entry, ...]
    total: int
    intro: str
    is_crowd: bool
    why: Why | None = None
    buttons: tuple[Button, ...] = ()


def render(digest: Digest, place: Place, stamp: Stamp) -> Rendered:
    """Return the card of a digest."""
    unseen = digest.total - len(digest.entries)
    blocks = [
        sentence(digest.intro),
        listed(1, "", [_row(entry) for entry in digest.entries], unseen=unseen),
        why(2, digest.why),
    ]
    tones = {entry.tone for entry in digest.entries}
    tone = next((t for t in (Tone.CRITICAL, Tone.WARNING) if t in tones), Tone.NEUTRAL)
    sign = signs.CROWD if digest.is_crowd else signs.HELD
    title = watch_words.summed(digest.total, is_crowd=digest.is_crowd)
    head = Head(tone, sign, title, is_wide=True)
    return compose(head, blocks, place=place, stamp=stamp, buttons=digest.buttons)


def _row(entry: Entry) -> CardElement:
    status = line(f"{DOT_OF[entry.tone]} {entry.word}", is_bold=is_bad(entry.tone))
    return grid(
        (
            3,
            (
                rich(run(entry.name, is_bold=True)),
                line(entry.remark, is_quiet=True, spacing="None"),
            ),
        ),
        (2, (status, rich(code(entry.id, 64), spacing="None"))),
        has_line=True,
    )
