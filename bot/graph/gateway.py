"""Every kind of resource behind one port: a kind's declaration is all that is known of it."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from bot.domain.errors import ConfigError, GraphError, GraphFault
from bot.domain.resource import Effect, Record, ResourceKind, Verb
from bot.graph.client import GraphClient
from bot.graph.organization import Organization
from bot.graph.records import body_of, path_of, read_page, read_record, written_record
from bot.graph.wire import Call, Repeat
from bot.service.ports import Page, Receipt

VERSIONS = ("v1.0", "beta")
MOST_PAGES = 200
MOST_RECORDS = 20_000
# Connecting and reading, once in full; a list may take three such requests.
REQUEST_BUDGET_S = 35.0
LIST_BUDGET_S = 105.0
NOT_FOUND = 404


class GraphGateway:
    """Graph as the use cases see it; honours `ports.Resources`.

    Args:
        client: Sends the requests.
        version: `v1.0` or `beta`.
        uses_ref: Verbs that declare a `ref_path` are sent there.
        monotonic: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        *,
        client: GraphClient,
        version: str,
        uses_ref: bool,
        monotonic: Callable[[], float],
    ) -> None:
        if version not in VERSIONS:
            raise ConfigError("BOT_GRAPH_VERSION", f"It must be one of {', '.join(VERSIONS)}.")
        self._client = client
        self._version = version
        self._uses_ref = uses_ref
        self._monotonic = monotonic
        self._organization = Organization(client=client, monotonic=monotonic)

    async def list(self, kind: ResourceKind, *, patience_s: float | None = None) -> Page:
        """Return every record once, following next links unchanged: they are opaque."""
        request_budget_s = patience_s or REQUEST_BUDGET_S
        deadline = self._monotonic() + LIST_BUDGET_S
        found: dict[str, Record] = {}
        followed: set[str] = set()
        link: str | None = self._url(kind, "", None)
        while link is not None:
            if len(followed) == MOST_PAGES:
                return Page(tuple(found.values()), is_cut=True)
            followed.add(link)
            budget = min(request_budget_s, deadline - self._monotonic())
            answer = await self._client.request(Call("GET", link, Repeat.SAFE, budget))
            items, link = read_page(answer)
            for item in items:
                record = read_record(kind, item, answer)
                if len(found) == MOST_RECORDS and record.id not in found:
                    return Page(tuple(found.values()), is_cut=True)
                found[record.id] = record
            if link in followed:
                raise answer.rejected("next-link-loop", "the list has no end")
        return Page(tuple(found.values()))

    async def get(
        self, kind: ResourceKind, record_id: str, *, patience_s: float | None = None
    ) -> Record | None:
        """Return one record, or None when Graph says 404."""
        url = self._url(kind, "/{id}", record_id)
        call = Call("GET", url, Repeat.SAFE, patience_s or REQUEST_BUDGET_S)
        try:
            answer = await self._client.request(call)
        except GraphError as error:
            if error.fault.status == NOT_FOUND:
                return None
            raise
        return read_record(kind, answer.json(), answer)

    async def write(
        self,
        kind: ResourceKind,
        verb: Verb,
        *,
        record_id: str | None,
        body: Mapping[str, JsonValue] | None,
        client_request_id: str,
    ) -> Receipt:
        """Carry out one write verb, once.

        Any 2xx counts, declared or not: the request was carried out, and the read-back tells the
        rest. A record already gone is what a delete is for.
        """
        ref_path = verb.ref_path if self._uses_ref else None
        suffix = verb.path if ref_path is None else ref_path
        call = Call(
            verb.method,
            self._url(kind, suffix, record_id),
            Repeat.WRITE if verb.method in {"PATCH", "DELETE"} else Repeat.ONCE,
            REQUEST_BUDGET_S,
            body_of(kind, verb, body),
            client_request_id,
        )
        try:
            answer = await self._client.request(call)
        except GraphError as error:
            if verb.effect is Effect.DELETE and error.fault.status == NOT_FOUND:
                return Receipt(error.fault.request_id, was_gone=True)
            raise
        return Receipt(answer.request_id, written_record(kind, answer))

    async def organization(self) -> str | None:
        """Return the tenant's display name, or None; never waits longer than 3 seconds."""
        return await self._organization.name()

    async def aclose(self) -> None:
        """Stop what runs in the background."""
        await self._organization.aclose()

    def _url(self, kind: ResourceKind, suffix: str, record_id: str | None) -> str:
        if self._version not in kind.versions:
            message = f"{kind.name} is served by {', '.join(sorted(kind.versions))}"
            raise GraphError(GraphFault(0, "wrong-version", message))
        return self._client.url(self._version, path_of(kind, suffix, record_id))
