"""`package`: makes the zip that an administrator uploads to Teams."""

import re
from pathlib import Path

from bot.domain.command import Catalogue
from bot.domain.errors import ConfigError
from bot.domain.kinds import KINDS
from manifest.package import (
    MAX_DEVELOPER,
    PERMISSIONS,
    PLACEHOLDER,
    AppIdentity,
    MenuEntry,
    write_package,
)

VERSION = "0.1.0"
WEBSITE = re.compile(r"https://[^\s/?#]+(/[^\s?#]*)?")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def menu() -> list[MenuEntry]:
    """Return the commands marked for the menu, as it shows them."""
    return [MenuEntry(spec.title, spec.summary) for spec in Catalogue(KINDS).specs if spec.in_menu]


def run(*, app_id: str, out: Path, developer: str, website: str, has_slash: bool) -> int:
    """Write the package; `has_slash` is for a bot with BOT_TARGETED on.

    Raises:
        ConfigError: an argument is unusable.
    """
    if not GUID.fullmatch(app_id):
        raise ConfigError("--app-id", "must be the bot's application id, a GUID.")
    if not WEBSITE.fullmatch(website):
        raise ConfigError("--website", "must be an address such as https://contoso.com.")
    if not 0 < len(developer) <= MAX_DEVELOPER:
        raise ConfigError("--developer", f"must have 1 to {MAX_DEVELOPER} characters.")
    identity = AppIdentity(app_id.lower(), VERSION, developer, website.rstrip("/"))
    try:
        write_package(out, identity, menu(), has_slash=has_slash)
    except OSError as error:
        raise ConfigError("--out", f"{out} cannot be written: {error.strerror}.") from error
    print(f"Wrote {out}: upload it in the Teams admin center or under Apps > Manage your apps.")
    if identity.website == PLACEHOLDER:
        print(
            f"NOTE: it names {PLACEHOLDER}, its /privacy and its /terms as yours; name your own "
            "with --website https://<you> before you upload it."
        )
    for permission, reason in PERMISSIONS.items():
        print(f"It asks for {permission}: {reason}.")
    return 0
