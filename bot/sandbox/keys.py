"""The keys with which the sandbox signs what Teams sends, and their published halves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from bot.sandbox.journal import JsonObject


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, its id, and the channels whose tokens it may sign."""

    kid: str
    private: RSAPrivateKey = field(repr=False)
    endorsements: tuple[str, ...] = ("msteams",)

    def published(self) -> JsonObject:
        """Return the public half as an entry of the JSON web key set."""
        jwk: JsonObject = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": jwk["n"],
            "e": jwk["e"],
            "endorsements": list(self.endorsements),
        }

    def sign(self, claims: Mapping[str, str | int]) -> str:
        """Return a JSON web token with these claims, signed RS256."""
        return jwt.encode(dict(claims), self.private, algorithm="RS256", headers={"kid": self.kid})


def new_private_key() -> RSAPrivateKey:
    """Return a fresh key; it takes a moment, so tests share one."""
    return generate_private_key(public_exponent=65537, key_size=2048)
