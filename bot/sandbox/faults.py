"""What can go wrong between the bot and Microsoft, to be asked for by name.

A fault is declared with what it strikes and how often; the first that matches a request is used.
"""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from bot.sandbox.journal import JsonObject, LoggedRequest


class FaultKind(StrEnum):
    """How a request is hurt.

    `STATUS`         answer with a status instead
    `RESET`          reset the connection instead
    `DELAY`          wait `delay_s`, then carry it out
    `HANG`           wait until released, then carry it out; at the server's end never
    `HANG_AFTER`     carry it out, wait until released, then answer
    `RESET_AFTER`    carry it out, then reset the connection
    `HALF_BODY`      carry it out, send half of the answer, close the connection
    `WRONG_JSON`     carry it out, answer with `body`, or with text that is no JSON
    `HUGE_BODY`      carry it out, answer with a body of `size` bytes
    `TRICKLE`        carry it out, send the answer byte by byte, `delay_s` apart
    `LOOPING_LINK`   carry it out, let @odata.nextLink point to this very page
    `FOREIGN_LINK`   carry it out, let @odata.nextLink be `link`, on another host
    """

    STATUS = "status"
    RESET = "reset"
    DELAY = "delay"
    HANG = "hang"
    HANG_AFTER = "hang-after"
    RESET_AFTER = "reset-after"
    HALF_BODY = "half-body"
    WRONG_JSON = "wrong-json"
    HUGE_BODY = "huge-body"
    TRICKLE = "trickle"
    LOOPING_LINK = "looping-link"
    FOREIGN_LINK = "foreign-link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to hurt certain requests.

    Strikes requests of `method` (None: any) whose path contains a match of the regular expression
    `path` and for which `where` holds, after letting `skip` of them pass, `times` times (None:
    until cleared). `retry_after` is the header's text. `body` replaces the answer of `STATUS` and
    `WRONG_JSON`; text is sent as it is. A redirecting `STATUS` points to `link`.
    """

    kind: FaultKind
    method: str | None = None
    path: str = ""
    where: Callable[[LoggedRequest], bool] | None = None
    times: int | None = 1
    skip: int = 0
    status: int = 503
    retry_after: str | None = None
    body: JsonObject | str | None = None
    delay_s: float = 0.0
    size: int = 10_000_000
    link: str = "https://graph.example.net/v1.0/next"

    def strikes(self, request: LoggedRequest) -> bool:
        """Whether this fault is meant for the request."""
        return (
            self.method in {None, request.method}
            and re.search(self.path, request.path) is not None
            and (self.where is None or self.where(request))
        )


class Faults:
    """The faults still to come of one part, and the requests that hang in them."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._open: dict[int, tuple[Fault, int]] = {}
        self._gate = asyncio.Event()
        self._paused = 0
        self._changed = asyncio.Condition()
        self._added = 0

    def add(self, *faults: Fault) -> None:
        """Let these faults happen, in this order, after those already waiting."""
        for fault in faults:
            self._added += 1
            self._open[self._added] = (fault, 0)

    def clear(self) -> None:
        """Drop all faults; what hangs keeps hanging until released."""
        self._open.clear()

    def take(self, request: LoggedRequest) -> Fault | None:
        """Return the fault that strikes this request, and use it up."""
        for number, (fault, seen) in list(self._open.items()):
            if not fault.strikes(request):
                continue
            self._open[number] = (fault, seen + 1)
            if seen < fault.skip:
                continue
            if fault.times is not None and seen + 1 >= fault.skip + fault.times:
                del self._open[number]
            return fault
        return None

    def release(self) -> None:
        """Let everything that hangs or waits go on."""
        self._gate.set()
        self._gate = asyncio.Event()
        self._paused = 0

    def stop(self) -> None:
        """End all hangs for good: the server goes down."""
        self.is_stopped = True
        self.release()

    async def pause(self, limit_s: float | None) -> None:
        """Wait until released, at most `limit_s` seconds (None: without limit)."""
        if self.is_stopped:
            return
        gate = self._gate
        self._paused += 1
        try:
            async with self._changed:
                self._changed.notify_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await gate.wait()
        finally:
            if gate is self._gate:
                self._paused -= 1

    async def wait_until_paused(self, requests: int = 1, *, within_s: float = 5.0) -> None:
        """Return once that many requests hang or wait: `release` will then free them.

        Raises:
            TimeoutError: That did not happen within `within_s` seconds.
        """
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: self._paused >= requests)


def intune_error(code: str, message: str, *, inner_code: str | None = None) -> JsonObject:
    """Return an error body as Intune writes it: JSON as text inside Graph's envelope.

    With `inner_code` it is wrapped once more, as in `UnknownError` answers with status 403.
    Source: microsoft-graph-docs-contrib issues 4157, 4603 (two levels) and 1541 (three levels).
    """
    text = json.dumps(
        {
            "_version": 3,
            "Message": f"{message} - Operation ID (for customer support): "
            "00000000-0000-0000-0000-000000000000 - Activity ID: "
            "11111111-2222-3333-4444-555555555555 - Url: "
            "https://fef.example.manage.microsoft.com/StatelessService/x",
            "CustomApiErrorPhrase": "",
            "RetryAfter": None,
            "ErrorSourceService": "",
            "HttpHeaders": "{}",
        }
    )
    if inner_code is not None:
        wrapped: JsonObject = {
            "ErrorCode": inner_code,
            "Message": text,
            "Target": None,
            "Details": None,
            "InnerError": None,
            "InstanceAnnotations": [],
        }
        text = json.dumps(wrapped)
    return {"error": {"code": code, "message": text}}
