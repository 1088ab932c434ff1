"""Runs the command line in one fresh process per order, after importing it once for all of them.

An order is a line of JSON on standard input; the answer is the exit code on standard output, which
is negative for a process that a signal ended: after `LIMIT_S` seconds that is the alarm.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence

from bot.cli.main import main

LIMIT_S = 10
CRASHED = 70


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return the exit code that `python -m bot` would have."""
    try:
        return main(arguments, environment)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else CRASHED
    except BaseException:  # noqa: BLE001 - what Python itself does with it: a stack trace
        traceback.print_exc()
        return CRASHED


def forked(order: Mapping[str, str], arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """Carry out an order in a child whose output goes to the files it names."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(LIMIT_S)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(order[name], os.O_CREAT | os.O_WRONLY, 0o600), descriptor)
    code = run(arguments, env)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    for line in sys.stdin:
        given = json.loads(line)
        ended = forked(given["output"], given["arguments"], given["environment"])
        sys.stdout.write(f"{ended}\n")
        sys.stdout.flush()
