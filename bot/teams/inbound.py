"""What an admitted activity asks of the bot: Activity -> Request, without any effect."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue, TypeAdapter

from bot.domain.operation import Actor
from bot.service.ports import Reference, Request
from bot.teams.activity import INVOKE, MESSAGE
from bot.teams.guard import Admitted
from bot.teams.mentions import strip_mention

CARD_ACTION = "adaptiveCard/action"
EXECUTE = "Action.Execute"
_MAPPING: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
_MENTIONS: TypeAdapter[list[JsonValue]] = TypeAdapter(list[JsonValue])


@dataclass(frozen=True, slots=True)
class Malformed:
    """An invoke that is none of the documented shapes; `message` is for the sender."""

    message: str


def reference_of(admitted: Admitted) -> Reference:
    """Return where the activity came from, as an address for answers."""
    payload = admitted.payload
    return Reference(
        tenant=admitted.tenant,
        service_url=payload.service_url,
        conversation=payload.conversation.id,
        kind=payload.conversation.conversation_type or "channel",
        reply_to=payload.reply_to_id if payload.type == INVOKE else payload.id,
    )


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
    elif payload.type == INVOKE and payload.name == CARD_ACTION:
        pressed = _pressed(payload.value)
        if isinstance(pressed, Malformed):
            return pressed
        submission = pressed
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
