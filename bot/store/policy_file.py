"""The policy in force, read from `policy.toml` and taken over again when the file changes."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import structlog
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.domain.consent import ApprovalRule
from bot.domain.errors import ConfigError
from bot.domain.policy import Guardrail, Policy, Role, matches
from bot.store.policy_shape import (
    ApprovalShape,
    GuardrailShape,
    LimitsShape,
    PeopleShape,
    PolicyShape,
    RoleShape,
)

SETTING = "BOT_POLICY_FILE"
KEYS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "": tuple(PolicyShape.model_fields),
        "roles": tuple(RoleShape.model_fields),
        "approval": tuple(ApprovalShape.model_fields),
        "guardrail": tuple(GuardrailShape.model_fields),
        "people": tuple(PeopleShape.model_fields),
        "limits": tuple(LimitsShape.model_fields),
    }
)
FIXES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "is missing; add it",
        "too_short": "is empty; name at least one",
        "string_too_short": "is empty; fill it or leave it out",
        "greater_than_equal": "must be 1 or more",
        "list_type": "must be a list in square brackets",
        "string_type": "must be a text in quotes",
        "int_type": "must be a whole number",
        "bool_type": "must be true or false",
        "dict_type": "must be a table",
        "model_type": "must be a table",
    }
)

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def parse_policy(content: bytes) -> Policy:
    """Return the policy that a file's content says.

    Raises:
        ConfigError: the content is no good policy; one line names the place and the fix.
    """
    try:
        # Editors on Windows like to begin a file with a byte order mark.
        table = tomllib.loads(content.decode("utf-8-sig"))
        shape = PolicyShape.model_validate(table)
    except UnicodeDecodeError as error:
        raise ConfigError(SETTING, "the file is not UTF-8; save it as UTF-8") from error
    except ValidationError as error:
        raise ConfigError(SETTING, _sentence(error.errors()[0])) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(SETTING, f"the file is not TOML: {error}") from error
    _check_names(shape)
    _check_circles(shape)
    return _policy(shape)


class PolicyFile:
    """The port's `PolicySource`; before `load` nobody may do anything.

    `known_permissions` are the commands there are; patterns that fit none of them are allowed, and
    reported by `notes`, because a policy may be ahead of the release that reads it.
    """

    def __init__(self, path: Path, known_permissions: frozenset[str]) -> None:
        self._path = path
        self._known = known_permissions
        self._policy = Policy(roles={})
        self._content: bytes | None = None
        self._problem: str | None = None

    @property
    def problem(self) -> str | None:
        """Why the file as it is now was not taken over; None when it is in force."""
        return self._problem

    @property
    def notes(self) -> tuple[str, ...]:
        """Patterns of the policy in force that fit no command: most likely misspelt."""
        patterns = dict.fromkeys(_patterns(self._policy))
        return tuple(p for p in patterns if not any(matches(p, known) for known in self._known))

    def current(self) -> Policy:
        """Return the last good policy."""
        return self._policy

    def load(self) -> None:
        """Read the file at start.

        Raises:
            ConfigError: the file cannot be read or is no good policy.
        """
        content = self._read()
        self._policy = parse_policy(content)
        self._content = content
        self._problem = None

    def reload_if_changed(self) -> bool:
        """Take over a changed file; True when a new policy is in force.

        A broken or absent file leaves the last good policy and is told by `problem`. The content
        itself is compared: the file is small, and its times do not tell of every change.
        """
        try:
            content = self._read()
            if content == self._content:
                return False
            self._content = content
            policy = parse_policy(content)
        except ConfigError as error:
            if error.message != self._problem:
                log.warning("policy refused", problem=error.message)
            self._problem = error.message
            return False
        self._problem = None
        is_new = policy != self._policy
        self._policy = policy
        log.info("policy taken over", roles=len(policy.roles), is_new=is_new)
        return is_new

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            self._content = None
            reason = error.strerror or type(error).__name__
            raise ConfigError(
                SETTING, f"{self._path} cannot be read ({reason}); name the policy file"
            ) from error


def _sentence(error: ErrorDetails) -> str:
    place = _place(error["loc"])
    if error["type"] == "extra_forbidden":
        keys = KEYS[str(error["loc"][0]) if len(error["loc"]) > 1 else ""]
        return f"{place} is no key; there are {', '.join(keys)}"
    if error["type"] == "literal_error":
        return f"{place} must be {error['ctx']['expected']}"
    return f"{place} {FIXES.get(error['type'], error['msg'])}"


def _place(location: tuple[int | str, ...]) -> str:
    place = ""
    for part in location:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    return place.lstrip(".")


def _check_names(shape: PolicyShape) -> None:
    roles = ", ".join(shape.roles)
    for place, names in _named_roles(shape):
        for name in names:
            if name not in shape.roles:
                raise ConfigError(SETTING, f'{place} names no role "{name}"; there are {roles}')


def _named_roles(shape: PolicyShape) -> Iterator[tuple[str, Sequence[str]]]:
    for name, role in shape.roles.items():
        yield f"roles.{name}.inherits", role.inherits
    for number, approval in enumerate(shape.approval):
        yield f"approval[{number}].approvers", approval.approvers


def _check_circles(shape: PolicyShape) -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise ConfigError(
                SETTING, f"roles.{name}.inherits goes in a circle: {circle}; take one out"
            )
        if name not in done:
            for parent in shape.roles[name].inherits:
                visit(parent, (*path, name))
            done.add(name)

    for name in shape.roles:
        visit(name, ())


def _policy(shape: PolicyShape) -> Policy:
    return Policy(
        roles=MappingProxyType({n: _role(n, role) for n, role in shape.roles.items()}),
        approvals=tuple(_rule(approval) for approval in shape.approval),
        guardrails=tuple(Guardrail(rail.channel, tuple(rail.allow)) for rail in shape.guardrail),
        admits_guests=shape.people.guests == "allow",
        tenants=frozenset(shape.people.tenants),
        bulk_limit=shape.limits.bulk,
    )


def _role(name: str, shape: RoleShape) -> Role:
    return Role(
        name=name,
        groups=frozenset(shape.groups),
        people=frozenset(shape.people),
        allow=tuple(shape.allow),
        deny=tuple(shape.deny),
        inherits=tuple(shape.inherits),
    )


def _rule(shape: ApprovalShape) -> ApprovalRule:
    return ApprovalRule(
        commands=tuple(shape.commands),
        approvers=tuple(shape.approvers),
        needed=shape.needed,
        expires=shape.expires,
        execute_within=shape.execute_within,
        needs_reason=shape.reason,
        remind=shape.remind,
        channel=shape.channel,
    )


def _patterns(policy: Policy) -> Iterator[str]:
    for role in policy.roles.values():
        yield from (*role.allow, *role.deny)
    for rule in policy.approvals:
        yield from rule.commands
    for rail in policy.guardrails:
        yield from rail.allow
