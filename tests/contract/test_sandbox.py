"""The sandbox answers as Microsoft's documents say, and fails in every way asked for.

Sources: Graph's pages of deviceManagementExchangeConnector (list, get, create, update, delete,
sync), checkMemberGroups, error responses, paging and throttling; the Bot Connector's REST
reference and authentication; Entra's client credentials flow.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from typing import Literal

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from bot.graph.trust import trusted
from bot.sandbox.collection import Action, Collection, graph_time
from bot.sandbox.connector import CARD
from bot.sandbox.directory import Account, Group
from bot.sandbox.faults import Fault, FaultKind, intune_error
from bot.sandbox.identity import ASSERTION_TYPE, BOT_SCOPE, Registration
from bot.sandbox.journal import JsonObject
from bot.sandbox.keys import new_private_key
from bot.sandbox.people import Channel
from bot.sandbox.server import Sandbox
from bot.sandbox.world import ADMINS, NEVER, OPERATORS, TENANT, VIEWERS, World, seed

APP = "a9900000-0000-4000-8000-000000000001"
SECRET = "correct horse"
CONNECTORS = "/graph/v1.0/deviceManagement/exchangeConnectors"
THREAD = "19:c0de@thread.tacv2;messageid=17"
ACTIVITIES = f"/amer/v3/conversations/{THREAD}/activities"
DOCUMENTED = {
    "@odata.type": "#microsoft.graph.deviceManagementExchangeConnector",
    "lastSyncDateTime": "2017-01-01T00:02:49.3205976-08:00",
    "status": "connectionPending",
    "primarySmtpAddress": "Primary Smtp Address value",
    "serverName": "Server Name value",
    "connectorServerName": "Connector Server Name value",
    "exchangeConnectorType": "hosted",
    "version": "Version value",
    "exchangeAlias": "Exchange Alias value",
    "exchangeOrganization": "Exchange Organization value",
}


class Clock:
    """A clock that stands until moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **units: float) -> None:
        self.time += timedelta(**units)


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return new_private_key()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock, key: RSAPrivateKey) -> AsyncIterator[Sandbox]:
    numbers = itertools.count(1)
    async with Sandbox(
        registration=Registration(APP, TENANT, {APP: SECRET}),
        now=clock,
        new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
        key=key,
    ) as running:
        yield running


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    return seed(sandbox)


@pytest.fixture
async def anonymous(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=trusted(), base_url=sandbox.url, timeout=5) as client:
        yield client


async def token(client: httpx.AsyncClient, **form: str) -> httpx.Response:
    good = {
        "grant_type": "client_credentials",
        "client_id": APP,
        "client_secret": SECRET,
        "scope": f"{client.base_url}/graph/.default",
    }
    return await client.post(f"/{TENANT}/oauth2/v2.0/token", data=good | form)


@pytest.fixture
async def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """Graph's caller."""
    answer = await token(anonymous)
    anonymous.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return anonymous


@pytest.fixture
async def bot(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """The Connector's caller."""
    answer = await token(anonymous, scope=BOT_SCOPE)
    anonymous.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return anonymous


async def test_metadata_leads_to_keys_that_verify_a_signed_activity(
    sandbox: Sandbox, anonymous: httpx.AsyncClient, clock: Clock
) -> None:
    metadata = (await anonymous.get("/v1/.well-known/openidconfiguration")).json()
    keys = (await anonymous.get(metadata["jwks_uri"])).json()["keys"]
    scheme, _, value = sandbox.identity.sign(sandbox.service_url).partition(" ")

    assert metadata["issuer"] == "https://api.botframework.com"
    assert keys[0]["endorsements"] == ["msteams"]
    assert scheme == "Bearer"
    assert jwt.get_unverified_header(value)["kid"] == keys[0]["kid"]
    claims = jwt.decode(
        value,
        jwt.PyJWK(keys[0], "RS256"),
        audience=APP,
        issuer=metadata["issuer"],
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )
    now = int(clock().timestamp())
    assert claims["serviceurl"] == f"{sandbox.url}/amer/"
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (now, now, now + 3600)
    assert (sandbox.identity.metadata_fetches, sandbox.identity.key_fetches) == (1, 1)


def test_claims_can_be_replaced_and_left_out(sandbox: Sandbox) -> None:
    header = sandbox.identity.sign("https://x/", aud="somebody", serviceurl=None)

    claims = jwt.decode(header.partition(" ")[2], options={"verify_signature": False})
    assert claims["aud"] == "somebody"
    assert "serviceurl" not in claims


async def test_rotation_replaces_the_keys_or_adds_one(
    sandbox: Sandbox, anonymous: httpx.AsyncClient, key: RSAPrivateKey
) -> None:
    old = sandbox.identity.keys[0]
    added = sandbox.identity.rotate(key, keep_old=True)
    both = (await anonymous.get("/v1/.well-known/keys")).json()["keys"]
    newest = sandbox.identity.rotate()
    one = (await anonymous.get("/v1/.well-known/keys")).json()["keys"]
    forged = sandbox.identity.sign("https://x/", signed_by=old).partition(" ")[2]

    assert [entry["kid"] for entry in both] == [old.kid, added.kid]
    assert [entry["kid"] for entry in one] == [newest.kid]
    assert jwt.get_unverified_header(forged)["kid"] == old.kid


async def test_tokens_are_issued_per_scope_counted_and_logged_without_secrets(
    sandbox: Sandbox, anonymous: httpx.AsyncClient
) -> None:
    graph = await token(anonymous)
    bot = await token(anonymous, scope=BOT_SCOPE)

    assert graph.json().keys() == {"token_type", "expires_in", "access_token"}
    assert graph.json()["expires_in"] == 3599
    assert sandbox.identity.accepts(f"Bearer {graph.json()['access_token']}", "graph")
    assert not sandbox.identity.accepts(f"Bearer {bot.json()['access_token']}", "graph")
    assert sandbox.identity.tokens_issued == {"graph": 1, "bot": 1}
    assert sandbox.identity.token_requests == 2
    assert SECRET not in repr(sandbox.identity.log)
    assert SECRET not in repr(sandbox.registration)


async def test_a_token_ends_with_its_lifetime_or_when_revoked(
    sandbox: Sandbox, client: httpx.AsyncClient, clock: Clock
) -> None:
    header = client.headers["Authorization"]

    assert sandbox.identity.accepts(header, "graph")
    clock.advance(seconds=3599)
    assert not sandbox.identity.accepts(header, "graph")
    fresh = f"Bearer {(await token(client)).json()['access_token']}"
    sandbox.identity.revoke_tokens()
    assert not sandbox.identity.accepts(fresh, "graph")


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000215),
        ({"client_id": "stranger"}, 401, "invalid_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "https://example.org/.default"}, 400, "invalid_scope", 70011),
        (
            {"client_assertion_type": ASSERTION_TYPE, "client_assertion": "x"},
            401,
            "invalid_client",
            700023,
        ),
    ],
)
async def test_a_bad_token_request_is_refused_in_entras_words(
    anonymous: httpx.AsyncClient, form: dict[str, str], status: int, error: str, number: int
) -> None:
    answer = await token(anonymous, **form)

    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert body.keys() >= {"timestamp", "trace_id", "correlation_id"}


async def test_another_tenant_has_no_token_endpoint(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/elsewhere/oauth2/v2.0/token", data={})

    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


async def test_a_client_assertion_must_name_the_client(
    anonymous: httpx.AsyncClient, key: RSAPrivateKey
) -> None:
    assertion = jwt.encode({"iss": APP, "sub": APP}, key, algorithm="RS256")
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    assert (await token(anonymous, **form)).status_code == 200


async def test_without_configured_secrets_any_client_gets_a_token(
    clock: Clock, key: RSAPrivateKey
) -> None:
    async with (
        Sandbox(
            registration=Registration(APP, TENANT), now=clock, new_id=lambda: "1", key=key
        ) as open_house,
        httpx.AsyncClient(verify=trusted(), base_url=open_house.url) as client,
    ):
        assert (await token(client, client_secret="anything")).status_code == 200
        assert (await token(client, client_id="")).status_code == 401


async def test_a_failing_token_endpoint_can_be_asked_for(
    sandbox: Sandbox, anonymous: httpx.AsyncClient
) -> None:
    sandbox.identity.faults.add(Fault(kind=FaultKind.STATUS, path="/token$", status=503))

    answers = [(await token(anonymous)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 200]
    assert answers[0].json()["error"] == "ServiceUnavailable"
    assert answers[0].json()["error_codes"] == []


@pytest.mark.parametrize("version", ["v1.0", "beta"])
async def test_create_answers_201_with_the_documented_record(
    world: World, client: httpx.AsyncClient, version: str
) -> None:
    answer = await client.post(
        f"/graph/{version}/deviceManagement/exchangeConnectors", json=DOCUMENTED
    )

    assert answer.status_code == 201
    assert answer.json() == DOCUMENTED | {"id": answer.json()["id"]}
    assert world.connectors.get(answer.json()["id"]) == answer.json()


async def test_a_new_record_shows_missing_properties_as_null(
    world: World, client: httpx.AsyncClient
) -> None:
    answer = await client.post(CONNECTORS, json={"id": "mine", "serverName": "EXCH06"})

    assert answer.json()["id"] != "mine"
    assert answer.json()["exchangeAlias"] is None
    assert answer.json()["@odata.type"] == DOCUMENTED["@odata.type"]


async def test_list_is_paged_by_next_link_and_keeps_the_query(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    sandbox.graph.page_size = 2
    link: str | None = f"{CONNECTORS}?$select=id,serverName"
    pages = []
    while link:
        page = (await client.get(link)).json()
        pages.append([record["serverName"] for record in page["value"]])
        link = page.get("@odata.nextLink")

    assert pages == [["EXCH01", "EXCH02"], ["EXCH03", "EXCH 04"], ["EXCH05"]]
    short = (await client.get(f"{CONNECTORS}?$top=1")).json()["value"]
    assert short == [world.connectors.get(world.id_of("EXCH01"))]


async def test_get_answers_bare_or_wrapped(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    path = f"{CONNECTORS}/{world.id_of('EXCH05')}"
    bare = (await client.get(path)).json()
    sandbox.graph.wraps_single = True
    wrapped = (await client.get(path)).json()

    assert bare["primarySmtpAddress"] == "exchange-sync@lab.contoso.example"
    assert wrapped == {"value": bare}


async def test_update_answers_with_the_record_or_silently(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    path = f"{CONNECTORS}/{world.id_of('EXCH01')}"
    loud = await client.patch(path, json={"version": "15.3", "id": "other"})
    sandbox.graph.updates_silently = True
    silent = await client.patch(path, json={"version": None})

    assert (loud.status_code, loud.json()["version"]) == (200, "15.3")
    assert (silent.status_code, silent.content) == (204, b"")
    assert world.connectors.get(world.id_of("EXCH01"))["version"] is None


async def test_delete_answers_204_and_then_404(world: World, client: httpx.AsyncClient) -> None:
    path = f"{CONNECTORS}/{world.id_of('EXCH01')}"

    first, second = await client.delete(path), await client.delete(path)

    assert (first.status_code, second.status_code) == (204, 404)
    assert second.json()["error"]["code"] == "ResourceNotFound"


async def test_add_by_ref_is_a_switch(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    added = await client.post(f"{CONNECTORS}/$ref", json=DOCUMENTED)
    sandbox.graph.accepts_ref = False
    refused = await client.post(f"{CONNECTORS}/$ref", json=DOCUMENTED)

    assert (added.status_code, refused.status_code) == (201, 404)
    assert len(world.connectors.records) == 6


@pytest.mark.parametrize("sync_type", ["fullSync", "deltaSync"])
@pytest.mark.parametrize("action", ["sync", "microsoft.graph.sync"])
async def test_sync_answers_204_and_moves_the_time(
    world: World, client: httpx.AsyncClient, clock: Clock, sync_type: str, action: str
) -> None:
    connector = world.id_of("EXCH02")

    answer = await client.post(f"{CONNECTORS}/{connector}/{action}", json={"syncType": sync_type})

    assert (answer.status_code, answer.content) == (204, b"")
    assert world.connectors.get(connector)["lastSyncDateTime"] == graph_time(clock())


async def test_sync_shows_after_its_delay_or_never(
    world: World, client: httpx.AsyncClient, clock: Clock
) -> None:
    slow, dead, gone = (world.id_of(name) for name in ("EXCH01", "EXCH02", "EXCH05"))
    before = {name: dict(record) for name, record in world.connectors.records.items()}
    full = {"syncType": "fullSync"}
    world.connectors.action_delay = timedelta(minutes=3)
    await client.post(f"{CONNECTORS}/{slow}/sync", json=full)
    await client.post(f"{CONNECTORS}/{gone}/sync", json=full)
    world.connectors.remove(gone)
    world.connectors.action_delay = None
    await client.post(f"{CONNECTORS}/{dead}/sync", json=full)

    assert world.connectors.get(slow) == before[slow]
    clock.advance(minutes=4)
    assert world.connectors.get(slow)["lastSyncDateTime"] == "2026-11-21T12:03:00.0000000Z"
    assert world.connectors.get(dead) == before[dead]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (("POST", f"{CONNECTORS}/{{id}}/sync", {"syncType": "quickSync"}), 400, "BadRequest"),
        (("POST", f"{CONNECTORS}/{{id}}/sync", None), 400, "BadRequest"),
        (("POST", f"{CONNECTORS}/{{id}}/explode", None), 400, "BadRequest"),
        (("POST", f"{CONNECTORS}/none/sync", {"syncType": "fullSync"}), 404, "ResourceNotFound"),
        (("POST", CONNECTORS, None), 400, "BadRequest"),
        (("POST", CONNECTORS, ["no object"]), 400, "BadRequest"),
        (("POST", CONNECTORS, {"status": "String"}), 400, "BadRequest"),
        (("PATCH", f"{CONNECTORS}/{{id}}", {"status": "broken"}), 400, "BadRequest"),
        (("PATCH", f"{CONNECTORS}/none", {"version": "1"}), 404, "ResourceNotFound"),
        (("GET", f"{CONNECTORS}/none", None), 404, "ResourceNotFound"),
        (("GET", f"{CONNECTORS}?$top=all", None), 400, "BadRequest"),
        (("PUT", f"{CONNECTORS}/{{id}}", {"version": "1"}), 405, "Request_BadRequest"),
        (("GET", "/graph/v1.0/devicemanagement/exchangeConnectors", None), 400, "BadRequest"),
        (("GET", "/graph/localtest/deviceManagement", None), 404, "ResourceNotFound"),
    ],
)
async def test_a_bad_request_is_refused_in_graphs_envelope(
    world: World,
    client: httpx.AsyncClient,
    asked: tuple[str, str, object],
    status: int,
    code: str,
) -> None:
    method, path, body = asked
    before = world.connectors.records
    path = path.replace("{id}", world.id_of("EXCH01"))

    answer = await client.request(
        method, path, json=body, headers={"client-request-id": "mine"} if body else {}
    )

    error = answer.json()["error"]
    own = "mine" if body else answer.headers["request-id"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["innerError"] == {
        "date": "2026-11-21T12:00:00",
        "request-id": answer.headers["request-id"],
        "client-request-id": own,
    }
    assert answer.headers["client-request-id"] == own
    assert world.connectors.records == before


async def test_a_collection_of_another_kind_is_only_declared(
    sandbox: Sandbox, client: httpx.AsyncClient, clock: Clock
) -> None:
    tokens = sandbox.graph.declare(
        Collection(
            path="deviceAppManagement/vppTokens",
            odata_type="#microsoft.graph.vppToken",
            actions=(Action("syncLicenses", "lastSyncDateTime", returns_record=True),),
            versions=frozenset({"beta"}),
        )
    )
    tokens.add({"id": "one", "state": "valid"})
    path = "deviceAppManagement/vppTokens/one"

    stable = await client.get(f"/graph/v1.0/{path}")
    synced = await client.post(f"/graph/beta/{path}/syncLicenses")

    assert stable.status_code == 400
    assert (synced.status_code, synced.json()["state"]) == (200, "valid")
    assert sandbox.graph.table("deviceAppManagement/vppTokens") is tokens
    assert tokens.get("one")["lastSyncDateTime"] == graph_time(clock())


@pytest.mark.parametrize("header", [None, "Bearer made-up", "Basic made-up"])
async def test_graph_wants_a_token_of_its_own(
    sandbox: Sandbox, world: World, anonymous: httpx.AsyncClient, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}

    answer = await anonymous.delete(f"{CONNECTORS}/{world.id_of('EXCH01')}", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert sandbox.graph.log[0].status == 401
    assert not sandbox.graph.log[0].has_effect
    assert len(world.connectors.records) == 5


async def test_a_token_for_the_bot_does_not_open_graph(
    world: World, bot: httpx.AsyncClient
) -> None:
    assert (await bot.get(CONNECTORS)).status_code == 401


async def test_graph_logs_what_was_asked_without_the_token(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    await client.get(CONNECTORS, params={"$select": "id"})
    await client.post(CONNECTORS, json=DOCUMENTED)

    read, write = sandbox.graph.log
    assert (read.method, read.path, read.version) == (
        "GET",
        "/deviceManagement/exchangeConnectors",
        "v1.0",
    )
    assert read.query == {"$select": "id"}
    assert read.headers["authorization"] == "Bearer ***"
    assert (write.body, write.status, write.has_effect) == (DOCUMENTED, 201, True)
    assert sandbox.graph.requests("POST") == ["/deviceManagement/exchangeConnectors"]
    assert sandbox.graph.requests(under="/users") == []
    sandbox.graph.desk.journal.clear()
    assert sandbox.graph.log == []


async def test_membership_is_transitive_and_follows_the_directory(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    def check(oid: str) -> Awaitable[httpx.Response]:
        return client.post(
            f"/graph/v1.0/users/{oid}/checkMemberGroups",
            json={"groupIds": [VIEWERS, OPERATORS, ADMINS]},
        )

    sandbox.directory.put(
        Group("inner", "Night shift", member_of=frozenset({"outer"})),
        Group("outer", "All shifts", member_of=frozenset({OPERATORS, "inner"})),
    )

    assert (await check(world.ada.oid)).json() == {"value": [ADMINS]}
    sandbox.directory.join(world.vic.oid, "inner")
    sandbox.directory.join(world.vic.oid, "deleted group")
    assert (await check(world.vic.oid)).json() == {"value": [VIEWERS, OPERATORS]}
    sandbox.directory.leave(world.vic.oid, "inner")
    assert (await check(world.vic.oid)).json() == {"value": [VIEWERS]}
    sandbox.directory.remove(world.vic.oid)
    gone = await check(world.vic.oid)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize("groups", [None, [], [VIEWERS] * 21])
async def test_membership_is_asked_of_at_most_twenty_groups(
    world: World, client: httpx.AsyncClient, groups: list[str] | None
) -> None:
    answer = await client.post(
        f"/graph/v1.0/users/{world.ada.oid}/checkMemberGroups", json={"groupIds": groups}
    )

    assert answer.status_code == 400


async def test_people_groups_and_organization_can_be_read(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    sandbox.directory.put(Account(world.vic.oid, "Vic", is_enabled=False))
    gus = await client.get(
        f"/graph/v1.0/users/{world.gus.oid}?$select=id,displayName,userType,accountEnabled"
    )
    vic = await client.get(f"/graph/v1.0/users/{world.vic.oid}?$select=accountEnabled")
    group = await client.get(f"/graph/v1.0/groups/{ADMINS}")
    nobody = await client.get("/graph/v1.0/users/nobody")
    no_group = await client.get("/graph/v1.0/groups/none")
    organization = await client.get("/graph/v1.0/organization")

    assert gus.json() == {
        "id": world.gus.oid,
        "displayName": "Gus Guest",
        "userType": "Guest",
        "accountEnabled": True,
    }
    assert vic.json() == {"accountEnabled": False}
    assert group.json() == {"id": ADMINS, "displayName": "Connector administrators"}
    assert nobody.json()["error"]["code"] == "Request_ResourceNotFound"
    assert (nobody.status_code, no_group.status_code) == (404, 404)
    assert organization.json() == {"value": [{"id": TENANT, "displayName": "Contoso Lab"}]}


async def test_a_throttled_request_says_when_to_come_back(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    path = f"{CONNECTORS}/{world.id_of('EXCH01')}"
    sandbox.graph.faults.add(
        Fault(kind=FaultKind.STATUS, method="DELETE", status=429, retry_after="2.128", times=2)
    )

    read = await client.get(path)
    answers = [await client.delete(path) for _ in range(3)]

    assert read.status_code == 200
    assert [answer.status_code for answer in answers] == [429, 429, 204]
    assert answers[0].headers["Retry-After"] == "2.128"
    assert answers[0].json()["error"]["code"] == "TooManyRequests"
    assert answers[0].headers["request-id"]
    assert [entry.has_effect for entry in sandbox.graph.log] == [True, False, False, True]


async def test_a_fault_can_skip_choose_by_body_and_carry_intunes_own_words(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    body = intune_error("UnknownError", "Forbidden", inner_code="Forbidden")
    fault = Fault(
        kind=FaultKind.STATUS,
        where=lambda request: request.body.get("serverName") == "EXCH07",
        skip=1,
        times=None,
        status=403,
        body=body,
    )
    sandbox.graph.faults.add(fault)

    answers = [
        await client.post(CONNECTORS, json={"serverName": name})
        for name in ("EXCH06", "EXCH07", "EXCH07", "EXCH07")
    ]
    sandbox.graph.faults.clear()
    after = await client.post(CONNECTORS, json={"serverName": "EXCH07"})

    assert [answer.status_code for answer in answers] == [201, 201, 403, 403]
    assert after.status_code == 201
    outer = json.loads(answers[-1].json()["error"]["message"])
    assert outer["ErrorCode"] == "Forbidden"
    assert json.loads(outer["Message"])["_version"] == 3
    assert "Retry-After" not in answers[-1].headers


def test_intunes_error_without_inner_code_has_two_levels() -> None:
    message = intune_error("BadRequest", "An error has occurred")["error"]["message"]

    assert json.loads(message)["Message"].startswith("An error has occurred - Operation ID")


async def test_a_delayed_request_is_carried_out_in_the_end(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    sandbox.graph.faults.add(Fault(kind=FaultKind.DELAY, delay_s=0.01))

    assert (await client.post(CONNECTORS, json=DOCUMENTED)).status_code == 201


@pytest.mark.parametrize(
    ("kind", "has_effect"), [(FaultKind.HANG, False), (FaultKind.HANG_AFTER, True)]
)
async def test_a_hanging_request_goes_on_when_released(
    sandbox: Sandbox,
    world: World,
    client: httpx.AsyncClient,
    kind: FaultKind,
    *,
    has_effect: bool,
) -> None:
    path = f"{CONNECTORS}/{world.id_of('EXCH01')}"
    sandbox.graph.faults.add(Fault(kind=kind))

    async with asyncio.TaskGroup() as group:
        hanging = group.create_task(client.delete(path))
        await sandbox.graph.faults.wait_until_paused()
        seen = sandbox.graph.log[0]
        assert (seen.status, seen.has_effect) == (None, has_effect)
        assert (len(world.connectors.records) == 4) is has_effect
        sandbox.graph.faults.release()

    assert hanging.result().status_code == 204
    assert len(world.connectors.records) == 4


async def test_a_request_that_nobody_waits_for_any_more_takes_effect_all_the_same(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    sandbox.graph.faults.add(Fault(kind=FaultKind.HANG))

    with pytest.raises(httpx.ReadTimeout):
        await client.post(CONNECTORS, json=DOCUMENTED, timeout=0.05)
    await sandbox.graph.faults.wait_until_paused()
    sandbox.graph.faults.release()

    await sandbox.graph.wait_for(lambda request: request.has_effect)
    assert len(world.connectors.records) == 6


async def cut_off(request: Awaitable[httpx.Response]) -> None:
    with pytest.raises(httpx.TransportError):
        await request


@pytest.mark.parametrize(
    ("kind", "has_effect"),
    [(FaultKind.HANG, False), (FaultKind.HANG_AFTER, True), (FaultKind.TRICKLE, True)],
)
async def test_the_end_of_the_server_cuts_off_what_hangs(
    sandbox: Sandbox,
    world: World,
    client: httpx.AsyncClient,
    kind: FaultKind,
    *,
    has_effect: bool,
) -> None:
    sandbox.graph.faults.add(Fault(kind=kind, delay_s=60))

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(cut_off(client.post(CONNECTORS, json=DOCUMENTED)))
        await sandbox.graph.faults.wait_until_paused()
        await sandbox.stop()

    assert sandbox.graph.log[0].has_effect is has_effect
    assert len(world.connectors.records) == 5 + has_effect


async def test_nothing_hangs_once_the_server_has_stopped(sandbox: Sandbox) -> None:
    sandbox.graph.faults.stop()

    async with asyncio.timeout(1):
        await sandbox.graph.faults.pause(None)


@pytest.mark.parametrize(
    ("kind", "has_effect"),
    [(FaultKind.RESET, False), (FaultKind.RESET_AFTER, True), (FaultKind.HALF_BODY, True)],
)
async def test_a_connection_breaks_before_or_after_the_effect(
    sandbox: Sandbox,
    world: World,
    client: httpx.AsyncClient,
    kind: FaultKind,
    *,
    has_effect: bool,
) -> None:
    sandbox.graph.faults.add(Fault(kind=kind))

    await cut_off(client.post(CONNECTORS, json=DOCUMENTED))
    again = await client.post(CONNECTORS, json=DOCUMENTED)

    assert again.status_code == 201
    assert [entry.has_effect for entry in sandbox.graph.log] == [has_effect, True]
    assert len(world.connectors.records) == 6 + has_effect


async def test_an_answer_can_be_spoiled(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    sandbox.graph.faults.add(
        Fault(kind=FaultKind.WRONG_JSON),
        Fault(kind=FaultKind.WRONG_JSON, body={"value": "no list"}),
        Fault(kind=FaultKind.HUGE_BODY),
        Fault(kind=FaultKind.TRICKLE, delay_s=0.0),
        Fault(kind=FaultKind.LOOPING_LINK),
        Fault(kind=FaultKind.FOREIGN_LINK),
    )

    broken, shapeless, huge, slow, looping, foreign = [
        await client.get(CONNECTORS) for _ in range(6)
    ]

    assert broken.text == '{"value": ['
    assert shapeless.json() == {"value": "no list"}
    assert len(huge.content) == 10_000_000
    assert [len(answer.json()["value"]) for answer in (slow, looping, foreign)] == [5, 5, 5]
    assert looping.json()["@odata.nextLink"] == f"{sandbox.url}{CONNECTORS}"
    assert httpx.URL(foreign.json()["@odata.nextLink"]).host == "graph.example.net"


async def test_a_link_fault_leaves_an_answer_without_body_alone(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    sandbox.graph.faults.add(Fault(kind=FaultKind.LOOPING_LINK))

    answer = await client.delete(f"{CONNECTORS}/{world.id_of('EXCH01')}")

    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_trickle_ends_when_the_client_leaves(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    sandbox.graph.faults.add(Fault(kind=FaultKind.TRICKLE, delay_s=60))

    with pytest.raises(httpx.ReadTimeout):
        await client.get(CONNECTORS, timeout=0.05)

    async def release_all() -> None:
        for _ in range(1000):  # fewer than the bytes of the answer
            await sandbox.graph.faults.wait_until_paused(within_s=0.2)
            sandbox.graph.faults.release()

    with pytest.raises(TimeoutError):
        await release_all()


async def test_waiting_in_vain_says_what_was_seen(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    await client.get(CONNECTORS)

    with pytest.raises(TimeoutError, match="exchangeConnectors"):
        await sandbox.graph.wait_for(lambda request: request.method == "DELETE", within_s=0.01)


async def test_a_request_forgotten_meanwhile_is_not_brought_back(
    sandbox: Sandbox, world: World, client: httpx.AsyncClient
) -> None:
    sandbox.graph.faults.add(Fault(kind=FaultKind.HANG))

    async with asyncio.TaskGroup() as group:
        group.create_task(client.get(CONNECTORS))
        await sandbox.graph.faults.wait_until_paused()
        sandbox.graph.desk.journal.clear()
        sandbox.graph.faults.release()

    assert sandbox.graph.log == []


def card(text: str) -> JsonObject:
    content = {"type": "AdaptiveCard", "version": "1.5", "body": [{"text": text}]}
    return {"type": "message", "attachments": [{"contentType": CARD, "content": content}]}


async def test_a_message_keeps_its_edits_and_its_deletion(
    sandbox: Sandbox, bot: httpx.AsyncClient
) -> None:
    posted = await bot.post(ACTIVITIES, json={"type": "message", "text": "working"})
    path = f"{ACTIVITIES}/{posted.json()['id']}"
    edited = await bot.put(path, json=card("asked"))
    again = await bot.put(path, json=card("done"))
    seen = sandbox.connector.messages()[0]
    deleted = await bot.delete(path)

    statuses = [answer.status_code for answer in (posted, edited, again, deleted)]
    assert statuses == [201, 200, 200, 200]
    assert edited.json() == posted.json()
    assert seen.conversation == THREAD
    assert seen.activity == {"type": "message", "text": "working"}
    assert seen.edits == (card("asked"), card("done"))
    assert (seen.text, seen.card) == ("", card("done")["attachments"][0]["content"])
    assert not seen.deleted
    assert sandbox.connector.messages()[0].deleted


async def test_messages_stand_in_order_by_thread_and_by_channel(
    sandbox: Sandbox, bot: httpx.AsyncClient
) -> None:
    for thread, text in (("1", "one"), ("2", "two"), ("1", "three")):
        conversation = f"19:c@thread.tacv2;messageid={thread}"
        await bot.post(
            f"/amer/v3/conversations/{conversation}/activities/{thread}",
            json={"type": "message", "text": text},
        )
    messages = sandbox.connector.messages

    first_thread = messages("19:c@thread.tacv2;messageid=1")
    assert [message.text for message in first_thread] == ["one", "three"]
    assert [message.reply_to for message in first_thread] == ["1", "1"]
    assert [message.text for message in messages("19:c@thread.tacv2")] == ["one", "two", "three"]
    assert messages("19:other@thread.tacv2") == []
    assert len({message.id for message in messages()}) == 3


async def test_typing_is_no_message(sandbox: Sandbox, bot: httpx.AsyncClient) -> None:
    answer = await bot.post(ACTIVITIES, json={"type": "typing"})

    assert answer.status_code == 201
    assert sandbox.connector.messages() == []
    assert sandbox.connector.log[0].body == {"type": "typing"}
    assert sandbox.connector.log[0].path == f"/v3/conversations/{THREAD}/activities"


async def test_a_conversation_is_created_in_a_channel_or_with_a_person(
    sandbox: Sandbox, bot: httpx.AsyncClient
) -> None:
    root = "/amer/v3/conversations"
    hello = {"type": "message", "text": "hello"}
    channel = {"isGroup": True, "channelData": {"channel": {"id": "19:c@thread.tacv2"}}}
    thread = (await bot.post(root, json=channel | {"activity": hello})).json()
    empty = (await bot.post(root, json={"members": [{"id": "29:vic"}]})).json()
    chat = (await bot.post(root, json={"members": [{"id": "29:vic"}], "activity": hello})).json()

    assert thread["id"] == f"19:c@thread.tacv2;messageid={thread['activityId']}"
    assert empty == {"id": chat["id"]}
    assert [message.conversation for message in sandbox.connector.messages()] == [
        thread["id"],
        chat["id"],
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", f"{ACTIVITIES}/unknown", {"type": "message"}, 404),
        ("DELETE", f"{ACTIVITIES}/unknown", None, 404),
        ("POST", ACTIVITIES, {"text": "no type"}, 400),
        ("POST", ACTIVITIES, card("x") | {"text": "both"}, 400),
        ("POST", f"{ACTIVITIES}?isTargetedActivity=true", {"type": "message"}, 400),
        ("POST", "/amer/v3/conversations", {}, 400),
        ("POST", "/amer/v3/conversations", {"channelData": {"channel": {"id": "19:c"}}}, 400),
    ],
)
async def test_the_connector_refuses_what_teams_would(
    sandbox: Sandbox, bot: httpx.AsyncClient, method: str, path: str, body: object, status: int
) -> None:
    sandbox.connector.refuses_text_beside_card = True

    answer = await bot.request(method, path, json=body)

    assert answer.status_code == status
    assert answer.json()["error"].keys() == {"code", "message"}
    assert sandbox.connector.messages() == []


async def test_a_deleted_message_cannot_be_edited(
    sandbox: Sandbox, bot: httpx.AsyncClient
) -> None:
    posted = await bot.post(ACTIVITIES, json={"type": "message", "text": "x"})
    path = f"{ACTIVITIES}/{posted.json()['id']}"
    await bot.delete(path)

    answer = await bot.put(path, json={"type": "message", "text": "y"})

    assert answer.json()["error"]["code"] == "ActivityNotFoundInConversation"


async def test_attachments_are_kept_word_for_word_beside_text(
    sandbox: Sandbox, bot: httpx.AsyncClient
) -> None:
    hero = {"contentType": "application/vnd.microsoft.card.hero", "content": {"title": "…"}}
    activity = {"type": "message", "text": "look", "attachments": [hero]}

    await bot.post(
        f"{ACTIVITIES}?isTargetedActivity=true", json=activity | {"recipient": {"id": "29:a"}}
    )

    message = sandbox.connector.messages()[0]
    assert message.current["attachments"] == [hero]
    assert (message.card, message.is_targeted) == (None, True)


async def test_the_connector_wants_a_token_of_its_own(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    answer = await client.post(ACTIVITIES, json={"type": "message", "text": "x"})

    assert answer.status_code == 401
    assert sandbox.connector.messages() == []


async def test_an_edit_can_be_awaited(sandbox: Sandbox, bot: httpx.AsyncClient) -> None:
    async def talk() -> None:
        posted = await bot.post(ACTIVITIES, json={"type": "message", "text": "working"})
        await bot.put(f"{ACTIVITIES}/{posted.json()['id']}", json=card("done"))

    async with asyncio.TaskGroup() as group:
        group.create_task(talk())
        message = await sandbox.connector.wait_for(lambda message: message.edits)

    assert message.card == card("done")["attachments"][0]["content"]
    with pytest.raises(TimeoutError, match="AdaptiveCard"):
        await sandbox.connector.wait_for(lambda message: message.deleted, within_s=0.01)


async def test_the_connector_fails_as_asked(sandbox: Sandbox, bot: httpx.AsyncClient) -> None:
    blocked = {"errorCode": 209, "message": '{"subCode":"MessageWritesBlocked"}'}
    sandbox.connector.faults.add(
        Fault(kind=FaultKind.STATUS, status=403, body=blocked),
        Fault(kind=FaultKind.STATUS, status=429, retry_after="3"),
    )

    first, second, third = [
        await bot.post(ACTIVITIES, json={"type": "message", "text": "x"}) for _ in range(3)
    ]

    assert (first.status_code, first.json()) == (403, blocked)
    assert second.json()["error"]["code"] == "TooManyRequests"
    assert second.headers["Retry-After"] == "3"
    assert third.status_code == 201


async def test_connections_and_requests_are_counted(
    sandbox: Sandbox, bot: httpx.AsyncClient
) -> None:
    for _ in range(3):
        await bot.post(ACTIVITIES, json={"type": "message", "text": "x"})
    one = dict(sandbox.connector.connections)
    async with httpx.AsyncClient(
        verify=trusted(), base_url=sandbox.url, headers=bot.headers
    ) as other:
        await other.post(ACTIVITIES, json={"type": "message", "text": "x"})

    assert list(one.values()) == [3]
    assert sorted(sandbox.connector.connections.values()) == [1, 3]


def test_only_loopback_is_served(clock: Clock, key: RSAPrivateKey) -> None:
    registration = Registration(APP, TENANT)

    with pytest.raises(ValueError, match=r"not on 192\.0\.2\.1"):
        Sandbox(registration=registration, now=clock, new_id=str, host="192.0.2.1", key=key)
    six = Sandbox(registration=registration, now=clock, new_id=str, host="::1", port=9, key=key)
    assert six.service_url == "http://[::1]:9/amer/"


async def test_a_stopped_sandbox_comes_back_on_the_port_it_is_given(
    sandbox: Sandbox, clock: Clock, key: RSAPrivateKey
) -> None:
    await sandbox.stop()
    await sandbox.stop()

    port = httpx.URL(sandbox.url).port or 0
    async with (
        Sandbox(
            registration=sandbox.registration, now=clock, new_id=lambda: "1", port=port, key=key
        ) as again,
        httpx.AsyncClient(verify=trusted(), base_url=again.url) as client,
    ):
        assert again.url == sandbox.url
        assert (await client.get("/v1/.well-known/keys")).status_code == 200


@pytest.mark.parametrize(("size", "status"), [(1_000_000, 201), (1_100_000, 413)])
async def test_bodies_up_to_a_megabyte_are_taken(
    world: World, client: httpx.AsyncClient, size: int, status: int
) -> None:
    answer = await client.post(CONNECTORS, json={"serverName": "x" * size})

    assert answer.status_code == status


def test_the_world_is_the_same_in_every_run_but_for_the_clock(world: World, clock: Clock) -> None:
    records = list(world.connectors.records.values())

    assert [record["id"][-1] for record in records] == ["1", "2", "3", "4", "5"]
    assert [record["lastSyncDateTime"] for record in records] == [
        "2026-11-21T11:52:59.6794030Z",
        "2026-11-20T12:59:59.1979710+03:00",
        NEVER,
        "2025-10-05T11:59:59.6794030Z",
        "2026-11-21T11:17:59.6794030Z",
    ]
    assert [(record["serverName"], record["status"]) for record in records] == [
        ("EXCH01", "connected"),
        ("EXCH02", "disconnected"),
        ("EXCH03", "connectionPending"),
        ("EXCH 04", "connected"),
        ("EXCH05", "connected"),
    ]
    assert [person.name for person in world.people] == [
        "Ada Admin",
        "Oli Operator",
        "Vic Viewer",
        "Gus Guest",
    ]


def test_a_message_looks_as_teams_sends_it(sandbox: Sandbox, world: World) -> None:
    activity = sandbox.teams(bot_name="R&D").message(world.ada, world.channel, "get <EXCH01>")

    bot = {"id": f"28:{APP}", "name": "R&D"}
    assert activity["text"] == "<at>R&amp;D</at> get <EXCH01>"
    assert activity["entities"][0] == {
        "type": "mention",
        "mentioned": bot,
        "text": "<at>R&amp;D</at>",
    }
    assert activity["attachments"][0]["contentType"] == "text/html"
    assert activity["attachments"][0]["content"].endswith("&nbsp;get &lt;EXCH01&gt;</p>")
    assert activity["recipient"] == bot
    assert activity["from"] == {
        "id": world.ada.mri,
        "name": "Ada Admin",
        "aadObjectId": world.ada.oid,
    }
    assert activity["conversation"] == {
        "id": f"{world.channel.id};messageid={activity['id']}",
        "conversationType": "channel",
        "tenantId": TENANT,
        "isGroup": True,
    }
    assert activity["channelData"]["tenant"] == {"id": TENANT}
    assert activity["channelData"]["channel"] == {"id": world.channel.id}
    assert activity["serviceUrl"] == sandbox.service_url
    assert (activity["channelId"], activity["timestamp"]) == (
        "msteams",
        "2026-11-21T12:00:00.000Z",
    )


def test_a_chat_has_no_threads_and_needs_no_mention(sandbox: Sandbox, world: World) -> None:
    teams = sandbox.teams()
    chat, group = Channel("a:chat", "personal"), Channel("19:g@thread.v2", "groupChat")

    private = teams.message(world.vic, chat, "list", mention=False)
    shared = teams.message(world.vic, group, "list", thread_root="17")

    assert (private["text"], private["conversation"]["id"]) == ("list", "a:chat")
    assert [entity["type"] for entity in private["entities"]] == ["clientInfo"]
    assert "isGroup" not in private["conversation"]
    assert private["channelData"] == {"tenant": {"id": TENANT}}
    assert shared["conversation"]["id"] == "19:g@thread.v2"
    assert shared["conversation"]["conversationType"] == "groupChat"


def test_an_edit_keeps_the_id_and_says_that_it_is_one(sandbox: Sandbox, world: World) -> None:
    teams = sandbox.teams()
    original = teams.message(world.oli, world.channel, "sync EXCH01", thread_root="17")

    edited = teams.edited(original, "sync EXCH02")

    assert (edited["type"], edited["id"]) == ("messageUpdate", original["id"])
    assert edited["text"] == "<at>Connectors</at> sync EXCH02"
    assert edited["channelData"]["eventType"] == "editMessage"
    assert "eventType" not in original["channelData"]
    assert edited["conversation"]["id"] == f"{world.channel.id};messageid=17"


def test_a_press_is_an_invoke_and_a_submit_a_message_without_text(
    sandbox: Sandbox, world: World
) -> None:
    teams = sandbox.teams()

    press = teams.press(world.ada, world.channel, "18", {"id": "x"}, "approve", thread_root="17")
    submit = teams.submit(world.ada, world.channel, "18", {"id": "x"})

    assert (press["type"], press["name"]) == ("invoke", "adaptiveCard/action")
    assert press["replyToId"] == "18"
    assert press["conversation"]["id"].endswith(";messageid=17")
    assert press["value"]["trigger"] == "manual"
    assert press["value"]["action"] == {
        "type": "Action.Execute",
        "id": "approve",
        "verb": "approve",
        "data": {"id": "x"},
    }
    assert (submit["type"], submit["value"]) == ("message", {"id": "x"})
    assert submit["conversation"]["id"].endswith(";messageid=18")
    assert "text" not in submit
    assert len({press["id"], submit["id"]}) == 2


def test_beside_an_installation_the_bot_is_told_as_a_new_member(
    sandbox: Sandbox, world: World
) -> None:
    # Source: "Conversation events in your Teams bot", members added, bot added to a team.
    team = sandbox.teams().added(world.ada, world.channel)
    chat = sandbox.teams().added(world.ada, Channel("a:1", "personal"))

    assert team["type"] == chat["type"] == "conversationUpdate"
    assert team["membersAdded"] == chat["membersAdded"] == [{"id": team["recipient"]["id"]}]
    assert team["channelData"]["eventType"] == "teamMemberAdded"
    assert "eventType" not in chat["channelData"]
    assert team["conversation"]["id"] == world.channel.id


@pytest.mark.parametrize("action", ["add", "remove"])
def test_an_installation_names_the_channel_without_a_thread(
    sandbox: Sandbox, world: World, action: Literal["add", "remove"]
) -> None:
    activity = sandbox.teams().installed(world.ada, world.channel, action=action)

    assert (activity["type"], activity["action"]) == ("installationUpdate", action)
    assert activity["conversation"]["id"] == world.channel.id
