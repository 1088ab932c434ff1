"""What can go wrong between the bot and a conversation, told apart by what the caller may do next.

ConnectorError          status, code and message as the service gave them
├── Throttled           429 or 412 until patience ran out; `retry_after_s` if the service named a time
├── Gone                the conversation or activity is not there (any more)
├── Blocked             403; `code` is the sub-code, e.g. BotNotInConversationRoster
├── Ambiguous           cut off or failed after sending: it may have been carried out
└── Unreachable         certainly not sent
    └── NotAllowed      certainly never to be sent: the address is not on the allow list
"""

from collections.abc import Mapping
from dataclasses import dataclass
from re import compile as pattern

THROTTLING = frozenset({412, 429})
MAX_MESSAGE_CHARACTERS = 256

# The service nests JSON in the message, with quotes around the names or without.
_SUB_CODE = pattern(r'subCode"?\s*:\s*"?(\w+)')


class ConnectorError(Exception):
    """The Bot Connector refused a request; `status` is 0 when it never answered."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Throttled(ConnectorError):
    """Asked to come back later, in `retry_after_s` seconds if the service said when."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_s: float | None
    ) -> None:
        super().__init__(status, code, message)
        self.retry_after_s = retry_after_s


class Gone(ConnectorError):
    """Not there (any more). Seen now and then in error: forget a reference only after several."""


class Blocked(ConnectorError):
    """Not allowed to write here: blocked, removed, or disabled by an administrator."""


class Ambiguous(ConnectorError):
    """May or may not have been carried out."""


class Unreachable(ConnectorError):
    """Certainly not carried out: no connection came about."""


class NotAllowed(Unreachable):
    """Certainly not carried out: the token does not travel to such an address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said; `body` is empty when no whole JSON object of reasonable length came."""

    status: int
    retry_after_s: float | None
    body: Mapping[str, object]

    @property
    def is_success(self) -> bool:
        """Whether the request was carried out; a redirect is not followed, so it was not."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the 2xx family

    def text(self, name: str) -> str:
        """Return a text member of the body, empty if there is none."""
        value = self.body.get(name)
        return value if isinstance(value, str) else ""

    def failure(self) -> ConnectorError:
        """Return the error that this answer stands for."""
        code, message = _code_and_message(self.body)
        match self.status:
            case status if status in THROTTLING:
                return Throttled(status, code, message, retry_after_s=self.retry_after_s)
            case 404 | 410:
                return Gone(self.status, code, message)
            case 403:
                return Blocked(self.status, code, message)
            case status if status == 408 or status >= 500:  # noqa: PLR2004 - timeouts and the 5xx family
                return Ambiguous(status, code, message)
            case status:
                return ConnectorError(status, code, message)


def _code_and_message(body: Mapping[str, object]) -> tuple[str, str]:
    """Return code and message of both envelopes: `{error: {code, message}}`, and `{errorCode, message}`.

    A sub-code in the message is the more exact code and wins.
    """
    error = body.get("error")
    envelope: Mapping[str, object] = error if isinstance(error, dict) else body
    message = str(envelope.get("message", ""))
    code = str(envelope.get("code", envelope.get("errorCode", "")))
    if sub_code := _SUB_CODE.search(message):
        code = sub_code[1]
    return code, message[:MAX_MESSAGE_CHARACTERS]
