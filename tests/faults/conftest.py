"""`--kills`: how often the bot is killed in tests/faults/test_kill.py."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills",
        default="some",
        metavar="some|all|N",
        help="kill the bot at a part of the named steps, at all of them, or N times at random",
    )


@pytest.fixture(scope="session")
def kills(pytestconfig: pytest.Config) -> str:
    """Return what was asked for; pytest started from above knows no such option."""
    return str(pytestconfig.getoption("--kills", default="some"))
