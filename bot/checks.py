"""What a value from outside must be, whichever setting it came by; and files that hold a secret."""

import ipaddress
import stat
from pathlib import Path

from pydantic import SecretStr
from yarl import URL

from bot.domain.errors import ConfigError


def is_guid(text: str) -> bool:
    """Return whether the text is an id as Entra writes them."""
    parts = text.split("-")
    sizes = tuple(len(part) for part in parts)
    return sizes == (8, 4, 4, 4, 12) and all(c in "0123456789abcdefABCDEF-" for c in text)


def is_loopback_url(text: str) -> bool:
    """Return whether the URL leads to this machine and nowhere else."""
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and is_loopback(url.host or "")


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_open_file(setting: str, path: Path) -> None:
    """Refuse a secret's file that is not there, or that everybody on the machine can read or change.

    Raises:
        ConfigError: it may not be used.
    """
    if not path.is_file():
        raise ConfigError(setting, f"there is no file {path}.")
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ConfigError(setting, f"everybody can read or change {path}; chmod 600 it.")


def is_writable_by_all(path: Path) -> bool:
    """Return whether everybody on the machine can change the file."""
    return path.is_file() and bool(path.stat().st_mode & stat.S_IWOTH)


def read_secret(setting: str, path: Path) -> SecretStr:
    """Return what the file holds now, without white space around it.

    Raises:
        ConfigError: it cannot be read, or it is empty.
    """
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        # The cause could quote the content, so it is not chained.
        raise ConfigError(setting, f"{path} cannot be read.") from None
    if not text:
        raise ConfigError(setting, f"{path} is empty.")
    return SecretStr(text)
