"""Senders who never finish: their connections end, and nobody else notices them.

`pytest tests/http/test_half_sent.py --body-seconds=10` waits as long as in production.
"""

import asyncio
import itertools
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from yarl import URL

from bot.clients import Pace
from tests.http.knocking import JSON, Door
from tests.support.stage import Script, staged

MANY = 200
HELD_S = 30.0
OTHERS_S = 1.0

Opening: TypeAlias = Callable[[Door], bytes]


def head(door: Door, *lines: str) -> bytes:
    host = URL(door.stage.url).authority
    whole = ("POST /api/messages HTTP/1.1", f"Host: {host}", f"Content-Type: {JSON}", *lines)
    return "\r\n".join((*whole, "", "")).encode()


def signed_body(door: Door) -> bytes:
    signature = f"Authorization: {door.signature()}"
    return head(door, signature, "Content-Length: 1000") + b'{"type": '


def signed_pieces(door: Door) -> bytes:
    signature = f"Authorization: {door.signature()}"
    return head(door, signature, "Transfer-Encoding: chunked") + b'9\r\n{"type": \r\n'


def strangers_body(door: Door) -> bytes:
    return head(door, "Content-Length: 1000") + b'{"type": '


@pytest.fixture(scope="module")
def body_s(pytestconfig: pytest.Config) -> float:
    """Return how long a body may take; pytest started from above knows no such option."""
    return float(str(pytestconfig.getoption("--body-seconds", default=1)))


def test_in_production_a_body_may_take_ten_seconds() -> None:
    assert Pace().body_s == 10


OPENINGS: Sequence[tuple[Opening, bytes]] = (
    (signed_body, b"408"),
    (signed_pieces, b"408"),
    (strangers_body, b"401"),
)


async def test_half_sent_bodies_are_let_go_and_others_are_served_meanwhile(
    tmp_path: Path, body_s: float
) -> None:
    async with staged(tmp_path, Script(body_s=body_s)) as stage:
        door, url = Door(stage), URL(stage.url)
        began = time.monotonic()
        sent = list(itertools.islice(itertools.cycle(OPENINGS), MANY))
        slow: list[tuple[StreamReader, StreamWriter]] = []
        for opening, _ in sent:
            reader, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(opening(door))
            slow.append((reader, writer))

        answered: list[float] = []
        reading = [asyncio.ensure_future(reader.read()) for reader, _ in slow]
        held = set(reading)
        while held and time.monotonic() - began < HELD_S:
            asked = time.monotonic()
            response = await door.knock(door.message("/whoami"))
            answered.append(time.monotonic() - asked)
            assert response.status_code == 202
            _, held = await asyncio.wait(held, timeout=0.1)

        assert held == set()
        statuses = [task.result().split(b" ", 2)[1] for task in reading]
        assert statuses == [status for _, status in sent]
        assert sorted(answered)[len(answered) // 2] < OTHERS_S
        for _, writer in slow:
            writer.close()
