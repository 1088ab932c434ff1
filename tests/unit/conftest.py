"""How long the tests run that are never finished: `--tokens`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tokens", default=2_500, metavar="N", help="damaged tokens in test_token_oracle.py"
    )
