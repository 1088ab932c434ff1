"""`audit`: proves that nobody touched the audit trail, prints it, or cuts its old end off.

All of it works while the bot runs.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import JsonValue
from pydantic_core import to_json, to_jsonable_python

from bot.chance import SystemClock
from bot.domain.audit import Broken
from bot.domain.errors import ConfigError, StoreError
from bot.domain.operation import NOT_SENT, ItemResult, Operation, Result
from bot.domain.plan import Item
from bot.service.batch import guid_of
from bot.settings import Settings
from bot.store.audit import exported
from bot.store.database import Database
from bot.store.store import SqlStore

OLDER_THAN = "how old a line must be to be cut, as 730d"
TO = "a new file for what is cut"


@dataclass(frozen=True, slots=True)
class Task:
    """What is wanted: `verify`, `export` (of one operation, if named) or `cut`.

    A cut takes what is older than `days` and writes it to the file `to` first.
    """

    action: str
    operation: str | None = None
    days: int | None = None
    to: Path | None = None


async def run(environment: Mapping[str, str], task: Task) -> int:
    """Verify (0: whole, 1: broken), write one JSON object a line to standard output, or cut.

    Raises:
        ConfigError: an option is missing, or the settings or the database are unusable.
    """
    cut = _cut_of(task) if task.action == "cut" else None
    settings = Settings.of_store(environment)
    url = settings.database_url
    _refuse_no_file(url)
    clock = SystemClock()
    database = Database.open(url, clock=clock, audit_head_file=settings.audit_head_file)
    store = SqlStore(database)
    try:
        await database.ping()
        if task.action == "verify":
            return await _verify(store, settings.audit_head_file)
        if cut is not None:
            return await _cut(store, *cut, clock.now())
        if task.operation:
            return await _dossier(store, task.operation)
        return await _export(store)
    except StoreError as error:
        raise ConfigError(
            "BOT_DATABASE_URL",
            f"cannot be read: {error}. Is it the bot's, and has this release served from it?",
        ) from error
    finally:
        await database.close()


def _cut_of(task: Task) -> tuple[int, Path]:
    """Return the days and the file of a cut; both must be given."""
    if task.days is not None and task.to is not None:
        return task.days, task.to
    given = {"--older-than": (task.days, OLDER_THAN), "--to": (task.to, TO)}
    missing = {option: what for option, (value, what) in given.items() if value is None}
    told = "; ".join(f"{option} is {what}" for option, what in missing.items())
    raise ConfigError(" and ".join(missing), f"missing. {told}.")


def _refuse_no_file(url: str) -> None:
    """Say that a file is not there instead of what the driver makes of it."""
    scheme, _, name = url.partition("?")[0].partition(":///")
    if scheme.startswith("sqlite") and name and not Path(name).is_file():
        raise ConfigError("BOT_DATABASE_URL", f"there is no file {name}; name the bot's database.")


async def _cut(store: SqlStore, days: int, to: Path, now: datetime) -> int:
    """Write what is old to the file, then cut it off; never a chain that does not hold."""
    verdict = await store.verify_audit()
    until = await store.audit_end_before(now - timedelta(days=days))
    if isinstance(verdict, Broken):
        print(f"BROKEN at row {verdict.seq}: {verdict.flaw.value}. Nothing was cut.")
        return 1
    if until is None:
        print(f"No row is older than {days} days. Nothing was cut.")
        return 0
    try:
        with to.open("x", encoding="utf-8") as file:
            async for row in store.audit_rows():
                if row.seq > until.seq:
                    break
                file.write(json.dumps(exported(row), ensure_ascii=False) + "\n")
            file.flush()
            # What is deleted next must be on the disk first.
            os.fsync(file.fileno())
    except OSError as error:
        message = f"{to} must be a new file: {error.strerror}."
        raise ConfigError("--to", message) from error
    await store.cut_audit(until)
    print(f"Rows {verdict.cut + 1} to {until.seq} are in {to} and cut from the database.")
    return 0


async def _dossier(store: SqlStore, name: str) -> int:
    """Print all that is known of one operation as one JSON document."""
    operation = await store.find_operation(name)
    if operation is None:
        print(f"There is no operation {name}.", file=sys.stderr)
        return 1
    document = {
        "operation": _told(operation),
        "targets": _targets(operation, await store.client_request_id(operation.id)),
        "approval": await store.approval(operation.id),
        "audit": [exported(row) async for row in store.audit_rows(operation_id=operation.id)],
    }
    print(to_json(document, indent=2, fallback=dict).decode())
    return 0


def _told(operation: Operation) -> Mapping[str, JsonValue]:
    """Return an operation as it is kept; of its targets those are marked that were not sent."""
    document: dict[str, JsonValue] = to_jsonable_python(operation, fallback=dict)
    result: dict[str, JsonValue] = to_jsonable_python(operation.result, fallback=dict)
    items: list[dict[str, JsonValue]] = to_jsonable_python(operation.result.items, fallback=dict)
    fates = [item.fate for item in operation.result.items]
    told = [{**item, "state": fate} for item, fate in zip(items, fates, strict=True)]
    return {**document, "result": {**result, "items": [*told]}}


def _targets(operation: Operation, client_request_id: str | None) -> list[Mapping[str, object]]:
    """Return for each target how it fared, what it was like before and after, and Graph's ids."""
    plan, result = operation.plan, operation.result
    if not plan.items:
        only = _target(plan.before, result, client_request_id)
        fared = {"state": str(operation.state), "code": result.code}
        target_id = result.target_id or plan.target_id
        return [{"id": target_id, "name": plan.target_name, **fared, **only}]
    fates = {item.target_id: item for item in result.items}
    return [_one_of_many(operation, item, fates.get(item.target_id)) for item in plan.items]


def _one_of_many(
    operation: Operation, item: Item, fate: ItemResult | None
) -> Mapping[str, object]:
    """Return one of several targets; what was not begun has the reason of the whole, if it is its."""
    whole = operation.result
    why = whole.code if whole.target_id in {None, item.target_id} else ""
    unbegun = "waiting" if operation.is_open else NOT_SENT
    was_sent = fate is not None and fate.was_sent
    return {
        "id": item.target_id,
        "name": item.target_name,
        "state": fate.fate if fate else unbegun,
        "code": fate.code if fate else why,
        **_target(item.before, fate, guid_of(operation, item.target_id) if was_sent else None),
    }


def _target(
    before: Mapping[str, JsonValue] | None,
    fate: Result | ItemResult | None,
    client_request_id: str | None,
) -> Mapping[str, object]:
    seen = fate.after if fate else None
    return {
        "before": before,
        "after": None if seen is None else {**(before or {}), **seen},
        "observation": fate.observation if fate else None,
        "request_id": fate.request_id if fate else None,
        "client_request_id": client_request_id,
    }


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
    since = f" behind the checkpoint at row {verdict.cut}" if verdict.cut else ""
    head = verdict.head_hash[:16]
    print(f"The audit is whole: {verdict.count} rows{since}, head {head}{against}.")
    return 0
