"""Walks a card's JSON: every text with the kind of element it stands in, every object."""

from collections.abc import Iterator, Mapping

MARKDOWN = frozenset({"TextBlock", "Fact"})


def objects(node: object) -> Iterator[Mapping[str, object]]:
    """Yield every JSON object in the card, outermost first."""
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


def texts(node: object) -> Iterator[tuple[str, str]]:
    """Yield the type of every element that shows text, and the text."""
    for each in objects(node):
        kind = str(each.get("type", ""))
        for name in ("text", "title", "value", "fallbackText", "speak"):
            value = each.get(name)
            if isinstance(value, str):
                yield kind, value
