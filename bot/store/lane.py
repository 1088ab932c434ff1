"""A bounded way into the database: waiting has an end, and every failure is a `StoreError`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import TypeVar

from sqlalchemy import Connection, Executable, RowMapping, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncTransaction

from bot.domain.errors import StoreError

GRACE_S = 0.5
"""How much longer than the database itself may wait we wait for it to say so, in seconds."""

BUSY_MS = "busy_ms"
"""The execution option that tells a SQLite transaction how long it may wait for the lock."""

T = TypeVar("T")


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn whatever a driver raises (locked, full, read-only, gone, too late) into `StoreError`.

    The message names the kind of failure alone: statements and values stay in the cause.
    """
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"database failed: {type(error.orig).__name__}") from error
    except TimeoutError as error:
        raise StoreError("database too slow") from error
    except OSError as error:
        raise StoreError(f"database out of reach: {type(error).__name__}") from error


class Session:
    """One transaction on one connection, until `deadline` of the event loop's clock.

    After a failure nothing more can be done in it, and it will not commit.
    """

    def __init__(self, transaction: AsyncTransaction, deadline: float) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self._deadline = deadline
        self._is_broken = False

    @property
    def is_sqlite(self) -> bool:
        """Whether the engine underneath is SQLite."""
        return self._connection.dialect.name == "sqlite"

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Return an INSERT that knows ON CONFLICT in the words of the engine."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    async def change(self, statement: Executable) -> int:
        """Run a statement that writes and return how many rows it touched."""
        async with self._guarded(self._deadline):
            result = await self._connection.execute(statement)
            return result.rowcount

    async def all(self, statement: Executable) -> Sequence[RowMapping]:
        """Return every row of a statement."""
        async with self._guarded(self._deadline):
            result = await self._connection.execute(statement)
            return result.mappings().all()

    async def first(self, statement: Executable) -> RowMapping | None:
        """Return the first row of a statement, or None."""
        rows = await self.all(statement)
        return rows[0] if rows else None

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run synchronous work of a library on the connection."""
        async with self._guarded(self._deadline):
            return await self._connection.run_sync(work)

    async def commit(self) -> None:
        """Make all of it true. A commit that was begun late still gets a second."""
        now = asyncio.get_running_loop().time()
        async with self._guarded(max(self._deadline, now + 1)):
            await self._transaction.commit()

    async def abandon(self) -> None:
        """Undo all of it; a connection that cannot even do that is thrown away."""
        try:
            with store_errors():
                async with asyncio.timeout(GRACE_S):
                    await self._transaction.rollback()
        except StoreError:
            await self._connection.invalidate()

    @asynccontextmanager
    async def _guarded(self, deadline: float) -> AsyncIterator[None]:
        if self._is_broken:
            raise StoreError("the transaction has failed before")
        self._is_broken = True
        with store_errors():
            async with asyncio.timeout_at(deadline):
                yield
        self._is_broken = False


class Lane:
    """A number of seats at an engine's pool.

    The seats are waited for here and not in the pool, because a waiter that gives up here cannot
    take a connection with it.
    """

    def __init__(self, engine: AsyncEngine, *, seats: int, busy_s: float) -> None:
        self._engine = engine
        self._count = seats
        self._seats = asyncio.Semaphore(seats)
        self._busy_s = busy_s

    @asynccontextmanager
    async def session(
        self, *, work_s: float = 0.0, busy_s: float | None = None
    ) -> AsyncIterator[Session]:
        """Open a transaction; an exception inside rolls it back, otherwise it is committed.

        A seat, a connection, the lock and the statements have the busy time together; `work_s`
        seconds more are granted to the statements. A seat, and the lock of a file, are given up
        after `busy_s` where that is less: no work is cut off for it.

        Raises:
            StoreError: the database cannot serve, now or at commit.
        """
        deadline = asyncio.get_running_loop().time() + self._busy_s
        async with AsyncExitStack() as stack:
            transaction = await self._enter(stack, deadline, busy_s or self._busy_s)
            session = Session(transaction, deadline + GRACE_S + work_s)
            try:
                yield session
                await session.commit()
            except BaseException:
                await session.abandon()
                raise

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[None]:
        """Hold all seats, so that no connection is in use; who works on is left alone."""
        taken = 0
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    while taken < self._count:
                        await self._seats.acquire()
                        taken += 1
            yield
        finally:
            for _ in range(taken):
                self._seats.release()

    async def _enter(
        self, stack: AsyncExitStack, deadline: float, busy_s: float
    ) -> AsyncTransaction:
        with store_errors():
            async with asyncio.timeout_at(deadline + GRACE_S):
                async with asyncio.timeout(busy_s + GRACE_S):
                    await stack.enter_async_context(self._seats)
                connection = await stack.enter_async_context(self._engine.connect())
                left = deadline - asyncio.get_running_loop().time()
                busy_ms = max(0, int(min(left, busy_s) * 1000))
                connection = await connection.execution_options(**{BUSY_MS: busy_ms})
                return await connection.begin()
