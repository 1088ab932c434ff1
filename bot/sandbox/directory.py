"""The people and groups of the sandbox's Entra tenant."""

from dataclasses import dataclass, replace
from typing import Literal

from bot.sandbox.journal import JsonObject
from bot.sandbox.wire import RefusedError

MOST_GROUP_IDS = 20  # checkMemberGroups takes no more in one call


@dataclass(frozen=True, slots=True)
class Account:
    """A person in the directory; `groups` are the ids of the groups they are directly in."""

    oid: str
    name: str
    user_type: Literal["Member", "Guest"] = "Member"
    is_enabled: bool = True
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """A group; `member_of` are the ids of the groups it is itself nested in."""

    id: str
    name: str
    member_of: frozenset[str] = frozenset()


class Directory:
    """A tenant whose people and groups can be changed while the bot runs."""

    def __init__(self, *, tenant: str, name: str) -> None:
        self.tenant = tenant
        self.name = name
        self._accounts: dict[str, Account] = {}
        self._groups: dict[str, Group] = {}

    def put(self, *entries: Account | Group) -> None:
        """Add people and groups, or replace those with the same id."""
        for entry in entries:
            match entry:
                case Account():
                    self._accounts[entry.oid.lower()] = entry
                case Group():
                    self._groups[entry.id.lower()] = entry

    def remove(self, oid: str) -> None:
        """Delete a person."""
        del self._accounts[oid.lower()]

    def join(self, oid: str, group: str) -> None:
        """Put a person into a group."""
        account = self.account(oid)
        self.put(replace(account, groups=account.groups | {group}))

    def leave(self, oid: str, group: str) -> None:
        """Take a person out of a group."""
        account = self.account(oid)
        self.put(replace(account, groups=account.groups - {group}))

    def account(self, oid: str) -> Account:
        """Return a person, or refuse as Graph does."""
        if oid.lower() not in self._accounts:
            raise _unknown(oid)
        return self._accounts[oid.lower()]

    def groups_of(self, oid: str) -> frozenset[str]:
        """Return the lower-case ids of all groups a person is in, through others too."""
        reached: set[str] = set()
        ahead = {group.lower() for group in self.account(oid).groups}
        while ahead:
            group = ahead.pop()
            reached.add(group)
            if group in self._groups:
                ahead |= {up.lower() for up in self._groups[group].member_of} - reached
        return frozenset(reached)

    def check_member_groups(self, oid: str, body: JsonObject) -> JsonObject:
        """Answer POST /users/{oid}/checkMemberGroups."""
        asked = body.get("groupIds")
        if not isinstance(asked, list) or not 0 < len(asked) <= MOST_GROUP_IDS:
            message = f"groupIds must name 1 to {MOST_GROUP_IDS} groups."
            raise RefusedError(400, "Request_BadRequest", message)
        held = self.groups_of(oid)
        return {"value": [group for group in asked if str(group).lower() in held]}

    def user(self, oid: str) -> JsonObject:
        """Answer GET /users/{oid}."""
        account = self.account(oid)
        return {
            "id": account.oid,
            "displayName": account.name,
            "userType": account.user_type,
            "accountEnabled": account.is_enabled,
        }

    def group(self, group: str) -> JsonObject:
        """Answer GET /groups/{id}."""
        if group.lower() not in self._groups:
            raise _unknown(group)
        found = self._groups[group.lower()]
        return {"id": found.id, "displayName": found.name}

    def organization(self) -> JsonObject:
        """Answer GET /organization."""
        return {"value": [{"id": self.tenant, "displayName": self.name}]}


def _unknown(entry: str) -> RefusedError:
    message = (
        f"Resource '{entry}' does not exist or one of its queried reference-property objects "
        "are not present."
    )
    return RefusedError(404, "Request_ResourceNotFound", message)
