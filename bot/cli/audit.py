"""`audit`: proves that nobody touched the audit trail, or prints it; both while the bot runs."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic_core import to_json

from bot.app import SystemClock
from bot.domain.audit import Broken
from bot.domain.errors import ConfigError, StoreError
from bot.settings import Settings
from bot.store.audit import exported
from bot.store.database import Database
from bot.store.store import SqlStore


async def run(environment: Mapping[str, str], *, action: str, operation: str | None) -> int:
    """Verify (0: whole, 1: broken) or write one JSON object a line to standard output.

    Raises:
        ConfigError: the settings or the database are unusable.
    """
    settings = Settings.of_store(environment)
    database = Database.open(
        settings.database_url, clock=SystemClock(), audit_head_file=settings.audit_head_file
    )
    store = SqlStore(database)
    try:
        if action == "verify":
            return await _verify(store, settings.audit_head_file)
        if operation:
            return await _dossier(store, operation)
        return await _export(store)
    except StoreError as error:
        raise ConfigError("BOT_DATABASE_URL", f"cannot be read: {error}.") from error
    finally:
        await database.close()


async def _dossier(store: SqlStore, name: str) -> int:
    """Print all that is known of one operation as one JSON document."""
    operation = await store.find_operation(name)
    if operation is None:
        print(f"There is no operation {name}.", file=sys.stderr)
        return 1
    document = {
        "operation": operation,
        "client_request_id": await store.client_request_id(operation.id),
        "approval": await store.approval(operation.id),
        "audit": [exported(row) async for row in store.audit_rows(operation_id=operation.id)],
    }
    print(to_json(document, indent=2, fallback=dict).decode())
    return 0


async def _export(store: SqlStore) -> int:
    async for row in store.audit_rows():
        print(json.dumps(exported(row), ensure_ascii=False))
    return 0


async def _verify(store: SqlStore, head_file: Path | None) -> int:
    verdict = await store.verify_audit()
    if isinstance(verdict, Broken):
        print(f"BROKEN at row {verdict.seq}: {verdict.flaw.value}.")
        print("Compare with a backup; everything from that row on cannot be trusted.")
        return 1
    against = f", and agrees with {head_file}" if head_file else ""
    print(f"The audit is whole: {verdict.count} rows, head {verdict.head_hash[:16]}{against}.")
    return 0
