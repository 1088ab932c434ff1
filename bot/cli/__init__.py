"""The command line's subcommands: serve, demo, doctor, audit, package."""
