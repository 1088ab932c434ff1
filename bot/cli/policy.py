"""`policy`: what the policy says of somebody, and what an edit of it would give and take."""

import re
from contextlib import AsyncExitStack
from pathlib import Path

from bot.chance import SystemClock
from bot.clients import Pace, connect
from bot.domain.command import Catalogue, Command
from bot.domain.errors import BotError, ConfigError
from bot.domain.kinds import KINDS
from bot.domain.parse import parse
from bot.domain.policy import Allowed, Denied, NeedsApproval, Person, Policy
from bot.domain.rights import Explanation, Shift, changed_terms, compare, explain
from bot.domain.text import clean
from bot.settings import Settings
from bot.store.policy_file import PolicyFile
from cards import rights_words, words
from cards.rights import dependence
from cards.text import fill
from cards.times import span

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def run_explain(
    settings: Settings, *, oid: str, groups: tuple[str, ...], channel: str, text: str
) -> int:
    """Print whether a person may run a command, and why; 0 for yes, 1 for no.

    Without `groups` the directory is asked whose groups those are.

    Raises:
        ConfigError: the person is no object id, or the text names no command.
        BotError: the directory cannot be asked.
    """
    catalogue = Catalogue(KINDS)
    policy = _policy(settings.policy_file, catalogue)
    needed = catalogue.needed(_command(text, catalogue))
    person = await _person(settings, policy, _guid("--as", oid), groups)
    found = explain(policy, person, *needed, typed=text, conversation=channel)
    for line in lines_of(found):
        print(line)
    return 1 if isinstance(found.verdict, Denied) else 0


def run_diff(old: Path, new: Path) -> int:
    """Print what an edit gives and takes, by group and person; 0 also when nothing changes.

    Raises:
        ConfigError: a file is no policy.
    """
    catalogue = Catalogue(KINDS)
    before, after = _compared("OLD", old, catalogue), _compared("NEW", new, catalogue)
    shifts = compare(before, after, catalogue.specs)
    for shift in shifts:
        print("\n".join(_told(shift)))
    terms = ", ".join(changed_terms(before, after))
    if not shifts and terms:
        print(f"Nobody gains or loses a right; other terms change in: {terms}.")
    elif not shifts:
        print("Nothing changes.")
    return 0


def lines_of(found: Explanation) -> tuple[str, ...]:
    """Return the explanation in lines: the verdict, the rule behind it, the roles behind that."""
    permission = found.spec.permission
    verdict: tuple[str, ...]
    match found.verdict:
        case Allowed(role=role, pattern=pattern):
            by = f"role {role}, rule {pattern}" if role else "everybody may"
            verdict = (f"yes   {permission}: {by}",)
            if row := found.spec.depends:
                on = dependence(row, is_open=not role)
                verdict = (f"depends {permission}: {by}", *(f"      {line}" for line in on))
        case NeedsApproval(role=role, rule=rule):
            values = {
                "needed": str(rule.needed),
                "roles": ", ".join(rule.approvers),
                "within": span(rule.expires),
            }
            consent = fill(rights_words.CONSENT, values)
            verdict = (f"waits {permission}: role {role}", f"      {consent}")
        case Denied() as denied:
            values = {"permission": denied.permission, "rule": denied.rule}
            why = fill(words.DENIALS[denied.reason], values)
            needed = (f"      needed: {', '.join(denied.roles)}",) if denied.roles else ()
            verdict = (f"no    {permission}: {why}", *needed)
    grants = ", ".join(f"{g.role} (by {g.via})" for g in found.grants) or "none"
    return (*verdict, f"      roles: {grants}")


def _told(shift: Shift) -> tuple[str, ...]:
    return (
        shift.who,
        *(f"  + {text}" for text in shift.gains),
        *(f"  - {text}" for text in shift.loses),
    )


def _policy(path: Path, catalogue: Catalogue) -> Policy:
    policies = PolicyFile(path, frozenset(catalogue.by_permission))
    policies.load()
    return policies.current()


def _compared(name: str, path: Path, catalogue: Catalogue) -> Policy:
    """Return a policy to compare; what is wrong with it is no matter of the settings."""
    try:
        return _policy(path, catalogue)
    except ConfigError as error:
        place = "" if str(path) in error.message else f"{path}: "
        raise ConfigError(name, f"{place}{error.message}.") from error


def _command(text: str, catalogue: Catalogue) -> Command:
    parsed = parse(clean(text), catalogue)
    if parsed.spec is None:
        raise ConfigError("command", f"{text!r} names no command; see `/help`.")
    return parsed if isinstance(parsed, Command) else Command(parsed.spec)


def _guid(name: str, value: str) -> str:
    if not _GUID.fullmatch(value.casefold()):
        raise ConfigError(name, "must be an Entra object id, a GUID.")
    return value.casefold()


async def _person(settings: Settings, policy: Policy, oid: str, groups: tuple[str, ...]) -> Person:
    tenant = settings.app_tenant
    if groups:
        held = frozenset(_guid("--group", group) for group in groups)
        return Person(oid, tenant, "", is_guest=False, is_enabled=True, groups=held)
    async with AsyncExitStack() as stack:
        clients = await connect(settings, stack, now=SystemClock().now, pace=Pace())
        try:
            return await clients.directory.person(tenant, oid, policy.groups, is_fresh=True)
        except BotError as error:
            raise ConfigError(
                "--as", f"the directory cannot be asked ({error}); name the groups with --group."
            ) from error
