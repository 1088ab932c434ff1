"""Alembic's entry: runs the revisions on the connection that `upgrade` hands over."""

from alembic import context
from sqlalchemy import Connection

from bot.store.tables import metadata


def run(connection: Connection) -> None:
    """Run the revisions inside the transaction that is open on the connection."""
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
