"""The whole adapter over real sockets: token, directory and every verb against the sandbox."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import JsonValue, SecretStr

from bot.clouds import sandbox_cloud
from bot.domain.errors import GraphError
from bot.domain.kinds.exchange import EXCHANGE
from bot.graph.auth import TokenSource
from bot.graph.client import GraphClient, Timing
from bot.graph.credentials import ClientSecret
from bot.graph.directory import GraphDirectory
from bot.graph.gateway import GraphGateway
from bot.graph.trust import trusted
from bot.sandbox.identity import Registration
from bot.sandbox.server import Sandbox
from bot.sandbox.world import ADMINS, TENANT, TENANT_NAME, VIEWERS, World, seed
from bot.service.ports import Receipt

APP = "a0a0a0a0-0000-4000-8000-000000000001"


@dataclass
class Place:
    sandbox: Sandbox
    world: World
    gateway: GraphGateway
    directory: GraphDirectory

    async def write(
        self, name: str, record_id: str | None, body: dict[str, JsonValue] | None = None
    ) -> Receipt:
        verb = EXCHANGE.verb(name)
        assert verb is not None
        return await self.gateway.write(
            EXCHANGE, verb, record_id=record_id, body=body, client_request_id=str(uuid.uuid4())
        )


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    registration = Registration(app_id=APP, secrets={APP: "secret"}, tenant=TENANT)

    def monotonic() -> float:
        return asyncio.get_running_loop().time()

    async with (
        Sandbox(
            registration=registration,
            now=lambda: datetime(2026, 11, 20, 10, tzinfo=UTC),
            new_id=lambda: str(uuid.uuid4()),
        ) as sandbox,
        httpx.AsyncClient(trust_env=False, verify=trusted()) as http,
    ):
        cloud = sandbox_cloud(sandbox.url)
        tokens = TokenSource(
            cloud=cloud,
            tenant=TENANT,
            client_id=APP,
            credential=lambda: ClientSecret(SecretStr("secret")),
            scope=cloud.graph_scope,
            monotonic=lambda: 0.0,
        )
        client = GraphClient(
            http=http,
            root=cloud.graph,
            tokens=tokens,
            timing=Timing(monotonic, asyncio.sleep, lambda: 0.0),
            new_id=lambda: str(uuid.uuid4()),
        )
        yield Place(
            sandbox,
            seed(sandbox),
            GraphGateway(client=client, version="v1.0", uses_ref=True, monotonic=monotonic),
            GraphDirectory(client=client, tenant=TENANT, monotonic=monotonic),
        )
        await tokens.aclose()


async def test_a_connector_lives_from_add_to_delete(place: Place) -> None:
    added = await place.write(
        "add", None, {"serverName": "NEW", "exchangeConnectorType": "hosted"}
    )
    assert added.record is not None
    connector = added.record.id

    await place.write("update", connector, {"version": "15.2"})
    await place.write("sync", connector, {"syncType": "deltaSync"})
    found = await place.gateway.get(EXCHANGE, connector)
    await place.write("delete", connector)

    assert found is not None
    assert found.values()["version"] == "15.2"
    assert await place.gateway.get(EXCHANGE, connector) is None
    assert (await place.write("delete", connector)).was_gone


async def test_a_list_crosses_pages_and_keeps_what_graph_wrote(place: Place) -> None:
    place.sandbox.graph.page_size = 2

    found = await place.gateway.list(EXCHANGE)

    assert [record.values()["serverName"] for record in found.records] == [
        "EXCH01",
        "EXCH02",
        "EXCH03",
        "EXCH 04",
        "EXCH05",
    ]
    assert len(place.sandbox.graph.requests("GET")) == 3


async def test_people_are_known_by_group_and_kind(place: Place) -> None:
    asked = frozenset({ADMINS, VIEWERS})

    ada = await place.directory.person(TENANT, place.world.ada.oid, asked, is_fresh=False)
    gus = await place.directory.person(TENANT, place.world.gus.oid, asked, is_fresh=True)
    nobody = await place.directory.person(TENANT, str(uuid.uuid4()), asked, is_fresh=True)

    assert (ada.name, ada.is_guest, ada.groups) == ("Ada Admin", False, frozenset({ADMINS}))
    assert (gus.is_guest, gus.is_enabled, gus.groups) == (True, True, frozenset({VIEWERS}))
    assert nobody.is_enabled is False


async def test_the_tenants_name_is_read(place: Place) -> None:
    assert await place.gateway.organization() == TENANT_NAME


async def test_an_unknown_connector_cannot_be_changed(place: Place) -> None:
    with pytest.raises(GraphError) as caught:
        await place.write("update", str(uuid.uuid4()), {"version": "1"})

    assert caught.value.fault.status == 404
