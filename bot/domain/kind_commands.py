"""The commands of a kind, each derived from one of its verbs: targets, filters, properties."""

from bot.domain.resource import Effect, Option, ResourceKind, ValueType, Verb
from bot.domain.spec import PAGE, PLAN, REASON, REVISE, Argument, CommandSpec

TARGET = Argument("target", "An id, the first 4 or more characters of one, or a name.")
TARGETS = Argument(
    "target", "An id, the start of one, or a name; or none and a filter.", is_required=False
)
ALL = Option("all", "All of them, as far as the filters let.", is_flag=True, is_typed_only=True)


SORT = Option("sort", "By a property, with - before it for descending.")


def spec_of(kind: ResourceKind, verb: Verb) -> CommandSpec:
    """Return the command of a kind's verb, with all that follows from what the verb does."""
    takes_target = verb.effect not in {Effect.LIST, Effect.CREATE}
    takes_changes = verb.effect in {Effect.CREATE, Effect.UPDATE}
    takes_many = verb.effect in {Effect.DELETE, Effect.ACT}
    options = verb.options
    if takes_many:
        options = (*options, ALL, *_filters(kind, to_change=True))
    if verb.effect is Effect.LIST:
        options = (*_filters(kind, to_change=False), SORT, *options, PAGE)
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


def _filters(kind: ResourceKind, *, to_change: bool) -> tuple[Option, ...]:
    """Return what chooses among records, as `select.arrange` reads it."""
    filters = (p for p in kind.properties if p.wire.type is not ValueType.TIME)
    return (
        *(
            Option(
                p.name,
                f"Only those whose {p.label.lower()} is this."
                if p.wire.choices or to_change
                else f"Only those whose {p.label.lower()} contains this.",
                is_filter=True,
                is_typed_only=to_change,
            )
            for p in filters
        ),
        Option(
            "stale",
            "Only those last seen longer ago than this, e.g. 36h or 400d; those never seen stay."
            if to_change
            else "Only those not seen for this long or never, e.g. 36h or 400d.",
            type=ValueType.DURATION,
            is_typed_only=to_change,
        ),
    )
