"""What can go wrong, as one tree; each leaf carries values, the sentences are written in `cards`.

BotError
├── UserError                 the person can put it right: code and details
├── GraphError                Graph answered with an error: status, code, request ids
│   ├── GraphUnavailable      throttled, down or out of budget: nothing was changed; retry_after_s
│   └── GraphAmbiguous        a write may or may not have arrived: only the far side can tell
├── DirectoryUnavailable      the roles of a person could not be read: denied for now
├── StoreError                the database is locked, full or away: no write was started
├── MessengerError            a message could not be delivered to Teams
└── ConfigError               a setting or the policy is wrong: names the setting
"""

from dataclasses import dataclass
from enum import StrEnum


class BotError(Exception):
    """Every failure that has an answer for a person."""


class UserError(BotError):
    """The command cannot be carried out as typed.

    `code` names the sentence to show; `details` are its values, all of them plain text.
    """

    def __init__(self, code: str, **details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(frozen=True, slots=True)
class GraphFault:
    """What Graph said of a failed request, safe to show: internal URLs are already removed.

    `status` is 0 when no answer arrived. `code` is the innermost code Intune gave.
    """

    status: int
    code: str
    message: str
    request_id: str | None = None
    client_request_id: str | None = None


class GraphError(BotError):
    """Graph refused or failed a request; nothing else is known to have changed."""

    def __init__(self, fault: GraphFault) -> None:
        super().__init__(f"{fault.status} {fault.code}")
        self.fault = fault


class GraphUnavailable(GraphError):
    """Graph cannot serve now; `retry_after_s` is its own wish in seconds, where it gave one."""

    def __init__(self, fault: GraphFault, retry_after_s: float | None = None) -> None:
        super().__init__(fault)
        self.retry_after_s = retry_after_s


class GraphAmbiguous(GraphError):
    """A write was sent and its answer was lost: it may have happened."""


class DirectoryUnavailable(BotError):
    """The caller's roles could not be read, so they count as none."""

    def __init__(self, fault: GraphFault) -> None:
        super().__init__(f"{fault.status} {fault.code}")
        self.fault = fault


class StoreError(BotError):
    """The store cannot be read or written now; what was asked for was not started."""


class Trouble(StrEnum):
    """Why a message did not reach Teams, told apart by what may be done next.

    `PASSING` had no effect, or none that repeating could double, and ends by itself. `DOUBTFUL` is
    a new message of which nobody can say whether it arrived. `GONE` is a message or conversation
    that is not there any more, `REFUSED` a conversation where the bot may not write. Trying again
    cannot help what is `FINAL`, and `OTHER` is everything else.
    """

    PASSING = "passing"
    DOUBTFUL = "doubtful"
    GONE = "gone"
    REFUSED = "refused"
    FINAL = "final"
    OTHER = "other"


class MessengerError(BotError):
    """A message did not reach Teams, or may not have.

    `code` is what the connector called it, after its status where it answered; `retry_after_s` is
    its own wish where it gave one.
    """

    def __init__(
        self,
        reason: str,
        *,
        trouble: Trouble,
        code: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.trouble = trouble
        self.code = code
        self.retry_after_s = retry_after_s

    @property
    def is_gone(self) -> bool:
        """Whether a message or conversation is not there any more."""
        return self.trouble is Trouble.GONE


class ConfigError(BotError):
    """A setting, or the policy file, is missing or wrong; `setting` is its name."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting
        self.message = message
