"""Packages of npm for the browser: fetched once by npm, kept in a cache, checked at every start."""

import asyncio
import base64
import hashlib
import io
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FETCH_S = 120.0
OWN = "connectors-bot"


@dataclass(frozen=True, slots=True)
class Package:
    """One version of one package, and the digest of its archive that npm publishes."""

    name: str
    version: str
    integrity: str

    @property
    def archive(self) -> str:
        """The file name of the archive, as `npm pack` writes it."""
        return f"{self.name}-{self.version}.tgz"

    def is_genuine(self, archive: bytes) -> bool:
        """Whether these bytes are what was pinned."""
        digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
        return f"sha512-{digest}" == self.integrity


ADAPTIVE_CARDS = Package(
    "adaptivecards",
    "3.0.6",
    "sha512-WDCIb2WXZ7cOHJ9HIHRNdhSt861HySVOdN2xPk2aKHAF3JvD8QGQ8/XcNFrDJxCteOog8MM7EBlXfSAR8JXKAg==",
)
MARKDOWN = Package(
    "markdown-it",
    "15.0.3",
    "sha512-+Az7Ojz3iRGu8KYMvJ6xVhvrxP3eE+vEtJX75Ow88XBpcQNV/0lGX5ZynIIBftREo4DC2jsveAMDaeltmm8QvQ==",
)


class PackageError(Exception):
    """A package cannot be had; the message says why in a sentence without its full stop."""


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return where this user's caches are kept, with a folder of our own in it."""
    if folder := environment.get("XDG_CACHE_HOME") or environment.get("LOCALAPPDATA"):
        return Path(folder) / OWN
    home = Path.home()
    caches = home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
    return caches / OWN


async def archive_of(package: Package, cache: Path) -> bytes:
    """Return a package's archive, from the cache or from npm.

    Raises:
        PackageError: npm is missing or fails, or what it brings is not what was pinned.
    """
    kept = cache / package.archive
    with suppress(OSError):
        archive = await asyncio.to_thread(kept.read_bytes)
        if package.is_genuine(archive):
            return archive
    archive = await _fetch(package)
    if not package.is_genuine(archive):
        raise PackageError(f"{package.archive} is not the one that was pinned")
    # A cache that cannot be written only means to fetch again.
    with suppress(OSError):
        await asyncio.to_thread(_keep, kept, archive)
    return archive


def file_in(archive: bytes, path: str) -> bytes:
    """Return one file of a package.

    Raises:
        PackageError: it has no such file.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar, suppress(KeyError):
        found = tar.extractfile(f"package/{path}")
        if found is not None:
            return found.read()
    raise PackageError(f"the package has no file {path}")


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)


async def _fetch(package: Package) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise PackageError("there is no npm")
    with tempfile.TemporaryDirectory() as folder:
        # In a folder of its own npm reads nobody's project; a packed archive runs no scripts.
        process = await asyncio.create_subprocess_exec(
            npm,
            "pack",
            f"{package.name}@{package.version}",
            "--ignore-scripts",
            "--silent",
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(FETCH_S):
                code = await process.wait()
        except TimeoutError:
            raise PackageError(f"npm did not bring {package.name} in time") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        archive = Path(folder) / package.archive
        if code or not archive.exists():
            raise PackageError(f"npm could not fetch {package.name} {package.version}")
        return await asyncio.to_thread(archive.read_bytes)
