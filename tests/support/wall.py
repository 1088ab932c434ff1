"""Teams for tests without HTTP: every message with all it ever said, and a service that fails on cue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from typing_extensions import override

from bot.domain.errors import MessengerError, Trouble as Cause
from bot.domain.notices import Alarm, Digest, Followup
from bot.domain.outcome import Outcome
from bot.sandbox.terminal import lines_of
from bot.service.ports import Reference
from bot.teams.replies import Replies
from tests.support.stage import FakeClock


class Killed(BaseException):
    """The process died at this point: nothing behind it may run."""


class Part(StrEnum):
    """What a message is in a conversation."""

    ROOT = "root"
    REPLY = "reply"
    SUMMARY = "summary"
    OTHER = "other"


_PARTS: tuple[tuple[type[Outcome] | type, Part], ...] = (
    (Alarm, Part.ROOT),
    (Followup, Part.REPLY),
    (Digest, Part.SUMMARY),
)


class Trouble(StrEnum):
    """What can become of the next message. `LOST` and `DIES_AFTER` come after its effect."""

    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    LOST = "lost"
    DIES_BEFORE = "dies before"
    DIES_AFTER = "dies after"


_AFTER = frozenset({Trouble.LOST, Trouble.DIES_AFTER})
_CAUSES = {Trouble.REFUSED: Cause.REFUSED, Trouble.LOST: Cause.DOUBTFUL}


@dataclass
class Message:
    """One message: where, what it said and from when on.

    `incident` is whose root it is. The bot does not know of a message whose id was lost on the way.
    """

    id: str
    conversation: str
    part: Part
    incident: str
    versions: list[tuple[datetime, str]]
    is_known: bool = True
    is_deleted: bool = False

    @override
    def __str__(self) -> str:
        fate = ("" if self.is_known else " lost") + (" deleted" if self.is_deleted else "")
        said = "; ".join(f"{at:%d %H:%M:%S} {_first(text)}" for at, text in self.versions)
        return f"{self.conversation} {self.part} {self.id}{fate}: {said}"

    @property
    def text(self) -> str:
        """What it says now."""
        return self.versions[-1][1]

    @property
    def title(self) -> str:
        """Its first line."""
        return _first(self.text)


def _first(text: str) -> str:
    return text.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Posted:
    """A message came to stand in a conversation."""

    at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class Edited:
    """A message says something else."""

    at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class Failed:
    """A message was not taken, or its answer was lost; not to be tried again before `wait_s`."""

    at: datetime
    conversation: str
    wait_s: float


@dataclass
class Wall:
    """Honours `ports.Messenger`; `tell` hears of everything in order.

    The next message of a conversation meets its first trouble. `throttle_s` is how long Teams asks
    to be left alone.
    """

    replies: Replies
    clock: FakeClock
    tell: Callable[[Posted | Edited | Failed], None]
    messages: list[Message] = field(default_factory=list)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    throttle_s: float = 20.0

    async def post(self, reference: Reference, outcome: Outcome) -> str:
        trouble = self._before(reference)
        part = next((part for known, part in _PARTS if isinstance(outcome, known)), Part.OTHER)
        message = Message(
            id=str(len(self.messages) + 1),
            conversation=reference.root,
            part=part,
            incident=outcome.incident.id if isinstance(outcome, Alarm) else "",
            versions=[(self.clock.now(), self._text(outcome))],
            is_known=trouble is None,
        )
        self.messages.append(message)
        self.tell(Posted(self.clock.now(), message))
        self._after(reference, trouble)
        return message.id

    async def edit(self, reference: Reference, activity_id: str, outcome: Outcome) -> None:
        trouble = self._before(reference)
        message = self.messages[int(activity_id) - 1]
        if message.is_deleted:
            raise MessengerError(
                "not there", trouble=Cause.GONE, code="404 ActivityNotFoundInConversation"
            )
        message.versions.append((self.clock.now(), self._text(outcome)))
        self.tell(Edited(self.clock.now(), message))
        self._after(reference, trouble)

    async def members(self, reference: Reference) -> tuple[str, ...]:
        return ()

    async def is_answering(self, reference: Reference) -> bool:
        return True

    def _before(self, reference: Reference) -> Trouble | None:
        """Fail as Teams does before anything happens; return what is to happen afterwards."""
        trouble = self.troubles.pop(reference.root, None)
        if trouble in _AFTER or trouble is None:
            return trouble
        self._fail(reference, trouble)
        return None

    def _after(self, reference: Reference, trouble: Trouble | None) -> None:
        if trouble is not None:
            self._fail(reference, trouble)

    def _fail(self, reference: Reference, trouble: Trouble) -> None:
        wait_s = self.throttle_s if trouble is Trouble.THROTTLED else 0.0
        self.tell(Failed(self.clock.now(), reference.root, wait_s))
        if trouble in {Trouble.DIES_BEFORE, Trouble.DIES_AFTER}:
            raise Killed
        raise MessengerError(
            trouble.value,
            trouble=_CAUSES.get(trouble, Cause.PASSING),
            code="403 BotNotInConversationRoster" if trouble is Trouble.REFUSED else "",
            retry_after_s=self.throttle_s if trouble is Trouble.THROTTLED else None,
        )

    def _text(self, outcome: Outcome) -> str:
        return "\n".join(lines_of(self.replies.render(outcome).payload()))
