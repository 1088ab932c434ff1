"""The Bot Connector: takes the bot's messages and keeps them, edits and deletions included."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aiohttp import web

from bot.sandbox.identity import Identity
from bot.sandbox.journal import JsonObject, LoggedRequest
from bot.sandbox.limits import Limits
from bot.sandbox.wire import Answer, Desk, NewId, Now, RefusedError

PREFIX = "/amer"
CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the bot.

    `activity` is what was first posted, `edits` each replacement since, oldest first.
    `conversation` is the id as the bot wrote it, `;messageid=…` of a thread included.
    """

    id: str
    conversation: str
    activity: JsonObject
    edits: tuple[JsonObject, ...] = ()
    deleted: bool = False
    reply_to: str | None = None
    is_targeted: bool = False

    @property
    def current(self) -> JsonObject:
        """What people see now."""
        return self.edits[-1] if self.edits else self.activity

    @property
    def text(self) -> str:
        """The text people see now, empty beside a card."""
        return str(self.current.get("text") or "")

    @property
    def card(self) -> JsonObject | None:
        """The first Adaptive Card people see now."""
        for attachment in self.current.get("attachments") or []:
            if attachment.get("contentType") == CARD:
                content: JsonObject = attachment["content"]
                return content
        return None


class Connector:
    """Conversations as the bot has written them.

    `refuses_text_beside_card`: refuse an activity with both, which Teams would split in two
    without telling an id. `limits.is_on`: hold the bot to Teams' limits. The number of TCP
    connections is `len(connections)`.
    """

    def __init__(
        self, *, identity: Identity, now: Now, new_id: NewId, new_message_id: NewId
    ) -> None:
        self.desk = Desk(now=now, new_id=new_id, explain=_explain)
        self.faults = self.desk.faults
        self.connections = self.desk.journal.connections
        self.refuses_text_beside_card = False
        self.limits = Limits(now=now)
        self._identity = identity
        self._new_id = new_id
        self._new_message_id = new_message_id
        self.members: list[JsonObject] = []
        self._messages: dict[tuple[str, str], Message] = {}
        self._personal: dict[str, str] = {}

    @property
    def log(self) -> list[LoggedRequest]:
        """The requests so far, oldest first, refused ones included."""
        return self.desk.journal.entries

    def messages(self, conversation: str | None = None) -> list[Message]:
        """Return the messages in order of posting, of one conversation or of all.

        The id of a channel stands for all its threads.
        """
        return [
            message
            for message in self._messages.values()
            if conversation in {None, message.conversation, _base(message.conversation)}
        ]

    @property
    def chats(self) -> dict[str, str]:
        """The personal chats by whose they are."""
        return dict(self._personal)

    def restore(self, messages: list[Message], chats: dict[str, str]) -> None:
        """Hold the messages and personal chats of another time as well."""
        for message in messages:
            self._keep(message)
        self._personal.update(chats)

    def find(self, message_id: str) -> Message | None:
        """Return one message by its id; None when there is none, or it was deleted."""
        found = (m for m in self._messages.values() if m.id == message_id and not m.deleted)
        return next(found, None)

    def owner(self, conversation: str) -> str | None:
        """Return whose personal chat that is, by Teams' id; None for other conversations."""
        return next((who for who, chat in self._personal.items() if chat == conversation), None)

    async def wait_for(
        self, predicate: Callable[[Message], object], *, within_s: float = 5.0
    ) -> Message:
        """Return the first message for which `predicate` holds, now or after a post or edit."""
        return await self.desk.journal.wait_for(
            lambda: next(filter(predicate, self.messages()), None),
            within_s=within_s,
            wanted=lambda: f"The bot said {[message.current for message in self.messages()]}.",
        )

    def routes(self) -> list[web.RouteDef]:
        """Return what this part serves."""
        root = f"{PREFIX}/v3/conversations"
        one = root + "/{conversation}/activities/{activity}"
        return [
            web.post(root, self._serve(self._create)),
            web.post(root + "/{conversation}/activities", self._serve(self._post)),
            web.post(one, self._serve(self._post)),
            web.put(one, self._serve(self._edit)),
            web.delete(one, self._serve(self._delete)),
            web.get(root + "/{conversation}/pagedmembers", self._serve(self._members)),
        ]

    def _serve(
        self, effect: Callable[[web.Request, LoggedRequest], Answer]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            entry = await self.desk.receive(request, path=request.path.removeprefix(PREFIX))
            if not self._identity.accepts(request.headers.get("Authorization"), "bot"):
                message = "Authorization has been denied for this request."
                return await self.desk.refuse(
                    request, entry, RefusedError(401, "Unauthorized", message)
                )
            return await self.desk.answer(request, entry, lambda: admitted(request, entry))

        def admitted(request: web.Request, entry: LoggedRequest) -> Answer:
            self.limits.admit(request.match_info.get("conversation"))
            return effect(request, entry)

        return serve

    def _post(self, request: web.Request, entry: LoggedRequest) -> Answer:
        self._check(entry.body)
        is_targeted = entry.query.get("isTargetedActivity") == "true"
        if is_targeted and not (entry.body.get("recipient") or {}).get("id"):
            raise RefusedError(400, "BadArgument", "A targeted message needs a recipient.")
        message = Message(
            id=self._new_message_id(),
            conversation=request.match_info["conversation"],
            activity=entry.body,
            reply_to=request.match_info.get("activity"),
            is_targeted=is_targeted,
        )
        self._keep(message)
        return Answer(201, {"id": message.id})

    def _edit(self, request: web.Request, entry: LoggedRequest) -> Answer:
        message = self._find(request)
        self._check(entry.body)
        self._keep(replace(message, edits=(*message.edits, entry.body)))
        return Answer(200, {"id": message.id})

    def _delete(self, request: web.Request, _entry: LoggedRequest) -> Answer:
        self._keep(replace(self._find(request), deleted=True))
        return Answer(200)

    def _members(self, _request: web.Request, _entry: LoggedRequest) -> Answer:
        return Answer(200, {"members": list(self.members)})

    def _create(self, _request: web.Request, entry: LoggedRequest) -> Answer:
        body = entry.body
        channel = ((body.get("channelData") or {}).get("channel") or {}).get("id")
        members = body.get("members") or []
        if not channel and len(members) != 1:
            raise RefusedError(400, "BadSyntax", "Name a channel, or one member.")
        activity: JsonObject | None = body.get("activity")
        if activity is not None:
            self._check(activity)
        elif channel:
            raise RefusedError(400, "BadSyntax", "A new thread needs its first activity.")
        message_id = self._new_message_id()
        conversation = (
            f"{channel};messageid={message_id}" if channel else self.chat_with(members[0]["id"])
        )
        if activity is None:
            return Answer(201, {"id": conversation})
        self._keep(Message(message_id, conversation, activity))
        return Answer(201, {"id": conversation, "activityId": message_id})

    def chat_with(self, member: str) -> str:
        """Return the id of the bot's personal chat with somebody, by Teams' id; new if need be."""
        return self._personal.setdefault(member, f"a:{self._new_id()}")

    def _check(self, activity: JsonObject) -> None:
        if "type" not in activity:
            raise RefusedError(400, "BadSyntax", "An activity needs a type.")
        has_both = activity.get("text") and activity.get("attachments")
        if has_both and self.refuses_text_beside_card:
            raise RefusedError(400, "BadSyntax", "Send text and attachments apart.")

    def _keep(self, message: Message) -> None:
        if message.activity["type"] == "message":
            self._messages[_base(message.conversation), message.id] = message

    def _find(self, request: web.Request) -> Message:
        key = (_base(request.match_info["conversation"]), request.match_info["activity"])
        message = self._messages.get(key)
        if message is None or message.deleted:
            raise RefusedError(404, "ActivityNotFoundInConversation", "No such activity.")
        return message


def _base(conversation: str) -> str:
    """Return the channel of a thread; Teams finds an activity by either id."""
    return conversation.partition(";")[0]


def _explain(_request: LoggedRequest, code: str, message: str) -> JsonObject:
    return {"error": {"code": code, "message": message}}
