"""The commands there are, each declared once: parser, help, menu, forms and permissions follow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from bot.domain.resource import Effect, Option, Property, ResourceKind, ValueType, Verb

BOT = "bot"
TEXT_LIMIT = 2000
REASON = Option("reason", "Why, kept with the operation and its audit record.")
REVISE = Option("revise", "Your own request that waits, by id: replace it, votes start over.")
PLAN = Option("plan", "Show what would happen and stop.", is_flag=True)


@dataclass(frozen=True, slots=True)
class Argument:
    """A word of a command that has a place instead of a name.

    `is_rest` takes everything that follows as it was typed.
    """

    name: str
    about: str
    choices: tuple[str, ...] = ()
    is_required: bool = True
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command: `subject` is a kind's name, or `bot` for those without a kind.

    `is_open` commands need authentication only. `acts` marks those with an effect: they are judged
    by fresh roles and never run from a text that a card carries. `writes` marks those that change
    the far side: they are refused while writes are paused.
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
    in_menu: bool = False

    @property
    def permission(self) -> str:
        """The name policy patterns match: `exchange:sync`, `bot:pause`."""
        return f"{self.subject}:{self.verb}"

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
    def is_plan(self) -> bool:
        """Whether only the plan is wanted."""
        return PLAN.name in self.options

    @property
    def reason(self) -> str | None:
        """The reason the asker gave."""
        return self.options.get(REASON.name)


OPERATION = Argument("operation", "The operation's id.")
VIEW = CommandSpec(
    BOT, "view", "An operation as its card shows it", arguments=(OPERATION,), is_open=True
)
"""What clients ask for by themselves to show a card anew; nobody types it and no list names it."""


class Catalogue:
    """Every command, by name; kinds come with their verbs, the rest is listed in `BOT_COMMANDS`."""

    def __init__(self, kinds: Iterable[ResourceKind]) -> None:
        self.kinds: Mapping[str, ResourceKind] = MappingProxyType({k.name: k for k in kinds})
        self.specs: tuple[CommandSpec, ...] = (
            *(_spec(kind, verb) for kind in self.kinds.values() for verb in kind.verbs),
            *BOT_COMMANDS,
        )

    @cached_property
    def by_permission(self) -> Mapping[str, CommandSpec]:
        """The commands by permission name."""
        return MappingProxyType({spec.permission: spec for spec in (*self.specs, VIEW)})

    def find(self, subject: str, verb: str) -> CommandSpec | None:
        """Return the command of that subject and verb or alias, in lower case."""
        return next(
            (
                spec
                for spec in self.specs
                if spec.subject == subject and (verb == spec.verb or verb in spec.aliases)
            ),
            None,
        )

    def subjects(self) -> tuple[str, ...]:
        """The first words there are: kinds, then commands without a kind."""
        return (*self.kinds, *(s.verb for s in self.specs if s.subject == BOT))


TARGET = Argument("target", "An id, the first 4 or more characters of one, or a name.")
TARGETS = Argument(
    "target", "An id, the start of one, or a name; or none and a filter.", is_required=False
)
ALL = Option("all", "All of them, as far as the filters let.", is_flag=True)
PAGE = Option("page", "Which page, from 1.")


SORT = Option("sort", "By a property, with - before it for descending.")


def _spec(kind: ResourceKind, verb: Verb) -> CommandSpec:
    takes_target = verb.effect not in {Effect.LIST, Effect.CREATE}
    takes_changes = verb.effect in {Effect.CREATE, Effect.UPDATE}
    takes_many = verb.effect in {Effect.DELETE, Effect.ACT}
    options = verb.options
    if takes_many:
        options = (*options, ALL, *_filters(kind))
    if verb.effect is Effect.LIST:
        options = (*_filters(kind), SORT, *options, PAGE)
    if verb.effect.writes:
        options = (*options, REASON, PLAN, REVISE)
    return CommandSpec(
        subject=kind.name,
        verb=verb.name,
        summary=verb.summary,
        arguments=((TARGETS if takes_many else TARGET),) if takes_target else (),
        options=options,
        properties=kind.writable if takes_changes else (),
        aliases=verb.aliases,
        examples=verb.examples,
        effect=verb.effect,
        acts=verb.effect.writes,
        writes=verb.effect.writes,
        in_menu=verb.in_menu,
    )


def _filters(kind: ResourceKind) -> tuple[Option, ...]:
    return (
        *(
            Option(
                p.name,
                f"Only those whose {p.label.lower()} is this."
                if p.wire.choices
                else f"Only those whose {p.label.lower()} contains this.",
                is_filter=True,
            )
            for p in kind.properties
            if p.wire.type is not ValueType.TIME
        ),
        Option("stale", "Only those not seen for this long, e.g. 36h or 400d."),
    )


COMMENT = Option("comment", "Why, shown with the decision.")

BOT_COMMANDS = (
    CommandSpec(
        BOT,
        "help",
        "What you can do here, or how one command is used",
        arguments=(Argument("command", "A command.", is_required=False, is_rest=True),),
        examples=("/help", "/help exchange sync"),
        is_open=True,
        in_menu=True,
    ),
    CommandSpec(
        BOT,
        "whoami",
        "Who you are to the bot, and the roles you have",
        examples=("/whoami",),
        is_open=True,
        in_menu=True,
    ),
    CommandSpec(
        BOT,
        "history",
        "What was done, newest first, by everybody or to one target",
        arguments=(
            Argument("target", "A record's name or id, or an operation's id.", is_required=False),
        ),
        options=(PAGE,),
        examples=("/history", "/history EXCH01", "/history 7F3K"),
        in_menu=True,
    ),
    CommandSpec(
        BOT,
        "resolve",
        "Close an operation whose outcome could not be known",
        arguments=(
            OPERATION,
            Argument("outcome", "What a human found.", choices=("done", "failed")),
        ),
        options=(REASON,),
        examples=("/resolve 7F3K done",),
        acts=True,
    ),
    CommandSpec(
        BOT,
        "approvals",
        "What waits for your decision, and what you asked for",
        examples=("/approvals",),
        is_open=True,
        in_menu=True,
    ),
    CommandSpec(
        BOT,
        "approve",
        "Consent to an operation that waits",
        arguments=(OPERATION,),
        options=(COMMENT,),
        examples=("/approve 7F3K",),
        is_open=True,
        acts=True,
    ),
    CommandSpec(
        BOT,
        "reject",
        "Refuse an operation that waits",
        arguments=(OPERATION,),
        options=(COMMENT,),
        examples=('/reject 7F3K --comment "not before the weekend"',),
        is_open=True,
        acts=True,
    ),
    CommandSpec(
        BOT,
        "cancel",
        "Take back an operation you asked for",
        arguments=(OPERATION,),
        examples=("/cancel 7F3K",),
        is_open=True,
        acts=True,
    ),
    CommandSpec(
        BOT,
        "undo",
        "Ask for the opposite of an operation that was carried out",
        arguments=(OPERATION,),
        options=(REASON, PLAN),
        examples=("/undo 7F3K", "/undo 7F3K --plan"),
        acts=True,
    ),
    CommandSpec(
        BOT,
        "pause",
        "Stop all writes at once, for everybody",
        options=(REASON,),
        examples=('/pause --reason "maintenance"',),
        acts=True,
    ),
    CommandSpec(
        BOT,
        "resume",
        "Let writes run again",
        options=(REASON,),
        examples=("/resume",),
        acts=True,
    ),
)
