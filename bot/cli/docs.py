"""The README's tables of commands and settings, written from their declarations."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.cli.demo import POLICY
from bot.cli.permissions import PERMISSIONS
from bot.domain.command import PAGE, PLAN, REASON, Catalogue, CommandSpec
from bot.domain.kinds import KINDS
from bot.domain.policy import Allowed, NeedsApproval, Person, Policy, Role, decide
from bot.domain.resource import Effect
from bot.settings import Settings
from bot.store.policy_file import parse_policy

# Options that the README explains once for all commands.
COMMON = (PAGE, PLAN, REASON)
NONE = "–"  # noqa: RUF001 - a dash for people to read


def commands_table() -> str:
    """Return a row for each command: its shape, what it does, which of the demo's roles may run it."""
    policy = parse_policy(POLICY.encode())
    return _table(
        ("Command", "What it does", "Who may run it"),
        (
            (f"`{_shape(spec)}`", spec.summary, _roles(policy, spec))
            for spec in Catalogue(KINDS).specs
        ),
    )


def settings_table() -> str:
    """Return a row for each setting: its name, what it is, its default."""
    return _table(
        ("Setting", "What it is", "Default"),
        (
            (f"`{field.alias}`", field.description or "", _default(field))
            for field in Settings.model_fields.values()
        ),
    )


def permissions_table() -> str:
    """Return a row for each permission of Graph: its name, what it is needed for."""
    return _table(("Permission", "Why"), ((f"`{each.name}`", each.why) for each in PERMISSIONS))


def _shape(spec: CommandSpec) -> str:
    if spec.effect is Effect.LIST:
        return f"/{spec.title} [--property …] [--sort …]"
    own = tuple(option for option in spec.options if option not in COMMON)
    return replace(spec, options=own).usage


def _roles(policy: Policy, spec: CommandSpec) -> str:
    if spec.is_open:
        return "everybody"
    return ", ".join(word for role in policy.roles.values() if (word := _word(policy, role, spec)))


def _word(policy: Policy, role: Role, spec: CommandSpec) -> str:
    """Return how somebody with this one role stands to a command; empty when they may not run it."""
    person = Person("", "", "", is_guest=False, is_enabled=True, groups=role.groups)
    verdict = decide(policy, person, spec, conversation="")
    if isinstance(verdict, NeedsApproval):
        return f"{role.name} (with the vote of: {', '.join(verdict.rule.approvers)})"
    return role.name if isinstance(verdict, Allowed) else ""


def _default(field: FieldInfo) -> str:
    value: object = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", ()):
        return NONE
    return f"`{value}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a pipe inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )
