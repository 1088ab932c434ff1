"""What a command came to: one value per way it can end, all of them to be shown to a person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from bot.domain.approval import Approval
from bot.domain.command import Command, CommandSpec
from bot.domain.consent import ApprovalRule
from bot.domain.errors import GraphFault
from bot.domain.notices import Alarm, DeadLetters, Digest, Followup, Status, Watches, Watching
from bot.domain.offer import Form, Welcome
from bot.domain.operation import Operation
from bot.domain.plan import Plan
from bot.domain.policy import Denied, Grant
from bot.domain.resource import ResourceKind, Values
from bot.domain.rights import Entitled, Explanation


@dataclass(frozen=True, slots=True)
class Overview:
    """`/help`: what this person may run. `is_complete` is False when roles could not be read."""

    specs: tuple[CommandSpec, ...]
    roles: tuple[str, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Manual:
    """`/help <command>`: how one command is used and which roles have it."""

    spec: CommandSpec
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """`/whoami`."""

    name: str
    oid: str
    tenant: str
    grants: tuple[Grant, ...]
    is_guest: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list. `command` is the list's own text without the page, for its buttons.

    `total` counts what matched, `seen` what Graph gave; `is_cut` tells that Graph had more than the
    bot reads. `as_of` is when it was last seen, where Graph cannot be asked just now. `offers` are
    the writes of the kind that the person may ask for.
    """

    kind: ResourceKind
    rows: tuple[Values, ...]
    page: int
    pages: int
    total: int
    seen: int
    is_cut: bool
    filters: tuple[tuple[str, str], ...]
    command: str
    now: datetime
    as_of: datetime | None = None
    offers: tuple[CommandSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One record; `as_of` is when it was last seen, where Graph cannot be asked just now.

    `offers` are the writes of the kind that the person may ask for.
    """

    kind: ResourceKind
    values: Values
    now: datetime
    as_of: datetime | None = None
    offers: tuple[CommandSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """`--plan`: what would happen; `command` is the text that makes it happen.

    `rule` is the approval it would wait for; `lacks_reason`: the rule wants a reason, none is given.
    """

    kind: ResourceKind
    plan: Plan
    command: str
    rule: ApprovalRule | None = None
    lacks_reason: bool = False


class View(StrEnum):
    """Whose card it is: the one that everybody sees, or one person's."""

    ALL = "all"
    APPROVER = "approver"
    ASKER = "asker"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Operated:
    """The current state of a write.

    `viewers` are the people, in Teams' ids, whose clients are to ask for a view of their own.
    `is_unseen` tells that its one card stands where nobody but the asker can see it.
    """

    kind: ResourceKind
    operation: Operation
    approval: Approval | None = None
    view: View = View.ALL
    viewers: tuple[str, ...] = ()
    is_unseen: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a request that waited, for the one who asked."""

    kind: ResourceKind
    operation: Operation
    approval: Approval


@dataclass(frozen=True, slots=True)
class Waiting:
    """`/approvals`: what this person may decide, and what they asked for, the most urgent of each.

    `more_to_decide` and `more_asked` count what there is beyond.
    """

    to_decide: tuple[Operated, ...]
    asked: tuple[Operated, ...]
    more_to_decide: int
    more_asked: int
    now: datetime


@dataclass(frozen=True, slots=True)
class History:
    """`/history`: operations, newest first."""

    rows: tuple[Operation, ...]
    page: int
    has_more: bool
    target: str | None
    command: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """The policy said no."""

    denied: Denied


@dataclass(frozen=True, slots=True)
class Paused:
    """Writes are stopped: by `who` at `since`, or by the setting when `who` is empty."""

    who: str
    since: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Noted:
    """Something small was done or is the case; `code` names the sentence, `details` its values."""

    code: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Misread:
    """The text is no command. `start` and `end` mark the wrong part inside `text`.

    `usage` is the command's own shape where it is known; `suggestions` are only such commands as
    the person may run. `so_far` is what was given of a command that lacks something.
    """

    code: str
    text: str
    start: int
    end: int
    spec: CommandSpec | None = None
    suggestions: tuple[str, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    so_far: Command | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """No record by that name; `near` are names that are similar.

    `as_of` is when it was last looked for, where Graph cannot be asked just now. `known_as` is what
    it was called while it was there, where that is known.
    """

    kind: ResourceKind
    target: str
    near: tuple[str, ...]
    as_of: datetime | None = None
    known_as: str = ""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several records by that name; `commands` is what to type for each.

    `as_of` is when they were last seen, where Graph cannot be asked just now.
    """

    kind: ResourceKind
    target: str
    candidates: tuple[Values, ...]
    commands: tuple[str, ...]
    reads_only: bool
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class GraphFailed:
    """Graph refused, failed or was not reachable; nothing was changed."""

    fault: GraphFault
    retry_after_s: float | None
    error_id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Something else went wrong; `code` names the sentence, `error_id` is in the log."""

    code: str
    error_id: str


Outcome: TypeAlias = (
    Overview
    | Welcome
    | Manual
    | WhoAmI
    | Explanation
    | Entitled
    | Listing
    | Shown
    | Planned
    | Operated
    | History
    | Form
    | Refused
    | Decided
    | Waiting
    | Paused
    | Noted
    | Misread
    | NotFound
    | Ambiguous
    | GraphFailed
    | Failed
    | Alarm
    | Followup
    | Digest
    | Watching
    | Watches
    | Status
    | DeadLetters
)
