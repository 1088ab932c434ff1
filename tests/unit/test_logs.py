"""A log line is one JSON object, and nothing in it opens a door or moves a terminal's cursor."""

import io
import json
import logging
import time
from collections.abc import Iterator

import jwt
import pytest
import structlog

from bot import logs

CANARY = "canary-7f3k"
TOKEN = jwt.encode({"sub": CANARY}, "k" * 32, algorithm="HS256")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Return what is logged; afterwards logging is as it was."""
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    for handler in handlers:
        root.removeHandler(handler)
    logs.configure("INFO", written)
    yield written
    structlog.reset_defaults()
    logging.basicConfig(level=level, handlers=handlers, force=True)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(text: str) -> None:
    raise ValueError(text)


def test_a_line_says_what_when_and_how_bad(stream: io.StringIO) -> None:
    structlog.get_logger().warning("request refused", status=403, reason="channel")

    (line,) = lines(stream)
    assert line.pop("timestamp")
    assert line == {
        "event": "request refused",
        "level": "warning",
        "status": 403,
        "reason": "channel",
    }


@pytest.mark.parametrize(
    "name",
    ["authorization", "Authorization", "client_secret", "MicrosoftAppPassword", "access_token"],
)
def test_what_is_called_a_secret_is_masked(stream: io.StringIO, name: str) -> None:
    structlog.get_logger().info("asked", **{name: CANARY})
    structlog.get_logger().info("asked", headers={name: CANARY, "accept": "text/plain"})
    structlog.get_logger().info("asked", attempts=[{name: [CANARY]}])

    assert CANARY not in stream.getvalue()
    assert lines(stream)[1]["headers"] == {name: logs.MASK, "accept": "text/plain"}


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"bearer\t{CANARY} was refused",
        f"token {TOKEN} has expired",
        f"grant_type=x&client_secret={CANARY}&scope=y",
        f"MicrosoftAppPassword={CANARY}",
        f"client_assertion={CANARY};",
        f"postgresql://bot:{CANARY}@db.example/connectors is away",
        f"https://{CANARY}@hooks.example/x",
    ],
)
def test_what_has_the_shape_of_a_secret_is_masked(stream: io.StringIO, text: str) -> None:
    log = structlog.get_logger()
    log.info(text)
    log.info("failed", reason=text, parts=[text], inner={"why": text}, error=ValueError(text))
    try:
        fail(text)
    except ValueError:
        log.exception("failed")
        logging.getLogger("aiohttp.server").exception("Error handling request %s", text)

    assert len(lines(stream)) == 4
    assert CANARY not in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_a_token_that_the_length_limit_would_cut_is_masked_all_the_same() -> None:
    for before in range(logs.LINE_LIMIT - len(TOKEN), logs.LINE_LIMIT):
        assert TOKEN[:12] not in logs.scrub("x" * (before - 1) + " " + TOKEN)


def test_the_rest_of_a_line_survives() -> None:
    text = "GET https://graph.microsoft.com/v1.0/users?$top=1 -> 403, by ada@contoso.example"

    assert logs.scrub(text) == text


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\x00", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066"]
)
def test_control_characters_do_not_get_through(stream: io.StringIO, character: str) -> None:
    text = f"a{character}b"
    structlog.get_logger().info(text, text=text, inner={text: text})
    try:
        fail(text)
    except ValueError:
        structlog.get_logger().exception("failed")
    logging.getLogger("asyncio").error(text)

    written = stream.getvalue()
    assert len(written.splitlines()) == 3
    assert written.count("\n") == 3
    read = [str(value) for line in lines(stream) for value in line.values()]
    assert not any(character in value for value in read if character != "\n")
    assert lines(stream)[0]["text"] == "a b"


def test_a_stack_trace_keeps_its_lines_in_one_line_of_the_log(stream: io.StringIO) -> None:
    try:
        fail("broken")
    except ValueError:
        structlog.get_logger().exception("turn broke")

    (line,) = lines(stream)
    assert "Traceback" in str(line["exception"])
    assert str(line["exception"]).splitlines()[-1] == "ValueError: broken"


def test_libraries_speak_the_same_language_but_only_of_errors(stream: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://graph.microsoft.com")
    logging.getLogger("asyncio").error("Task exception was never retrieved")

    (line,) = lines(stream)
    assert line["event"] == "Task exception was never retrieved"
    assert (line["logger"], line["level"]) == ("asyncio", "error")


def test_lines_below_the_level_are_not_written(stream: io.StringIO) -> None:
    logs.configure("ERROR", stream)

    structlog.get_logger().info("bot started")

    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "text", ["token" * 50_000, "eyJ" * 50_000, "://" * 50_000, "\x00" * 9_000]
)
def test_cleaning_takes_no_time_to_speak_of(text: str) -> None:
    began = time.perf_counter()

    assert len(logs.scrub(text)) <= logs.LINE_LIMIT
    assert time.perf_counter() - began < 1
