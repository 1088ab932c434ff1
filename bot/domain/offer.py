"""Outcomes that offer something to do: a command's form, and a greeting."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.consent import ApprovalRule
from bot.domain.form import Field, Problem
from bot.domain.operation import Operation
from bot.domain.plan import Plan
from bot.domain.resource import ResourceKind, Values
from bot.domain.spec import CommandSpec


@dataclass(frozen=True, slots=True)
class Welcome:
    """The bot was installed: what the person who did so may run here, by what it comes to.

    `is_complete` is False when roles could not be read.
    """

    looks: tuple[CommandSpec, ...]
    changes: tuple[CommandSpec, ...]
    others: tuple[CommandSpec, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Form:
    """A command's form: what to fill in, what was, and what is wrong with it.

    `id` is good for one effect. `records` are such as the command may be about, first those that
    want a look; `record` is the one it is about, as it is now, where that is known; `operations` are
    those that a command about one may mean. With a `plan`
    the form shows what would happen and by the approval of which `rule`, and `seen` is the fingerprint of what was shown. `twins` are
    commands to type in its place; none: as the command is used.
    """

    spec: CommandSpec
    fields: tuple[Field, ...]
    id: str
    values: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    kind: ResourceKind | None = None
    records: tuple[Values, ...] = ()
    record: Values | None = None
    operations: tuple[Operation, ...] = ()
    plan: Plan | None = None
    rule: ApprovalRule | None = None
    seen: str = ""
    twins: tuple[str, ...] = ()
