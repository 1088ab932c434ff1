"""The schema's history, brought up to date at start; runnable without an ini file.

Rule: expand, then contract. An old and a new replica may share a database during an upgrade, so a
revision adds what the new code needs and a later one removes what no code uses any more.
"""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)
LOCK = 7_226_310_495_817_330_021
"""The advisory lock under which PostgreSQL is migrated: any number, the same in every release."""


def upgrade(connection: Connection) -> None:
    """Bring the schema up to date inside the connection's open transaction.

    Two processes that start at once wait for each other: on SQLite the transaction holds the write
    lock already, on PostgreSQL an advisory lock is taken until its end.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = Config(attributes={"connection": connection})
    # Alembic reads the path through a parser to which `%` is special.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    if found is not None and found not in known:
        # A newer release has been here: its schema still serves this one, see the rule above.
        log.warning("newer schema found", revision=found)
        return
    command.upgrade(config, "head")
    if found != script.get_current_head():
        log.info("schema migrated", before=found, after=script.get_current_head())
