"""Whatever a signed activity says, the bot answers soon, changes nothing by accident, never breaks.

`FUZZ_EXAMPLES=33400 pytest tests/http/test_fuzz.py` sends 100,200, and other ones each time.
"""

import os
import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bot.sandbox.journal import JsonObject
from tests.http.knocking import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED_FOR = os.environ.get("FUZZ_EXAMPLES", "")  # noqa: TID251 - a run's own size
EXAMPLES = int(ASKED_FOR or 300)
SOON_S = 2.0
trying = settings(
    max_examples=EXAMPLES,
    derandomize=not ASKED_FOR,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [
                *("/exchange", "exchange", "list", "get", "sync", "delete", "create", "update"),
                *("EXCH01", "e11c", "--type", "full", "--plan", "--page", "-1", "9" * 30),
                *("version=1", "=", '"', "\u201c", "\N{EM DASH}", "&nbsp;", "<at>", "</at>"),
                *("/help", "/history", "/resolve", "/pause", "done", "\N{ZERO WIDTH SPACE}"),
            ]
        ),
        max_size=8,
    ).map(" ".join),
    st.sampled_from(["x" * 3_000, "/" * 500, '"' * 999, "<at>" * 400, "\u202e/help", " "]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "action", "data", "command", "type"]), inner)
    ),
    max_leaves=12,
)
PLACES: Sequence[tuple[str, ...]] = (
    *(("type",), ("id",), ("name",), ("text",), ("textFormat",), ("value",), ("entities",)),
    *(("timestamp",), ("locale",), ("replyToId",), ("attachments",), ("membersAdded",)),
    *(("from",), ("from", "id"), ("from", "name"), ("from", "aadObjectId"), ("from", "role")),
    *(("recipient",), ("recipient", "id"), ("channelId",), ("serviceUrl",), ("deliveryMode",)),
    *(("conversation",), ("conversation", "id"), ("conversation", "tenantId")),
    *(("conversation", "isGroup"), ("channelData",), ("channelData", "tenant"), ("action",)),
    *(("channelData", "tenant", "id"), ("channelData", "eventType"), ("label",), ("code",)),
    *(("value", "action"), ("value", "action", "data"), ("value", "action", "type")),
    *(("value", "action", "data", "command"), ("value", "action", "data", "page")),
)
TYPES = ("message", "invoke", "event", "messageUpdate", "conversationUpdate", "installationUpdate")
CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), JSON), max_size=3)


def put(activity: JsonObject, place: tuple[str, ...], value: object) -> None:
    """Replace what stands at a place, where there is such a place."""
    *way, last = place
    for step in way:
        inner = activity.get(step)
        if not isinstance(inner, dict):
            return
        activity = inner
    activity[last] = value


def said(door: Door, text: str, *, is_press: bool) -> JsonObject:
    """Return an activity of the viewer, who may change nothing."""
    world, teams = door.stage.world, door.stage.sandbox.teams()
    if is_press:
        return teams.press(world.vic, world.channel, "1700000000000", {"command": text}, "run")
    return teams.message(world.vic, world.channel, text)


async def assert_withstood(door: Door, activity: JsonObject) -> None:
    # Slow work is acknowledged after two seconds; of this nothing is slow. What is slow because
    # the machine was busy elsewhere is not slow again.
    if await answered_within_s(door, activity) >= SOON_S:
        repeated = activity | {"id": f"{activity.get('id')} again"}
        assert await answered_within_s(door, repeated) < SOON_S, activity


async def answered_within_s(door: Door, activity: JsonObject) -> float:
    with door.traced() as trace:
        began = time.monotonic()
        response = await door.knock(activity)
        took_s = time.monotonic() - began

    assert response.status_code < 500
    assert not any("exc_info" in line for line in trace.lines), trace.lines
    return took_s


@trying
@given(text=TEXTS, is_press=st.booleans(), changes=CHANGES)
async def test_no_activity_breaks_the_bot(
    door: Door,
    text: str,
    is_press: bool,  # noqa: FBT001 - a drawn value
    changes: list[tuple[tuple[str, ...], object]],
) -> None:
    activity = said(door, text, is_press=is_press)
    for place, value in changes:
        put(activity, place, value)
    await assert_withstood(door, activity)


@trying
@given(kind=st.sampled_from(TYPES), text=TEXTS, value=JSON)
async def test_no_kind_of_activity_breaks_the_bot(
    door: Door, kind: str, text: str, value: object
) -> None:
    activity = said(door, text, is_press=False) | {"type": kind, "value": value}
    await assert_withstood(door, activity)


@trying
@given(body=st.binary(max_size=200), token=st.text(max_size=80))
async def test_no_stranger_breaks_the_bot(door: Door, body: bytes, token: str) -> None:
    header = f"Bearer {token.encode('ascii', 'ignore').decode()}".replace("\r", "")
    printable = "".join(c for c in header if c.isprintable()).strip()

    assert (await door.turned_away(body, {"Authorization": printable}))[0] == 401


async def test_nothing_was_changed_by_all_of_this(door: Door) -> None:
    await door.stage.settle()

    assert door.stage.graph_writes() == []
