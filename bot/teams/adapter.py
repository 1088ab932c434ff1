"""The SDK seam: botbuilder's turn machinery between our guard in front and our connector behind.

The SDK neither authenticates (the guard did) nor opens connections (the connector has one pool),
and it deserialises with tables that were built once. Checked against botbuilder 4.17.1.
"""

from collections.abc import Awaitable, Callable, Mapping

from botbuilder import schema
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.core.cloud_adapter_base import CloudAdapterBase
from botbuilder.schema import Activity, ResourceResponse
from botframework.connector.auth import (
    AuthenticationConstants,
    BotFrameworkAuthentication,
    ClaimsIdentity,
)
from botframework.connector.auth.authenticate_request_result import AuthenticateRequestResult
from botframework.connector.auth.connector_factory import ConnectorFactory
from msrest import Deserializer

from bot.teams.connector import Connector

# The SDK ships no types: what it declares is Any to the checker, hence the ignores on subclassing.


class SdkConversations:
    """The four conversation calls that `CloudAdapterBase` makes, for one service URL."""

    def __init__(self, connector: Connector, service_url: str) -> None:
        self._connector = connector
        self._service_url = service_url

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Post under an activity."""
        body = _body(activity)
        posted = await self._connector.reply(self._service_url, conversation_id, activity_id, body)
        return ResourceResponse(id=posted)

    async def send_to_conversation(
        self, conversation_id: str, activity: Activity
    ) -> ResourceResponse:
        """Post to a conversation."""
        body = _body(activity)
        return ResourceResponse(
            id=await self._connector.send(self._service_url, conversation_id, body)
        )

    async def update_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Replace an activity; the answer repeats its id."""
        body = _body(activity)
        await self._connector.update(self._service_url, conversation_id, activity_id, body)
        return ResourceResponse(id=activity_id)

    async def delete_activity(self, conversation_id: str, activity_id: str) -> None:
        """Take an activity back."""
        await self._connector.delete(self._service_url, conversation_id, activity_id)


def _body(activity: Activity) -> dict[str, object]:
    """Serialise an activity; the attachments' content is JSON already and is not walked again."""
    attachments = activity.attachments or []
    contents = [attachment.content for attachment in attachments]
    for attachment in attachments:
        attachment.content = None
    try:
        body: dict[str, object] = activity.serialize()
    finally:
        for attachment, content in zip(attachments, contents, strict=True):
            attachment.content = content
    written = body.get("attachments")
    if isinstance(written, list):
        for target, content in zip(written, contents, strict=True):
            target["content"] = content
    return body


class ConnectorClient:
    """What the SDK takes for its own connector client: a name with `conversations` on it."""

    def __init__(self, connector: Connector, service_url: str) -> None:
        self.conversations = SdkConversations(connector, service_url)


class SharedConnectorFactory(ConnectorFactory):  # type: ignore[misc]  # the SDK is untyped
    """Hands the SDK our one connector instead of a client per turn."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def create(self, service_url: str, audience: str | None) -> ConnectorClient:  # noqa: ARG002 - the SDK's signature
        """Return the connector bound to `service_url`; it checks the address on every call."""
        return ConnectorClient(self._connector, service_url)


class GuardedAuthentication(BotFrameworkAuthentication):  # type: ignore[misc]  # the SDK is untyped
    """Stands where the SDK would authenticate; activities reach it verified or not at all."""

    def __init__(self, factory: SharedConnectorFactory) -> None:
        self._factory = factory

    async def authenticate_request(self, activity: Activity, auth_header: str) -> None:  # noqa: ARG002 - the SDK's signature
        """Refuse: a header that comes this way went past the guard."""
        raise PermissionError("activities are authenticated by the guard")

    async def authenticate_streaming_request(
        self,
        auth_header: str,  # noqa: ARG002 - the SDK's signature
        channel_id_header: str,  # noqa: ARG002 - the SDK's signature
    ) -> None:
        """Refuse: the bot has no streaming endpoint."""
        raise PermissionError("activities are authenticated by the guard")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> SharedConnectorFactory:  # noqa: ARG002 - the SDK's signature
        """Return the shared connector's factory."""
        return self._factory

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """Return nothing: the bot signs nobody in, and building the SDK's client costs half a turn."""


class TeamsAdapter(CloudAdapterBase):  # type: ignore[misc]  # the SDK is untyped
    """Runs a turn for an activity that the guard admitted.

    Args:
        connector: Carries the answers.
        app_id: The bot's own id, for the claims that the SDK's turn carries along.
    """

    def __init__(self, *, connector: Connector, app_id: str) -> None:
        self._factory = SharedConnectorFactory(connector)
        super().__init__(GuardedAuthentication(self._factory))
        self._app_id = app_id
        models = {name: kind for name, kind in vars(schema).items() if isinstance(kind, type)}
        self._deserializer = Deserializer(models)  # type: ignore[no-untyped-call]  # untyped as well

    def authenticated(self, service_url: str) -> AuthenticateRequestResult:
        """Return what the SDK wants to know of a request that was verified for `service_url`."""
        result = AuthenticateRequestResult()
        result.claims_identity = ClaimsIdentity(
            {
                AuthenticationConstants.AUDIENCE_CLAIM: self._app_id,
                AuthenticationConstants.APP_ID_CLAIM: self._app_id,
                AuthenticationConstants.SERVICE_URL_CLAIM: service_url,
            },
            is_authenticated=True,
        )
        result.connector_factory = self._factory
        return result

    async def run(
        self,
        payload_json: Mapping[str, object],
        logic: Callable[[TurnContext], Awaitable[None]],
    ) -> InvokeResponse | None:
        """Run `logic` on an admitted activity, given as `Inbound.as_json` returns it.

        Returns:
            What an invoke is to be answered with, 501 if `logic` left nothing; None for the rest.
        """
        activity = self._deserializer("Activity", dict(payload_json))
        trusted = self.authenticated(activity.service_url)
        return await self.process_activity(trusted, activity, logic)
