"""What this process has lately seen, within a bound."""

from collections import OrderedDict

REMEMBERED = 10_000


class Remembered:
    """The last activities that were taken in, so that a repeated one has no second answer."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._keys: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def add(self, key: tuple[str, ...]) -> bool:
        """Remember a key; False when it was known."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
        return True

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def forget(self, key: tuple[str, ...]) -> None:
        """Let a key in again: what it asked for was not carried out."""
        self._keys.pop(key, None)
