"""How often a person, and a whole tenant, may ask per minute."""

from collections import OrderedDict

from aiolimiter import AsyncLimiter

REMEMBER_AT_MOST = 10_000
PERIOD_S = 60.0


class Rates:
    """One leaky bucket per person and per tenant; the least recently seen are forgotten first.

    What Teams sends by itself has buckets of its own, so that a channel full of cards that are
    refreshed takes nothing from what somebody wants to say.

    Args:
        person: Activities per minute of one person, 0 for no limit.
        tenant: Activities per minute of one tenant, 0 for no limit.
    """

    def __init__(self, *, person: int, tenant: int) -> None:
        self._person = person
        self._tenant = tenant
        self._buckets: OrderedDict[tuple[str, str | None, bool], AsyncLimiter] = OrderedDict()

    async def admits(self, tenant: str, person: str | None, *, is_automatic: bool = False) -> bool:
        """Return whether there is room for one more, and take it; a refusal takes nothing."""
        buckets: list[AsyncLimiter] = []
        if self._person and person is not None:
            buckets.append(self._bucket((tenant, person, is_automatic), self._person))
        if self._tenant:
            buckets.append(self._bucket((tenant, None, is_automatic), self._tenant))
        if not all(bucket.has_capacity() for bucket in buckets):
            return False
        for bucket in buckets:
            await bucket.acquire()
        return True

    def _bucket(self, key: tuple[str, str | None, bool], rate: int) -> AsyncLimiter:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = AsyncLimiter(rate, PERIOD_S)
            if len(self._buckets) > REMEMBER_AT_MOST:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket
