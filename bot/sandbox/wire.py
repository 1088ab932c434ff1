"""How a request is put on record, hurt on purpose, carried out and answered.

The three parts of the sandbox share this: each has one `Desk`.
"""

import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus

from aiohttp import web

from bot.sandbox.faults import Fault, FaultKind, Faults
from bot.sandbox.journal import MASK, Journal, JsonObject, LoggedRequest

REDIRECTS = range(300, 400)
Now = Callable[[], datetime]
NewId = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and a body: an object becomes JSON, text is sent as it is."""

    status: int
    body: JsonObject | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the body's bytes."""
        if self.body is None:
            return b""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


class RefusedError(Exception):
    """A request that Microsoft would answer with an error."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


class Desk:
    """Receives the requests of one part and answers them, faults included.

    `explain` writes a refusal in the part's own error shape: (request, code, message) -> body.
    """

    def __init__(
        self, *, now: Now, new_id: NewId, explain: Callable[[LoggedRequest, str, str], JsonObject]
    ) -> None:
        self.journal = Journal()
        self.faults = Faults()
        self._now = now
        self._new_id = new_id
        self._explain = explain

    async def receive(
        self, request: web.Request, *, path: str, version: str = "", body: JsonObject | None = None
    ) -> LoggedRequest:
        """Put the request on record; `body` stands in for its JSON where it has another form."""
        peer: tuple[str, int] = request.get_extra_info("peername", ("", 0))
        entry = LoggedRequest(
            id=self._new_id(),
            at=self._now(),
            method=request.method,
            path=path,
            version=version,
            query=dict(request.query),
            headers=_headers(request),
            body=_json_object(await request.read()) if body is None else body,
            peer=peer[1],
        )
        await self.journal.open(entry)
        return entry

    async def answer(
        self, request: web.Request, entry: LoggedRequest, effect: Callable[[], Answer]
    ) -> web.StreamResponse:
        """Carry out `effect` and send its answer, unless a fault has other plans."""
        fault = self.faults.take(entry)
        kind = fault.kind if fault else None
        if fault and kind in {FaultKind.DELAY, FaultKind.HANG}:
            await self.faults.pause(fault.delay_s if kind is FaultKind.DELAY else None)
        if kind is FaultKind.RESET or self.faults.is_stopped:
            return _reset(request)

        if fault and kind is FaultKind.STATUS:
            answer = self._fault_answer(fault, entry)
        else:
            answer = await self._carry_out(entry, effect)

        if kind is FaultKind.HANG_AFTER:
            await self.faults.pause(None)
        if kind is FaultKind.RESET_AFTER or self.faults.is_stopped:
            return _reset(request)
        return await self._send(request, entry, answer, fault)

    async def refuse(
        self, request: web.Request, entry: LoggedRequest, refusal: RefusedError
    ) -> web.StreamResponse:
        """Answer with a refusal; faults are left for the requests that get further."""
        return await self._send(request, entry, self._refusal_answer(entry, refusal), None)

    async def _carry_out(self, entry: LoggedRequest, effect: Callable[[], Answer]) -> Answer:
        try:
            answer = effect()
        except RefusedError as refusal:
            return self._refusal_answer(entry, refusal)
        await self.journal.mark_effect(entry)
        return answer

    def _refusal_answer(self, entry: LoggedRequest, refusal: RefusedError) -> Answer:
        body = self._explain(entry, refusal.code, refusal.message)
        return Answer(refusal.status, body, refusal.headers)

    def _fault_answer(self, fault: Fault, entry: LoggedRequest) -> Answer:
        phrase = HTTPStatus(fault.status).phrase
        body = fault.body
        if body is None:
            body = self._explain(entry, phrase.replace(" ", ""), f"{phrase}.")
        headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        if fault.status in REDIRECTS:
            headers["Location"] = fault.link
        return Answer(fault.status, body, headers)

    async def _send(
        self, request: web.Request, entry: LoggedRequest, answer: Answer, fault: Fault | None
    ) -> web.StreamResponse:
        answer = _spoil(request, answer, fault) if fault else answer
        headers = {
            "request-id": entry.id,
            "client-request-id": entry.headers.get("client-request-id", entry.id),
            **answer.headers,
        }
        if answer.body is not None:
            headers.setdefault("Content-Type", "application/json; charset=utf-8")
        await self.journal.mark_answer(entry, answer.status, answer.body)
        payload = answer.encode()
        if fault and fault.kind is FaultKind.HALF_BODY:
            return await _send_half(request, answer.status, payload, headers)
        if fault and fault.kind is FaultKind.TRICKLE:
            return await self._trickle(
                request, web.StreamResponse(status=answer.status, headers=headers), payload, fault
            )
        return web.Response(status=answer.status, body=payload, headers=headers)

    async def _trickle(
        self,
        request: web.Request,
        response: web.StreamResponse,
        payload: bytes,
        fault: Fault,
    ) -> web.StreamResponse:
        response.content_length = len(payload)
        await response.prepare(request)
        for byte in payload:
            if self.faults.is_stopped:
                return _reset(request)
            try:
                await response.write(bytes([byte]))
            except ConnectionResetError:
                return response
            await self.faults.pause(fault.delay_s)
        await response.write_eof()
        return response


def _spoil(request: web.Request, answer: Answer, fault: Fault) -> Answer:
    match fault.kind:
        case FaultKind.WRONG_JSON:
            return replace(answer, body='{"value": [' if fault.body is None else fault.body)
        case FaultKind.HUGE_BODY:
            empty = len('{"value": ""}')
            return replace(answer, body={"value": "x" * (fault.size - empty)})
        case FaultKind.LOOPING_LINK if isinstance(answer.body, dict):
            return replace(answer, body={**answer.body, "@odata.nextLink": str(request.url)})
        case FaultKind.FOREIGN_LINK if isinstance(answer.body, dict):
            return replace(answer, body={**answer.body, "@odata.nextLink": fault.link})
        case _:
            return answer


async def _send_half(
    request: web.Request, status: int, payload: bytes, headers: Mapping[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(payload)
    await response.prepare(request)
    await response.write(payload[: len(payload) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _reset(request: web.Request) -> web.StreamResponse:
    """Cut the connection so that the client sees a reset; the answer returned goes nowhere."""
    if request.transport is not None:
        sock: socket.socket = request.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)


def _headers(request: web.Request) -> dict[str, str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if "authorization" in headers:
        headers["authorization"] = f"{headers['authorization'].partition(' ')[0]} {MASK}"
    return headers


def _json_object(raw: bytes) -> JsonObject:
    try:
        parsed = json.loads(raw)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
