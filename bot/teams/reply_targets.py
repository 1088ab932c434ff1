"""The several targets of a bulk operation, as its card shows them: one row for each."""

from bot.domain.operation import ItemResult, Operation, State
from bot.teams.reply_values import told_apart
from cards import words
from cards.operation import Item
from cards.parts import Named
from cards.signs import Tone
from cards.states import LOOKS


def named_of(operation: Operation) -> dict[str, Named]:
    """Return the targets by their ids, as the card names them."""
    items = operation.plan.items
    named = told_apart((item.target_name, item.target_id) for item in items)
    return {item.target_id: each for item, each in zip(items, named, strict=True)}


def part_of(operation: Operation) -> str:
    """Return how many of how many targets its standing is true of; empty where it is of all."""
    return words.part(*operation.share) if operation.share else ""


def word_of(operation: Operation) -> str:
    """Return how an operation stands, in the word that its card has for it."""
    return words.standing(operation.standing, part_of(operation))


def items_of(operation: Operation) -> tuple[Item, ...]:
    """Return how each target fares: what was not begun waits, or was not sent once it is over."""
    results = {item.target_id: item for item in operation.result.items}
    unbegun = words.ITEM_WAITS if operation.is_open else words.ITEM_UNSENT
    return tuple(
        _item(named, results[key]) if key in results else Item(named, unbegun, Tone.NEUTRAL)
        for key, named in named_of(operation).items()
    )


def _item(named: Named, result: ItemResult) -> Item:
    why = words.OUTCOMES.get(result.code, "")
    if not result.was_sent:
        return Item(named, words.ITEM_UNSENT, Tone.NEUTRAL, why)
    key = result.state.value
    if result.state is State.DONE and result.observation is not None:
        key = f"{key}:{result.observation.value}"
    return Item(named, words.STATES[key][0], LOOKS[key].tone, why)
