"""The audit's hash chain: how a line is written, hashed and found to have been tampered with.

Each line carries the hash of the one before it, so nothing in the middle can be changed, removed
or moved without a trace. The end of the chain is known from elsewhere (the head, and what was
written down outside the database), so nothing can be cut off its tail either.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from pydantic import JsonValue

from bot.domain.operation import Actor

GENESIS = "0" * 64
CUT = "audit cut"
"""What the line is called that records a checkpoint in the chain itself."""


@dataclass(frozen=True, slots=True)
class Head:
    """A place in the chain: a line's number and its hash. The empty chain is `Head()`."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the audit as it is stored. `at_us` is microseconds since 1970, UTC."""

    seq: int
    at_us: int
    prev: str
    event: str
    hash: str


class Flaw(StrEnum):
    """What is wrong with a line.

    `changed`: its hash is not that of its content. `missing`: it is not there. `reordered`: it
    does not follow from the line before it. `truncated`: it and all after it were cut off.
    `unexpected`: it stands behind the end of the chain. `cut`: it and all before the checkpoint
    were removed, and the chain does not tell of it.
    """

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    UNEXPECTED = "unexpected"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Broken:
    """The chain does not hold; `seq` is the first bad line, `last` the last one that was read."""

    seq: int
    flaw: Flaw
    last: int


@dataclass(frozen=True, slots=True)
class Verified:
    """The chain holds from its first line, or that behind the checkpoint, to the head.

    `last` is the head's line, `cut` the checkpoint's, 0 where nothing was cut.
    """

    last: int
    head_hash: str
    cut: int = 0

    @property
    def count(self) -> int:
        """How many lines were checked."""
        return self.last - self.cut


Verdict: TypeAlias = Broken | Verified


def canonical(
    what: str,
    actor: Actor | None,
    operation_id: str | None,
    details: Mapping[str, JsonValue],
) -> str:
    """Return the one JSON text of an event: sorted keys, no spaces, pure ASCII."""
    person: JsonValue = None
    if actor is not None:
        person = {"tenant": actor.tenant, "oid": actor.oid, "name": actor.name}
    event: dict[str, JsonValue] = {
        "what": what,
        "actor": person,
        "operation": operation_id,
        "details": dict(details),
    }
    return json.dumps(event, sort_keys=True, separators=(",", ":"), allow_nan=False)


def row_hash(seq: int, at_us: int, prev: str, event: str) -> str:
    """Return the SHA-256 of `seq|at|prev|event`, in hexadecimal."""
    return hashlib.sha256(f"{seq}|{at_us}|{prev}|{event}".encode()).hexdigest()


def next_row(head: Head, at_us: int, event: str) -> Row:
    """Return the line that follows the head."""
    seq = head.seq + 1
    return Row(seq, at_us, head.hash, event, row_hash(seq, at_us, head.hash, event))


class Verifier:
    """Checks a chain line by line, in the order of `seq`, keeping only the last one in mind.

    `head` is where the chain is said to end. `anchors` are places that were written down outside
    the database while the chain grew; each of them must still stand in it. `base` is the checkpoint
    behind which the chain goes on; a line of the chain itself must tell of it, so that nobody can
    remove lines by writing a checkpoint alone.
    """

    def __init__(
        self, head: Head, anchors: Iterable[Head] = (), *, base: Head | None = None
    ) -> None:
        self._head = head
        self._base = base or Head()
        self._is_told = self._base.seq == 0
        self._anchors: dict[int, set[str]] = {}
        for anchor in anchors:
            if anchor.seq >= self._base.seq:
                self._anchors.setdefault(anchor.seq, set()).add(anchor.hash)
        self._last = self._base
        self._kept = self._anchors.pop(self._base.seq, {self._base.hash}) == {self._base.hash}

    def check(self, row: Row) -> Broken | None:
        """Return what is wrong with the next line, or None."""
        if not self._kept:
            return self._broken(self._base.seq, Flaw.CHANGED)
        expected = self._last.seq + 1
        if row.seq > expected:
            return self._broken(expected, Flaw.MISSING)
        if row.seq < expected or row.prev != self._last.hash:
            return self._broken(row.seq, Flaw.REORDERED)
        if row.hash != row_hash(row.seq, row.at_us, row.prev, row.event):
            return self._broken(row.seq, Flaw.CHANGED)
        if self._anchors.pop(row.seq, {row.hash}) != {row.hash}:
            return self._broken(row.seq, Flaw.CHANGED)
        if row.seq > self._head.seq:
            return self._broken(row.seq, Flaw.UNEXPECTED)
        self._last = Head(row.seq, row.hash)
        self._is_told = self._is_told or _tells_of(row, self._base)
        return None

    def close(self) -> Verdict:
        """Judge the chain after its last line."""
        end = max(self._head.seq, *self._anchors, 0)
        if end > self._last.seq:
            return self._broken(self._last.seq + 1, Flaw.TRUNCATED)
        if self._last.hash != self._head.hash:
            return self._broken(self._last.seq, Flaw.CHANGED)
        if not self._is_told:
            return self._broken(self._base.seq, Flaw.CUT)
        return Verified(self._last.seq, self._last.hash, self._base.seq)

    def _broken(self, seq: int, flaw: Flaw) -> Broken:
        return Broken(seq, flaw, self._last.seq)


def _tells_of(row: Row, base: Head) -> bool:
    return row.event == canonical(CUT, None, None, cut_details(base))


def cut_details(base: Head) -> Mapping[str, JsonValue]:
    """Return what the chain's own line says of a checkpoint."""
    return {"seq": base.seq, "hash": base.hash}


def verify(
    rows: Iterable[Row], head: Head, anchors: Iterable[Head] = (), *, base: Head | None = None
) -> Verdict:
    """Check a whole chain, or what stands behind a checkpoint, and name its first bad line."""
    verifier = Verifier(head, anchors, base=base)
    for row in rows:
        broken = verifier.check(row)
        if broken is not None:
            return broken
    return verifier.close()
