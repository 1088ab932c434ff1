"""Packages of npm: pinned by digest, fetched once, refused when they are not what was pinned."""

import base64
import hashlib
import io
import stat
import tarfile
from pathlib import Path

import pytest

from bot.sandbox.page.packages import (
    ADAPTIVE_CARDS,
    MARKDOWN,
    Package,
    PackageError,
    archive_of,
    cache_folder,
    file_in,
)

SCRIPT = b"globalThis.it = 1;"


def packed() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/dist/it.js")
        entry.size = len(SCRIPT)
        tar.addfile(entry, io.BytesIO(SCRIPT))
    return file.getvalue()


def pinned(archive: bytes) -> Package:
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    return Package("it", "1.0.0", f"sha512-{digest}")


def fake_npm(folder: Path, archive: bytes, *, code: int = 0) -> Path:
    """Write an npm that brings this archive, whatever it is asked for."""
    folder.mkdir()
    (folder / "archive").write_bytes(archive)
    npm = folder / "npm"
    npm.write_text(f'#!/bin/sh\n/bin/cp "{folder}/archive" it-1.0.0.tgz\nexit {code}\n', "utf-8")
    npm.chmod(stat.S_IRWXU)
    return folder


async def test_npm_is_asked_once_and_the_cache_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, cache = packed(), tmp_path / "cache"
    monkeypatch.setenv("PATH", str(fake_npm(tmp_path / "bin", archive)))
    assert await archive_of(pinned(archive), cache) == archive

    monkeypatch.setenv("PATH", "")

    assert await archive_of(pinned(archive), cache) == archive
    assert [path.name for path in cache.iterdir()] == ["it-1.0.0.tgz"]


async def test_a_package_that_is_not_the_pinned_one_is_neither_used_nor_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(fake_npm(tmp_path / "bin", b"something else")))

    with pytest.raises(PackageError, match="not the one that was pinned"):
        await archive_of(pinned(packed()), tmp_path / "cache")

    assert not (tmp_path / "cache").exists()


async def test_a_spoilt_cache_is_fetched_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, cache = packed(), tmp_path / "cache"
    cache.mkdir()
    (cache / "it-1.0.0.tgz").write_bytes(b"spoilt")
    monkeypatch.setenv("PATH", str(fake_npm(tmp_path / "bin", archive)))

    assert await archive_of(pinned(archive), cache) == archive
    assert (cache / "it-1.0.0.tgz").read_bytes() == archive


async def test_without_npm_or_a_network_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(fake_npm(tmp_path / "bin", b"", code=1)))
    with pytest.raises(PackageError, match=r"npm could not fetch it 1\.0\.0"):
        await archive_of(pinned(packed()), tmp_path)

    monkeypatch.setenv("PATH", "")
    with pytest.raises(PackageError, match="there is no npm"):
        await archive_of(pinned(packed()), tmp_path)


def test_a_file_is_read_out_of_its_package() -> None:
    assert file_in(packed(), "dist/it.js") == SCRIPT
    with pytest.raises(PackageError, match=r"no file dist/other\.js"):
        file_in(packed(), "dist/other.js")


def test_what_the_page_needs_is_pinned_by_version_and_digest() -> None:
    for package in (ADAPTIVE_CARDS, MARKDOWN):
        assert package.version.replace(".", "").isdigit()
        assert len(base64.b64decode(package.integrity.removeprefix("sha512-"))) == 64


def test_the_cache_is_the_users_own() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/tmp/x"}) == Path("/tmp/x/connectors-bot")  # noqa: S108
    assert cache_folder({}).name == "connectors-bot"
    assert cache_folder({}).is_relative_to(Path.home())
