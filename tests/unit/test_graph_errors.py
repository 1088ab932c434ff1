"""What is made of Graph's error bodies: the four shapes that Intune was seen to send, and worse."""

import json

import httpx
import pytest

from bot.graph.errors import clean, read_failure
from bot.graph.waits import backoff, retry_after

ACTIVITY = "11112222-3333-4444-5555-666677778888"
INNER_TEXT = (
    "An error has occurred - Operation ID (for customer support): "
    f"00000000-0000-0000-0000-000000000000 - Activity ID: {ACTIVITY} - "
    "Url: https://fef.msub02.manage.microsoft.com/Fe/deviceManagement?api-version=5018 - "
    "CustomApiErrorPhrase: "
)
INTUNE = json.dumps(
    {
        "_version": 3,
        "Message": INNER_TEXT,
        "CustomApiErrorPhrase": "",
        "RetryAfter": None,
        "ErrorSourceService": "",
        "HttpHeaders": "{}",
    }
)
WRAPPED = json.dumps(
    {
        "ErrorCode": "Forbidden",
        "Message": INTUNE,
        "Target": None,
        "Details": None,
        "InnerError": None,
        "InstanceAnnotations": [],
    }
)


def body(code: str, message: str, **more: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, **more}}).encode()


@pytest.mark.parametrize(
    ("sent", "code", "message"),
    [
        (body("BadRequest", INTUNE), "BadRequest", "An error has occurred"),
        (body("UnknownError", WRAPPED), "Forbidden", "An error has occurred"),
        (
            body("UnknownError", '{"Message":"' + INNER_TEXT + '\\"}'),
            "UnknownError",
            "An error has occurred",
        ),
        (
            body("ResourceNotFound", "Invalid version: devicemanagement"),
            "ResourceNotFound",
            "Invalid version: devicemanagement",
        ),
    ],
    ids=["json-in-json", "json-in-json-in-json", "cut-off-json", "plain"],
)
def test_the_innermost_words_of_intune_are_found(sent: bytes, code: str, message: str) -> None:
    fault = read_failure(400, {}, sent, "sent").fault

    assert (fault.status, fault.code, fault.message) == (400, code, message)


def test_a_fourth_level_is_left_as_text() -> None:
    sent = json.dumps({"ErrorCode": "D", "Message": "deep"})
    for code in ("C", "B", "A"):
        sent = json.dumps({"ErrorCode": code, "Message": sent})

    fault = read_failure(400, {}, body("Top", sent), "sent").fault

    assert fault.code == "C"


def test_the_activity_id_serves_as_request_id_when_nothing_better_came() -> None:
    sent = body("UnknownError", WRAPPED)

    assert read_failure(403, {}, sent, "sent").fault.request_id == ACTIVITY
    assert read_failure(403, {"request-id": "from-header"}, sent, "sent").fault.request_id == (
        "from-header"
    )


@pytest.mark.parametrize("spelling", ["innerError", "innererror"])
def test_both_spellings_of_the_inner_error_name_the_requests_ids(spelling: str) -> None:
    ids = {"date": "2020-09-22T16:33:23", "request-id": "r-1", "client-request-id": "c-1"}

    fault = read_failure(400, {}, body("X", "y", **{spelling: ids}), "sent").fault

    assert (fault.request_id, fault.client_request_id) == ("r-1", "c-1")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"[1]",
        b'{"error": 7}',
        b'{"error": {"code": 7, "message": ["x"]}}',
        b'{"error": {"innerError": {"request-id": "spaces are no id"}}}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
)
def test_no_error_body_is_too_odd_to_be_read(sent: bytes) -> None:
    fault = read_failure(502, {}, sent, "sent").fault

    assert (fault.status, fault.code, fault.client_request_id) == (502, "http-502", "sent")
    assert fault.request_id is None
    assert len(fault.message) <= 300


def test_a_message_is_one_short_line_without_controls_and_inner_addresses() -> None:
    told = clean("a\x00b\nc\u202ed see (https://fef.manage.microsoft.com/x) or " + "z" * 400)

    assert told.startswith("a b c d see or zzz")
    assert "manage.microsoft.com" not in told
    assert len(told) == 300


@pytest.mark.parametrize(
    ("headers", "in_body", "seconds"),
    [
        ({"retry-after": "2.128"}, None, 2.128),
        ({"retry-after": "7"}, 99, 7.0),
        ({"retry-after": "-3"}, None, 0.0),
        ({}, None, None),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "inf"}, 4, 4.0),
        ({}, "5", 5.0),
        ({}, True, None),
        (
            {
                "retry-after": "Fri, 20 Nov 2026 10:00:30 GMT",
                "date": "Fri, 20 Nov 2026 10:00:00 GMT",
            },
            None,
            30.0,
        ),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT"}, None, None),
        (
            {
                "retry-after": "Fri, 20 Nov 2026 10:00:30 -0000",
                "date": "Fri, 20 Nov 2026 10:00:00 GMT",
            },
            None,
            None,
        ),
    ],
)
def test_the_wish_to_wait_is_read_in_every_form(
    headers: dict[str, str], in_body: float | str | None, seconds: float | None
) -> None:
    # Source: Graph throttling guidance (the sample is 2.128), RFC 9110 section 10.2.3.
    assert retry_after(httpx.Headers(headers), in_body) == seconds


def test_intunes_own_wish_to_wait_is_taken_from_the_inner_body() -> None:
    sent = body("X", json.dumps({"Message": "busy", "RetryAfter": 12}))

    assert read_failure(503, {}, sent, "sent").retry_after_s == 12


def test_waits_double_to_eight_seconds_and_half_of_each_is_chance() -> None:
    assert [backoff(attempt, lambda: 1.0) for attempt in range(5)] == [1, 2, 4, 8, 8]
    assert backoff(0, lambda: 0.0) == 0.5
