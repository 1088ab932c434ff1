"""The inbound activity: every field that the bot uses, checked once, and no field that it does not.

Wire names are the Bot Framework's own. Unknown fields fall away, wrong types are refused, so what
comes out of here can be read, and handed to the SDK, without another look.
"""

from datetime import UTC, datetime
from re import compile as pattern
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MESSAGE = "message"
INVOKE = "invoke"
SEARCH = "application/search"
# people cause these; the others may come from Teams itself and name nobody
PERSONAL_TYPES = frozenset({MESSAGE, INVOKE})

_GUID = pattern(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def guid(value: str | None) -> str | None:
    """Return an Entra id in lower case, None for whatever is not one."""
    if value is None or not _GUID.fullmatch(value.lower()):
        return None
    return value.lower()


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("control characters")
    return value


def _moment(value: object) -> object:
    """Parse the ISO times of the wire; a time without an offset is UTC, as the protocol has it."""
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Id = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_printable)]
Word = Annotated[str, Field(max_length=256), AfterValidator(_printable)]
Moment = Annotated[datetime, BeforeValidator(_moment)]


class Part(BaseModel):
    """What all parts of an activity have in common: frozen, no coercion, unknown fields dropped."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Named(Part):
    """Something with an id: a tenant, a team, a channel."""

    id: Id
    name: str | None = None


class Account(Part):
    """A person or a bot. Only `aad_object_id` identifies; the name is for show."""

    id: Id
    name: str | None = None
    aad_object_id: Word | None = Field(default=None, alias="aadObjectId")
    role: Word | None = None
    is_targeted: bool | None = Field(default=None, alias="isTargeted")


class Conversation(Part):
    """Where it was said; the id of a channel thread carries `;messageid=<root>`."""

    id: Id
    name: str | None = None
    tenant_id: Word | None = Field(default=None, alias="tenantId")
    conversation_type: Word | None = Field(default=None, alias="conversationType")
    is_group: bool | None = Field(default=None, alias="isGroup")


class ChannelData(Part):
    """Teams' own additions."""

    tenant: Named | None = None
    event_type: Word | None = Field(default=None, alias="eventType")
    team: Named | None = None
    channel: Named | None = None


class Inbound(Part):
    """One activity as Teams sent it. `value` and `entities` are still what the sender made them.

    `deliveryMode` is not among the fields: the bot always answers through the connector.
    """

    type: Annotated[Word, Field(min_length=1)]
    id: Id | None = None
    name: Word | None = None
    action: Word | None = None
    channel_id: Word | None = Field(default=None, alias="channelId")
    service_url: Id = Field(alias="serviceUrl")
    sender: Account | None = Field(default=None, alias="from")
    recipient: Account
    conversation: Conversation
    channel_data: ChannelData | None = Field(default=None, alias="channelData")
    members_added: list[Account] | None = Field(default=None, alias="membersAdded")
    members_removed: list[Account] | None = Field(default=None, alias="membersRemoved")
    reply_to_id: Id | None = Field(default=None, alias="replyToId")
    timestamp: Moment | None = None
    locale: Word | None = None
    text: str | None = None
    text_format: Word | None = Field(default=None, alias="textFormat")
    value: object = None
    entities: list[dict[str, object]] | None = None

    @property
    def is_personal(self) -> bool:
        """Whether a person said or pressed something, so that somebody awaits an answer."""
        return self.type in PERSONAL_TYPES

    @property
    def is_automatic(self) -> bool:
        """Whether Teams sent it by itself: a card came into view, or somebody is typing a name."""
        value = self.value if isinstance(self.value, dict) else {}
        return self.name == SEARCH or value.get("trigger") == "automatic"

    def as_json(self) -> dict[str, object]:
        """Return the activity under its wire names, with nothing in it that was not checked."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
