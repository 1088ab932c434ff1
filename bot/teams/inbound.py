"""What an admitted activity asks of the bot: Activity -> Request, without any effect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue, TypeAdapter

from bot.domain.operation import Actor
from bot.service.forms import CHOICES, Search
from bot.service.intent import OPEN_VERB
from bot.service.ports import Reference, Request
from bot.teams.activity import INVOKE, MESSAGE, SEARCH, Inbound
from bot.teams.guard import Admitted
from bot.teams.invokes import CARD_ACTION, TASK_FETCH, TASK_SUBMIT
from bot.teams.mentions import strip_mention

EXECUTE = "Action.Execute"
INVOKES = frozenset({CARD_ACTION, TASK_FETCH, TASK_SUBMIT, SEARCH})
NAME_LIMIT = 256
_MAPPING: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
_MENTIONS: TypeAdapter[list[JsonValue]] = TypeAdapter(list[JsonValue])


@dataclass(frozen=True, slots=True)
class Malformed:
    """An invoke that is none of the documented shapes; `message` is for the sender."""

    message: str


def reference_of(admitted: Admitted) -> Reference:
    """Return where the activity came from, as an address for answers."""
    payload = admitted.payload
    data = payload.channel_data
    return Reference(
        tenant=admitted.tenant,
        service_url=payload.service_url,
        conversation=payload.conversation.id,
        kind=payload.conversation.conversation_type or "channel",
        reply_to=payload.reply_to_id if payload.type == INVOKE else payload.id,
        team=data.team.id if data and data.team else None,
        name=_name_of(payload),
    )


def _name_of(payload: Inbound) -> str | None:
    """Return what people call the conversation, where the activity says so."""
    channel = payload.channel_data.channel if payload.channel_data else None
    if channel and channel.name and channel.id == payload.conversation.id.partition(";")[0]:
        return channel.name[:NAME_LIMIT]
    name = payload.conversation.name
    return name[:NAME_LIMIT] if name else None


def visit_of(admitted: Admitted) -> Request | None:
    """Return whoever caused an activity that asks nothing, None where nobody is named."""
    sender = admitted.payload.sender
    if admitted.person is None:
        return None
    name = (sender.name if sender else None) or ""
    actor = Actor(admitted.tenant, admitted.person, name)
    return Request(actor, reference_of(admitted), admitted.payload.id or "")


def private(asked: Request, payload: Inbound) -> Request:
    """Return what was asked where only one person sees it, so that only they see the answer."""
    if not payload.recipient.is_targeted or payload.sender is None:
        return asked
    return replace(asked, reference=replace(asked.reference, private_to=payload.sender.id))


def request_of(admitted: Admitted) -> Request | Malformed | None:
    """Return what the activity asks for; None for activities that ask nothing, such as edits."""
    payload = admitted.payload
    if admitted.person is None or payload.id is None:
        return None
    submission: Mapping[str, JsonValue] | None
    if payload.type == MESSAGE:
        submission = _mapping(payload.value) if payload.value is not None else None
        if submission is None and payload.value is not None:
            submission = {}
    elif payload.type == INVOKE and payload.name in INVOKES:
        sent = _sent(payload.name, payload.value)
        if isinstance(sent, Malformed):
            return sent
        submission = sent
    else:
        return None
    sender = payload.sender
    return Request(
        actor=Actor(admitted.tenant, admitted.person, (sender.name if sender else None) or ""),
        reference=reference_of(admitted),
        activity=payload.id,
        text=strip_mention(
            payload.text or "",
            _MENTIONS.validate_python(payload.entities or []),
            payload.recipient.id,
        ),
        submission=submission,
        is_throttled=admitted.throttled,
        is_in_card=payload.type == INVOKE,
    )


def _sent(name: str, value: object) -> Mapping[str, JsonValue] | Malformed:
    """Return what a card, a dialog or a field of a form sends along."""
    if name == CARD_ACTION:
        return _pressed(value)
    if name == SEARCH:
        return {}
    data = _mapping((_mapping(value) or {}).get("data"))
    if data is None:
        return Malformed("The invoke has no data.")
    return {**data, "verb": OPEN_VERB} if name == TASK_FETCH else data


def search_of(value: object) -> Search | Malformed:
    """Return what an `application/search` looks for."""
    asked = _mapping(value)
    if asked is None:
        return Malformed("The invoke has no query.")
    dataset, text = asked.get("dataset"), asked.get("queryText", "")
    if not isinstance(dataset, str) or not isinstance(text, str):
        return Malformed("A search has a dataset and a text.")
    options = _mapping(asked.get("queryOptions")) or {}
    skip, top = options.get("skip"), options.get("top")
    return Search(
        dataset,
        text[:NAME_LIMIT],
        skip if isinstance(skip, int) and skip > 0 else 0,
        min(top, CHOICES) if isinstance(top, int) and top > 0 else CHOICES,
    )


def _pressed(value: object) -> Mapping[str, JsonValue] | Malformed:
    action = (_mapping(value) or {}).get("action")
    if not isinstance(action, dict):
        return Malformed("The invoke has no action.")
    if action.get("type") != EXECUTE:
        return Malformed("Only Action.Execute is supported here.")
    data = _mapping(action.get("data")) or {}
    verb = action.get("verb")
    return {**data, "verb": verb} if isinstance(verb, str) else data


def _mapping(value: object) -> dict[str, JsonValue] | None:
    return _MAPPING.validate_python(value) if isinstance(value, dict) else None
