"""The tenant's display name, which must never keep an answer waiting."""

from collections.abc import Callable

from pydantic import JsonValue

from bot.domain.errors import GraphError
from bot.graph.client import GraphClient
from bot.graph.flights import Flights
from bot.graph.wire import Call, Repeat

PATH = "organization?$select=id,displayName"
BUDGET_S = 3.0
KEPT_S = 86_400.0
# Reading it takes a permission that many apps do not have: a refusal is no reason to ask often.
KEPT_NONE_S = 300.0


class Organization:
    """Graph's `/organization`, kept a day, and 5 minutes when it cannot be read.

    Only the very first caller waits, at most 3 seconds; later the last answer serves while a new
    one is fetched.
    """

    def __init__(self, *, client: GraphClient, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._monotonic = monotonic
        self._name: str | None = None
        self._ends_at: float | None = None
        self._flights: Flights[str, str | None] = Flights()

    async def name(self) -> str | None:
        """Return the display name, or None when it is not known."""
        if self._ends_at is None:
            return await self._flights.join(PATH, self._fetch)
        if self._monotonic() >= self._ends_at:
            self._flights.launch(PATH, self._fetch)
        return self._name

    async def aclose(self) -> None:
        """Stop a fetch that is under way."""
        await self._flights.aclose()

    async def _fetch(self) -> str | None:
        call = Call("GET", self._client.url("v1.0", PATH), Repeat.SAFE, BUDGET_S)
        try:
            name = _display_name((await self._client.request(call)).json())
        except GraphError:
            name = None
        # A name once known is better than none: it hardly ever changes.
        self._name = name or self._name
        self._ends_at = self._monotonic() + (KEPT_S if name else KEPT_NONE_S)
        return self._name


def _display_name(body: JsonValue) -> str | None:
    found = body.get("value") if isinstance(body, dict) else None
    first = found[0] if isinstance(found, list) and found else None
    name = first.get("displayName") if isinstance(first, dict) else None
    return name if isinstance(name, str) and name else None
