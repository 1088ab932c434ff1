"""Every address that this process connects to or looks up, whichever library does it."""

import sys
from functools import cache
from typing import TypeAlias

Address: TypeAlias = tuple[str, int]


@cache
def calls() -> list[Address]:
    """Return the addresses so far, oldest first; recording begins with the first use."""
    seen: list[Address] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.connect":
            address = arguments[1]
        elif event == "socket.getaddrinfo":
            address = arguments[:2]
        else:
            return
        # A connection by file (PostgreSQL, the event loop's own pair) has no host.
        if isinstance(address, tuple) and isinstance(address[0], str | bytes):
            host, port = address[:2]
            name = host.decode() if isinstance(host, bytes) else host
            seen.append((name, int(port or 0)))

    # There is no way to remove a hook, hence one for the whole run.
    sys.addaudithook(hook)
    return seen
