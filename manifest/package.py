"""Makes the Teams app package: the manifest with the ids and commands filled in, and the icons."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent
ICONS = ("color.png", "outline.png")
SCOPES = ("team", "groupChat", "personal")
# Why the package asks for a permission, in a sentence each.
PERMISSIONS = MappingProxyType(
    {
        "identity": "lets Teams tell the bot who wrote or pressed, so that their roles can be checked"
    }
)
# Limits of the manifest schema: commands per list, the developer's name, and a title short enough
# for older clients.
MAX_COMMANDS = 12
MAX_DEVELOPER = 32
MAX_TITLE = 32
PLACEHOLDER = "https://example.com"
# Zip entries carry a fixed date, so that the same input gives the same bytes.
EPOCH = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A command in the menu; choosing it inserts `title` into the message, without a slash."""

    title: str
    description: str


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """Who publishes the app; the URLs are shown to people who install it."""

    app_id: str
    version: str
    developer: str = "Connectors Bot"
    website: str = PLACEHOLDER


def manifest_of(
    identity: AppIdentity, menu: Sequence[MenuEntry], *, has_slash: bool = False
) -> dict[str, object]:
    """Return the manifest for one bot registration.

    `has_slash` puts the menu behind the / key as well, whose commands are asked in private.

    Raises:
        ValueError: the menu breaks a limit of the manifest schema.
    """
    if len(menu) > MAX_COMMANDS or any(len(entry.title) > MAX_TITLE for entry in menu):
        message = f"a menu has at most {MAX_COMMANDS} commands of {MAX_TITLE} characters"
        raise ValueError(message)
    manifest: dict[str, object] = json.loads((HERE / "manifest.json").read_text("utf-8"))
    manifest["id"] = identity.app_id
    manifest["version"] = identity.version
    manifest["developer"] = {
        "name": identity.developer,
        "websiteUrl": identity.website,
        "privacyUrl": f"{identity.website}/privacy",
        "termsOfUseUrl": f"{identity.website}/terms",
    }
    bots = manifest["bots"]
    if isinstance(bots, list):
        bots[0]["botId"] = identity.app_id
        bots[0]["supportsTargetedMessages"] = has_slash
        bots[0]["commandLists"] = command_lists(menu, has_slash=has_slash)
    return manifest


def command_lists(menu: Sequence[MenuEntry], *, has_slash: bool) -> list[dict[str, object]]:
    """Return the menu as the manifest has it: a list for each scope; `has_slash` as there."""
    commands = [{"title": entry.title, "description": entry.description} for entry in menu]
    return [
        {"scopes": [scope], "triggers": _triggers(scope, has_slash), "commands": commands}
        for scope in SCOPES
        if commands
    ]


def _triggers(scope: str, has_slash: bool) -> list[str]:  # noqa: FBT001 - a pure table
    """Return what opens a menu: between two people there is no / menu."""
    return ["mention", "slash"] if has_slash and scope != "personal" else ["mention"]


def write_package(
    out: Path, identity: AppIdentity, menu: Sequence[MenuEntry], *, has_slash: bool = False
) -> None:
    """Write the zip that Teams takes in: manifest and icons at its root."""
    manifest = manifest_of(identity, menu, has_slash=has_slash)
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(zipfile.ZipInfo("manifest.json", EPOCH), text)
        for icon in ICONS:
            package.writestr(zipfile.ZipInfo(icon, EPOCH), (HERE / icon).read_bytes())
