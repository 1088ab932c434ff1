"""A bot in a process of its own, to be killed with SIGKILL: by itself at a named step, or from outside.

The process is forked from a server that has the bot's modules loaded, so that a start is quick. Its
time, its database and its HTTP are real; only the lease is short.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerContext, ForkServerProcess

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor, ExecutionContext
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from bot import logs
from bot.app import Bot, serve
from bot.chance import Chance
from bot.domain.operation import State
from bot.settings import Settings

LEASE_S = 2.0
START_S = 30.0
_ENDS = {State.DONE, State.FAILED, State.UNKNOWN}
_STEPS = {
    **{str(state): str(state) for state in State},
    **dict.fromkeys(map(str, _ENDS), "outcome"),
}
_NOTE = "step"
_TOLD = "told"


@dataclass(frozen=True, slots=True)
class Fuse:
    """Kills its own process just before or just after the first commit of a step.

    `requested`: the operation, and what it waits for; `shown`: that its card, or a change of it,
    stands in Teams; `voted`: a vote that decides nothing yet; `approved`, `rejected`, `cancelled`,
    `expired`: what became of the waiting; `executing`: the intent; `outcome`: how it ended; `told`:
    that the asker was told. Of watching: `happened`: a look that has news; `noticed`: who is to
    hear them; `stands`: that an incident's root message, or an edit of it, stands in Teams;
    `replied`: that a reply does; `summed up`: that a summary does. Only what is committed later
    than the step `after` counts.
    """

    step: str
    is_before: bool
    after: str | None = None


def _step_of(statement: str, values: object) -> str | None:
    """Return the step that a statement takes, told by the table and the state it writes."""
    if statement.startswith("INSERT INTO operation "):
        return "requested"
    if statement.startswith("UPDATE approval "):
        return "voted"
    if statement.startswith("UPDATE card ") and "activity_id=" in statement.replace(" ", ""):
        return "shown"
    if statement.startswith("UPDATE operation SET state=") and isinstance(values, tuple):
        return _STEPS[str(values[0])]
    if statement.startswith("INSERT INTO post "):
        return "noticed"
    if statement.startswith("INSERT INTO incident "):
        return "happened"
    if statement.startswith("UPDATE post SET told=") and "held_until=" in statement:
        return "summed up"
    if statement.startswith("UPDATE post SET activity_id") and isinstance(values, tuple):
        return "stands" if values[0] else "replied"
    if statement.startswith("DELETE FROM job "):
        return _TOLD
    return None


def _arm(fuse: Fuse) -> None:
    """Watch every transaction of this process; a commit at the fuse's step ends it."""
    passed: set[str | None] = {None}

    def notice(
        connection: Connection,
        _cursor: DBAPICursor,
        statement: str,
        parameters: object,
        _context: ExecutionContext | None,
        _executemany: bool,  # noqa: FBT001 - SQLAlchemy's signature
    ) -> None:
        step = _step_of(statement, parameters)
        # All jobs end by being deleted; only to tell somebody ends with that and nothing else.
        if step == _TOLD:
            connection.info.setdefault(_NOTE, step)
        elif step is not None:
            connection.info[_NOTE] = step

    def is_it(step: str | None) -> bool:
        return step == fuse.step and fuse.after in passed

    def commit(connection: Connection) -> None:
        if fuse.is_before and is_it(connection.info.get(_NOTE)):
            die()

    def checkin(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        step = record.info.pop(_NOTE, None)
        if is_it(step):
            die()
        passed.add(step)

    event.listen(Engine, "after_cursor_execute", notice)
    event.listen(Engine, "commit", commit)
    event.listen(Pool, "checkin", checkin)


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def _run(environment: Mapping[str, str], fuse: Fuse | None, ready: Pipe) -> None:
    logs.configure("CRITICAL")
    if fuse is not None:
        _arm(fuse)
    asyncio.run(_serve(environment, ready))


async def _serve(environment: Mapping[str, str], ready: Pipe) -> None:
    bot = Bot(Settings.read(environment), Chance(lease_s=LEASE_S))
    await serve(bot, until=asyncio.Event(), ready=ready.send)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bot.app", "tests.support.kill"])
    return context


class Victim:
    """A running bot at `url`."""

    def __init__(self, process: ForkServerProcess, url: str) -> None:
        self._process = process
        self.url = url

    @classmethod
    async def launch(cls, environment: Mapping[str, str], fuse: Fuse | None = None) -> "Victim":
        """Start a bot and return once it listens."""
        context = _context()
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(environment, fuse, theirs), daemon=True)
        await asyncio.to_thread(process.start)
        theirs.close()
        if not await asyncio.to_thread(ours.poll, START_S):
            raise TimeoutError("The bot did not start.")
        victim = cls(process, str(ours.recv()))
        ours.close()
        return victim

    async def killed(self, within_s: float) -> bool:
        """Wait until the process is dead; False when it still lives after `within_s` seconds."""
        await asyncio.to_thread(self._process.join, within_s)
        return self._process.exitcode == -signal.SIGKILL

    async def kill(self) -> None:
        """Kill the process, whatever it does."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.to_thread(self._process.join)
