"""The end of the audit, written down outside the database: the witness against a cut tail.

A transaction announces the head it is about to commit (`seq hash ?`, synchronised to the disk; if
that fails, nothing is committed) and confirms it afterwards (`seq hash`). Only confirmed heads
testify: an announcement whose process died before the commit stands for a line that never was.
"""

import asyncio
import os
import re
from pathlib import Path

from bot.domain.audit import Head

CONFIRMED = re.compile(rb"(\d{1,19}) ([0-9a-f]{64})")


class HeadFile:
    """An append-only file of heads. Several replicas may share one or have one each.

    Every method raises `OSError` when the file cannot serve.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def announce(self, head: Head) -> None:
        """Write down a head that is about to be committed, safe from a power cut."""
        await asyncio.to_thread(self._append, f"{head.seq} {head.hash} ?\n", is_synced=True)

    async def confirm(self, head: Head) -> None:
        """Write down that a head was committed."""
        await asyncio.to_thread(self._append, f"{head.seq} {head.hash}\n", is_synced=False)

    async def confirmed(self) -> tuple[Head, ...]:
        """Return every head that was committed; none when there is no file yet."""
        return await asyncio.to_thread(self._read)

    def _append(self, line: str, *, is_synced: bool) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._path, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A write that a crash cut short must not swallow this line.
            is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (("\n" if is_cut else "") + line).encode())
            if is_synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _read(self) -> tuple[Head, ...]:
        if not self._path.exists():
            return ()
        found = map(CONFIRMED.fullmatch, self._path.read_bytes().splitlines())
        return tuple(Head(int(m[1]), m[2].decode()) for m in found if m is not None)
