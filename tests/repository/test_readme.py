"""The README says what the code declares."""

import re
import textwrap
from collections.abc import Callable

import pytest

from bot.cli.docs import commands_table, permissions_table, settings_table
from bot.domain.command import Catalogue
from bot.domain.kinds import KINDS
from bot.settings import Settings
from bot.store.policy_file import parse_policy
from tests.repository.conftest import ROOT

README = ROOT / "README.md"


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("commands", commands_table),
        ("settings", settings_table),
        ("permissions", permissions_table),
    ],
)
def test_a_table_is_what_the_code_declares(
    name: str, table: Callable[[], str], request: pytest.FixtureRequest
) -> None:
    """`pytest tests/repository --update-docs` puts it right."""
    start, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    before, rest = README.read_text("utf-8").split(start)
    after = rest[rest.index(end.lstrip("\n")) + len(end) - 1 :]
    right = f"{before}{start}{table()}{end}{after}"
    if request.config.getoption("--update-docs", default=False):
        README.write_text(right, "utf-8")

    assert README.read_text("utf-8") == right


def test_the_tables_leave_nothing_out() -> None:
    commands, settings = commands_table(), settings_table()

    for spec in Catalogue(KINDS).specs:
        assert f"| `/{spec.title}" in commands
    for field in Settings.model_fields.values():
        assert f"| `{field.alias}` | " in settings
    for table in (commands, settings):
        assert {len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()} == {5}


def test_every_setting_the_readme_names_exists() -> None:
    names = set(re.findall(r"\b(?:BOT_[A-Z_]+|MicrosoftApp\w+)", README.read_text("utf-8")))

    assert names <= {field.alias for field in Settings.model_fields.values()}


def test_the_policy_the_readme_shows_is_a_good_one() -> None:
    shown = re.findall(r"```toml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)

    policy = parse_policy("\n".join(textwrap.dedent(part) for part in shown).encode())

    assert set(policy.roles) == {"viewer", "operator", "admin"}
    assert len(policy.approvals) == 1


def test_every_page_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README.read_text("utf-8"))

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
