"""The activities that Teams sends when people write, press and install.

Shapes as in Teams' documentation of conversation messages, mentions, universal actions and
installation events.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Literal

from bot.sandbox.journal import JsonObject
from bot.sandbox.wire import NewId, Now


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Teams: `oid` is the Entra object id, `mri` Teams' own (`29:…`)."""

    name: str
    oid: str
    mri: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A place to talk: `id` is `19:…@thread.tacv2`, `19:…@thread.v2` or `a:…`; `team` a channel's."""

    id: str
    kind: Literal["team", "groupChat", "personal"] = "team"
    team: str = "19:team0000000000000000000000000000@thread.tacv2"

    @property
    def conversation_type(self) -> str:
        """The kind in the words of an activity."""
        return "channel" if self.kind == "team" else self.kind

    def thread(self, root: str | None) -> str:
        """Return the conversation id of the thread under `root`; chats are flat."""
        return f"{self.id};messageid={root}" if self.kind == "team" and root else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Teams:
    """Writes activities to one bot; each method returns the JSON to post to it."""

    app_id: str
    bot_name: str
    service_url: str
    now: Now
    new_id: NewId
    new_message_id: NewId

    def message(
        self,
        person: Person,
        channel: Channel,
        text: str,
        *,
        mention: bool = True,
        thread_root: str | None = None,
    ) -> JsonObject:
        """Return what arrives when a person writes `text`, to the bot by mention or not.

        Without `thread_root` the message is the root of a new thread.
        """
        activity_id = self.new_message_id()
        activity = self._activity(person, channel, "message", thread_root or activity_id)
        tag = f"<at>{escape(self.bot_name)}</at>"
        bot = activity["recipient"]
        if mention:
            mentioned = {"type": "mention", "mentioned": bot, "text": tag}
            activity["entities"].insert(0, mentioned)
        return activity | {
            "id": activity_id,
            "text": f"{tag} {text}" if mention else text,
            "textFormat": "plain",
            "attachments": [self._html(text, mention=mention)],
        }

    def edited(self, original: JsonObject, text: str) -> JsonObject:
        """Return what arrives when a person changes a message to `text`, its mention kept."""
        tags = [entity["text"] for entity in original["entities"] if entity["type"] == "mention"]
        return original | {
            "type": "messageUpdate",
            "timestamp": _stamp(self.now()),
            "text": " ".join([*tags, text]),
            "attachments": [self._html(text, mention=bool(tags))],
            "channelData": original["channelData"] | {"eventType": "editMessage"},
        }

    def press(
        self,
        person: Person,
        channel: Channel,
        reply_to: str,
        action_data: JsonObject,
        verb: str,
        *,
        thread_root: str | None = None,
    ) -> JsonObject:
        """Return the invoke for an `Action.Execute` on the card with activity id `reply_to`.

        `action_data` is the action's own data and the inputs, merged. Without `thread_root` the
        card is the root of its thread.
        """
        action = {"type": "Action.Execute", "id": verb, "verb": verb, "data": action_data}
        return self._invoke(person, channel, "adaptiveCard/action", thread_root or reply_to) | {
            "replyToId": reply_to,
            "value": {"action": action, "trigger": "manual"},
        }

    def private(self, message: JsonObject) -> JsonObject:
        """Return a message as the / menu sends it: nobody else in the conversation sees it."""
        return message | {"recipient": message["recipient"] | {"isTargeted": True}}

    def unasked(self, pressed: JsonObject) -> JsonObject:
        """Return a press as a client sends it by itself, to refresh the card for its person."""
        return pressed | {"value": pressed["value"] | {"trigger": "automatic"}}

    def task_fetch(
        self,
        person: Person,
        channel: Channel,
        reply_to: str,
        data: JsonObject,
        *,
        thread_root: str | None = None,
    ) -> JsonObject:
        """Return the invoke for an `Action.Submit` that opens a dialog; `data` is the action's."""
        return self._task("task/fetch", person, channel, (reply_to, thread_root), data)

    def task_submit(
        self,
        person: Person,
        channel: Channel,
        reply_to: str,
        data: JsonObject,
        *,
        thread_root: str | None = None,
    ) -> JsonObject:
        """Return the invoke for an `Action.Submit` inside a dialog: its data and its inputs."""
        return self._task("task/submit", person, channel, (reply_to, thread_root), data)

    def _task(
        self,
        name: str,
        person: Person,
        channel: Channel,
        card: tuple[str, str | None],
        data: JsonObject,
    ) -> JsonObject:
        reply_to, root = card
        return self._invoke(person, channel, name, root or reply_to) | {
            "replyToId": reply_to,
            "value": {"data": data, "context": {"theme": "default"}},
        }

    def search(
        self,
        person: Person,
        channel: Channel,
        dataset: str,
        text: str,
        *,
        skip: int = 0,
        top: int = 15,
    ) -> JsonObject:
        """Return the invoke of a choice set that looks for `text` while somebody types."""
        return self._invoke(person, channel, "application/search", None) | {
            "value": {
                "queryText": text,
                "queryOptions": {"skip": skip, "top": top},
                "dataset": dataset,
            },
        }

    def _invoke(self, person: Person, channel: Channel, name: str, root: str | None) -> JsonObject:
        activity = self._activity(person, channel, "invoke", root)
        return activity | {"id": f"f:{self.new_id()}", "name": name}

    def submit(
        self,
        person: Person,
        channel: Channel,
        reply_to: str,
        value: JsonObject,
        *,
        thread_root: str | None = None,
    ) -> JsonObject:
        """Return the message for an `Action.Submit`: a value and no text."""
        activity = self._activity(person, channel, "message", thread_root or reply_to)
        return activity | {
            "id": f"f:{self.new_id()}",
            "replyToId": reply_to,
            "value": value,
        }

    def installed(
        self, person: Person, channel: Channel, *, action: Literal["add", "remove"] = "add"
    ) -> JsonObject:
        """Return what arrives when a person installs the bot, or removes it."""
        activity = self._activity(person, channel, "installationUpdate", None)
        return activity | {"id": f"f:{self.new_id()}", "action": action}

    def added(self, person: Person, channel: Channel) -> JsonObject:
        """Return what arrives beside `installed` when a person brings the bot in: a new member."""
        activity = self._activity(person, channel, "conversationUpdate", None)
        if channel.kind == "team":
            activity["channelData"]["eventType"] = "teamMemberAdded"
        return activity | {
            "id": f"f:{self.new_id()}",
            "membersAdded": [{"id": activity["recipient"]["id"]}],
        }

    def reacted(self, person: Person, channel: Channel, message_id: str, kind: str) -> JsonObject:
        """Return what arrives when a person reacts to a message with `kind`, such as `like`."""
        return self._activity(person, channel, "messageReaction", message_id) | {
            "id": f"f:{self.new_id()}",
            "replyToId": message_id,
            "reactionsAdded": [{"type": kind}],
        }

    def _activity(
        self, person: Person, channel: Channel, kind: str, root: str | None
    ) -> JsonObject:
        stamp = _stamp(self.now())
        conversation: JsonObject = {
            "id": channel.thread(root),
            "conversationType": channel.conversation_type,
            "tenantId": person.tenant,
        }
        if channel.kind != "personal":
            conversation["isGroup"] = True
        channel_data: JsonObject = {"tenant": {"id": person.tenant}}
        if channel.kind == "team":
            channel_data |= {
                "teamsChannelId": channel.id,
                "teamsTeamId": channel.team,
                "channel": {"id": channel.id},
                "team": {"id": channel.team},
            }
        return {
            "type": kind,
            "timestamp": stamp,
            "localTimestamp": stamp.replace("Z", "+00:00"),
            "localTimezone": "Etc/UTC",
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {"id": person.mri, "name": person.name, "aadObjectId": person.oid},
            "conversation": conversation,
            "recipient": {"id": f"28:{self.app_id}", "name": self.bot_name},
            "entities": [
                {"type": "clientInfo", "locale": "en-US", "country": "US", "platform": "Web"}
            ],
            "channelData": channel_data,
            "locale": "en-US",
        }

    def _html(self, text: str, *, mention: bool) -> JsonObject:
        span = (
            '<span itemscope="" itemtype="http://schema.skype.com/Mention" itemid="0">'
            f"{escape(self.bot_name)}</span>&nbsp;"
        )
        content = f"<p>{span if mention else ''}{escape(text, quote=False)}</p>"
        return {"contentType": "text/html", "content": content}


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
