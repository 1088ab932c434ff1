"""How long the tests run that are never finished: `--kills`, `--approval-runs` and the like."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills",
        default="some",
        metavar="some|all|N",
        help="kill the bot at a part of the named steps, at all of them, or N times at random",
    )

    parser.addoption(
        "--approval-kills",
        default="some",
        metavar="some|all|N",
        help="kill at a part of an approval's steps, 20 times at each, or N times at random",
    )
    for name, default, meaning in (
        ("runs", "15", "random days of approvals in test_approval_machine.py"),
        ("steps", "30", "events in each of these days"),
        ("pairs", "30", "pairs of presses at once in test_approval_races.py"),
        ("replica-pairs", "20", "pairs of presses at once on two bots with one PostgreSQL"),
        ("chaos", "30", "approvals on two bots that are killed, in test_approval_kills.py"),
    ):
        parser.addoption(f"--approval-{name}", default=default, metavar="N", help=meaning)
    parser.addoption(
        "--watch-kills",
        default="some",
        metavar="some|all|N",
        help="kill between look and delivery at a part of the steps, at all, or N times at random",
    )
    for name, default, meaning in (
        ("runs", "12", "random streams of events in test_watch_streams.py"),
        ("steps", "30", "events in each of these streams"),
    ):
        parser.addoption(f"--watch-{name}", default=default, metavar="N", help=meaning)


@pytest.fixture(scope="session")
def kills(pytestconfig: pytest.Config) -> str:
    """Return what was asked for; pytest started from above knows no such option."""
    return str(pytestconfig.getoption("--kills", default="some"))
