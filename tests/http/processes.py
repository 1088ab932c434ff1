"""The command line as real processes: run to their end, or kept running beside the test."""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 20.0


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    stdout: str
    stderr: str


class Forks:
    """Short-lived processes of the command line."""

    def __init__(self, parent: "subprocess.Popen[str]", folder: Path) -> None:
        self._parent = parent
        self._folder = folder
        self._numbers = itertools.count()

    def run(self, *arguments: str, environment: Mapping[str, str]) -> Ended:
        """Run a subcommand to its end, at most 10 seconds."""
        number = next(self._numbers)
        output = {n: str(self._folder / f"{number}.{n}") for n in ("stdout", "stderr")}
        order = {"output": output, "arguments": arguments, "environment": dict(environment)}
        sent, answered = self._parent.stdin, self._parent.stdout
        assert sent is not None
        assert answered is not None
        sent.write(json.dumps(order) + "\n")
        sent.flush()
        code = int(answered.readline())
        return Ended(code, *(Path(name).read_text("utf-8") for name in output.values()))


@contextmanager
def forks(folder: Path) -> Iterator[Forks]:
    """Yield a way to run the command line that does not import everything each time."""
    with subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", "-m", "tests.http.forking"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={},
    ) as parent:
        yield Forks(parent, folder)


@dataclass
class Running:
    """A bot that serves in a process of its own; `lines` is its log so far."""

    process: asyncio.subprocess.Process
    url: str = ""
    lines: list[dict[str, object]] = field(default_factory=list)

    async def logged(self, event: str) -> dict[str, object]:
        """Return the next log line of that event."""
        assert self.process.stderr is not None
        async with asyncio.timeout(START_S):
            while line := await self.process.stderr.readline():
                self.lines.append(json.loads(line))
                if self.lines[-1]["event"] == event:
                    return self.lines[-1]
        raise AssertionError(f"no {event!r} in the log: {self.lines}")


@asynccontextmanager
async def serving(environment: Mapping[str, str]) -> AsyncIterator[Running]:
    """Run `python -m bot serve` until it serves; it is killed in the end unless it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve"),
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=dict(environment),
    )
    running = Running(process)
    try:
        running.url = str((await running.logged("bot started"))["url"])
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
