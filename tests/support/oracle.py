"""A second opinion on tokens, written from the rules alone: nothing of the bot's, no JWT library.

A token is good if it is RS256, signed by a key that the issuer publishes and that may speak for
Teams, from the connector, for this bot, timed within a day and within five minutes of now, and for
the very service URL that the activity names.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

SHAPE = re.compile(r"bearer ([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII | re.IGNORECASE)
LONGEST = 16_384
LEEWAY, DAY = 300, 86_400
# DigestInfo of SHA-256: RFC 8017, section 9.2, note 1.
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True)
class Published:
    """A key as the issuer lists it: modulus, exponent, and the channels it may speak for."""

    n: int
    e: int
    endorsements: tuple[str, ...]


@dataclass(frozen=True)
class Oracle:
    """Knows what a right token is."""

    keys: Mapping[str, Published]
    app_id: str
    issuer: str

    def accepts(self, authorization: str, service_url: str, now: int) -> bool:
        """Whether the header proves that Teams sent an activity with this service URL."""
        shaped = SHAPE.fullmatch(authorization)
        if shaped is None or len(authorization) > LONGEST:
            return False
        try:
            header, claims = (json.loads(_bytes(part)) for part in shaped.groups()[:2])
            signature = _bytes(shaped[3])
        except (ValueError, RecursionError):
            return False
        if not isinstance(header, dict) or not isinstance(claims, dict):
            return False
        signed = ".".join(shaped.groups()[:2]).encode()
        return (
            self._is_signed(header, signed, signature)
            and self._is_for_us(claims, service_url)
            and _is_timely(claims, now)
        )

    def _is_signed(self, header: dict[str, object], text: bytes, signature: bytes) -> bool:
        kid = header.get("kid")
        key = self.keys.get(kid) if isinstance(kid, str) else None
        if header.get("alg") != "RS256" or {"crit", "b64"} & header.keys() or key is None:
            return False
        size = (key.n.bit_length() + 7) // 8
        if len(signature) != size or "msteams" not in key.endorsements:
            return False
        shown = pow(int.from_bytes(signature), key.e, key.n).to_bytes(size)
        wanted = SHA256 + hashlib.sha256(text).digest()
        return shown == b"\x00\x01" + b"\xff" * (size - len(wanted) - 3) + b"\x00" + wanted

    def _is_for_us(self, claims: dict[str, object], service_url: str) -> bool:
        named = claims.get("serviceurl")
        return (
            claims.get("iss") == self.issuer
            and claims.get("aud") == self.app_id
            and isinstance(named, str)
            and named != ""
            and service_url != ""
            and _bare(named) == _bare(service_url)
        )


def _is_timely(claims: dict[str, object], now: int) -> bool:
    given = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    # `True` is a whole number to Python, and a time to nobody.
    whole = [v for v in given.values() if type(v) is int and 10**9 <= v < 10**11]
    if "exp" not in given or len(given) == 1 or len(whole) != len(given):
        return False
    end, *begins = whole
    return (
        min(begins) < end <= min(begins) + DAY
        and max(begins) <= now + LEEWAY
        and end > now - LEEWAY
    )


def _bare(url: str) -> str:
    return url.removesuffix("/")


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
