"""How values of the domain stand in a column: instants as integers, documents as JSON text."""

from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import BigInteger, Dialect, Text, TypeDecorator
from sqlalchemy.types import TypeEngine
from typing_extensions import override

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(moment: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_us(microseconds: int) -> datetime:
    """Return the instant in UTC that is so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept as microseconds: it sorts and compares alike on every engine."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = BigInteger
    cache_ok: bool | None = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn an instant into what the column holds."""
        return None if value is None else to_us(value)

    @override
    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn what the column holds into an instant in UTC."""
        return None if value is None else from_us(value)


class Document(TypeDecorator[T], Generic[T]):
    """A domain value as JSON text, checked by the type's own pydantic adapter when it is read."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def __init__(self, type_: type[T]) -> None:
        super().__init__()
        self.type_ = type_
        self._adapter = TypeAdapter(type_)

    @override
    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        """Turn a value into JSON; mappings that cannot be changed are written like any other."""
        return None if value is None else to_json(value, fallback=dict).decode()

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> T | None:
        """Turn JSON back into the value."""
        return None if value is None else self._adapter.validate_json(value)
