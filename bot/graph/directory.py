"""Who a person is and which groups they are in, as Entra says now or said a minute ago at most."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

from pydantic import JsonValue

from bot.domain.errors import DirectoryUnavailable, GraphError
from bot.domain.policy import Person
from bot.graph.client import GraphClient
from bot.graph.flights import Flights
from bot.graph.wire import Answer, Call, Repeat

# checkMemberGroups takes no more ids in one request.
GROUPS_PER_CALL = 20
KEPT_S = 60.0
MOST_KEPT = 10_000
CACHED_BUDGET_S = 4.0
FRESH_BUDGET_S = 8.0
NOT_FOUND = 404

Key: TypeAlias = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Known:
    person: Person
    asked_at: float


class GraphDirectory:
    """Honours `ports.Directory` with `GET /users/{id}` and `checkMemberGroups`, asked at the same time.

    It fails closed. Somebody of another tenant is unknown here: foreign, without groups, who may
    still hold a role by object id where the policy admits them; Graph is not asked, because an
    object id means nothing outside its tenant. An account that is not found counts as disabled. So
    does one without `accountEnabled`, and one without `userType` is a guest: Graph leaves out what
    the app may not read.

    Args:
        client: Sends the requests.
        tenant: The tenant whose directory this is.
        monotonic: Seconds of a clock that never goes back.
        most_kept: How many answers are remembered, the longest unused going first.
    """

    def __init__(
        self,
        *,
        client: GraphClient,
        tenant: str,
        monotonic: Callable[[], float],
        most_kept: int = MOST_KEPT,
    ) -> None:
        self._client = client
        self._tenant = tenant.casefold()
        self._monotonic = monotonic
        self._most_kept = most_kept
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._flights: Flights[Key, Person] = Flights()

    async def person(
        self, tenant: str, oid: str, groups: frozenset[str], *, is_fresh: bool
    ) -> Person:
        """Return the person; a fresh answer was asked for after this call began."""
        if tenant.casefold() != self._tenant:
            return Person(
                oid.lower(),
                tenant.casefold(),
                "",
                is_guest=True,
                is_enabled=True,
                groups=frozenset(),
                is_foreign=True,
            )
        key = (oid.lower(), groups)
        if is_fresh:
            return await self._ask(tenant, key, FRESH_BUDGET_S)
        known = self._known.get(key)
        if known is not None and self._monotonic() - known.asked_at < KEPT_S:
            self._known.move_to_end(key)
            return known.person
        return await self._flights.join(key, lambda: self._ask(tenant, key, CACHED_BUDGET_S))

    async def absent(self, groups: Collection[str]) -> frozenset[str]:
        """Return which of the groups the directory does not have; for an examination, not cached.

        Raises:
            DirectoryUnavailable: Graph could not be asked.
        """
        found = set()
        try:
            for group in groups:
                url = self._url(f"groups/{quote(group, safe='')}?$select=id")
                call = Call("GET", url, Repeat.SAFE, CACHED_BUDGET_S)
                if await self._request(call) is None:
                    found.add(group)
        except GraphError as error:
            raise DirectoryUnavailable(error.fault) from error
        return frozenset(found)

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._flights.aclose()

    async def _ask(self, tenant: str, key: Key, budget_s: float) -> Person:
        asked_at = self._monotonic()
        user, groups = await self._fetch(quote(key[0], safe=""), key[1], budget_s)
        name = user.get("displayName")
        kind = user.get("userType")
        person = Person(
            key[0],
            tenant,
            name if isinstance(name, str) else "",
            is_guest=not (isinstance(kind, str) and kind.casefold() == "member"),
            is_enabled=user.get("accountEnabled") is True,
            groups=groups,
        )
        self._keep(key, _Known(person, asked_at))
        return person

    def _keep(self, key: Key, known: _Known) -> None:
        held = self._known.get(key)
        # A slow answer must not replace what was asked for after it.
        if held is not None and held.asked_at > known.asked_at:
            return
        self._known[key] = known
        self._known.move_to_end(key)
        if len(self._known) > self._most_kept:
            self._known.popitem(last=False)

    async def _fetch(
        self, oid: str, groups: frozenset[str], budget_s: float
    ) -> tuple[Mapping[str, JsonValue], frozenset[str]]:
        """Return the user's properties, none if there is no such user, and the groups held."""
        asked = sorted(groups)
        chunks = [asked[i : i + GROUPS_PER_CALL] for i in range(0, len(asked), GROUPS_PER_CALL)]
        try:
            async with asyncio.TaskGroup() as tasks:
                user = tasks.create_task(self._user(oid, budget_s))
                parts = [tasks.create_task(self._member(oid, c, budget_s)) for c in chunks]
        except ExceptionGroup as group:
            raise _unavailable(group) from group
        held = {name for part in parts for name in part.result()}
        return user.result(), groups & held

    async def _user(self, oid: str, budget_s: float) -> Mapping[str, JsonValue]:
        path = f"users/{oid}?$select=id,displayName,userType,accountEnabled"
        answer = await self._request(Call("GET", self._url(path), Repeat.SAFE, budget_s))
        return {} if answer is None else _object(answer)

    async def _member(self, oid: str, chunk: Sequence[str], budget_s: float) -> frozenset[str]:
        url = self._url(f"users/{oid}/checkMemberGroups")
        body: dict[str, JsonValue] = {"groupIds": [*chunk]}
        answer = await self._request(Call("POST", url, Repeat.SAFE, budget_s, body))
        if answer is None:
            return frozenset()
        held = _object(answer).get("value")
        if not isinstance(held, list):
            raise answer.unreadable("not a list of groups")
        return frozenset(group.lower() for group in held if isinstance(group, str))

    async def _request(self, call: Call) -> Answer | None:
        try:
            return await self._client.request(call)
        except GraphError as error:
            if error.fault.status == NOT_FOUND:
                return None
            raise

    def _url(self, path: str) -> str:
        return self._client.url("v1.0", path)


def _object(answer: Answer) -> Mapping[str, JsonValue]:
    body = answer.json()
    if not isinstance(body, dict):
        raise answer.unreadable("not an object")
    return body


def _unavailable(group: ExceptionGroup[Exception]) -> Exception:
    """Return the port's error for Graph's; anything else is a defect and stays what it is."""
    first = group.exceptions[0]
    return DirectoryUnavailable(first.fault) if isinstance(first, GraphError) else first
