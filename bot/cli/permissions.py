"""The permissions of Microsoft Graph that the bot asks for, and what it needs each for."""

from collections.abc import Sequence
from dataclasses import dataclass

CONNECTORS = "DeviceManagementServiceConfig.ReadWrite.All"
USERS = "User.Read.All"
GROUPS = "GroupMember.Read.All"
ORGANIZATION = "Organization.Read.All"


@dataclass(frozen=True, slots=True)
class Permission:
    """One application permission; `why` is a sentence, `paths` begin what is asked for by it."""

    name: str
    why: str
    paths: tuple[str, ...]


PERMISSIONS: Sequence[Permission] = (
    Permission(
        CONNECTORS,
        "Lists, creates, changes, syncs and deletes connectors; "
        "with `BOT_READ_ONLY=on` `DeviceManagementServiceConfig.Read.All` is enough.",
        ("/deviceManagement/",),
    ),
    Permission(USERS, "Tells guests and disabled accounts from members.", ("/users/",)),
    Permission(
        GROUPS,
        "Finds which of the policy's groups a person is in, and whether those groups exist.",
        ("/users/", "/groups/"),
    ),
    Permission(
        ORGANIZATION,
        "Names the tenant on the cards; without it they show the start of its id.",
        ("/organization",),
    ),
)
