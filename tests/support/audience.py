"""Many channels that wait for news, made without going through the bot."""

from datetime import UTC, datetime

from bot.domain.operation import Actor
from bot.domain.resource import Severity
from bot.domain.subscription import Subscription
from bot.sandbox.server import Sandbox
from bot.sandbox.world import TENANT
from bot.service.ports import Reference, Store

AT_ONCE = 500
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
ADA = Actor(TENANT, "0e0b1ec7-0000-4000-8000-000000000001", "Ada Admin")


def channels(count: int) -> list[str]:
    """Return the ids of so many channels, the same in every run."""
    return [f"19:{number:032x}@thread.tacv2" for number in range(1, count + 1)]


async def subscribe(store: Store, sandbox: Sandbox, roots: list[str]) -> None:
    """Let channels wait for news of every connector."""
    for start in range(0, len(roots), AT_ONCE):
        async with store.begin() as tx:
            for root in roots[start : start + AT_ONCE]:
                place = Reference(TENANT, sandbox.service_url, root, "channel")
                await tx.save_reference(place)
                await tx.save_subscription(wish(root))


def wish(root: str) -> Subscription:
    """Return the subscription of one of them."""
    return Subscription(
        id=root,
        short=root,
        tenant=TENANT,
        root=root,
        kind=None,
        target=None,
        target_name="",
        minimum=Severity.WARNING,
        quiet=None,
        holds_critical=False,
        by=ADA,
        created_at=SINCE,
    )
