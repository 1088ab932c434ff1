"""deviceManagementExchangeConnector: a connection between Intune and an Exchange environment.

Source: Microsoft Graph v1.0 and beta, "deviceManagementExchangeConnector resource type" and its
list, get, create, update, delete and sync pages. Support for the on-premises connector ended on
2024-02-19: it no longer syncs with Intune, while the resource is still served.
"""

from datetime import timedelta
from types import MappingProxyType
from typing import Annotated

from bot.domain.resource import (
    Effect,
    Option,
    Record,
    ResourceKind,
    Retirement,
    Severity,
    ValueType,
    Verb,
    Wire,
)

STATUSES = ("none", "connectionPending", "connected", "disconnected", "unknownFutureValue")
TYPES = ("onPremises", "hosted", "serviceToService", "dedicated", "unknownFutureValue")
SYNC_TYPES = MappingProxyType({"full": "fullSync", "delta": "deltaSync"})


class ExchangeConnector(Record):
    """One Exchange connector; enum members this bot does not know are kept as text."""

    server_name: Annotated[
        str | None,
        Wire("Server", "The name of the Exchange server.", is_writable=True, is_identity=True),
    ] = None
    connector_server_name: Annotated[
        str | None,
        Wire(
            "Connector server",
            "The name of the server hosting the Exchange Connector.",
            is_writable=True,
            is_identity=True,
        ),
    ] = None
    exchange_alias: Annotated[
        str | None,
        Wire(
            "Alias",
            "An alias assigned to the Exchange server.",
            is_writable=True,
            is_identity=True,
        ),
    ] = None
    status: Annotated[
        str | None,
        Wire(
            "Status",
            "Exchange Connector status; kept by the service.",
            type=ValueType.CHOICE,
            choices=STATUSES,
            is_volatile=True,
        ),
    ] = None
    exchange_connector_type: Annotated[
        str | None,
        Wire(
            "Type",
            "The type of Exchange Connector.",
            type=ValueType.CHOICE,
            choices=TYPES,
            is_writable=True,
            is_column=True,
        ),
    ] = None
    last_sync_date_time: Annotated[
        str | None,
        Wire(
            "Last sync",
            "Last sync time; kept by the service.",
            type=ValueType.TIME,
            is_volatile=True,
        ),
    ] = None
    primary_smtp_address: Annotated[
        str | None,
        Wire(
            "Primary SMTP address",
            "Email address used to configure the Service To Service Exchange Connector.",
            type=ValueType.EMAIL,
            is_writable=True,
        ),
    ] = None
    exchange_organization: Annotated[
        str | None,
        Wire("Organization", "Exchange Organization of the Exchange server.", is_writable=True),
    ] = None
    version: Annotated[
        str | None,
        Wire(
            "Version",
            "The version of the ExchangeConnectorAgent.",
            is_writable=True,
            is_column=True,
        ),
    ] = None


EXCHANGE = ResourceKind(
    name="exchange",
    title="Exchange connector",
    plural="Exchange connectors",
    path="deviceManagement/exchangeConnectors",
    odata_type="#microsoft.graph.deviceManagementExchangeConnector",
    record=ExchangeConnector,
    status="status",
    severities=MappingProxyType(
        {
            "none": Severity.NEUTRAL,
            "connectionPending": Severity.WARNING,
            "connected": Severity.GOOD,
            "disconnected": Severity.CRITICAL,
        }
    ),
    last_seen="lastSyncDateTime",
    stale_after=timedelta(days=1),
    retired=Retirement("exchange-on-premises", "exchangeConnectorType", "onPremises"),
    verbs=(
        Verb(
            "list",
            Effect.LIST,
            "List Exchange connectors, worst first",
            method="GET",
            path="",
            success=frozenset({200}),
            examples=("/exchange list", "/exchange list --status disconnected"),
            in_menu=True,
        ),
        Verb(
            "get",
            Effect.GET,
            "Show one Exchange connector",
            method="GET",
            path="/{id}",
            success=frozenset({200}),
            aliases=("show",),
            examples=("/exchange get EXCH01",),
            in_menu=True,
        ),
        Verb(
            "create",
            Effect.CREATE,
            "Create an Exchange connector",
            method="POST",
            path="",
            success=frozenset({201}),
            examples=('/exchange create serverName="EXCH 01" exchangeConnectorType=hosted',),
            in_menu=True,
        ),
        Verb(
            "add",
            Effect.CREATE,
            "Add an Exchange connector to the collection",
            method="POST",
            path="",
            ref_path="/$ref",
            success=frozenset({201, 204}),
            examples=("/exchange add serverName=EXCH09 exchangeConnectorType=onPremises",),
        ),
        Verb(
            "update",
            Effect.UPDATE,
            "Change properties of an Exchange connector",
            method="PATCH",
            path="/{id}",
            success=frozenset({200, 204}),
            examples=(
                "/exchange update EXCH01 version=15.2",
                '/exchange update EXCH01 version=""',
            ),
            in_menu=True,
        ),
        Verb(
            "sync",
            Effect.ACT,
            "Ask for a sync and watch whether it happens",
            method="POST",
            path="/{id}/sync",
            success=frozenset({204}),
            options=(
                Option(
                    "type",
                    "full: all devices; delta: only those changed since the last sync.",
                    choices=SYNC_TYPES,
                    default="full",
                    wire="syncType",
                ),
            ),
            observes="lastSyncDateTime",
            examples=("/exchange sync EXCH01", "/exchange sync EXCH01 --type delta"),
            in_menu=True,
        ),
        Verb(
            "delete",
            Effect.DELETE,
            "Delete an Exchange connector",
            method="DELETE",
            path="/{id}",
            success=frozenset({204}),
            examples=("/exchange delete EXCH01 --plan",),
            in_menu=True,
        ),
    ),
)
