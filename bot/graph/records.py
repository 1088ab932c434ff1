"""Graph's JSON read as records of a kind."""

from collections.abc import Mapping
from urllib.parse import quote

import structlog
from pydantic import JsonValue, ValidationError

from bot.domain.errors import GraphError, GraphFault
from bot.domain.resource import Effect, Record, ResourceKind, Verb
from bot.graph.wire import Answer

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def read_page(answer: Answer) -> tuple[list[JsonValue], str | None]:
    """Return the items of one page and the link to the next.

    Raises:
        GraphError: `unreadable`, this is no page.
    """
    body = answer.json()
    items = body.get("value") if isinstance(body, dict) else None
    link = body.get("@odata.nextLink") if isinstance(body, dict) else None
    if not isinstance(items, list) or not isinstance(link, str | None):
        raise answer.unreadable("not a page of records")
    return items, link or None


def read_record(kind: ResourceKind, item: JsonValue, answer: Answer) -> Record:
    """Return one record; it may stand bare, or below `value` as Graph's sample for get shows.

    A record that does not fit its model is an error and never skipped: a list that silently lacks
    a connector would be believed.

    Raises:
        GraphError: `unreadable`, the item does not fit the kind.
    """
    if isinstance(item, dict) and "id" not in item and isinstance(item.get("value"), dict):
        item = item["value"]
    try:
        return kind.record.model_validate(item)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "record"
        raise answer.unreadable(f"{kind.name}: {place} does not fit") from error


def written_record(kind: ResourceKind, answer: Answer) -> Record | None:
    """Return the record in the answer to a write, or None: a bad body does not undo the write."""
    if not answer.body:
        return None
    try:
        return read_record(kind, answer.json(), answer)
    except GraphError as error:
        log.warning(
            "graph body ignored",
            kind=kind.name,
            why=error.fault.message,
            request_id=answer.request_id,
        )
        return None


def body_of(
    kind: ResourceKind, verb: Verb, body: Mapping[str, JsonValue] | None
) -> Mapping[str, JsonValue] | None:
    """Return the body as Graph wants it: a record says of what type it is."""
    if body is None or verb.effect not in {Effect.CREATE, Effect.UPDATE}:
        return body
    return {"@odata.type": kind.odata_type, **body}


def path_of(kind: ResourceKind, suffix: str, record_id: str | None) -> str:
    """Return the path below the version, the id as exactly one segment whatever is in it.

    Raises:
        GraphError: `bad-id`, the id is missing or would be read as a step in the path.
    """
    if "{id}" not in suffix:
        return f"{kind.path}{suffix}"
    if record_id is None or record_id in {"", ".", ".."}:
        raise GraphError(GraphFault(0, "bad-id", "this is no id of a record"))
    return f"{kind.path}{suffix.replace('{id}', quote(record_id, safe=''))}"
