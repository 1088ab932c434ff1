"""Tokens through the real msal, against a token endpoint on loopback.

Sources: Microsoft identity platform, client credentials flow and certificate credentials; Azure
Instance Metadata Service; the sandbox cloud's contract is this program's own.
"""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from bot.clouds import GLOBAL, sandbox_cloud
from bot.domain.errors import ConfigError, GraphUnavailable
from bot.graph.auth import TokenError, TokenSource
from bot.graph.credentials import ClientCertificate, ClientSecret, Credential, ManagedIdentity
from bot.graph.token_http import TokenHttp
from tests.unit.test_graph_kit import TENANT, Ticker

APP = "a0a0a0a0-0000-4000-8000-000000000001"
SECRET = "s3cret~value"
SCOPE = "https://graph.microsoft.com/.default"


@dataclass
class Entra:
    """A token endpoint: numbered tokens, or the answer it was told to give."""

    url: str = ""
    status: int = 200
    body: bytes | None = None
    lifetime: int = 3600
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, form: str) -> tuple[int, bytes]:
        self.requests.append((path, {k: v[0] for k, v in parse_qs(form).items()}))
        self.gate.wait(10)
        if self.body is not None:
            return self.status, self.body
        token = {
            "token_type": "Bearer",
            "access_token": f"token-{len(self.requests)}",
            "expires_in": self.lifetime,
        }
        return self.status, json.dumps(token).encode()


@pytest.fixture
def entra() -> Iterator[Entra]:
    endpoint = Entra()
    endpoint.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            self.reply(*endpoint.answer(self.path, self.rfile.read(length).decode()))

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            self.reply(*endpoint.answer(split.path, split.query))

        def reply(self, status: int, body: bytes) -> None:
            self.send_response_only(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield endpoint
    endpoint.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class World:
    ticker: Ticker
    source: TokenSource


Make = Callable[[str, Credential], World]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[TokenSource] = []

    def build(url: str, credential: Credential) -> World:
        ticker = Ticker()
        source = TokenSource(
            cloud=sandbox_cloud(url),
            tenant=TENANT,
            client_id=APP,
            credential=lambda: credential,
            scope=SCOPE,
            monotonic=ticker.monotonic,
        )
        made.append(source)
        return World(ticker, source)

    yield build
    for source in made:
        await source.aclose()


def secret() -> ClientSecret:
    return ClientSecret(SecretStr(SECRET))


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> str:
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        lock = serialization.BestAvailableEncryption(password)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


def certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bot")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def test_a_secret_is_exchanged_for_a_token(entra: Entra, make: Make) -> None:
    there = make(entra.url, secret())

    assert await there.source.token() == "token-1"
    path, form = entra.requests[0]
    assert path == f"/{TENANT}/oauth2/v2.0/token"
    assert form["grant_type"] == "client_credentials"
    assert form["scope"] == SCOPE
    assert (form["client_id"], form["client_secret"]) == (APP, SECRET)


async def test_a_certificate_signs_an_assertion(
    entra: Entra, make: Make, key: rsa.RSAPrivateKey
) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = certificate_of(other) + certificate_of(key) + pem_of(key)

    there = make(entra.url, ClientCertificate.from_pem(SecretStr(pem)))

    assert await there.source.token() == "token-1"
    form = entra.requests[0][1]
    assert "client_secret" not in form
    assertion = form["client_assertion"]
    claims = jwt.decode(
        assertion,
        key.public_key(),
        algorithms=["PS256"],
        audience=f"https://sandbox.invalid/{TENANT}/oauth2/v2.0/token",
    )
    assert (claims["iss"], claims["sub"]) == (APP, APP)
    header = jwt.get_unverified_header(assertion)
    assert {"x5t#S256", "x5c"} <= header.keys()


@pytest.mark.parametrize("shape", ["empty", "no key", "garbage", "locked", "foreign", "curve"])
def test_a_certificate_file_that_cannot_serve_is_refused(
    shape: str, key: rsa.RSAPrivateKey
) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    content = {
        "empty": "",
        "no key": certificate_of(key),
        "garbage": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "locked": pem_of(key, b"password") + certificate_of(key),
        "foreign": pem_of(key) + certificate_of(other),
        "curve": pem_of(curve) + certificate_of(curve),
    }[shape]

    with pytest.raises(ConfigError) as caught:
        ClientCertificate.from_pem(SecretStr(content))

    assert caught.value.setting == "BOT_CERTIFICATE_FILE"


async def test_a_managed_identity_asks_the_machine_for_the_audience(
    entra: Entra, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", entra.url)
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "IMDS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    there = make("http://127.0.0.1:1", ManagedIdentity())

    assert await there.source.token() == "token-1"
    path, query = entra.requests[0]
    assert path == "/metadata/identity/oauth2/token"
    assert (query["resource"], query["client_id"]) == ("https://graph.microsoft.com", APP)


async def test_many_calls_at_once_and_later_take_one_request(entra: Entra, make: Make) -> None:
    there = make(entra.url, secret())

    at_once = await asyncio.gather(*(there.source.token() for _ in range(20)))
    there.ticker.now += 3299
    later = [await there.source.token() for _ in range(20)]

    assert {*at_once, *later} == {"token-1"}
    assert len(entra.requests) == 1


async def renewed(there: World, *, other_than: str) -> str:
    """Return the token that replaces another one, once the background has fetched it."""
    async with asyncio.timeout(5):
        while (token := await there.source.token()) == other_than:
            there.ticker.now += 0.1
            # A thread fetches it, and says so to nobody.
            await asyncio.sleep(0.005)
    return token


async def test_an_ending_token_serves_while_the_next_one_is_fetched(
    entra: Entra, make: Make
) -> None:
    there = make(entra.url, secret())
    await there.source.token()
    entra.gate.clear()
    there.ticker.now += 3300

    assert [await there.source.token() for _ in range(5)] == ["token-1"] * 5

    entra.gate.set()
    assert await renewed(there, other_than="token-1") == "token-2"
    assert len(entra.requests) == 2


async def test_an_ended_token_is_waited_for(entra: Entra, make: Make) -> None:
    there = make(entra.url, secret())
    await there.source.token()
    there.ticker.now += 3595

    assert await there.source.token() == "token-2"


async def test_a_short_lived_token_is_renewed_at_half_time(entra: Entra, make: Make) -> None:
    entra.lifetime = 60
    there = make(entra.url, secret())
    await there.source.token()

    there.ticker.now += 29
    assert await there.source.token() == "token-1"
    there.ticker.now += 1
    assert await renewed(there, other_than="token-1") == "token-2"


async def test_a_failed_renewal_bothers_nobody_while_the_token_lasts(
    entra: Entra, make: Make
) -> None:
    there = make(entra.url, secret())
    await there.source.token()
    entra.status, entra.body = 500, b"{}"
    there.ticker.now += 3300
    await there.source.token()
    async with asyncio.timeout(5):
        while len(entra.requests) < 2:  # noqa: ASYNC110 - a thread works
            await asyncio.sleep(0.005)

    assert await there.source.token() == "token-1"

    entra.status, entra.body = 200, None
    there.ticker.now += 5
    assert await renewed(there, other_than="token-1") == "token-3"


async def test_a_forgotten_token_is_replaced(entra: Entra, make: Make) -> None:
    there = make(entra.url, secret())
    there.source.forget("never given")
    there.source.forget(await there.source.token())

    assert await there.source.token() == "token-2"
    there.source.forget("token-1")
    assert await there.source.token() == "token-2"


REFUSED = {
    "error": "invalid_client",
    "error_description": (
        f"AADSTS7000215: Invalid client secret provided: {SECRET}. "
        "Trace ID: 11112222-3333-4444-5555-666677778888 "
        "Correlation ID: 99992222-3333-4444-5555-666677778888 Timestamp: 2026-11-20 10:00:00Z"
    ),
    "error_codes": [7000215],
}


async def test_a_refusal_names_entras_code_and_never_the_secret(
    entra: Entra, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    entra.status, entra.body = 401, json.dumps(REFUSED).encode()
    there = make(entra.url, secret())

    with pytest.raises(TokenError) as caught:
        await there.source.token()

    fault = caught.value.fault
    assert (fault.status, fault.code) == (0, "AADSTS7000215")
    assert fault.request_id == "11112222-3333-4444-5555-666677778888"
    assert SECRET not in f"{fault} {caught.value!r} {caplog.text}"
    assert isinstance(caught.value, GraphUnavailable)


async def test_a_failure_stands_for_a_moment_and_then_entra_is_asked_again(
    entra: Entra, make: Make
) -> None:
    entra.status, entra.body = 401, json.dumps(REFUSED).encode()
    there = make(entra.url, secret())
    for _ in range(3):
        with pytest.raises(TokenError):
            await there.source.token()
    assert len(entra.requests) == 1

    entra.status, entra.body = 200, None
    there.ticker.now += 2
    assert await there.source.token() == "token-2"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, b"{}", "token-unreachable"),
        (429, b'{"error": "temporarily_unavailable"}', "token-refused"),
        (200, b"not json", "token-refused"),
        (200, b"[]", "token-refused"),
        (200, b'{"access_token": "", "expires_in": 3600}', "token-refused"),
        (200, b'{"access_token": "x", "expires_in": "soon"}', "token-refused"),
        (200, b'{"access_token": "x"}', "token-refused"),
        (200, b"x" * (1 << 21), "token-timeout"),
    ],
)
async def test_every_odd_answer_is_a_token_error(
    entra: Entra, make: Make, status: int, body: bytes, code: str
) -> None:
    entra.status, entra.body = status, body

    with pytest.raises(TokenError) as caught:
        await make(entra.url, secret()).source.token()

    assert caught.value.fault.code == code
    assert SECRET not in str(caught.value.fault)


async def test_an_endpoint_that_is_not_there_is_a_token_error(
    make: Make, key: rsa.RSAPrivateKey
) -> None:
    credential = ClientCertificate.from_pem(SecretStr(pem_of(key) + certificate_of(key)))

    with pytest.raises(TokenError) as caught:
        await make("http://127.0.0.1:1", credential).source.token()

    assert caught.value.fault.code == "token-unreachable"


async def test_an_empty_secret_leaves_entras_words_readable(entra: Entra, make: Make) -> None:
    entra.status, entra.body = 401, json.dumps(REFUSED).encode()

    with pytest.raises(TokenError) as caught:
        await make(entra.url, ClientSecret(SecretStr(""))).source.token()

    assert caught.value.fault.code == "AADSTS7000215"
    assert "***" not in caught.value.fault.message


async def test_a_refused_certificate_is_named_by_entras_code(
    entra: Entra, make: Make, key: rsa.RSAPrivateKey
) -> None:
    entra.status = 401
    entra.body = b'{"error": "invalid_client", "error_description": "AADSTS700027: expired"}'
    credential = ClientCertificate.from_pem(SecretStr(pem_of(key) + certificate_of(key)))

    with pytest.raises(TokenError) as caught:
        await make(entra.url, credential).source.token()

    assert caught.value.fault.code == "AADSTS700027"


async def test_a_hung_endpoint_is_given_up(
    entra: Entra, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.graph.auth.LIMIT_S", 0.05)
    entra.gate.clear()

    with pytest.raises(TokenError) as caught:
        await make(entra.url, secret()).source.token()

    assert caught.value.fault.code == "token-timeout"


def test_an_answer_that_never_ends_is_given_up(entra: Entra) -> None:
    ticker = Ticker()

    def late() -> float:
        ticker.now += 3
        return ticker.now

    http = TokenHttp(cloud=sandbox_cloud(entra.url), monotonic=late, limit_s=2.5)
    with http, pytest.raises(Exception, match="too long"):
        http.post("https://sandbox.invalid/t/oauth2/v2.0/token", data={})


def test_only_the_sandbox_answers_discovery_itself(entra: Entra) -> None:
    sandbox = sandbox_cloud(entra.url)
    with TokenHttp(cloud=sandbox, monotonic=Ticker().monotonic, limit_s=5) as http:
        found = http.get("https://sandbox.invalid/t/v2.0/.well-known/openid-configuration")

    assert (
        json.loads(found.text)["token_endpoint"] == "https://sandbox.invalid/t/oauth2/v2.0/token"
    )
    assert entra.requests == []


def test_a_production_cloud_is_asked_at_its_own_address(entra: Entra) -> None:
    with TokenHttp(cloud=GLOBAL, monotonic=Ticker().monotonic, limit_s=5) as http:
        http.get(f"{entra.url}/t/v2.0/.well-known/openid-configuration")

    assert entra.requests == [("/t/v2.0/.well-known/openid-configuration", {})]
