"""The words a command is declared with: arguments, options, what it needs and what it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.domain.resource import Effect, Option, Property, ValueType

BOT = "bot"
TEXT_LIMIT = 2000
REASON = Option("reason", "Why, kept with the operation and its audit record.")
REVISE = Option(
    "revise",
    "Your own request that waits, by id: replace it, votes start over.",
    is_typed_only=True,
)
# A form shows it always.
PLAN = Option("plan", "Show what would happen and stop.", is_flag=True, is_typed_only=True)


@dataclass(frozen=True, slots=True)
class Argument:
    """A word of a command that has a place instead of a name.

    `is_rest` takes everything that follows as it was typed. `names_kind` is a kind's name, and none
    of them stands for all: who uses it must be allowed to see records of the kind. `names_command`
    is a command's title, which forms offer to choose.
    """

    name: str
    about: str
    choices: tuple[str, ...] = ()
    is_required: bool = True
    is_rest: bool = False
    type: ValueType = ValueType.TEXT
    names_kind: bool = False
    names_command: bool = False


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command: `subject` is a kind's name, or `bot` for those without a kind.

    `is_open` commands need authentication only. `acts` marks those with an effect: they are judged
    by fresh roles and never run from a text that a card carries. `writes` marks those that change
    the far side: they are refused while writes are paused. `derives` marks those that come to another
    command, by what they name: it is judged as if it had been typed. `comes_with` is another
    command's permission: who may do that, may do this.
    """

    subject: str
    verb: str
    summary: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    properties: tuple[Property, ...] = ()
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    effect: Effect | None = None
    is_open: bool = False
    acts: bool = False
    writes: bool = False
    derives: bool = False
    in_menu: bool = False
    comes_with: str | None = None

    @property
    def permission(self) -> str:
        """The name policy patterns match: `exchange:sync`, `bot:pause`."""
        return f"{self.subject}:{self.verb}"

    @property
    def permissions(self) -> tuple[str, ...]:
        """The names of which any suffices: the command's own, and that of what it comes with."""
        return (self.permission, self.comes_with) if self.comes_with else (self.permission,)

    @property
    def depends(self) -> str:
        """What it names, where that decides who may have it done: `operation`; else empty."""
        is_decided_there = self.acts and (self.is_open or self.derives)
        return self.arguments[0].name if is_decided_there else ""

    @property
    def title(self) -> str:
        """The words to type, without the slash: `exchange sync`, `pause`."""
        return self.verb if self.subject == BOT else f"{self.subject} {self.verb}"

    @property
    def usage(self) -> str:
        """The whole shape in one line: `/exchange sync <target> [--type full|delta]`."""
        words = [f"/{self.title}"]
        for argument in self.arguments:
            shape = "|".join(argument.choices) if argument.choices else f"<{argument.name}>"
            words.append(shape if argument.is_required else f"[{shape}]")
        if self.properties:
            words.append("name=value …")
        if any(option.is_filter for option in self.options):
            words.append("[--property …]")
        words.extend(_usage_of(option) for option in self.options if not option.is_filter)
        return " ".join(words)

    def option(self, name: str) -> Option | None:
        """Return the option of that name, in any case."""
        folded = name.casefold()
        return next((o for o in self.options if o.name.casefold() == folded), None)

    def property(self, name: str) -> Property | None:
        """Return the settable property of that name, in any case."""
        folded = name.casefold()
        return next((p for p in self.properties if p.name.casefold() == folded), None)


def _usage_of(option: Option) -> str:
    if option.is_flag:
        return f"[--{option.name}]"
    shape = "|".join(option.choices) if option.choices else "…"
    return f"[--{option.name} {shape}]"


@dataclass(frozen=True, slots=True)
class Command:
    """A command somebody asks for: what was typed or pressed, already in canonical words.

    `options` holds flags as `"on"`; `changes` holds `name=value` with `""` for clear.
    """

    spec: CommandSpec
    arguments: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    changes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def target(self) -> str | None:
        """The first word with a place: a record, an operation, a command to explain."""
        return self.arguments[0] if self.arguments else None

    @property
    def needs(self) -> tuple[str, ...]:
        """The permissions that the options in use need beside the command's own."""
        used = (o for o in self.spec.options if o.name in self.options)
        return tuple(option.needs for option in used if option.needs)

    @property
    def is_plan(self) -> bool:
        """Whether only the plan is wanted."""
        return PLAN.name in self.options

    @property
    def reason(self) -> str | None:
        """The reason the asker gave."""
        return self.options.get(REASON.name)


OPERATION = Argument("operation", "The operation's id.")
PAGE = Option("page", "Which page, from 1.", type=ValueType.NUMBER, is_typed_only=True)
