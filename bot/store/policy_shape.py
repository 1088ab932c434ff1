"""The shape of `policy.toml`: tables, keys and the form of every value; nothing else is let in."""

import re
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=366)
PATTERN = re.compile(r"(\*|[a-z0-9_-]+):(\*|[a-z0-9_-]+)")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _duration(value: object) -> timedelta:
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    span = timedelta(seconds=int(match[1]) * UNITS[match[2]]) if match else LONGEST * 2
    if span > LONGEST:
        raise PydanticCustomError("duration", 'must be a duration like "90s", "15m", "4h" or "2d"')
    return span


def _pattern(value: str) -> str:
    if PATTERN.fullmatch(value) is None:
        raise PydanticCustomError(
            "pattern",
            'must be "kind:verb" in lower case with a colon, either side may be "*";'
            ' write "exchange:sync" or "*:list"',
        )
    return value


def _guid(value: str) -> str:
    if GUID.fullmatch(value) is None:
        raise PydanticCustomError(
            "guid",
            "must be an object id (a GUID like 0aa0c1de-0000-4000-8000-000000000001), not a name",
        )
    return str(UUID(value))


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Guid = Annotated[str, AfterValidator(_guid)]


class Shape(BaseModel):
    """A table of the file; a key it does not know is an error, and so is a value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RoleShape(Shape):
    """`[roles.<name>]`."""

    groups: list[Guid] = []
    people: list[Guid] = []
    allow: list[Pattern] = []
    deny: list[Pattern] = []
    inherits: list[str] = []


class ApprovalShape(Shape):
    """`[[approval]]`."""

    commands: Annotated[list[Pattern], Field(min_length=1)]
    approvers: Annotated[list[str], Field(min_length=1)]
    needed: Annotated[int, Field(ge=1)] = 1
    expires: Duration = timedelta(hours=4)
    execute_within: Duration = timedelta(hours=1)
    reason: bool = False
    remind: Duration | None = None
    channel: Annotated[str, Field(min_length=1)] | None = None


class GuardrailShape(Shape):
    """`[[guardrail]]`."""

    channel: Annotated[str, Field(min_length=1)]
    allow: list[Pattern]


class PeopleShape(Shape):
    """`[people]`."""

    guests: Literal["deny", "allow"] = "deny"
    tenants: list[Guid] = []


class LimitsShape(Shape):
    """`[limits]`."""

    bulk: Annotated[int, Field(ge=1)] = 10


class PolicyShape(Shape):
    """The whole file."""

    roles: Annotated[dict[str, RoleShape], Field(min_length=1)]
    approval: list[ApprovalShape] = []
    guardrail: list[GuardrailShape] = []
    people: PeopleShape = PeopleShape()
    limits: LimitsShape = LimitsShape()
