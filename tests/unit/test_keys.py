"""Signing keys come from memory, survive outages, and are never asked for in a storm."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from bot.teams.keys import MAX_WAITING, KeysUnavailable, SigningKeys
from tests.support.tokens import METADATA_URL, Clock, Issuer, jwk


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest_asyncio.fixture
async def keys(issuer: Issuer, clock: Clock) -> AsyncIterator[SigningKeys]:
    async with issuer.client() as http:
        keys = SigningKeys(http=http, metadata_url=METADATA_URL, now=clock)
        yield keys
        await keys.close()


async def settled() -> None:
    """Let whatever can run without the outside world run."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_published_key_is_found_with_its_endorsements(keys: SigningKeys) -> None:
    found = await keys.find("first")

    assert found is not None
    assert found.endorsements == frozenset({"msteams"})


async def test_an_unpublished_key_is_simply_absent(keys: SigningKeys) -> None:
    assert await keys.find("other") is None


async def test_warming_makes_ready(keys: SigningKeys, issuer: Issuer) -> None:
    was_ready = keys.ready

    await keys.warm()
    await keys.warm()

    assert (was_ready, keys.ready) == (False, True)
    assert issuer.asked == 1


async def test_concurrent_callers_share_one_fetch(keys: SigningKeys, issuer: Issuer) -> None:
    found = await asyncio.gather(*(keys.find("first") for _ in range(40)))

    assert None not in found
    assert issuer.asked == 1


async def test_a_caller_who_leaves_does_not_cancel_the_fetch_of_the_others(
    keys: SigningKeys, issuer: Issuer
) -> None:
    issuer.hanging = asyncio.Event()
    leaver = asyncio.ensure_future(keys.find("first"))
    stayer = asyncio.ensure_future(keys.find("first"))
    await settled()

    leaver.cancel()
    issuer.hanging.set()

    assert await stayer is not None
    assert leaver.cancelled()


async def test_a_storm_of_unknown_keys_asks_once_in_five_minutes(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    for number in range(100):
        assert await keys.find(f"forged-{number}") is None
    assert issuer.asked == 1

    clock.advance(minutes=5)
    await keys.find("forged")
    await keys.find("forged")

    assert issuer.asked == 2


async def test_a_new_key_is_taken_over_within_five_minutes(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = [jwk("first"), jwk("second")]

    clock.advance(minutes=5)

    assert await keys.find("second") is not None


async def test_a_withdrawn_key_is_forgotten_with_the_next_fetch(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = [jwk("second")]
    clock.advance(minutes=5)

    await keys.find("second")

    assert await keys.find("first") is None


async def test_a_hanging_issuer_does_not_delay_a_known_key(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.hanging = asyncio.Event()
    clock.advance(hours=25)
    forged = asyncio.ensure_future(keys.find("forged"))
    await settled()

    async with asyncio.timeout(1):
        assert await keys.find("first") is not None

    assert not forged.done()
    forged.cancel()


async def test_only_a_few_may_wait_for_a_hanging_issuer(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.hanging = asyncio.Event()
    clock.advance(minutes=5)
    waiting = [asyncio.ensure_future(keys.find("forged")) for _ in range(MAX_WAITING)]
    await settled()

    async with asyncio.timeout(1):
        assert await keys.find("forged") is None

    issuer.hanging.set()
    assert await asyncio.gather(*waiting) == [None] * MAX_WAITING


async def test_a_fetch_is_given_up_after_its_timeout(issuer: Issuer, clock: Clock) -> None:
    issuer.hanging = asyncio.Event()
    async with issuer.client() as http:
        keys = SigningKeys(http=http, metadata_url=METADATA_URL, now=clock, timeout_s=0.01)

        with pytest.raises(KeysUnavailable):
            await keys.find("first")


async def test_a_failed_first_load_is_tried_again_after_ten_seconds(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    issuer.status = 500
    for _ in range(20):
        with pytest.raises(KeysUnavailable):
            await keys.find("first")
    assert issuer.asked == 1

    issuer.status = 200
    clock.advance(seconds=10)

    assert await keys.find("first") is not None
    assert issuer.asked == 2


async def test_a_day_old_keys_are_refreshed_behind_the_request(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = [jwk("first", endorsements=["msteams", "webchat"])]
    clock.advance(hours=24)

    before = await keys.find("first")
    await settled()
    after = await keys.find("first")

    assert before is not None
    assert after is not None
    assert (len(before.endorsements), len(after.endorsements)) == (1, 2)


async def test_an_outage_is_survived_for_a_day_and_no_longer(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.status = 503

    clock.advance(hours=47, minutes=59)
    assert await keys.find("first") is not None
    await settled()

    clock.advance(minutes=1)
    assert not keys.ready
    with pytest.raises(KeysUnavailable):
        await keys.find("first")

    issuer.status = 200
    clock.advance(minutes=5)
    assert await keys.find("first") is not None


async def test_an_outage_is_asked_about_once_in_five_minutes(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.status = 503
    clock.advance(hours=25)

    for _ in range(20):
        await keys.find("first")
        await settled()

    assert issuer.asked == 2


async def test_a_clock_set_back_does_not_stop_the_refresh(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = [jwk("second")]

    clock.advance(days=-1)

    assert await keys.find("second") is not None


@pytest.mark.parametrize(
    "metadata",
    [
        b"not json",
        b"[" * 100_000,
        b" " * (1024 * 1024 + 1),
        [],
        {},
        {"jwks_uri": 5},
        {"jwks_uri": "http://login.botframework.com/keys"},
        {"jwks_uri": "http://[/"},
        {"jwks_uri": "/relative"},
    ],
)
async def test_bad_metadata_is_no_keys(
    keys: SigningKeys, issuer: Issuer, metadata: object
) -> None:
    issuer.metadata = metadata

    await keys.warm()

    assert not keys.ready


async def test_plain_http_keys_are_read_from_the_sandbox_that_names_them(clock: Clock) -> None:
    issuer = Issuer(metadata={"jwks_uri": "http://127.0.0.1:9000/keys"})
    url = "http://127.0.0.1:9000/v1/.well-known/openidconfiguration"
    async with issuer.client() as http:
        keys = SigningKeys(http=http, metadata_url=url, now=clock)

        assert await keys.find("first") is not None


@pytest.mark.parametrize(
    "listed",
    [
        "first",
        {"kid": "first"},
        jwk("first", kid=None),
        jwk("first", kid=7),
        jwk("first", kty="oct", k="c2VjcmV0", n=None, e=None),
        jwk("first", kty="EC"),
        jwk("first", use="enc"),
        jwk("first", n="???"),
        jwk("first", n=5),
        jwk("first", n=None),
        jwk("first", bits=1024),
    ],
)
async def test_an_unusable_key_is_passed_over(
    keys: SigningKeys, issuer: Issuer, listed: object
) -> None:
    issuer.keys = [listed, jwk("second")]

    assert await keys.find("first") is None
    assert await keys.find("second") is not None


async def test_a_key_that_names_no_use_is_for_signing(keys: SigningKeys, issuer: Issuer) -> None:
    issuer.keys = [jwk("first", use=None)]

    assert await keys.find("first") is not None


async def test_no_usable_key_at_all_leaves_the_old_ones(
    keys: SigningKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = []
    clock.advance(minutes=5)

    await keys.find("other")

    assert await keys.find("first") is not None


@pytest.mark.parametrize("endorsements", [None, "msteams", {"msteams": 1}, [5]])
async def test_odd_endorsements_endorse_nothing(
    keys: SigningKeys, issuer: Issuer, endorsements: object
) -> None:
    issuer.keys = [jwk("first", endorsements=endorsements)]

    found = await keys.find("first")

    assert found is not None
    assert found.endorsements == frozenset()


async def test_the_first_of_two_keys_of_one_name_stands(keys: SigningKeys, issuer: Issuer) -> None:
    issuer.keys = [jwk("first"), jwk("first", endorsements=[])]

    found = await keys.find("first")

    assert found is not None
    assert "msteams" in found.endorsements


async def test_a_redirect_is_not_followed(keys: SigningKeys, issuer: Issuer) -> None:
    issuer.status = 307

    await keys.warm()

    assert not keys.ready


async def test_an_unexpected_failure_is_no_keys_and_may_be_tried_again(clock: Clock) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise RuntimeError

    async with httpx.AsyncClient(transport=httpx.MockTransport(broken)) as http:
        keys = SigningKeys(http=http, metadata_url=METADATA_URL, now=clock)

        with pytest.raises(KeysUnavailable):
            await keys.find("first")
        await keys.close()


async def test_closing_abandons_the_fetch_under_way(keys: SigningKeys, issuer: Issuer) -> None:
    issuer.hanging = asyncio.Event()
    waiting = asyncio.ensure_future(keys.find("first"))
    await settled()

    await keys.close()

    with pytest.raises(KeysUnavailable):
        await waiting
