"""One file per kind of resource the bot can run."""
