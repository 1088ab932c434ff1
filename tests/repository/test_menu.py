"""One declaration, four places: the menu, the parser, the help and the README's table agree."""

from datetime import UTC, datetime

import pytest

from bot.cli.docs import commands_table
from bot.cli.package import menu
from bot.domain.command import Catalogue, CommandSpec
from bot.domain.form import fields_of
from bot.domain.kinds import KINDS
from bot.domain.outcome import Misread, Overview
from bot.domain.parse import parse
from bot.sandbox.terminal import lines_of
from bot.teams.replies import Replies
from manifest.package import MAX_COMMANDS, SCOPES, AppIdentity, manifest_of

CATALOGUE = Catalogue(KINDS)
MENU = {entry.title: entry.description for entry in menu()}


class Standing:
    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)


def help_text() -> str:
    replies = Replies(catalogue=CATALOGUE, clock=Standing(), cloud="global", tenant=lambda: "Lab")
    card = replies.render(Overview(CATALOGUE.specs, (), is_complete=True))
    return " ".join(" ".join(lines_of(card.payload())).split())


def test_the_menu_of_every_scope_is_what_is_marked_for_it() -> None:
    bots = manifest_of(AppIdentity("0" * 36, "1.0.0"), menu())["bots"]
    assert isinstance(bots, list)
    lists = {each["scopes"][0]: each["commands"] for each in bots[0]["commandLists"]}
    marked = [
        {"title": spec.title, "description": spec.summary}
        for spec in CATALOGUE.specs
        if spec.in_menu
    ]

    assert lists == dict.fromkeys(SCOPES, marked)
    assert 0 < len(marked) <= MAX_COMMANDS


@pytest.mark.parametrize("spec", CATALOGUE.specs, ids=lambda s: s.permission)
def test_a_command_is_the_same_to_menu_parser_help_and_readme(spec: CommandSpec) -> None:
    read = parse(spec.title, CATALOGUE)

    assert read.spec is spec
    assert (spec.title in MENU) == spec.in_menu
    assert MENU.get(spec.title, spec.summary) == spec.summary
    assert spec.summary in help_text()
    assert f"/{spec.title}" in commands_table()
    assert spec.summary in commands_table()


@pytest.mark.parametrize("title", MENU)
def test_what_the_menu_inserts_runs_or_opens_its_form(title: str) -> None:
    read = parse(title, CATALOGUE)

    if isinstance(read, Misread):
        assert read.so_far is not None
        assert fields_of(read.so_far.spec, CATALOGUE.kinds.get(read.so_far.spec.subject))
