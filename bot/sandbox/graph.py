"""Microsoft Graph: collections of records, their actions, and a little of the directory."""

from collections.abc import Callable
from datetime import UTC

from aiohttp import web
from yarl import URL

from bot.sandbox.collection import Collection, Table, unknown_segment
from bot.sandbox.directory import Directory
from bot.sandbox.identity import Identity
from bot.sandbox.journal import JsonObject, LoggedRequest
from bot.sandbox.wire import Answer, Desk, NewId, Now, RefusedError

PREFIX = "/graph"
GraphRequest = LoggedRequest


class Graph:
    """Answers as Graph does, `v1.0` and `beta` alike, to holders of a token for it.

    Where documents and service differ, a switch chooses: `wraps_single` answers a GET of one
    record as `{"value": {…}}`, `updates_silently` a PATCH with 204, `accepts_ref` serves
    POST `{collection}/$ref`. `page_size` is the most records in one page.
    """

    def __init__(
        self, *, identity: Identity, directory: Directory, now: Now, new_id: NewId
    ) -> None:
        self.desk = Desk(now=now, new_id=new_id, explain=_envelope)
        self.faults = self.desk.faults
        self.wraps_single = False
        self.updates_silently = False
        self.accepts_ref = True
        self.page_size = 100
        self._identity = identity
        self._directory = directory
        self._now = now
        self._new_id = new_id
        self._tables: dict[str, Table] = {}

    @property
    def log(self) -> list[GraphRequest]:
        """The requests so far, oldest first, refused ones included."""
        return self.desk.journal.entries

    def requests(self, method: str | None = None, *, under: str = "") -> list[str]:
        """Return the paths requested so far, of one method, below one path."""
        return [
            entry.path
            for entry in self.log
            if method in {None, entry.method} and entry.path.startswith(under)
        ]

    async def wait_for(
        self, predicate: Callable[[GraphRequest], bool], *, within_s: float = 5.0
    ) -> GraphRequest:
        """Return the first request for which `predicate` holds, now or as soon as it comes.

        Looks again when a request is carried out and when it is answered.
        """
        return await self.desk.journal.wait_for(
            lambda: next(filter(predicate, self.log), None),
            within_s=within_s,
            wanted=lambda: f"Graph saw {[(entry.method, entry.path) for entry in self.log]}.",
        )

    def declare(self, collection: Collection) -> Table:
        """Serve a collection, empty at first."""
        table = Table(collection, now=self._now, new_id=self._new_id)
        self._tables[collection.path] = table
        return table

    def table(self, path: str) -> Table:
        """Return the records of a collection."""
        return self._tables[path]

    def routes(self) -> list[web.RouteDef]:
        """Return what this part serves."""
        return [web.route("*", PREFIX + "/{version}/{tail:.*}", self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        version, _, path = request.rel_url.raw_path.removeprefix(f"{PREFIX}/").partition("/")
        entry = await self.desk.receive(request, path=f"/{path}", version=version)
        if not self._identity.accepts(request.headers.get("Authorization"), "graph"):
            message = "Access token validation failure. Invalid audience."
            refusal = RefusedError(401, "InvalidAuthenticationToken", message)
            return await self.desk.refuse(request, entry, refusal)
        root = URL(f"{request.url.origin()}{PREFIX}/{version}")
        return await self.desk.answer(request, entry, lambda: self._act(entry, root))

    def _act(self, entry: GraphRequest, root: URL) -> Answer:
        if entry.version not in {"v1.0", "beta"}:
            message = f"Invalid version: {entry.version}"
            raise RefusedError(404, "ResourceNotFound", message)
        segments = [URL.build(path=part, encoded=True).path for part in entry.path[1:].split("/")]
        match entry.method, segments:
            case "GET", ["organization"]:
                return Answer(200, self._directory.organization())
            case "GET", ["users", oid]:
                return Answer(200, _select(entry, self._directory.user(oid)))
            case "POST", ["users", oid, "checkMemberGroups"]:
                return Answer(200, self._directory.check_member_groups(oid, entry.body))
            case "GET", ["groups", group]:
                return Answer(200, _select(entry, self._directory.group(group)))
            case _:
                return self._collections(entry, segments, root)

    def _collections(self, entry: GraphRequest, segments: list[str], root: URL) -> Answer:
        for table in self._tables.values():
            own = table.collection.segments
            if segments[: len(own)] == own and entry.version in table.collection.versions:
                return self._records(table, entry, segments[len(own) :], root)
        raise unknown_segment(segments[0])

    def _records(self, table: Table, entry: GraphRequest, rest: list[str], root: URL) -> Answer:
        match entry.method, rest:
            case "GET", []:
                return self._page(table, entry, root)
            case "GET", [record]:
                found = _select(entry, table.get(record))
                return Answer(200, {"value": found} if self.wraps_single else found)
            case "POST", []:
                return Answer(201, table.create(entry.body))
            case "POST", ["$ref"]:
                if not self.accepts_ref:
                    raise RefusedError(404, "ResourceNotFound", "Resource '$ref' does not exist.")
                return Answer(201, table.create(entry.body))
            case "PATCH", [record]:
                changed = table.change(record, entry.body)
                return Answer(204) if self.updates_silently else Answer(200, changed)
            case "DELETE", [record]:
                table.remove(record)
                return Answer(204)
            case "POST", [record, action]:
                result = table.act(record, action, entry.body)
                return Answer(204) if result is None else Answer(200, result)
            case _:
                message = f"{entry.method} is not allowed on '{entry.path}'."
                raise RefusedError(405, "Request_BadRequest", message)

    def _page(self, table: Table, entry: GraphRequest, root: URL) -> Answer:
        records = list(table.records.values())
        start = _number(entry, "$skiptoken", 0)
        end = start + min(_number(entry, "$top", self.page_size), self.page_size)
        path = table.collection.path
        body: JsonObject = {
            "@odata.context": f"{root}/$metadata#{path}",
            "value": [_select(entry, record) for record in records[start:end]],
        }
        if end < len(records):
            query = {**entry.query, "$skiptoken": str(end)}
            body["@odata.nextLink"] = str((root / path).with_query(query))
        return Answer(200, body)


def _number(entry: GraphRequest, name: str, default: int) -> int:
    text = entry.query.get(name, str(default))
    if not text.isdecimal():
        raise RefusedError(400, "BadRequest", f"Invalid value '{text}' for '{name}'.")
    return int(text)


def _select(entry: GraphRequest, record: JsonObject) -> JsonObject:
    if "$select" not in entry.query:
        return record
    wanted = {"@odata.type", *entry.query["$select"].split(",")}
    return {name: value for name, value in record.items() if name in wanted}


def _envelope(request: LoggedRequest, code: str, message: str) -> JsonObject:
    inner = {
        "date": f"{request.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "request-id": request.id,
        "client-request-id": request.headers.get("client-request-id", request.id),
    }
    return {"error": {"code": code, "message": message, "innerError": inner}}
