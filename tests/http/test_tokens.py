"""Only what the Bot Connector signed for this bot, now, and for this service URL, comes in."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.cli.demo import APP_ID
from bot.sandbox.keys import SigningKey, new_private_key
from tests.http.knocking import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

Header: TypeAlias = Callable[[Door], str]
MINUTE = 60
HOUR = 3600
YEAR = 365 * 24 * HOUR
OTHER_APP = "0ddba11e-0000-4000-8000-00000000a99a"
# Tenants whose tokens the SDK takes from an emulator.
EMULATOR_TENANTS = (
    "d6d49420-f39b-4df7-a1dc-d59a935871db",
    "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
    "72f988bf-86f1-41af-91ab-2d7cd011db47",
)


def seconds(door: Door) -> int:
    return int(door.stage.clock.now().timestamp())


def claims(door: Door, **changes: object) -> dict[str, object]:
    """Return good claims; a change to None leaves one out."""
    now = seconds(door)
    good: dict[str, object] = {
        "iss": "https://api.botframework.com",
        "aud": APP_ID,
        "serviceurl": door.service_url,
        "nbf": now,
        "iat": now,
        "exp": now + 3600,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def part(value: object) -> bytes:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def signed(door: Door, header: dict[str, object], **changes: object) -> str:
    """Return a token of the sandbox's own key with any header one likes."""
    key = door.stage.sandbox.identity.keys[-1]
    algorithm = str(header.get("alg", "RS256"))
    headers: dict[str, object] = {"kid": key.kid, **header}
    kept = {name: value for name, value in headers.items() if value is not None}
    return "Bearer " + jwt.encode(claims(door, **changes), key.private, algorithm, headers=kept)


def good(**changes: object) -> Header:
    return lambda door: signed(door, {}, **changes)


def headed(**header: object) -> Header:
    return lambda door: signed(door, header)


def unsigned(door: Door) -> str:
    kid = door.stage.sandbox.identity.keys[-1].kid
    header = part({"alg": "none", "typ": "JWT", "kid": kid})
    return f"Bearer {(header + b'.' + part(claims(door)) + b'.').decode()}"


def signed_with_the_public_key(door: Door) -> str:
    """HS256 with what everybody knows: the classic confusion of algorithms."""
    key = door.stage.sandbox.identity.keys[-1]
    secret = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = part({"alg": "HS256", "typ": "JWT", "kid": key.kid}) + b"." + part(claims(door))
    signature = urlsafe_b64encode(hmac.digest(secret, text, hashlib.sha256)).rstrip(b"=")
    return f"Bearer {(text + b'.' + signature).decode()}"


def forged(door: Door) -> str:
    """Another key under the known key's id."""
    known = door.stage.sandbox.identity.keys[-1]
    return door.stage.sandbox.identity.sign(
        door.service_url, signed_by=SigningKey(known.kid, FOREIGN)
    )


def of_an_unknown_key(door: Door) -> str:
    return door.stage.sandbox.identity.sign(
        door.service_url, signed_by=SigningKey("unknown", FOREIGN)
    )


def tampered(door: Door) -> str:
    """A good token whose claims were changed afterwards."""
    header, _, signature = door.signature().removeprefix("Bearer ").split(".")
    return f"Bearer {header}.{part(claims(door, aud=APP_ID)).decode()}.{signature}"


def for_times(**offsets: int | None) -> Header:
    """Return a token whose times are these many seconds from now; None leaves one out."""

    def header(door: Door) -> str:
        now = seconds(door)
        changes = {n: None if o is None else now + o for n, o in offsets.items()}
        return signed(door, {}, **changes)

    return header


FOREIGN = new_private_key()
REFUSED: dict[str, tuple[Header, str]] = {
    "no header": (lambda _: "", "no token"),
    "no scheme": (lambda door: door.signature().removeprefix("Bearer "), "malformed token"),
    "garbage": (lambda _: "Bearer garbage", "malformed token"),
    "garbage in three parts": (lambda _: "Bearer a.b.c", "malformed token"),
    "another scheme": (lambda _: "Basic YWRhOmFkYQ==", "malformed token"),
    "forged signature": (forged, "bad signature"),
    "claims changed afterwards": (tampered, "bad signature"),
    # By six, so that what is left is base64 of whole bytes whatever the signature is.
    "cut signature": (lambda door: door.signature()[:-6], "bad signature"),
    "unknown kid": (of_an_unknown_key, "unknown key"),
    "no kid": (headed(kid=None), "unknown key"),
    "kid is no text": (headed(kid=""), "unknown key"),
    "alg none": (unsigned, "algorithm refused"),
    "HS256 with the public key": (signed_with_the_public_key, "algorithm refused"),
    "RS384": (headed(alg="RS384"), "algorithm refused"),
    "RS512": (headed(alg="RS512"), "algorithm refused"),
    "PS256": (headed(alg="PS256"), "algorithm refused"),
    "crit": (headed(crit=["exp"]), "malformed token"),
    "expired 6 minutes ago": (for_times(nbf=-HOUR, iat=-HOUR, exp=-6 * MINUTE), "expired"),
    "exp missing": (for_times(exp=None), "times missing or out of range"),
    "exp in ten years": (for_times(exp=10 * YEAR), "lifetime too long"),
    "exp in two days": (for_times(exp=2 * 24 * 3600), "lifetime too long"),
    "exp in the year 9999": (good(exp=253402300799), "times missing or out of range"),
    "exp beyond any time": (good(exp=1e30), "times missing or out of range"),
    "exp as text": (good(exp="4102444800"), "times missing or out of range"),
    "nbf in 10 minutes": (for_times(nbf=10 * MINUTE, iat=10 * MINUTE), "not yet valid"),
    "neither nbf nor iat": (for_times(nbf=None, iat=None), "times missing or out of range"),
    "iss missing": (good(iss=None), "wrong issuer"),
    "iss of nobody": (good(iss=""), "wrong issuer"),
    "iss of another cloud": (good(iss="https://api.botframework.us"), "wrong issuer"),
    "iss with a slash": (good(iss="https://api.botframework.com/"), "wrong issuer"),
    "aud missing": (good(aud=None), "wrong audience"),
    "aud of another bot": (good(aud=OTHER_APP), "wrong audience"),
    "aud as a list": (good(aud=[APP_ID]), "wrong audience"),
    "aud as a list of two": (good(aud=[OTHER_APP, APP_ID]), "wrong audience"),
    "serviceurl missing": (good(serviceurl=None), "service url differs"),
    "serviceurl empty": (good(serviceurl=""), "service url differs"),
    "serviceurl of another region": (
        lambda door: door.signature(door.service_url.replace("amer", "emea")),
        "service url differs",
    ),
    "serviceurl as a list": (
        lambda door: signed(door, {}, serviceurl=[door.service_url]),
        "service url differs",
    ),
    "own outgoing token": (
        good(
            iss="https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/",
            aud="https://api.botframework.com",
            appid=APP_ID,
            serviceurl=None,
        ),
        "wrong issuer",
    ),
    "own outgoing token, connector's issuer": (
        good(aud="https://api.botframework.com", appid=APP_ID),
        "wrong audience",
    ),
    "skill": (
        good(iss="https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", appid=OTHER_APP),
        "wrong issuer",
    ),
    **{
        f"emulator {version} of {tenant[:8]}": (
            good(iss=issuer.format(tenant), ver=version, appid=APP_ID, azp=APP_ID),
            "wrong issuer",
        )
        for tenant in EMULATOR_TENANTS
        for version, issuer in (
            ("1.0", "https://sts.windows.net/{}/"),
            ("2.0", "https://login.microsoftonline.com/{}/v2.0"),
        )
    },
}


@pytest.mark.parametrize(("header", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_token_that_proves_nothing_is_turned_away(
    door: Door, header: Header, reason: str
) -> None:
    headers = {"Authorization": header(door)}

    assert await door.turned_away(door.message(), headers) == (401, reason)


@pytest.mark.parametrize(("header", "reason"), REFUSED.values(), ids=REFUSED)
async def test_nor_does_it_press_a_button(door: Door, header: Header, reason: str) -> None:
    headers = {"Authorization": header(door)}

    assert await door.turned_away(door.press(), headers) == (401, reason)


@pytest.mark.parametrize(
    "header",
    [
        good(),
        for_times(nbf=-HOUR, iat=-HOUR, exp=-4 * MINUTE),
        for_times(nbf=None),
        for_times(iat=None),
    ],
    ids=["good", "expired within the leeway", "without nbf", "without iat"],
)
async def test_the_connectors_own_token_comes_in(door: Door, header: Header) -> None:
    with door.traced() as trace:
        response = await door.knock(door.message("/whoami"), {"Authorization": header(door)})
        await door.stage.settle()

    assert response.status_code == 202
    assert len(trace.posts) == 1
    assert trace.refusals == []


@pytest.mark.parametrize("endorsements", [(), ("webchat",), ("directline", "emulator")])
async def test_a_key_that_does_not_endorse_teams_cannot_speak_for_it(
    door: Door, endorsements: tuple[str, ...]
) -> None:
    identity = door.stage.sandbox.identity
    known = identity.keys[-1]
    weak = SigningKey(f"weak-{len(endorsements)}", FOREIGN, endorsements)
    identity.keys = [known, weak]
    door.stage.clock.move(minutes=6)
    try:
        header = identity.sign(door.service_url, signed_by=weak)
        answer = await door.turned_away(door.message(), {"Authorization": header})
    finally:
        identity.keys = [known]

    assert answer == (401, "key does not endorse msteams")


async def test_a_new_key_is_taken_up_while_the_bot_runs(door: Door) -> None:
    identity = door.stage.sandbox.identity
    identity.rotate(FOREIGN)
    door.stage.clock.move(minutes=6)

    assert (await door.knock(door.message("/whoami"))).status_code == 202
    await door.stage.settle()


async def test_an_unknown_key_is_asked_for_once_in_five_minutes(door: Door) -> None:
    identity = door.stage.sandbox.identity
    door.stage.clock.move(minutes=6)
    before = identity.metadata_fetches
    stranger = replace(identity.keys[-1], kid="stranger")

    for _ in range(20):
        header = identity.sign(door.service_url, signed_by=stranger)
        status, _ = await door.turned_away(door.message(), {"Authorization": header})
        assert status == 401

    assert identity.metadata_fetches == before + 1


@pytest.mark.parametrize("service_url", [None, "", 7, ["http://127.0.0.1/amer/"]])
async def test_an_activity_must_name_the_service_url(door: Door, service_url: object) -> None:
    answer = await door.turned_away(door.message(serviceUrl=service_url))

    assert answer == (401, "service url differs")


@pytest.mark.parametrize(
    "shape",
    [
        "https://smba.trafficmanager.net/amer/",
        "https://evil.example/amer/",
        "http://evil.example/amer/",
        "http://ada@127.0.0.1:{port}/amer/",
        "http://127.0.0.1:{port}@evil.example/amer/",
        "http://2130706433:{port}/amer/",
        "http://[::ffff:127.0.0.1]:{port}/amer/",
        "http://localhost:{port}/amer/",
        "http://127.0.0.1:{port}/amerika/",
        "http://127.0.0.1:{port}/emea/",
        "http://127.0.0.1:{port}/amer/../graph/",
        "http://127.0.0.1:{port}/amer/%2e%2e/graph/",
        "http://127.0.0.1:{port}/amer/?x=1",
        "http://127.0.0.1:{port}\\@evil.example/amer/",
        "https://127.0.0.1:{port}/amer/",
        "file:///etc/passwd",
    ],
)
async def test_even_a_signed_service_url_must_be_teams(door: Door, shape: str) -> None:
    url = shape.format(port=door.service_url.split(":")[2].split("/")[0])
    header = {"Authorization": door.signature(url)}

    answer = await door.turned_away(door.message(serviceUrl=url), header)

    assert answer == (403, "service url not allowed")
