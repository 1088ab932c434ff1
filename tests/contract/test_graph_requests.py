"""Request for request what Microsoft's pages on deviceManagementExchangeConnector show.

Sources: the list, get, create, update, delete and sync pages of v1.0 and beta, the page "Add
exchangeConnectors" for `$ref`, and "Microsoft Graph national cloud deployments" for the hosts.
"""

import json

import httpx
import pytest
from pydantic import JsonValue

from bot.clouds import CHINA, DOD, GLOBAL, USGOV, Cloud, sandbox_cloud
from bot.domain.kinds.exchange import EXCHANGE
from bot.service.ports import Receipt
from tests.unit.test_graph_kit import World, page, world

ID = "e11c1de8-1de8-e11c-e81d-1ce1e81d1ce1"
GUID = "0aa0c1de-0000-4000-8000-000000000001"
TYPE = "#microsoft.graph.deviceManagementExchangeConnector"
VALUES: dict[str, JsonValue] = {
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
SENT: dict[str, JsonValue] = {"@odata.type": TYPE, **VALUES}
CAME: dict[str, JsonValue] = {"@odata.type": TYPE, "id": ID, **VALUES}

HOSTS = pytest.mark.parametrize(
    ("cloud", "root"),
    [
        (GLOBAL, "https://graph.microsoft.com"),
        (USGOV, "https://graph.microsoft.us"),
        (DOD, "https://dod-graph.microsoft.us"),
        (CHINA, "https://microsoftgraph.chinacloudapi.cn"),
        (sandbox_cloud("http://127.0.0.1:4000/"), "http://127.0.0.1:4000/graph"),
    ],
    ids=lambda value: value.name if isinstance(value, Cloud) else "",
)
VERSIONS = pytest.mark.parametrize("version", ["v1.0", "beta"])


async def write(
    there: World,
    verb_name: str,
    body: dict[str, JsonValue] | None = None,
    *,
    version: str = "v1.0",
    uses_ref: bool = False,
) -> Receipt:
    verb = EXCHANGE.verb(verb_name)
    assert verb is not None
    return await there.gateway(version=version, uses_ref=uses_ref).write(
        EXCHANGE,
        verb,
        record_id=None if verb_name in {"create", "add"} else ID,
        body=body,
        client_request_id=GUID,
    )


def body_of(request: httpx.Request) -> JsonValue:
    body: JsonValue = json.loads(request.content)
    return body


@HOSTS
@VERSIONS
async def test_list(cloud: Cloud, root: str, version: str) -> None:
    there = world(page(CAME), root=cloud.graph)

    found = await there.gateway(version=version).list(EXCHANGE)

    assert there.graph.sent == [f"GET {root}/{version}/deviceManagement/exchangeConnectors"]
    assert found.is_cut is False
    assert [record.values() for record in found.records] == [{"id": ID, **VALUES}]


@HOSTS
@VERSIONS
@pytest.mark.parametrize("body", [CAME, {"value": CAME}], ids=["bare", "wrapped as in the sample"])
async def test_get(cloud: Cloud, root: str, version: str, body: JsonValue) -> None:
    there = world(httpx.Response(200, json=body), root=cloud.graph)

    record = await there.gateway(version=version).get(EXCHANGE, ID)

    assert there.graph.sent == [f"GET {root}/{version}/deviceManagement/exchangeConnectors/{ID}"]
    assert record is not None
    assert record.values() == {"id": ID, **VALUES}


@HOSTS
@VERSIONS
async def test_create(cloud: Cloud, root: str, version: str) -> None:
    answer = httpx.Response(201, json=CAME, headers={"request-id": "r-1"})
    there = world(answer, root=cloud.graph)

    receipt = await write(there, "create", VALUES, version=version)

    assert there.graph.sent == [f"POST {root}/{version}/deviceManagement/exchangeConnectors"]
    assert body_of(there.graph.requests[0]) == SENT
    assert receipt.request_id == "r-1"
    assert receipt.record is not None
    assert receipt.record.id == ID


@pytest.mark.parametrize("status", [201, 204])
async def test_add_in_reference_mode(status: int) -> None:
    # The page answers 201 with a record, a real OData link insert 204 without a body.
    answer = httpx.Response(status, json=CAME) if status == 201 else httpx.Response(204)
    there = world(answer)

    receipt = await write(there, "add", VALUES, uses_ref=True)

    path = "deviceManagement/exchangeConnectors/$ref"
    assert there.graph.sent == [f"POST https://graph.microsoft.com/v1.0/{path}"]
    assert body_of(there.graph.requests[0]) == SENT
    assert (receipt.record is not None) == (status == 201)


async def test_add_posts_to_the_collection_unless_reference_mode_is_on() -> None:
    there = world(httpx.Response(201, json=CAME))

    await write(there, "add", VALUES)

    assert there.graph.requests[0].url.path == "/v1.0/deviceManagement/exchangeConnectors"


@HOSTS
@VERSIONS
@pytest.mark.parametrize("status", [200, 204])
async def test_update(cloud: Cloud, root: str, version: str, status: int) -> None:
    # The page answers 200 with the record, Microsoft's OpenAPI of 2022 says 204.
    answer = httpx.Response(200, json=CAME) if status == 200 else httpx.Response(204)
    there = world(answer, root=cloud.graph)

    receipt = await write(
        there, "update", {"version": "15.2", "exchangeAlias": None}, version=version
    )

    url = f"{root}/{version}/deviceManagement/exchangeConnectors/{ID}"
    assert there.graph.sent == [f"PATCH {url}"]
    assert body_of(there.graph.requests[0]) == {
        "@odata.type": TYPE,
        "version": "15.2",
        "exchangeAlias": None,
    }
    assert (receipt.record is not None) == (status == 200)


@HOSTS
@VERSIONS
async def test_delete(cloud: Cloud, root: str, version: str) -> None:
    there = world(httpx.Response(204, headers={"request-id": "r-1"}), root=cloud.graph)

    receipt = await write(there, "delete", version=version)

    url = f"{root}/{version}/deviceManagement/exchangeConnectors/{ID}"
    assert there.graph.sent == [f"DELETE {url}"]
    assert there.graph.requests[0].content == b""
    assert receipt == Receipt("r-1")


@HOSTS
@VERSIONS
@pytest.mark.parametrize("sync_type", ["fullSync", "deltaSync"])
async def test_sync(cloud: Cloud, root: str, version: str, sync_type: str) -> None:
    there = world(httpx.Response(204), root=cloud.graph)

    receipt = await write(there, "sync", {"syncType": sync_type}, version=version)

    url = f"{root}/{version}/deviceManagement/exchangeConnectors/{ID}/sync"
    assert there.graph.sent == [f"POST {url}"]
    assert body_of(there.graph.requests[0]) == {"syncType": sync_type}
    assert receipt == Receipt(None)


async def test_every_request_carries_the_headers_of_the_pages() -> None:
    there = world(httpx.Response(204))

    await write(there, "sync", {"syncType": "deltaSync"})

    headers = there.graph.requests[0].headers
    assert headers["authorization"] == "Bearer token-1"
    assert headers["accept"] == "application/json"
    assert headers["content-type"] == "application/json"
    assert headers["client-request-id"] == GUID
    # Best practices: without it unknown enum members come back as the sentinel.
    assert headers["prefer"] == "include-unknown-enum-members"


async def test_a_request_without_a_body_claims_no_content_type() -> None:
    there = world(page())

    await there.gateway().list(EXCHANGE)

    assert "content-type" not in there.graph.requests[0].headers
