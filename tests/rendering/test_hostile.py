"""5,000 hostile strings as Graph might give them: no card makes a mention, a link or markup of one."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from bot.domain.command import Catalogue
from bot.domain.form import fields_of
from bot.domain.kinds import KINDS
from bot.domain.offer import Form
from bot.domain.outcome import (
    Ambiguous,
    Listing,
    NotFound,
    Outcome,
    Shown,
)
from bot.domain.resource import Values
from bot.teams.replies import Replies
from bot.teams.reply_form import choosable, option_of
from cards.frame import Rendered
from cards.size import LIMIT_BYTES, weigh
from tests.rendering.hostile import STRINGS
from tests.rendering.test_text import assert_harmless, assert_visible
from tests.rendering.walk import MARKDOWN, objects, texts

COUNT = 5000
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CATALOGUE = Catalogue(KINDS)
EXCHANGE = CATALOGUE.kinds["exchange"]
UPDATE = CATALOGUE.by_permission["exchange:update"]
NAMES = tuple(p.name for p in EXCHANGE.properties)
PIECES = tuple(text[:80] for text in STRINGS if text.strip())
# What a renderer reads something into, whatever stands around it.
GLUE = (
    "",
    " ",
    "\n",
    "\u200b",
    "\\",
    "&",
    "*",
    "_",
    "[",
    "](",
    ")",
    "<",
    ">",
    "`",
    ".",
    "//",
    ":",
)


def hostile(chance: random.Random) -> str:
    """Return a few hostile pieces in any order, cut and joined anywhere."""
    pieces = [chance.choice(PIECES) for _ in range(chance.randint(1, 4))]
    cut = [piece[chance.randint(0, 3) : chance.randint(8, 80)] for piece in pieces]
    return chance.choice(GLUE).join(cut)


def records() -> Iterator[Values]:
    """Yield records whose every value is hostile, `COUNT` values in all; ids are hostile now and then."""
    chance = random.Random(6)  # noqa: S311 - the same strings in every run
    for number in range(0, COUNT, len(NAMES) + 1):
        is_odd = number % 3 == 0
        record_id = hostile(chance) if is_odd else f"e11c1de8-0000-4000-8000-{number:012d}"
        yield {"id": record_id, **{n: hostile(chance) for n in (*NAMES, "unknown")}}


def outcomes(rows: tuple[Values, ...]) -> Iterator[Outcome]:
    """Yield every answer that shows records, of these."""
    for values in rows:
        yield Shown(EXCHANGE, values, NOW)
    name = str(rows[0]["serverName"])
    yield Listing(EXCHANGE, rows[:10], 1, 1, 9, 9, False, (("status", name),), name, NOW)  # noqa: FBT003
    yield NotFound(EXCHANGE, name, tuple(str(v["serverName"]) for v in rows[:3]))
    yield Ambiguous(EXCHANGE, name, rows[:6], (name,) * 6, reads_only=True)
    yield Form(
        UPDATE,
        fields_of(UPDATE, EXCHANGE),
        "0" * 26,
        {f"set.{n}": str(rows[0][n]) for n in NAMES},
        kind=EXCHANGE,
        records=rows,
        record=rows[0],
    )


class Standing:
    def now(self) -> datetime:
        return NOW


def assert_tame(card: Rendered) -> None:
    payload = card.payload()
    assert weigh(payload) <= LIMIT_BYTES
    assert payload.get("msteams", {"width": "full"}) == {"width": "full"}
    for each in objects(payload):
        assert "entities" not in each
        assert each.get("type") not in {"Action.OpenUrl", "Image", "Media"}
        if str(each.get("type", "")).startswith("Input."):
            # Labels and what a client says of a field may be read as markdown.
            for name in ("label", "errorMessage"):
                assert_harmless(str(each.get(name) or ""))
    for kind, text in texts(payload):
        if kind in MARKDOWN:
            assert_harmless(text)
        assert_visible(text.replace("\N{NO-BREAK SPACE}", " "))
    assert_visible(card.summary)


def test_no_hostile_string_from_graph_becomes_a_mention_a_link_or_markup() -> None:
    replies = Replies(
        catalogue=CATALOGUE, clock=Standing(), cloud="global", tenant=lambda: "Contoso Lab"
    )
    rows = tuple(records())
    assert sum(len(values) - 1 for values in rows) >= COUNT

    for start in range(0, len(rows), 20):
        for outcome in outcomes(rows[start : start + 20]):
            assert_tame(replies.render(outcome))
            assert_tame(replies.dialog(outcome))


def test_what_a_search_offers_is_as_tame_and_arrives_as_it_is_sent() -> None:
    rows = tuple(records())
    offered = choosable(rows)

    assert 0 < len(offered) < len(rows)
    for values in offered:
        option = option_of(EXCHANGE, values)
        assert_visible(option.title)
        assert option.value == values["id"]
        assert_visible(option.value.replace("\N{NO-BREAK SPACE}", " "))
