"""The commands there are, each declared once: parser, help, menu, forms and permissions follow."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType

from bot.domain.kind_commands import ALL, spec_of
from bot.domain.resource import Effect, Option, ResourceKind, Verb
from bot.domain.spec import (
    BOT,
    OPERATION,
    PAGE,
    PLAN,
    REASON,
    REVISE,
    TEXT_LIMIT,
    Argument,
    Command,
    CommandSpec,
)
from bot.domain.watch_commands import WATCH_COMMANDS

__all__ = [
    "ALL",
    "BOT",
    "BOT_COMMANDS",
    "COMMENT",
    "OPERATION",
    "PAGE",
    "PLAN",
    "REASON",
    "REVISE",
    "TEXT_LIMIT",
    "VIEW",
    "Argument",
    "Catalogue",
    "Command",
    "CommandSpec",
]

VIEW = CommandSpec(
    BOT, "view", "An operation as its card shows it", arguments=(OPERATION,), is_open=True
)
"""What clients ask for by themselves to show a card anew; nobody types it and no list names it."""


_SHOWS = frozenset({Effect.GET, Effect.LIST})


class Catalogue:
    """Every command, by name; kinds come with their verbs, the rest is listed in `BOT_COMMANDS`."""

    def __init__(self, kinds: Iterable[ResourceKind]) -> None:
        self.kinds: Mapping[str, ResourceKind] = MappingProxyType({k.name: k for k in kinds})
        self.specs: tuple[CommandSpec, ...] = (
            *(spec_of(kind, verb) for kind in self.kinds.values() for verb in kind.verbs),
            *BOT_COMMANDS,
            *WATCH_COMMANDS,
        )

    @cached_property
    def by_permission(self) -> Mapping[str, CommandSpec]:
        """The commands by permission name."""
        return MappingProxyType({spec.permission: spec for spec in (*self.specs, VIEW)})

    def needed(self, command: Command) -> tuple[CommandSpec, ...]:
        """Return everything that one must be allowed to run a command, itself first.

        That is what its options need, and to see records of the kinds that it is about.
        """
        wider = tuple(self.by_permission[name] for name in command.needs)
        kinds = tuple(sight for name in self._about(command) for sight in self._sights(name))
        return (command.spec, *wider, *kinds)

    def verb(self, kind: str, verb: str) -> tuple[ResourceKind, Verb]:
        """Return what a plan's names stand for.

        Raises:
            LookupError: there is no such kind, or it has no such verb.
        """
        known = self.kinds[kind]
        found = known.verb(verb)
        if found is None:
            message = f"{kind} has no verb {verb}"
            raise LookupError(message)
        return known, found

    def _about(self, command: Command) -> tuple[str, ...]:
        """Return the kinds that a command names; for none of them all that there are."""
        for place, argument in enumerate(command.spec.arguments):
            if argument.names_kind:
                named = "".join(command.arguments[place : place + 1]).casefold()
                return (named,) if named in self.kinds else tuple(self.kinds)
        return ()

    def _sights(self, kind: str) -> tuple[CommandSpec, ...]:
        """Return what shows records of a kind, as one command: who has either right may see them."""
        shows = [s for s in self.specs if s.subject == kind and s.effect in _SHOWS]
        shows.sort(key=lambda spec: spec.effect is not Effect.GET)
        if len(shows) < 2:  # noqa: PLR2004 - either of two
            return tuple(shows)
        return (replace(shows[0], comes_with=shows[1].permission),)

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


ASKED_ABOUT = Argument("command", "A command, whole or in part.", is_rest=True, names_command=True)
COMMENT = Option("comment", "Why, shown with the decision.")

BOT_COMMANDS = (
    CommandSpec(
        BOT,
        "help",
        "What you can do here, or how one command is used",
        arguments=(
            Argument("command", "A command.", is_required=False, is_rest=True, names_command=True),
        ),
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
        "can-i",
        "Whether you may run a command here, and by which rule",
        arguments=(ASKED_ABOUT,),
        examples=("/can-i exchange delete EXCH01",),
        is_open=True,
    ),
    CommandSpec(
        BOT,
        "who-can",
        "Who may run a command, and whose consent it takes",
        arguments=(ASKED_ABOUT,),
        examples=("/who-can exchange sync",),
        is_open=True,
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
        derives=True,
    ),
    CommandSpec(
        BOT,
        "again",
        "Ask anew for an operation that lapsed or went out of date",
        arguments=(OPERATION,),
        options=(REASON, PLAN),
        examples=("/again 7F3K", "/again 7F3K --plan"),
        is_open=True,
        acts=True,
        derives=True,
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
