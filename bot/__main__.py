"""The command line; the only reader of the environment, which it hands on as a mapping."""

import os
import sys

from bot.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
