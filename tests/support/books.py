"""What requests that waited for consent left behind: database, Graph's log and the thread's cards."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.approval import Approval
from bot.domain.operation import Observation, Operation, State
from bot.service.execution import EXECUTE_JOB, OBSERVE_JOB, TELL_JOB
from bot.service.notify import CARD_JOB
from bot.service.ports import Card
from bot.store.audit import exported
from bot.store.store import SqlStore
from cards import words
from tests.support.room import text_of
from tests.support.talk import Talk
from tests.support.trials import SETTLED_WITHIN_S, Scene, Trial, state_of, title_of, verify_audit

WORK = (EXECUTE_JOB, OBSERVE_JOB, TELL_JOB, CARD_JOB)
MOST = 1000
LOOK_S = 0.1
SEEN = {None, Observation.CONFIRMED}
TOLD = {title for key, (title, _) in words.NOTICES.items() if key.startswith("decided-")}


@dataclass(frozen=True, slots=True)
class Expected:
    """How a request is to end: its state, what the audit says of it, and whom its card names."""

    state: State
    audited: tuple[str, ...]
    named: tuple[str, ...] = ()
    is_told: bool = True


@dataclass
class Books:
    """The database's side, read once."""

    operations: Sequence[Operation]
    approvals: dict[str, Approval | None] = field(default_factory=dict)
    cards: dict[str, Card | None] = field(default_factory=dict)
    request_ids: dict[str, str | None] = field(default_factory=dict)
    audited: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def of(self, talk: Talk) -> list[Operation]:
        """Return the operations that a thread asked for."""
        return [o for o in self.operations if self._is_asked_in(talk, o.id)]

    def _is_asked_in(self, talk: Talk, operation_id: str) -> bool:
        approval = self.approvals[operation_id]
        return approval is not None and approval.thread == talk.thread


async def read_books(store: SqlStore) -> Books:
    found = await store.operations(tenant=None, target=None, offset=0, limit=MOST)
    books = Books(found)
    for operation in found:
        books.approvals[operation.id] = await store.approval(operation.id)
        books.cards[operation.id] = await store.card(operation.id)
        books.request_ids[operation.id] = await store.client_request_id(operation.id)
    async for row in store.audit_rows():
        line = exported(row)
        what = str(line["what"]).removeprefix("operation ")
        books.audited[str(line["operation"])].append(what)
    return books


async def is_over(store: SqlStore) -> bool:
    """Whether nothing is left to be done by itself."""
    if await store.next_due(WORK) is not None:
        return False
    found = await store.operations(tenant=None, target=None, offset=0, limit=MOST)
    if any(o.state in {State.WAITING, State.APPROVED, State.EXECUTING} for o in found):
        return False
    # What ended between the two looks may have left work behind.
    return await store.next_due(WORK) is None


async def settle(trial: Trial, store: SqlStore, started: float) -> None:
    """Wait until nothing is left to be done; `started` is when a bot lived again."""
    try:
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while not await is_over(store):  # noqa: ASYNC110 - the end of all work has no event
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        trial.problems.append(f"{trial}: not settled")
    trial.seconds = time.monotonic() - started


async def judge(
    scene: Scene, trial: Trial, store: SqlStore, asked: Sequence[tuple[Talk, Expected]]
) -> None:
    """Hold database, cards and Graph's log against each other, thread by thread."""
    await verify_audit(trial, store)
    books = await read_books(store)
    known = set(books.request_ids.values())
    strange = [e for e in scene.writes() if e.headers.get("client-request-id") not in known]
    trial.expect(is_so=not strange, wanted=f"writes that nobody asked for: {strange}")
    trial.expect(
        is_so=len(books.operations) == len(asked), wanted=f"{len(books.operations)} asked"
    )
    ends = []
    for talk, expected in asked:
        found = books.of(talk)
        trial.expect(is_so=len(found) == 1, wanted=f"{len(found)} operations of one request")
        for operation in found:
            ends.append(str(operation.state))
            _judge_row(scene, trial, books, operation, expected)
            _judge_thread(trial, books, operation, talk, expected)
    trial.ended = ", ".join(sorted(set(ends)))


def _judge_row(
    scene: Scene, trial: Trial, books: Books, operation: Operation, expected: Expected
) -> None:
    request_id = books.request_ids[operation.id]
    own = [e for e in scene.writes() if e.headers.get("client-request-id") == request_id]
    effects = sum(entry.has_effect for entry in own)
    told = f"{operation.short} is {operation.state}, {effects} effects, {operation.result.code}"
    is_right = operation.state is expected.state and operation.result.observation in SEEN
    trial.expect(is_so=is_right, wanted=told)
    trial.expect(is_so=effects == (expected.state is State.DONE), wanted=told)
    lines = [line for line in books.audited[operation.id] if line != "vote refused"]
    trial.expect(is_so=tuple(lines) == expected.audited, wanted=f"{told}, audited {lines}")


def _judge_thread(
    trial: Trial, books: Books, operation: Operation, talk: Talk, expected: Expected
) -> None:
    card = books.cards[operation.id]
    messages = talk.messages()
    own = [m for m in messages if card is not None and m.id == card.activity_id]
    trial.expect(is_so=len(own) == 1, wanted=f"{operation.short} has no card: {card}")
    for message in own:
        text = text_of(message.card)
        trial.expect(is_so=state_of(message) is expected.state, wanted=f"the card says {text}")
        missing = [name for name in expected.named if name not in text]
        trial.expect(is_so=not missing, wanted=f"{missing} missing on the card: {text}")
    notices = sum(title_of(message).endswith(tuple(TOLD)) for message in messages)
    trial.expect(
        is_so=bool(notices) is expected.is_told, wanted=f"{operation.short} told {notices} times"
    )
    # What was to follow may have died with the process, so there can be fewer than announced.
    late = sum(pressed.is_late for pressed in talk.pressed)
    trial.orphans += max(0, len(messages) - len(own) - expected.is_told - late)
