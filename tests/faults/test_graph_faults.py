"""Whatever Graph does, the card tells the truth: judged against the sandbox's world and its log.

Every case goes through the real HTTP route. The time that retries wait is the fake clock's; only a
Graph that keeps silent costs real time, and its limits are made small.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.cli.demo import SECRET
from bot.domain.operation import Observation, Operation, State
from bot.sandbox.faults import Fault, FaultKind, intune_error
from bot.sandbox.journal import LoggedRequest
from bot.sandbox.terminal import lines_of
from cards import words
from tests.support.stage import Script, Stage, staged

COLLECTION = "/deviceManagement/exchangeConnectors"
SETTLED = {State.DONE, State.FAILED, State.UNKNOWN}
MOST_ROUNDS = 40
ROUND_S = 60.0
# The fake clock runs ahead while a retry waits, so a lease must not end by that.
PATIENT = Script(lease_s=36_000.0)
SHORT_READ_S = 0.15
SHORT_BUDGET_S = 0.6


@dataclass(frozen=True)
class Write:
    """A command that writes, and the request it leads to."""

    text: str
    method: str
    path: str


WRITES = {
    "create": Write(
        "/exchange create serverName=EXCH09 exchangeConnectorType=hosted", "POST", "Connectors$"
    ),
    "update": Write("/exchange update EXCH01 version=15.9", "PATCH", "Connectors/"),
    "delete": Write("/exchange delete EXCH02", "DELETE", "Connectors/"),
    "sync": Write("/exchange sync EXCH01", "POST", "/sync$"),
}
READS = {"list": "/exchange list", "get": "/exchange get EXCH01"}

SILENT = {
    "hang": Fault(kind=FaultKind.HANG),
    "hang after the effect": Fault(kind=FaultKind.HANG_AFTER),
    "trickle": Fault(kind=FaultKind.TRICKLE, delay_s=0.02),
}
FAULTS = {
    "429 with decimals": Fault(kind=FaultKind.STATUS, status=429, retry_after="2.128"),
    "429 without a wish": Fault(kind=FaultKind.STATUS, status=429),
    "503": Fault(kind=FaultKind.STATUS, status=503),
    "504": Fault(kind=FaultKind.STATUS, status=504),
    "500": Fault(kind=FaultKind.STATUS, status=500),
    "reset before": Fault(kind=FaultKind.RESET),
    "reset after": Fault(kind=FaultKind.RESET_AFTER),
    "half a body": Fault(kind=FaultKind.HALF_BODY),
    "no JSON": Fault(kind=FaultKind.WRONG_JSON),
    "another shape": Fault(kind=FaultKind.WRONG_JSON, body={"value": 7, "id": ["x"]}),
    "10 MB": Fault(kind=FaultKind.HUGE_BODY),
    "403 deep": Fault(
        kind=FaultKind.STATUS,
        status=403,
        body=intune_error("UnknownError", "Not allowed", inner_code="Forbidden"),
    ),
    "400 deep": Fault(
        kind=FaultKind.STATUS, status=400, body=intune_error("BadRequest", "An error has occurred")
    ),
    **SILENT,
}
LINKS = {
    "looping link": Fault(kind=FaultKind.LOOPING_LINK),
    "foreign link": Fault(kind=FaultKind.FOREIGN_LINK),
}
REFUSALS = {"403 deep", "400 deep"}
THROTTLES = {"429 with decimals", "429 without a wish"}
# The request got lost before it did anything, and nobody can tell that from the answer.
LOST = {"503", "504", "500", "reset before", "hang"}
# A read is repeated after these.
OVERCOME = {
    *THROTTLES,
    *{"503", "504", "reset before", "reset after", "half a body"},
    *{"hang", "hang after the effect"},
}
STOPPING = {*LINKS, "500", "no JSON", "another shape", "10 MB", "403 deep", "400 deep", "trickle"}


@dataclass(frozen=True)
class Ending:
    """What a command came to, for people and in the store."""

    card: str
    raw: str
    operation: Operation | None
    effects: int


class Elsewhere:
    """A host that is not Graph; counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self.url = ""

    async def _visit(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()
        await writer.wait_closed()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{port}/v1.0/next"
            yield


def is_write(request: LoggedRequest) -> bool:
    return request.path.startswith(COLLECTION) and request.method != "GET"


async def newest(stage: Stage) -> Operation | None:
    found = await stage.bot.store.operations(tenant=None, target=None, offset=0, limit=1)
    return found[0] if found else None


async def ending(stage: Stage, text: str) -> Ending:
    """Give a command and let the time pass until nothing of it is open."""
    await stage.says("ada", text)
    operation = await newest(stage)
    for _ in range(MOST_ROUNDS):
        if operation is None or await is_over(stage, operation):
            break
        stage.clock.move(seconds=ROUND_S)
        stage.bot.runner.wake()
        await stage.settle()
        operation = await newest(stage)
    (message,) = stage.sandbox.connector.messages()
    assert message.card is not None
    return Ending(
        "\n".join(lines_of(message.card)),
        json.dumps(message.card),
        operation,
        sum(entry.has_effect for entry in stage.sandbox.graph.log if is_write(entry)),
    )


async def is_over(stage: Stage, operation: Operation) -> bool:
    card = await stage.bot.store.card(operation.id)
    is_shown = card is not None and card.revision_sent == card.revision_wanted
    return is_shown and is_settled(operation)


def is_settled(operation: Operation) -> bool:
    is_watched = operation.result.observation is Observation.PENDING
    return operation.state in SETTLED and not is_watched


def check_truth(stage: Stage, end: Ending) -> None:
    """Whatever happened, this holds."""
    for secret in (SECRET, stage.sandbox.url, "manage.microsoft.com", "Bearer", "eyJ"):
        assert secret not in end.raw
    assert end.effects <= 1
    if words.NOTHING_CHANGED in end.card:
        assert end.effects == 0
    operation = end.operation
    if operation is None:
        assert end.effects == 0
        return
    assert is_settled(operation)
    seen = operation.result.observation
    key = f"done:{seen}" if operation.state is State.DONE and seen else str(operation.state)
    assert words.STATES[key][0] in end.card
    if operation.state is State.DONE:
        assert end.effects == 1
    elif operation.state is State.FAILED:
        assert end.effects == 0
    else:
        is_unreadable = operation.result.code == "unreadable"
        assert is_unreadable or operation.plan.verb in {"create", "sync"}


def ends_as(verb: str, fault: str, *, is_lasting: bool) -> State:
    """Return how a write ends that is hurt so."""
    if fault in REFUSALS:
        return State.FAILED
    if fault in THROTTLES:
        return State.FAILED if is_lasting else State.DONE
    if fault in LOST and verb in {"create", "sync"}:
        return State.UNKNOWN
    return State.FAILED if fault in LOST and is_lasting else State.DONE


def hurt_reading_back(stage: Stage, fault: str, times: int | None) -> None:
    """Let a fault strike only such reads as follow a write."""

    def is_after(_request: LoggedRequest) -> bool:
        return any(map(is_write, stage.sandbox.graph.log))

    stage.sandbox.graph.faults.add(
        replace(
            (FAULTS | LINKS)[fault], method="GET", path=COLLECTION, where=is_after, times=times
        )
    )


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the limits for a silent Graph small where the case has one."""
    name = request.node.name
    if any(silent in name for silent in SILENT):
        monkeypatch.setattr("bot.graph.client.READ_TIMEOUT_S", SHORT_READ_S)
    if "trickle" in name:
        monkeypatch.setattr("bot.graph.gateway.REQUEST_BUDGET_S", SHORT_BUDGET_S)
        monkeypatch.setattr("bot.service.records.PATIENCE_S", SHORT_BUDGET_S)


def cases(*names: str, lasting: tuple[str, ...]) -> pytest.MarkDecorator:
    """Return the parameters `fault` and `times`: each once, some for as long as it is tried."""
    once = [pytest.param(name, 1, id=f"{name}, once") for name in names]
    for_ever = [pytest.param(name, None, id=f"{name}, lasting") for name in lasting]
    return pytest.mark.parametrize(("fault", "times"), [*once, *for_ever])


@pytest.mark.parametrize("verb", WRITES)
@cases(*FAULTS, lasting=("429 with decimals", "503", "504", "reset before", "hang"))
async def test_a_fault_of_the_write_ends_in_a_truthful_card(
    tmp_path: Path, verb: str, fault: str, times: int | None
) -> None:
    write = WRITES[verb]
    async with staged(tmp_path, PATIENT) as stage:
        stage.sandbox.graph.faults.add(
            replace(FAULTS[fault], method=write.method, path=write.path, times=times)
        )

        end = await ending(stage, write.text)

    check_truth(stage, end)
    assert end.operation is not None
    assert end.operation.state == ends_as(verb, fault, is_lasting=times is None)


@cases(*FAULTS, lasting=("429 with decimals", "503", "reset before", "hang"))
async def test_a_fault_of_the_reading_back_leaves_an_accepted_update_done(
    tmp_path: Path, fault: str, times: int | None
) -> None:
    async with staged(tmp_path, PATIENT) as stage:
        hurt_reading_back(stage, fault, times)

        end = await ending(stage, WRITES["update"].text)

    check_truth(stage, end)
    assert end.operation is not None
    seen = end.operation.result.observation
    is_overcome = times == 1 and fault in OVERCOME
    assert seen is (Observation.CONFIRMED if is_overcome else Observation.UNREAD)
    assert end.operation.state is State.DONE


@pytest.mark.parametrize("fault", ["503", "403 deep", "10 MB", "foreign link"])
async def test_a_create_without_a_readable_answer_is_accepted_and_says_it_was_not_verified(
    tmp_path: Path, fault: str
) -> None:
    async with staged(tmp_path, PATIENT) as stage:
        stage.sandbox.graph.faults.add(
            Fault(kind=FaultKind.HALF_BODY, method="POST", path=COLLECTION)
        )
        hurt_reading_back(stage, fault, None)

        end = await ending(stage, WRITES["create"].text)

    check_truth(stage, end)
    assert end.operation is not None
    assert end.operation.result.observation is Observation.UNREAD


@pytest.mark.parametrize("verb", WRITES)
async def test_a_lost_answer_and_an_unreadable_far_side_are_said_to_be_unknown(
    tmp_path: Path, verb: str
) -> None:
    write = WRITES[verb]
    async with staged(tmp_path, PATIENT) as stage:
        stage.sandbox.graph.faults.add(
            Fault(kind=FaultKind.RESET_AFTER, method=write.method, path=write.path)
        )
        hurt_reading_back(stage, "503", None)

        end = await ending(stage, write.text)

    check_truth(stage, end)
    assert end.operation is not None
    assert end.operation.state is State.UNKNOWN
    assert end.operation.result.code == "unreadable"
    assert words.OUTCOMES["unreadable"] in end.card


@pytest.mark.parametrize("verb", WRITES)
async def test_a_far_side_that_comes_back_settles_a_lost_answer(tmp_path: Path, verb: str) -> None:
    write = WRITES[verb]
    async with staged(tmp_path, PATIENT) as stage:
        stage.sandbox.graph.faults.add(
            Fault(kind=FaultKind.RESET_AFTER, method=write.method, path=write.path)
        )
        hurt_reading_back(stage, "500", 2)

        end = await ending(stage, write.text)

    check_truth(stage, end)
    assert end.operation is not None
    assert end.operation.state is State.DONE


async def test_a_sync_that_cannot_be_watched_is_not_taken_as_done(tmp_path: Path) -> None:
    async with staged(tmp_path, PATIENT) as stage:
        hurt_reading_back(stage, "500", None)

        end = await ending(stage, WRITES["sync"].text)

    check_truth(stage, end)
    assert words.STATES["done:unread"][1] in end.card


async def test_a_throttled_write_that_is_given_up_says_that_nothing_was_changed(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, PATIENT) as stage:
        stage.sandbox.graph.faults.add(
            replace(FAULTS["429 with decimals"], method="PATCH", times=None)
        )

        end = await ending(stage, WRITES["update"].text)

    check_truth(stage, end)
    assert words.STATES["failed"][1] in end.card
    assert "429" in end.card


@pytest.mark.parametrize("fault", [*sorted(OVERCOME), *sorted(STOPPING)])
async def test_a_fault_before_a_write_is_overcome_or_stops_it(tmp_path: Path, fault: str) -> None:
    async with staged(tmp_path, PATIENT) as stage:
        stage.sandbox.graph.faults.add(
            replace((FAULTS | LINKS)[fault], method="GET", path=COLLECTION)
        )

        end = await ending(stage, WRITES["update"].text)

    check_truth(stage, end)
    assert (end.operation is not None) is (fault in OVERCOME)
    assert (words.NOTHING_CHANGED in end.card) is (fault in STOPPING)


@pytest.mark.parametrize("verb", READS)
@cases(*FAULTS, *LINKS, lasting=("429 without a wish", "503", "hang"))
async def test_a_read_shows_everything_or_what_went_wrong(
    tmp_path: Path, verb: str, fault: str, times: int | None
) -> None:
    async with staged(tmp_path, PATIENT) as stage:
        stage.sandbox.graph.faults.add(
            replace((FAULTS | LINKS)[fault], method="GET", path=COLLECTION, times=times)
        )

        end = await ending(stage, READS[verb])

    check_truth(stage, end)
    names = ["EXCH01", "EXCH02", "EXCH03", "EXCH 04", "EXCH05"] if verb == "list" else ["EXCH01"]
    is_failed = words.NOTHING_CHANGED in end.card
    # While Graph is out of reach the last look is shown, and says so.
    is_labelled = words.AS_OF.partition("{")[0] in end.card
    assert all(name in end.card for name in names) is not is_failed
    if times is None:
        assert is_failed is not is_labelled
    if times == 1 and fault in OVERCOME:
        assert not is_failed
        assert not is_labelled


async def test_no_token_and_no_request_reaches_another_host(tmp_path: Path) -> None:
    elsewhere = Elsewhere()
    async with elsewhere.open(), staged(tmp_path, PATIENT) as stage:
        link = replace(LINKS["foreign link"], link=elsewhere.url, path=COLLECTION, times=None)
        stage.sandbox.graph.faults.add(link)

        shown = await ending(stage, READS["list"])

        check_truth(stage, shown)
        assert elsewhere.url not in shown.raw
    assert elsewhere.visits == 0
