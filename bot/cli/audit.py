"""`audit`: proves that nobody touched the audit trail, or prints it; both while the bot runs."""

import json
from collections.abc import Mapping
from pathlib import Path

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
    settings = Settings.read(environment)
    database = Database.open(
        settings.database_url, clock=SystemClock(), audit_head_file=settings.audit_head_file
    )
    store = SqlStore(database)
    try:
        if action == "verify":
            return await _verify(store, settings.audit_head_file)
        return await _export(store, operation)
    except StoreError as error:
        raise ConfigError("BOT_DATABASE_URL", f"cannot be read: {error}.") from error
    finally:
        await database.close()


async def _export(store: SqlStore, operation: str | None) -> int:
    found = await store.find_operation(operation) if operation else None
    async for row in store.audit_rows(operation_id=found.id if found else operation):
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
