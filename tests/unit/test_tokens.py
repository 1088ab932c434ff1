"""Only the connector's own token, for this bot, Teams and this service URL, proves anything."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.teams.keys import SigningKeys
from bot.teams.tokens import REMEMBER_AT_MOST, Reason, TokenCheck, Unauthorised
from tests.support.tokens import (
    APP_ID,
    ISSUER,
    METADATA_URL,
    SERVICE_URL,
    Clock,
    Issuer,
    claims,
    jwk,
    rsa_key,
    signed,
)


@dataclass
class World:
    clock: Clock
    issuer: Issuer
    check: TokenCheck

    async def refusal(
        self, authorization: str | None, *, service_url: str = SERVICE_URL
    ) -> Reason:
        with pytest.raises(Unauthorised) as refused:
            await self.check.verify(authorization, service_url=service_url)
        return refused.value.reason


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    clock, issuer = Clock(), Issuer()
    async with issuer.client() as http:
        keys = SigningKeys(http=http, metadata_url=METADATA_URL, now=clock)
        yield World(clock, issuer, TokenCheck(keys=keys, app_id=APP_ID, issuer=ISSUER, now=clock))


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def handmade(header: object, payload: object, *, key: str = "first") -> str:
    """Return a correctly signed header of parts that no library would write."""
    content = f"{encoded(header)}.{encoded(payload)}".encode()
    signature = jwt.get_algorithm_by_name("RS256").sign(content, rsa_key(key))
    return f"Bearer {content.decode()}.{encoded(signature)}"


async def test_a_good_token_proves_the_connector(world: World) -> None:
    identity = await world.check.verify(signed(claims(world.clock)), service_url=SERVICE_URL)

    assert (identity.app_id, identity.service_url) == (APP_ID, SERVICE_URL)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", None])
async def test_the_type_header_does_not_matter(world: World, typ: str | None) -> None:
    authorization = signed(claims(world.clock), headers={"typ": typ})

    await world.check.verify(authorization, service_url=SERVICE_URL)


async def test_the_scheme_is_read_in_any_case(world: World) -> None:
    authorization = signed(claims(world.clock)).replace("Bearer", "bearer")

    await world.check.verify(authorization, service_url=SERVICE_URL)


@pytest.mark.parametrize("authorization", [None, ""])
async def test_no_token_is_refused(world: World, authorization: str | None) -> None:
    assert await world.refusal(authorization) is Reason.MISSING


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer a.b.c.d.e",
        "Basic a.b.c",
        "Bearer  a.b.c",
        "Bearer a.b.c ",
        "Bearer \u00e9.b.c",
        "Bearer \ud800.b.c",
        "Bearer a\x00.b.c",
        f"Bearer {'a' * 20_000}.b.c",
        f"Bearer {encoded([])}.{encoded({})}.x",
        f"Bearer {encoded(b'[' * 10_000)}.{encoded({})}.x",
        f"Bearer {encoded({'alg': 'RS256', 'kid': 5})}.{encoded({})}.x",
    ],
)
async def test_garbage_is_refused(world: World, authorization: str) -> None:
    assert await world.refusal(authorization) is Reason.MALFORMED
    assert world.issuer.asked == 0


@pytest.mark.parametrize(
    "payload",
    [b"", b"not json", b"[]", b"[" * 5_000, b'{"exp": ' + b"9" * 5_000 + b"}", b"\xff", "text"],
)
async def test_signed_garbage_is_refused(world: World, payload: object) -> None:
    authorization = handmade({"alg": "RS256", "kid": "first"}, payload)

    assert await world.refusal(authorization) is Reason.MALFORMED


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
async def test_other_algorithms_are_refused(world: World, algorithm: str) -> None:
    authorization = signed(claims(world.clock), algorithm=algorithm)

    assert await world.refusal(authorization) is Reason.ALGORITHM


@pytest.mark.parametrize("alg", ["none", "None", "", None, 5])
async def test_unsigned_tokens_are_refused(world: World, alg: object) -> None:
    content = f"{encoded({'alg': alg, 'kid': 'first'})}.{encoded(claims(world.clock))}"

    assert await world.refusal(f"Bearer {content}.") is Reason.ALGORITHM


async def test_the_public_key_is_not_taken_for_a_shared_secret(world: World) -> None:
    secret = rsa_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    content = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(claims(world.clock))}"
    mac = hmac.digest(secret, content.encode(), "sha256")

    assert await world.refusal(f"Bearer {content}.{encoded(mac)}") is Reason.ALGORITHM


@pytest.mark.parametrize("extra", [{"crit": ["exp"]}, {"crit": []}, {"b64": True}])
async def test_critical_headers_are_refused(world: World, extra: dict[str, object]) -> None:
    header = {"alg": "RS256", "kid": "first", **extra}
    authorization = handmade(header, claims(world.clock))

    assert await world.refusal(authorization) in {Reason.CRITICAL, Reason.MALFORMED}


async def test_a_forged_signature_is_refused(world: World) -> None:
    authorization = signed(claims(world.clock), kid="forger", headers={"kid": "first"})

    assert await world.refusal(authorization) is Reason.SIGNATURE


async def test_changed_claims_are_refused(world: World) -> None:
    header, _, signature = signed(claims(world.clock)).split(".")
    changed = encoded(claims(world.clock, aud="other"))

    assert await world.refusal(f"{header}.{changed}.{signature}") is Reason.SIGNATURE


async def test_an_unknown_key_is_refused(world: World) -> None:
    assert await world.refusal(signed(claims(world.clock), kid="forger")) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize("header", [{"alg": "RS256"}, {"alg": "RS256", "kid": ""}])
async def test_a_token_must_name_its_key(world: World, header: object) -> None:
    assert await world.refusal(handmade(header, claims(world.clock))) is Reason.UNKNOWN_KEY


async def test_keys_that_cannot_be_had_refuse(world: World) -> None:
    world.issuer.status = 500

    assert await world.refusal(signed(claims(world.clock))) is Reason.NO_KEYS


@pytest.mark.parametrize("endorsements", [None, [], ["webchat", "directline"], ["MSTEAMS"]])
async def test_a_key_must_endorse_teams(world: World, endorsements: list[str] | None) -> None:
    world.issuer.keys = [jwk("first", endorsements=endorsements)]

    assert await world.refusal(signed(claims(world.clock))) is Reason.ENDORSEMENT


@pytest.mark.parametrize(
    "issuer",
    [
        None,
        "",
        "https://api.botframework.com/",
        "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/",
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
        ["https://api.botframework.com"],
    ],
)
async def test_other_issuers_are_refused_the_emulators_included(
    world: World, issuer: object
) -> None:
    authorization = handmade(
        {"alg": "RS256", "kid": "first"},
        claims(world.clock, iss=issuer, appid=APP_ID, azp=APP_ID, ver="1.0"),
    )

    assert await world.refusal(authorization) is Reason.ISSUER


async def test_a_null_issuer_is_refused(world: World) -> None:
    payload = claims(world.clock) | {"iss": None}

    assert (
        await world.refusal(handmade({"alg": "RS256", "kid": "first"}, payload)) is Reason.ISSUER
    )


@pytest.mark.parametrize(
    "audience", [None, "", "other", [APP_ID], [APP_ID, "other"], "https://api.botframework.com"]
)
async def test_other_audiences_are_refused_and_so_is_a_list(
    world: World, audience: object
) -> None:
    assert await world.refusal(signed(claims(world.clock, aud=audience))) is Reason.AUDIENCE


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [0, -1, 1e30, 1.5, True, "soon", [], 10**9 - 1, 10**11, 2**70])
async def test_odd_times_are_refused(world: World, name: str, value: object) -> None:
    authorization = handmade(
        {"alg": "RS256", "kid": "first"}, claims(world.clock, **{name: value})
    )

    assert await world.refusal(authorization) is Reason.TIMES


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"null"])
async def test_times_that_are_no_numbers_are_refused(world: World, value: bytes) -> None:
    good = json.dumps(claims(world.clock, exp=None)).encode()
    authorization = handmade(
        {"alg": "RS256", "kid": "first"}, good[:-1] + b', "exp": ' + value + b"}"
    )

    assert await world.refusal(authorization) is Reason.TIMES


async def test_an_expiry_is_required(world: World) -> None:
    assert await world.refusal(signed(claims(world.clock, exp=None))) is Reason.TIMES


async def test_a_beginning_is_required(world: World) -> None:
    assert await world.refusal(signed(claims(world.clock, nbf=None))) is Reason.TIMES


async def test_the_time_of_issue_will_do_as_beginning(world: World) -> None:
    authorization = signed(claims(world.clock, nbf=None, iat=world.clock.seconds))

    await world.check.verify(authorization, service_url=SERVICE_URL)


@pytest.mark.parametrize("years", [1, 10, 1000])
async def test_tokens_for_years_are_refused(world: World, years: int) -> None:
    lasting = claims(world.clock, exp=world.clock.seconds + years * 365 * 86400)

    assert await world.refusal(signed(lasting)) is Reason.LIFETIME


async def test_a_token_for_a_day_is_accepted_and_a_second_more_refused(world: World) -> None:
    day = world.clock.seconds + 86400

    await world.check.verify(signed(claims(world.clock, exp=day)), service_url=SERVICE_URL)

    assert await world.refusal(signed(claims(world.clock, exp=day + 1))) is Reason.LIFETIME


async def test_a_token_that_ends_before_it_begins_is_refused(world: World) -> None:
    backwards = claims(world.clock, exp=world.clock.seconds - 10)

    assert await world.refusal(signed(backwards)) is Reason.LIFETIME


async def test_clocks_may_differ_by_five_minutes(world: World) -> None:
    late = claims(world.clock, exp=world.clock.seconds + 3600)
    early = claims(world.clock, nbf=world.clock.seconds + 300)
    await world.check.verify(signed(early), service_url=SERVICE_URL)

    world.clock.advance(minutes=64, seconds=59)

    await world.check.verify(signed(late), service_url=SERVICE_URL)


async def test_an_expired_token_is_refused(world: World) -> None:
    authorization = signed(claims(world.clock))

    world.clock.advance(minutes=65)

    assert await world.refusal(authorization) is Reason.EXPIRED


@pytest.mark.parametrize("name", ["nbf", "iat"])
async def test_a_token_from_the_future_is_refused(world: World, name: str) -> None:
    future = claims(world.clock, **{name: world.clock.seconds + 301})

    assert await world.refusal(signed(future)) is Reason.NOT_YET


@pytest.mark.parametrize("claim", [None, "", 5, [SERVICE_URL]])
async def test_a_token_must_name_its_service_url(world: World, claim: object) -> None:
    assert await world.refusal(signed(claims(world.clock, serviceurl=claim))) is Reason.SERVICE_URL


@pytest.mark.parametrize(
    "service_url",
    [
        "",
        "https://evil.example/",
        SERVICE_URL.upper(),
        f"{SERVICE_URL}x",
        f"{SERVICE_URL}/",
        SERVICE_URL.replace("https", "http"),
    ],
)
async def test_the_activity_must_name_the_tokens_service_url(
    world: World, service_url: str
) -> None:
    authorization = signed(claims(world.clock))

    assert await world.refusal(authorization, service_url=service_url) is Reason.SERVICE_URL


async def test_one_trailing_slash_makes_no_difference(world: World) -> None:
    authorization = signed(claims(world.clock))

    await world.check.verify(authorization, service_url=SERVICE_URL.removesuffix("/"))


async def test_a_repeated_token_needs_no_key(world: World) -> None:
    authorization = signed(claims(world.clock))
    await world.check.verify(authorization, service_url=SERVICE_URL)
    world.issuer.keys = [jwk("second")]
    world.clock.advance(minutes=4, seconds=59)

    await world.check.verify(authorization, service_url=SERVICE_URL)

    assert world.issuer.asked == 1


async def test_a_withdrawn_key_is_noticed_after_five_minutes(world: World) -> None:
    authorization = signed(claims(world.clock))
    await world.check.verify(authorization, service_url=SERVICE_URL)
    world.issuer.keys = [jwk("second")]
    world.clock.advance(minutes=5)
    assert await world.refusal(signed(claims(world.clock), kid="forger")) is Reason.UNKNOWN_KEY

    assert await world.refusal(authorization) is Reason.UNKNOWN_KEY


async def test_the_service_url_of_a_repeated_token_is_compared_again(world: World) -> None:
    authorization = signed(claims(world.clock))
    await world.check.verify(authorization, service_url=SERVICE_URL)

    refusal = await world.refusal(authorization, service_url="https://evil.example/")

    assert refusal is Reason.SERVICE_URL


async def test_a_remembered_token_does_not_outlive_its_expiry(world: World) -> None:
    authorization = signed(claims(world.clock, exp=world.clock.seconds + 60))
    await world.check.verify(authorization, service_url=SERVICE_URL)
    world.issuer.keys = [jwk("second")]
    world.clock.advance(minutes=1)
    await world.check.verify(authorization, service_url=SERVICE_URL)

    world.clock.advance(minutes=5)

    assert await world.refusal(authorization) is Reason.EXPIRED


async def test_only_so_many_tokens_are_remembered(world: World) -> None:
    oldest = signed(claims(world.clock))
    await world.check.verify(oldest, service_url=SERVICE_URL)
    for number in range(REMEMBER_AT_MOST):
        await world.check.verify(signed(claims(world.clock, n=number)), service_url=SERVICE_URL)
    world.issuer.keys = [jwk("second")]
    world.clock.advance(minutes=4)
    world.clock.advance(seconds=59)

    await world.check.verify(oldest, service_url=SERVICE_URL)

    assert len(world.check._verified) == REMEMBER_AT_MOST  # noqa: SLF001 - the bound is what is promised


async def test_a_remembered_token_is_not_checked_again(world: World) -> None:
    world.clock.advance(minutes=1)
    await world.check.verify(signed(claims(world.clock)), service_url=SERVICE_URL)
    world.clock.advance(minutes=4)
    remembered = signed(claims(world.clock, late=True))
    await world.check.verify(remembered, service_url=SERVICE_URL)
    world.clock.advance(minutes=1)
    world.issuer.keys = [jwk("second")]
    await world.check.verify(signed(claims(world.clock), kid="second"), service_url=SERVICE_URL)

    # Its key is gone by now, and its memory is not.
    await world.check.verify(remembered, service_url=SERVICE_URL)
    assert await world.refusal(signed(claims(world.clock, n=1))) is Reason.UNKNOWN_KEY


async def test_the_newest_tokens_are_the_ones_remembered(world: World) -> None:
    newest = ""
    for number in range(REMEMBER_AT_MOST + 5):
        newest = signed(claims(world.clock, n=number))
        await world.check.verify(newest, service_url=SERVICE_URL)
    world.clock.advance(minutes=4, seconds=30)
    known = len(world.check._verified)  # noqa: SLF001 - what is kept is what is promised

    await world.check.verify(newest, service_url=SERVICE_URL)

    assert known == REMEMBER_AT_MOST
    assert sha256(newest.split()[1].encode()).digest() in world.check._verified  # noqa: SLF001


@pytest.mark.parametrize(("lifetime", "is_good"), [(0, False), (1, True)])
async def test_a_token_lives_for_a_second_at_least(
    world: World,
    lifetime: int,
    is_good: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    authorization = signed(claims(world.clock, exp=world.clock.seconds + lifetime))

    if is_good:
        await world.check.verify(authorization, service_url=SERVICE_URL)
    else:
        assert await world.refusal(authorization) is Reason.LIFETIME


async def test_an_unauthorised_error_says_why() -> None:
    assert str(Unauthorised(Reason.EXPIRED)) == "expired"


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Bearer Bearer", ""])
async def test_a_good_token_under_another_scheme_is_refused(world: World, scheme: str) -> None:
    token = signed(claims(world.clock)).removeprefix("Bearer ")

    assert await world.refusal(f"{scheme} {token}") is Reason.MALFORMED


async def test_a_good_token_of_absurd_length_is_refused(world: World) -> None:
    authorization = signed(claims(world.clock, pad="x" * 16_000))

    assert await world.refusal(authorization) is Reason.MALFORMED
