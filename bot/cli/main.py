"""Reads the command line and runs a subcommand; an error is at most three lines, no stack trace."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot import logs
from bot.cli import audit, demo, doctor, package, serve
from bot.domain.errors import BotError, ConfigError

LINE_LIMIT = 250


def parser() -> argparse.ArgumentParser:
    """Return the whole grammar of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m bot",
        description="Runs Intune's connectors from the Teams channel your team already talks in.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="run the bot; settings come from the environment")
    demonstration = commands.add_parser(
        "demo", help="bot and sandbox on loopback, with a conversation in the terminal"
    )
    demonstration.add_argument("--script", type=Path, help="play the lines of FILE and exit")
    demonstration.add_argument("--keep", type=Path, metavar="DIR", help="keep database and policy")
    commands.add_parser("doctor", help="check settings, token, Graph permission and policy")
    auditing = commands.add_parser("audit", help="verify or export the audit trail")
    auditing.add_argument("action", choices=("verify", "export"))
    auditing.add_argument("--operation", metavar="ID", help="export only this operation's lines")
    packaging = commands.add_parser("package", help="make the Teams app package")
    packaging.add_argument("--app-id", required=True, help="the bot's application (client) id")
    packaging.add_argument("--out", type=Path, default=Path("app.zip"))
    packaging.add_argument("--developer", default="Connectors Bot", help="who publishes the app")
    packaging.add_argument("--website", default="https://example.com", help="https URL shown")
    return top


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one subcommand and return the process's exit code."""
    options = parser().parse_args(arguments)
    try:
        code = _run(options, environment)
        sys.stdout.flush()
    except ConfigError as error:
        print(f"Not started. {error.setting}: {_line(error.message)}", file=sys.stderr)
        if error.setting.startswith("--"):
            return 2
        print("Settings are listed in the README; `doctor` checks them all.", file=sys.stderr)
        return 2
    except BotError as error:
        print(f"Failed: {_line(str(error))}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # `audit export | head`: the reader has enough, and Python must not flush again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _line(message: str) -> str:
    """Return a message as one short line, whatever values it quotes."""
    return logs.scrub(message)[:LINE_LIMIT]


def _run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    match options.command:
        case "serve":
            return asyncio.run(serve.run(environment))
        case "demo":
            return asyncio.run(demo.run(script=options.script, keep=options.keep))
        case "doctor":
            logs.configure("CRITICAL")
            return asyncio.run(doctor.run(environment))
        case "audit":
            logs.configure("ERROR")
            return asyncio.run(
                audit.run(environment, action=options.action, operation=options.operation)
            )
        case _:
            return package.run(
                app_id=options.app_id,
                out=options.out,
                developer=options.developer,
                website=options.website,
            )
