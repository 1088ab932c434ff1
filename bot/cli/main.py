"""Reads the command line and runs a subcommand; an error is at most three lines, no stack trace."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot import logs
from bot.cli import audit, demo, doctor, package, policy, serve
from bot.domain.errors import BotError, ConfigError
from bot.sandbox.page.packages import cache_folder
from bot.settings import Settings
from manifest.package import PLACEHOLDER

LINE_LIMIT = 250
MOST_DAYS = 36_500
ARGUMENTS = frozenset({"OLD", "NEW", "command"})


def parser() -> argparse.ArgumentParser:
    """Return the whole grammar of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m bot",
        description="Runs Intune's connectors from the Teams channel your team already talks in.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="run the bot; settings come from the environment")
    demonstration = commands.add_parser(
        "demo", help="bot and sandbox on loopback, to try in the terminal and on a page"
    )
    demonstration.add_argument("--script", type=Path, help="play the lines of FILE and exit")
    demonstration.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep world, database and policy"
    )
    commands.add_parser("doctor", help="check settings, token, Graph permission and policy")
    _add_audit(commands.add_parser("audit", help="verify, export or cut the audit trail"))
    _add_policy(commands.add_parser("policy", help="explain the policy, or compare two"))
    packaging = commands.add_parser("package", help="make the Teams app package")
    packaging.add_argument("--app-id", required=True, help="the bot's application (client) id")
    packaging.add_argument("--out", type=Path, default=Path("app.zip"))
    packaging.add_argument("--developer", default="Connectors Bot", help="who publishes the app")
    packaging.add_argument(
        "--website", default=PLACEHOLDER, help="https URL shown; its /privacy and /terms, too"
    )
    return top


def _add_audit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("verify", "export", "cut"))
    parser.add_argument("--operation", metavar="ID", help="export only this operation's lines")
    parser.add_argument("--older-than", type=_days, metavar="730d", help=audit.OLDER_THAN)
    parser.add_argument("--to", type=Path, metavar="FILE", help=audit.TO)


def _days(text: str) -> int:
    number = text.removesuffix("d")
    if not number.isascii() or not number.isdecimal() or not 0 < int(number) < MOST_DAYS:
        raise argparse.ArgumentTypeError("must be a number of days, as 730d")
    return int(number)


def _add_policy(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    explaining = actions.add_parser("explain", help="whether somebody may run a command, and why")
    explaining.add_argument("--as", dest="oid", required=True, metavar="OBJECT_ID")
    explaining.add_argument(
        "--group",
        dest="groups",
        action="append",
        default=[],
        metavar="GROUP_ID",
        help="a group they are in, instead of asking the directory; may be repeated",
    )
    explaining.add_argument("--channel", default="", help="the conversation, for guardrails")
    explaining.add_argument("text", metavar="COMMAND", help='such as "/exchange sync EXCH01"')
    comparing = actions.add_parser("diff", help="who gains and loses what by an edit")
    comparing.add_argument("old", type=Path, metavar="OLD")
    comparing.add_argument("new", type=Path, metavar="NEW")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one subcommand and return the process's exit code."""
    options = parser().parse_args(arguments)
    try:
        code = _run(options, environment)
        sys.stdout.flush()
    except ConfigError as error:
        print(f"Not started. {error.setting}: {_line(error.message)}", file=sys.stderr)
        if error.setting.startswith("--") or error.setting in ARGUMENTS:
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


def _settings_of_policy(environment: Mapping[str, str], *, offline: bool) -> Settings:
    """Return all settings, or without the directory just where the policy is."""
    if offline:
        return Settings.of_store(environment)
    try:
        return Settings.read(environment)
    except ConfigError as error:
        way_out = "Or name the person's groups with --group: then no directory is asked."
        raise ConfigError(error.setting, f"{error.message} {way_out}") from error


def _line(message: str) -> str:
    """Return a message as one short line, whatever values it quotes."""
    return logs.scrub(message)[:LINE_LIMIT]


def _run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    match options.command:
        case "serve":
            return asyncio.run(serve.run(environment))
        case "demo":
            return asyncio.run(
                demo.run(script=options.script, keep=options.keep, cache=cache_folder(environment))
            )
        case "doctor":
            logs.configure("CRITICAL")
            return asyncio.run(doctor.run(environment))
        case "audit":
            logs.configure("ERROR")
            return asyncio.run(
                audit.run(
                    environment,
                    audit.Task(options.action, options.operation, options.older_than, options.to),
                )
            )
        case "policy":
            logs.configure("ERROR")
            if options.action == "diff":
                return policy.run_diff(options.old, options.new)
            return asyncio.run(
                policy.run_explain(
                    _settings_of_policy(environment, offline=bool(options.groups)),
                    oid=options.oid,
                    groups=tuple(options.groups),
                    channel=options.channel,
                    text=options.text,
                )
            )
        case _:
            return package.run(
                app_id=options.app_id,
                out=options.out,
                developer=options.developer,
                website=options.website,
                has_slash=Settings.of_store(environment).targeted == "on",
            )
