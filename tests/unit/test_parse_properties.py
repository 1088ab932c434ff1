# ruff: noqa: RUF001 - look-alike characters are what is tested
"""What holds for every text and every command, whatever people type."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import TypeVar

from hypothesis import given, settings, strategies as st

from bot.domain.command import PAGE, TEXT_LIMIT, Argument, Catalogue, Command, CommandSpec
from bot.domain.kinds import KINDS
from bot.domain.outcome import Misread
from bot.domain.parse import format_command, parse
from bot.domain.resource import Effect, Option, Property, ValueType
from bot.domain.select import SORT, STALE
from bot.domain.text import clean
from bot.domain.values import ON, PAGE_MAX, UNSETTABLE

T = TypeVar("T")
CATALOGUE = Catalogue(KINDS)
HOSTILE = "\"'\\=- /–—“’\u00a0\u200b\ud800\n&;<@aB0"

pieces = st.sampled_from(
    [
        *("/", "exchange", "list", "get", "sync", "update", "help", "resolve", "--plan", "--type"),
        *("--page", "--sort", "--stale", "version=", "status=", "primarySmtpAddress=", "=", "'"),
        *('"', "\\", " ", "  ", "—", "full", "7", "36h", "&quot;", "&#", "\u200b", "\x00"),
    ]
)
texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(pieces, st.text(alphabet=HOSTILE, max_size=5)), max_size=20).map("".join),
    st.lists(pieces, max_size=20).map(" ".join),
)
words = st.one_of(st.text(max_size=20), st.text(alphabet=HOSTILE, max_size=12))
filled = words.filter(lambda text: bool(text.strip()))


def argument_values(argument: Argument) -> st.SearchStrategy[str]:
    if argument.choices:
        return st.sampled_from(argument.choices)
    return filled.map(str.strip) if argument.is_rest else filled


def option_values(spec: CommandSpec, option: Option) -> st.SearchStrategy[str]:
    if option.is_flag:
        return st.just(ON)
    if option.choices:
        return st.sampled_from(sorted(option.choices))
    if option == PAGE:
        return st.integers(1, PAGE_MAX).map(str)
    if option.name == STALE:
        return st.builds("{}{}".format, st.integers(1, 999_999), st.sampled_from("smhd"))
    if option.name == SORT:
        names = st.sampled_from([p.name for p in CATALOGUE.kinds[spec.subject].properties])
        return st.builds("{}{}".format, st.sampled_from(["", "-"]), names)
    kind = CATALOGUE.kinds.get(spec.subject) if spec.effect is Effect.LIST else None
    by = kind.property(option.name) if kind else None
    if by and by.wire.choices:
        known = {c.casefold() for c in by.wire.choices}
        unknown = filled.filter(lambda text: text.casefold() not in known)
        return st.one_of(st.sampled_from(by.wire.choices), unknown)
    return filled


def change_values(wanted: Property) -> st.SearchStrategy[str]:
    if wanted.wire.choices:
        return st.sampled_from(["", *(c for c in wanted.wire.choices if c != UNSETTABLE)])
    if wanted.wire.type is ValueType.EMAIL:
        return st.sampled_from(["", "o'brien@mail.contoso.com", '"a=\\b"@c.d', "--x@y.z"])
    return words


def some_of(declared: Sequence[T]) -> st.SearchStrategy[list[T]]:
    """Some of them in any order; by place, since what is declared cannot be hashed."""
    places = (
        st.lists(st.sampled_from(range(len(declared))), unique=True) if declared else st.just([])
    )
    return places.map(lambda chosen: [declared[place] for place in chosen])


@st.composite
def commands(draw: st.DrawFn) -> Command:
    spec = draw(st.sampled_from(CATALOGUE.specs))
    needed = sum(argument.is_required for argument in spec.arguments)
    count = draw(st.integers(needed, len(spec.arguments)))
    options = draw(some_of(spec.options))
    changed = draw(some_of(spec.properties))
    return Command(
        spec,
        tuple(draw(argument_values(argument)) for argument in spec.arguments[:count]),
        MappingProxyType({o.name: draw(option_values(spec, o)) for o in options}),
        MappingProxyType({p.name: draw(change_values(p)) for p in changed}),
    )


@given(texts)
@settings(max_examples=500)
def test_every_text_is_a_command_or_a_misread_that_points_inside_it(raw: str) -> None:
    for text in (raw, clean(raw)):
        found = parse(text, CATALOGUE)

        if isinstance(found, Misread):
            assert found.text == text
            assert 0 <= found.start <= found.end <= len(text)
        else:
            assert parse(format_command(found), CATALOGUE) == found


@given(commands())
@settings(max_examples=300)
def test_every_command_reads_back_from_its_own_text(command: Command) -> None:
    text = format_command(command)

    if len(text) <= TEXT_LIMIT:
        assert parse(text, CATALOGUE) == command


@given(texts)
@settings(max_examples=300)
def test_a_clean_text_is_one_line_of_visible_characters_at_most_twice_as_long(raw: str) -> None:
    text = clean(raw)

    assert len(text) <= 2 * len(raw)
    assert text == text.strip()
    assert not any(c in text for c in "\n\r\t\u00a0\u200b\ufeff“”‘’\x00\ud800")
