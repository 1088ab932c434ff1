"""The token check and a second opinion agree on tokens that were damaged at random.

`pytest tests/unit/test_token_oracle.py --tokens=20000` asks about so many, other ones each time.
"""

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random, SystemRandom

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from bot.teams.keys import SigningKeys
from bot.teams.tokens import TokenCheck, Unauthorised
from tests.support.oracle import Oracle, Published
from tests.support.tokens import (
    APP_ID,
    ISSUER,
    METADATA_URL,
    SERVICE_URL,
    Clock,
    Issuer,
    jwk,
    rsa_key,
)

FEW = 2_500
CLOCK = Clock()
NOW = CLOCK.seconds
ENDORSEMENTS = {
    "first": ("msteams",),
    "second": ("webchat", "msteams"),
    "mute": (),
    "web": ("webchat", "directline"),
}
ODD: Sequence[object] = (
    *(None, True, False, "", 0, 1, -1, 1.5, 1e30, [], {}, [APP_ID], [SERVICE_URL]),
    *(str(NOW), float(NOW), 10**9, 10**11, 253402300799, "\ud800", "x" * 9_000, {"a": {"b": []}}),
)
ISSUERS = (ISSUER, ISSUER + "/", ISSUER.upper(), "https://api.botframework.us", [ISSUER])
AUDIENCES = (APP_ID, APP_ID.upper(), f"28:{APP_ID}", f" {APP_ID}", "https://api.botframework.com")
URLS = (
    *(SERVICE_URL, SERVICE_URL.removesuffix("/"), SERVICE_URL + "/", SERVICE_URL.upper()),
    *("https://smba.trafficmanager.net/emea/", "https://evil.example/amer/", "/", "//", "x"),
)
OFFSETS = (0, 1, -1, 299, 300, 301, -299, -300, -301, 3600, -3600, 86399, 86400, 86401, -86400)


@dataclass
class Draft:
    """A token before it is written: what it says, who signs it, and for which service URL."""

    header: dict[str, object]
    claims: dict[str, object]
    signer: str = "first"
    service_url: str = SERVICE_URL
    afterwards: list[Callable[[str], str]] = field(default_factory=list)

    def write(self) -> str:
        """Return the Authorization header."""
        text = f"{_part(self.header)}.{_part(self.claims)}"
        signature = rsa_key(self.signer).sign(text.encode(), PKCS1v15(), SHA256())
        written = f"Bearer {text}.{_base64(signature)}"
        for change in self.afterwards:
            written = change(written)
        return written


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _part(value: object) -> str:
    return _base64(json.dumps(value).encode())


def draft(random: Random) -> Draft:
    """Return a good token with none to three damages, of which some do no harm."""
    made = Draft(
        {"alg": "RS256", "kid": "first", "typ": "JWT"},
        {"iss": ISSUER, "aud": APP_ID, "serviceurl": SERVICE_URL, "nbf": NOW, "exp": NOW + 3600},
    )
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3))):
        random.choice((_claim, _claim, _times, _times, _head, _key, _url, _text))(made, random)
    return made


def _claim(made: Draft, random: Random) -> None:
    name = random.choice(("iss", "aud", "serviceurl", "exp", "nbf", "iat", "appid", "ver", "sub"))
    kind = {"iss": ISSUERS, "aud": AUDIENCES, "serviceurl": URLS}.get(name, ODD)
    if random.random() < 0.2:
        made.claims.pop(name, None)
    else:
        made.claims[name] = random.choice(kind if random.random() < 0.6 else ODD)


def _times(made: Draft, random: Random) -> None:
    for name in random.sample(("exp", "nbf", "iat"), random.randint(1, 3)):
        start = NOW if name != "exp" else random.choice((NOW, NOW + 3600, NOW + 86400))
        made.claims[name] = start + random.choice(OFFSETS)


def _head(made: Draft, random: Random) -> None:
    name, value = random.choice(
        (
            *(("alg", alg) for alg in ("none", "HS256", "RS384", "rs256", "PS256", "", None, 7)),
            *(("kid", kid) for kid in ("second", "mute", "web", "nobody", "", None, 7, ["first"])),
            *(("crit", crit) for crit in ([], ["exp"], "exp", None)),
            *(("b64", b64) for b64 in (False, True)),
            *(
                ("jku", "https://evil.example/keys"),
                ("x5u", "https://evil.example/"),
                ("cty", "JWT"),
            ),
            *(("jwk", jwk("second")), ("typ", "at+jwt"), ("typ", None), ("kid", "..\u2044first")),
        )
    )
    made.header[name] = value


def _key(made: Draft, random: Random) -> None:
    made.signer = random.choice(("second", "mute", "web", "foreign"))
    if random.random() < 0.7:
        made.header["kid"] = made.signer


def _url(made: Draft, random: Random) -> None:
    made.service_url = random.choice((*URLS, ""))
    if random.random() < 0.5:
        made.claims["serviceurl"] = random.choice((*URLS, made.service_url))


def _text(made: Draft, random: Random) -> None:
    place, letter = random.random(), random.choice("AQz09_-.=+/ \t\u00e9")

    def at(text: str) -> int:
        return 7 + int(place * (len(text) - 7))

    made.afterwards.append(
        random.choice(
            (
                lambda text: text[: at(text)] + letter + text[at(text) + 1 :],
                lambda text: text[: at(text)] + letter + text[at(text) :],
                lambda text: text[: at(text)],
                lambda text: text.replace("Bearer", random.choice(("bearer", "BEARER", "Basic"))),
                lambda text: text.replace("Bearer ", random.choice(("", "Bearer  ", "Bearer\t"))),
                lambda text: text + random.choice((".", "=", "==", ".AAAA", " ", "A" * 20_000)),
                lambda text: text.rpartition(".")[0] + ".",
                lambda text: ".".join((*text.split(".")[:2], _base64(bytes(256)))),
            )
        )
    )


@pytest.fixture(scope="module")
def number(pytestconfig: pytest.Config) -> int:
    """Return how many to ask about; pytest started from above knows no such option."""
    return int(str(pytestconfig.getoption("--tokens", default=FEW)))


async def test_a_second_opinion_never_differs(number: int) -> None:
    seed = 1 if number == FEW else SystemRandom().randrange(10**9)
    random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
    listed: list[object] = [
        jwk(name, endorsements=list(whom)) for name, whom in ENDORSEMENTS.items()
    ]
    publics = {name: rsa_key(name).public_key().public_numbers() for name in ENDORSEMENTS}
    oracle = Oracle(
        {n: Published(publics[n].n, publics[n].e, whom) for n, whom in ENDORSEMENTS.items()},
        APP_ID,
        ISSUER,
    )
    keys = SigningKeys(http=Issuer(listed).client(), metadata_url=METADATA_URL, now=CLOCK)
    check = TokenCheck(keys=keys, app_id=APP_ID, issuer=ISSUER, now=CLOCK)
    accepted, slowest = 0, 0.0
    for turn in range(number):
        made = draft(random)
        written = made.write()
        began = time.monotonic()
        says = await _says(check, written, made.service_url)
        slowest = max(slowest, time.monotonic() - began)

        assert says == oracle.accepts(written, made.service_url, NOW), (seed, turn, made)
        accepted += says

    assert 0.1 < accepted / number < 0.9
    assert slowest < 2


async def _says(check: TokenCheck, written: str, service_url: str) -> bool:
    try:
        await check.verify(written, service_url=service_url)
    except Unauthorised:
        return False
    return True
