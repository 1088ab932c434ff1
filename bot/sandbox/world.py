"""Contoso Lab: the tenant that the demo and most tests play in."""

from dataclasses import dataclass
from datetime import timedelta, timezone

from bot.sandbox.collection import Collection, Table, graph_time
from bot.sandbox.directory import Account, Group
from bot.sandbox.journal import JsonObject
from bot.sandbox.people import Channel, Person
from bot.sandbox.server import Sandbox

TENANT = "c0de0000-0000-4000-8000-00000000c0de"
TENANT_NAME = "Contoso Lab"
VIEWERS = "0aa0c1de-0000-4000-8000-000000000001"
OPERATORS = "0aa0c1de-0000-4000-8000-000000000002"
ADMINS = "0aa0c1de-0000-4000-8000-000000000003"

NEVER = "0001-01-01T00:00:00Z"

EXCHANGE_CONNECTORS = Collection(
    path="deviceManagement/exchangeConnectors",
    odata_type="#microsoft.graph.deviceManagementExchangeConnector",
    properties=(
        "lastSyncDateTime",
        "status",
        "primarySmtpAddress",
        "serverName",
        "connectorServerName",
        "exchangeConnectorType",
        "version",
        "exchangeAlias",
        "exchangeOrganization",
    ),
    enums={
        "status": frozenset(
            {"none", "connectionPending", "connected", "disconnected", "unknownFutureValue"}
        ),
        "exchangeConnectorType": frozenset(
            {"onPremises", "hosted", "serviceToService", "dedicated", "unknownFutureValue"}
        ),
    },
)


_NEW: JsonObject = {
    "status": "connected",
    "exchangeConnectorType": "onPremises",
    "version": "15.2.1118.7",
    "lastSyncDateTime": NEVER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who and what is there after `seed`."""

    ada: Person
    oli: Person
    vic: Person
    gus: Person
    channel: Channel
    connectors: Table

    @property
    def people(self) -> tuple[Person, ...]:
        """Administrator, operator, viewer, guest."""
        return (self.ada, self.oli, self.vic, self.gus)

    @property
    def by_name(self) -> dict[str, Person]:
        """The people by their first name in small letters."""
        return {each.name.split()[0].casefold(): each for each in self.people}

    def add_connector(self, server: str) -> JsonObject:
        """Make a connector in Graph, as an administrator does there.

        Raises:
            ValueError: there is one on that server.
        """
        records = self.connectors.records
        if any(
            str(each["serverName"]).casefold() == server.casefold() for each in records.values()
        ):
            raise ValueError(f"There is already a connector on {server}.")
        return self.connectors.create({"serverName": server} | _NEW)

    def id_of(self, name: str) -> str:
        """Return the id of the connector whose server has this name."""
        records = self.connectors.records.values()
        return next(str(record["id"]) for record in records if record["serverName"] == name)


def person(name: str, number: int, *, tenant: str = TENANT) -> Person:
    """Return a person whose ids follow from a number, the same in every run."""
    return Person(
        name=name,
        oid=f"0e0b1ec7-0000-4000-8000-{number:012d}",
        mri=f"29:1sandbox-person-{number:04d}",
        tenant=tenant,
    )


def seed(sandbox: Sandbox) -> World:
    """Fill the sandbox with four people, three groups and five Exchange connectors."""
    sandbox.directory.name = TENANT_NAME
    tenant = sandbox.registration.tenant
    world = World(
        ada=person("Ada Admin", 1, tenant=tenant),
        oli=person("Oli Operator", 2, tenant=tenant),
        vic=person("Vic Viewer", 3, tenant=tenant),
        gus=person("Gus Guest", 4, tenant=tenant),
        channel=Channel("19:c0de0000000000000000000000000001@thread.tacv2"),
        connectors=sandbox.graph.declare(EXCHANGE_CONNECTORS),
    )
    sandbox.directory.put(
        Group(VIEWERS, "Connector viewers"),
        Group(OPERATORS, "Connector operators"),
        Group(ADMINS, "Connector administrators"),
        Account(world.ada.oid, world.ada.name, groups=frozenset({ADMINS})),
        Account(world.oli.oid, world.oli.name, groups=frozenset({OPERATORS})),
        Account(world.vic.oid, world.vic.name, groups=frozenset({VIEWERS})),
        Account(world.gus.oid, world.gus.name, "Guest", groups=frozenset({VIEWERS})),
    )
    sandbox.connector.members.extend(
        {"id": person.mri, "aadObjectId": person.oid, "name": person.name, "tenantId": tenant}
        for person in world.people
    )
    for record in _exchange_connectors(sandbox):
        world.connectors.add(record)
    return world


def _exchange_connectors(sandbox: Sandbox) -> list[JsonObject]:
    now = sandbox.now()

    def ago(**units: float) -> str:
        return graph_time(now - timedelta(**units, microseconds=320597))

    moscow = timezone(timedelta(hours=3))
    return [
        _connector(1, "EXCH01", "connected", "onPremises", ago(minutes=7)),
        _connector(
            2,
            "EXCH02",
            "disconnected",
            "onPremises",
            graph_time(now - timedelta(hours=26, microseconds=802029), moscow),
        ),
        _connector(3, "EXCH03", "connectionPending", "dedicated", NEVER),
        _connector(4, "EXCH 04", "connected", "hosted", ago(days=412)),
        _connector(5, "EXCH05", "connected", "serviceToService", ago(minutes=42))
        | {"primarySmtpAddress": "exchange-sync@lab.contoso.example"},
    ]


def _connector(number: int, name: str, status: str, kind: str, last_sync: str) -> JsonObject:
    return {
        "id": f"e11c1de8-0000-4000-8000-{number:012d}",
        "lastSyncDateTime": last_sync,
        "status": status,
        "serverName": name,
        "connectorServerName": f"INTUNE-GW{number:02d}",
        "exchangeConnectorType": kind,
        "version": "15.2.1118.7",
        "exchangeAlias": f"mail{number:02d}",
        "exchangeOrganization": "Contoso Lab",
    }
