"""The three ways in which the bot proves to Entra who it is."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from pydantic import SecretStr

from bot.domain.errors import ConfigError

SETTING = "BOT_CERTIFICATE_FILE"

_KEY = re.compile(r"-----BEGIN ([A-Z ]{0,20}PRIVATE KEY)-----[^-]+-----END \1-----")


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A password of the app registration."""

    secret: SecretStr


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A private key and the certificate that the app registration knows, both as PEM.

    Assertions are signed PS256 and name the certificate by its SHA-256 thumbprint; the certificate
    itself goes along (`x5c`), so that registrations by subject name and issuer work too.
    """

    key: SecretStr
    certificate: str

    @classmethod
    def from_pem(cls, pem: SecretStr) -> "ClientCertificate":
        """Take the RSA key and the certificate that belongs to it from a PEM file's content.

        Raises:
            ConfigError: One of them is missing, encrypted, of another kind, or they do not fit.
        """
        text = pem.get_secret_value()
        found = _KEY.search(text)
        if found is None:
            raise ConfigError(SETTING, "The file holds no unencrypted private key in PEM form.")
        try:
            key = load_pem_private_key(found.group().encode(), password=None)
            certificates = x509.load_pem_x509_certificates(text.encode())
        except (ValueError, TypeError):
            # The cause could quote the key, so it is not chained.
            message = "The private key or the certificate cannot be read."
            raise ConfigError(SETTING, message) from None
        if not isinstance(key, RSAPrivateKey):
            raise ConfigError(SETTING, "The private key is no RSA key.")
        for certificate in certificates:
            if certificate.public_key() == key.public_key():
                public = certificate.public_bytes(Encoding.PEM).decode()
                return cls(SecretStr(found.group()), public)
        raise ConfigError(SETTING, "No certificate in the file belongs to the private key.")


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """A user-assigned managed identity: Azure vouches for the machine, there is no secret."""


Credential: TypeAlias = ClientSecret | ClientCertificate | ManagedIdentity
