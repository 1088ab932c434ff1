"""The app package holds what Teams takes in: a valid manifest and two icons, the same bytes each time."""

import json
import os
import struct
import tomllib
import zipfile
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from bot.cli.main import main
from bot.cli.package import VERSION, menu
from bot.domain.command import TEXT_LIMIT, Catalogue
from bot.domain.kinds import KINDS
from bot.domain.parse import parse
from manifest.package import PERMISSIONS, AppIdentity, MenuEntry, manifest_of, write_package

APP = "b07b07b0-0000-4000-8000-00000000b07b"
FOLDER = os.environ.get("NODE_MODULES_FOLDER", "")  # noqa: TID251 - where a run installed it
SCHEMA = "@microsoft/app-manifest/build/json-schemas/teams/v1.30/MicrosoftTeams.schema.json"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    out = tmp_path / "app.zip"
    assert main(["package", "--app-id", APP.upper(), "--out", str(out), *PUBLISHER], {}) == 0
    return out


PUBLISHER = ("--developer", "Contoso Lab", "--website", "https://connectors.contoso.example/")


def manifest(package: Path) -> dict[str, object]:
    with zipfile.ZipFile(package) as files:
        read: dict[str, object] = json.loads(files.read("manifest.json"))
        return read


def bot_of(package: Path) -> dict[str, object]:
    bots = manifest(package)["bots"]
    assert isinstance(bots, list)
    (bot,) = bots
    assert isinstance(bot, dict)
    return bot


def test_the_manifest_and_its_icons_lie_at_the_root(package: Path) -> None:
    with zipfile.ZipFile(package) as files:
        assert files.testzip() is None
        assert files.namelist() == ["manifest.json", "color.png", "outline.png"]
        icons = manifest(package)["icons"]
        assert icons == {"color": "color.png", "outline": "outline.png"}


@pytest.mark.parametrize(("name", "side"), [("color.png", 192), ("outline.png", 32)])
def test_an_icon_has_the_size_that_teams_asks_for(package: Path, name: str, side: int) -> None:
    with zipfile.ZipFile(package) as files:
        content = files.read(name)

    # signature, then the header chunk: length, type, width, height
    assert content[:8] == PNG
    assert struct.unpack(">4sII", content[12:24]) == (b"IHDR", side, side)


def test_the_ids_are_the_bots(package: Path) -> None:
    assert manifest(package)["id"] == APP
    assert bot_of(package)["botId"] == APP


def test_the_publisher_is_named(package: Path) -> None:
    developer = manifest(package)["developer"]

    assert isinstance(developer, dict)
    assert developer["name"] == "Contoso Lab"
    assert developer["websiteUrl"] == "https://connectors.contoso.example"
    assert developer["privacyUrl"] == "https://connectors.contoso.example/privacy"
    assert developer["termsOfUseUrl"] == "https://connectors.contoso.example/terms"


def test_a_package_with_a_website_that_is_nobodys_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unnamed = ["package", "--app-id", APP, "--out", str(tmp_path / "app.zip")]

    assert main(unnamed, {}) == 0
    assert "NOTE: it names https://example.com" in capsys.readouterr().out
    assert main([*unnamed, *PUBLISHER], {}) == 0
    assert "NOTE" not in capsys.readouterr().out


def test_the_menu_is_that_of_the_commands_marked_for_it(package: Path) -> None:
    marked = [spec for spec in Catalogue(KINDS).specs if spec.in_menu]
    lists = bot_of(package)["commandLists"]
    assert isinstance(lists, list)

    assert [each["scopes"] for each in lists] == [["team"], ["groupChat"], ["personal"]]
    for each in lists:
        assert 0 < len(each["commands"]) <= 12
        assert [c["title"] for c in each["commands"]] == [spec.title for spec in marked]
        assert all(0 < len(c["title"]) <= 32 for c in each["commands"])
        assert all(0 < len(c["description"]) <= 128 for c in each["commands"])


def test_what_the_menu_inserts_is_understood_as_it_stands() -> None:
    """The menu inserts the title without a slash; what is missing is asked for by name."""
    for entry in menu():
        assert len(entry.title) < TEXT_LIMIT
        read = parse(entry.title, Catalogue(KINDS))
        assert getattr(read, "code", "argument-missing") in {"argument-missing", "target-missing"}


def test_the_slash_menu_comes_with_private_answers_and_one_setting(tmp_path: Path) -> None:
    out = tmp_path / "app.zip"
    assert main(["package", "--app-id", APP, "--out", str(out)], {"BOT_TARGETED": "on"}) == 0
    bot = bot_of(out)

    assert bot["supportsTargetedMessages"] is True
    assert isinstance(bot["commandLists"], list)
    assert {tuple(each["scopes"]): each["triggers"] for each in bot["commandLists"]} == {
        ("team",): ["mention", "slash"],
        ("groupChat",): ["mention", "slash"],
        ("personal",): ["mention"],
    }


def test_without_the_setting_there_is_the_mention_menu_alone(package: Path) -> None:
    bot = bot_of(package)

    assert bot["supportsTargetedMessages"] is False
    assert isinstance(bot["commandLists"], list)
    assert [each["triggers"] for each in bot["commandLists"]] == [["mention"]] * 3


def test_the_version_is_the_projects() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"

    assert tomllib.loads(project.read_text("utf-8"))["project"]["version"] == VERSION


def test_only_what_is_needed_is_asked_for(package: Path) -> None:
    made = manifest(package)

    assert made.get("permissions") == [*PERMISSIONS] == ["identity"]
    assert "authorization" not in made
    assert "webApplicationInfo" not in made
    assert made["validDomains"] == []


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, package: Path) -> None:
    again = tmp_path / "again.zip"
    main(["package", "--app-id", APP, "--out", str(again), *PUBLISHER], {})

    assert again.read_bytes() == package.read_bytes()


def test_an_existing_package_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "app.zip"
    out.write_bytes(b"x" * 100_000)
    main(["package", "--app-id", APP, "--out", str(out)], {})

    assert manifest(out)["id"] == APP


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--app-id", "connectors"), "--app-id"),
        (("--app-id", f"{{{APP}}}"), "--app-id"),
        (("--app-id", APP, "--website", "http://contoso.example"), "--website"),
        (("--app-id", APP, "--website", "https://"), "--website"),
        (("--app-id", APP, "--developer", ""), "--developer"),
        (("--app-id", APP, "--developer", "x" * 33), "--developer"),
        (("--app-id", APP, "--out", "none/app.zip"), "--out"),
    ],
)
def test_an_unusable_argument_is_named(
    arguments: tuple[str, ...],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["package", *arguments], {}) == 2

    assert capsys.readouterr().err.startswith(f"Not started. {named}: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("menu", [[MenuEntry("help", "?")] * 13, [MenuEntry("h" * 33, "?")]])
def test_a_menu_beyond_teams_limits_is_refused(menu: list[MenuEntry], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 12 commands of 32"):
        write_package(tmp_path / "app.zip", AppIdentity(APP, "1.0.0"), menu)

    assert list(tmp_path.iterdir()) == []


def test_a_bot_without_menu_has_no_empty_lists() -> None:
    bots = manifest_of(AppIdentity(APP, "1.0.0"), [])["bots"]

    assert isinstance(bots, list)
    assert bots[0]["commandLists"] == []


def without_unicode_classes(schema: object) -> object:
    """Return the schema without the patterns that Python's regular expressions do not know."""
    if isinstance(schema, dict):
        return {
            name: without_unicode_classes(part)
            for name, part in schema.items()
            if not (name == "pattern" and isinstance(part, str) and "\\p{" in part)
        }
    if isinstance(schema, list):
        return [without_unicode_classes(part) for part in schema]
    return schema


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    path = Path(FOLDER) / SCHEMA
    if not FOLDER or not path.is_file():
        pytest.skip(
            "Microsoft's manifest schema is not installed: npm install "
            "@microsoft/app-manifest@1.1.2, and let NODE_MODULES_FOLDER name its node_modules"
        )
    return Draft4Validator(without_unicode_classes(json.loads(path.read_text("utf-8-sig"))))


@pytest.mark.parametrize("targeted", ["off", "on"])
def test_the_manifest_is_valid_against_the_published_schema(
    targeted: str, tmp_path: Path, schema: Draft4Validator
) -> None:
    out = tmp_path / "app.zip"
    assert main(["package", "--app-id", APP, "--out", str(out)], {"BOT_TARGETED": targeted}) == 0
    made = manifest(out)

    assert [f"{e.json_path}: {e.message[:200]}" for e in schema.iter_errors(made)] == []
    assert str(made["$schema"]).endswith("/v1.30/MicrosoftTeams.schema.json")
    assert made["manifestVersion"] == "1.30"


def test_the_schema_would_find_a_mistake(package: Path, schema: Draft4Validator) -> None:
    assert list(schema.iter_errors(manifest(package) | {"packageName": "x"}))
