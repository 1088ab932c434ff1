"""Keeps a card under the size Teams takes, by leaving out the least important first."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from microsoft_teams.cards import AdaptiveCard, CardElement

# "The maximum size limit for cards is 28 KB", Microsoft Learn, "Types of cards" and "Format your
# bot messages" for Teams.
LIMIT_BYTES: Final = 28 * 1024
_MORE_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a card that may be shortened.

    `draw(n)` gives the elements for the first `n` of `count` entries. Rank 0 always stays; of the
    others the highest rank is shortened first, from its end. `unseen` counts entries that exist
    beyond these and were not even brought here.
    """

    draw: Callable[[int], Sequence[CardElement]]
    count: int
    rank: int
    unseen: int = 0


def fixed(*elements: CardElement) -> Block:
    """Return a block that always stays whole."""
    return Block(lambda _: elements, 1, 0)


def loose(rank: int, *elements: CardElement) -> Block:
    """Return a block whose elements may be left out one by one, from the end."""
    return Block(lambda n: elements[:n], len(elements), rank)


def size(card: AdaptiveCard) -> int:
    """Return the size of a card's JSON in bytes, in its longest usual spelling.

    That is with spaces after separators and everything beyond ASCII escaped.
    """
    return weigh(card.model_dump(by_alias=True, exclude_none=True))


def weigh(payload: object) -> int:
    """Return the size of JSON data in bytes, in its longest usual spelling."""
    return len(json.dumps(payload))


def fit(
    blocks: Sequence[Block], room: int, more: Callable[[int], CardElement]
) -> list[CardElement]:
    """Return the elements of all blocks in their order, shortened until they fit in `room` bytes.

    Where entries were left out stands `more(how many)`.
    """
    counts = [block.count for block in blocks]
    weights = [
        _weight(block, block.count) + (_MORE_BYTES if block.unseen else 0) for block in blocks
    ]
    ranked = sorted(
        (i for i, block in enumerate(blocks) if block.rank), key=lambda i: -blocks[i].rank
    )
    for i in ranked:
        if sum(weights) <= room:
            break
        others = sum(weights) - weights[i]
        counts[i] = _most(blocks[i], room - others - _MORE_BYTES)
        weights[i] = _weight(blocks[i], counts[i]) + _MORE_BYTES
    fitted: list[CardElement] = []
    for block, count in zip(blocks, counts, strict=True):
        fitted.extend(block.draw(count))
        if left := block.count - count + block.unseen:
            fitted.append(more(left))
    return fitted


def _most(block: Block, room: int) -> int:
    low, high = 0, block.count - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _weight(block, middle) <= room:
            low = middle
        else:
            high = middle - 1
    return low


def _weight(block: Block, count: int) -> int:
    return sum(
        weigh(element.model_dump(by_alias=True, exclude_none=True)) + 2
        for element in block.draw(count)
    )
