"""The settings: read once from the environment, frozen, one documented line each.

The first four carry Azure Bot Service's own names. `Settings.read` refuses combinations that would
be unsafe; the message names the setting and the way out.
"""

import ipaddress
import re
import stat
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override
from yarl import URL

from bot.clouds import CLOUDS, Cloud, sandbox_cloud
from bot.domain.errors import ConfigError

HOST = re.compile(r"(?:[a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,63}", re.IGNORECASE)
Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Everything an administrator can set, by environment variable."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", populate_by_name=False, env_ignore_empty=True
    )

    app_id: str = Field(
        "", alias="MicrosoftAppId", description="The bot's application (client) id."
    )
    app_password: SecretStr = Field(
        SecretStr(""), alias="MicrosoftAppPassword", description="The bot's client secret."
    )
    app_type: Literal["SingleTenant", "UserAssignedMSI"] = Field(
        "SingleTenant", alias="MicrosoftAppType", description="SingleTenant or UserAssignedMSI."
    )
    app_tenant: str = Field(
        "", alias="MicrosoftAppTenantId", description="The tenant the bot lives in."
    )
    certificate_file: Path | None = Field(
        None,
        alias="BOT_CERTIFICATE_FILE",
        description="PEM file with certificate and private key, instead of the secret.",
    )
    cloud_name: Literal["global", "usgov", "dod", "china", "sandbox"] = Field(
        "global",
        alias="BOT_CLOUD",
        description="global (with GCC), usgov, dod, china, or sandbox for tests on loopback.",
    )
    sandbox_url: str = Field(
        "", alias="BOT_SANDBOX_URL", description="Where the sandbox listens; loopback only."
    )
    sandbox_service_urls: Words = Field(
        (),
        alias="BOT_SANDBOX_SERVICE_URLS",
        description="Further service URLs let in by the sandbox cloud, comma-separated.",
    )
    auth: Literal["token", "none"] = Field(
        "token",
        alias="BOT_AUTH",
        description="none accepts unsigned activities; refused outside the sandbox cloud.",
    )
    graph_client_id: str = Field(
        "",
        alias="BOT_GRAPH_CLIENT_ID",
        description="A separate application for Graph; default: the bot's own.",
    )
    graph_client_secret: SecretStr = Field(
        SecretStr(""),
        alias="BOT_GRAPH_CLIENT_SECRET",
        description="The secret of BOT_GRAPH_CLIENT_ID.",
    )
    graph_version: Literal["v1.0", "beta"] = Field(
        "v1.0", alias="BOT_GRAPH_VERSION", description="v1.0 or beta."
    )
    graph_ref: Literal["off", "on"] = Field(
        "off",
        alias="BOT_GRAPH_REF",
        description="on lets `add` post to `$ref`; off posts to the collection.",
    )
    database_url: str = Field(
        "sqlite:///connectors.db",
        alias="BOT_DATABASE_URL",
        description="A SQLite file, or postgresql://… which any number of replicas may share.",
    )
    policy_file: Path = Field(
        Path("policy.toml"), alias="BOT_POLICY_FILE", description="Who may do what."
    )
    host: str = Field("127.0.0.1", alias="BOT_HOST", description="The address to listen on.")
    port: int = Field(3978, alias="BOT_PORT", ge=0, le=65535, description="The port to listen on.")
    allowed_tenants: Words = Field(
        (),
        alias="BOT_ALLOWED_TENANTS",
        description="Tenant ids let in, comma-separated; default: the app's own.",
    )
    service_urls: Words = Field(
        (),
        alias="BOT_SERVICE_URLS",
        description="Extra hosts of Teams' connector service, comma-separated; china needs one.",
    )
    watch_interval: int = Field(
        300, alias="BOT_WATCH_INTERVAL", ge=1, description="Seconds between two looks at a kind."
    )
    sync_observe: int = Field(
        900,
        alias="BOT_SYNC_OBSERVE",
        ge=1,
        description="Seconds an accepted sync is watched for lastSyncDateTime to move.",
    )
    rate_limit: int = Field(
        30,
        alias="BOT_RATE_LIMIT",
        ge=0,
        description="Activities per person and minute; 0 = off, sandbox cloud only.",
    )
    tenant_rate_limit: int = Field(
        300,
        alias="BOT_TENANT_RATE_LIMIT",
        ge=0,
        description="Activities per tenant and minute; 0 = off, sandbox cloud only.",
    )
    read_only: Literal["off", "on"] = Field(
        "off", alias="BOT_READ_ONLY", description="on refuses every write."
    )
    audit_head_file: Path | None = Field(
        None,
        alias="BOT_AUDIT_HEAD_FILE",
        description="A file outside the database that each audit head is appended to.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="BOT_LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR."
    )

    @field_validator("app_id", "app_tenant", mode="after")
    @classmethod
    def _lower(cls, value: str) -> str:
        """Write ids as tokens and activities carry them."""
        return value.casefold()

    @field_validator("sandbox_service_urls", "allowed_tenants", "service_urls", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `read` is given: the process environment is read in one place."""
        return (init_settings,)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings of an environment.

        Raises:
            ConfigError: a value is unknown, or the combination is unsafe.
        """
        settings = cls.of_store(environment)
        _refuse_unsafe(settings)
        return settings

    @classmethod
    def of_store(cls, environment: Mapping[str, str]) -> "Settings":
        """Return settings that are good for the store alone, whoever the bot is.

        Raises:
            ConfigError: a value is unknown.
        """
        names = {field.alias for field in cls.model_fields.values() if field.alias}
        given = {name: environment[name] for name in names if environment.get(name)}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ConfigError(str(first["loc"][0]), f"{first['msg']}.") from None

    @property
    def cloud(self) -> Cloud:
        """The endpoints of the chosen cloud."""
        if self.cloud_name == "sandbox":
            return sandbox_cloud(self.sandbox_url, self.sandbox_service_urls)
        return CLOUDS[self.cloud_name]

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants let in, lower case."""
        return frozenset(t.casefold() for t in self.allowed_tenants or (self.app_tenant,))

    @property
    def observe_for(self) -> timedelta:
        """How long an accepted sync is watched."""
        return timedelta(seconds=self.sync_observe)


def _refuse_unsafe(settings: Settings) -> None:
    if not _is_guid(settings.app_id):
        raise ConfigError(
            "MicrosoftAppId", "must be the bot's application id, a GUID from the Azure portal."
        )
    for tenant in settings.tenants:
        if not _is_guid(tenant):
            name = "BOT_ALLOWED_TENANTS" if settings.allowed_tenants else "MicrosoftAppTenantId"
            raise ConfigError(name, f"must be a tenant id, a GUID; it is '{tenant}'.")
    if not _is_guid(settings.app_tenant):
        raise ConfigError("MicrosoftAppTenantId", "must be the id of the bot's tenant, a GUID.")
    _refuse_credentials(settings)
    _refuse_head_file(settings.audit_head_file)
    if settings.cloud_name == "sandbox":
        _refuse_unsafe_sandbox(settings)
    else:
        _refuse_sandbox_ways(settings)


def _refuse_sandbox_ways(settings: Settings) -> None:
    if settings.sandbox_url:
        raise ConfigError("BOT_SANDBOX_URL", "is for BOT_CLOUD=sandbox alone; remove it.")
    if settings.auth == "none":
        raise ConfigError("BOT_AUTH", "none is refused outside the sandbox cloud.")
    for name, limit in (
        ("BOT_RATE_LIMIT", settings.rate_limit),
        ("BOT_TENANT_RATE_LIMIT", settings.tenant_rate_limit),
    ):
        if limit == 0:
            raise ConfigError(name, "0 switches the limit off, in the sandbox cloud only.")
    for host in settings.service_urls:
        if not HOST.fullmatch(host):
            raise ConfigError("BOT_SERVICE_URLS", f"'{host}' is no bare host name.")
    if not settings.cloud.service_hosts and not settings.service_urls:
        raise ConfigError(
            "BOT_SERVICE_URLS", "this cloud's service URL is not published; name it."
        )


def _refuse_credentials(settings: Settings) -> None:
    has_secret = bool(settings.app_password.get_secret_value())
    certificate = settings.certificate_file
    if certificate is not None:
        if has_secret:
            raise ConfigError("BOT_CERTIFICATE_FILE", "and MicrosoftAppPassword: give only one.")
        if not certificate.is_file():
            raise ConfigError("BOT_CERTIFICATE_FILE", f"there is no file {certificate}.")
        if certificate.stat().st_mode & stat.S_IROTH:
            raise ConfigError(
                "BOT_CERTIFICATE_FILE", f"everybody can read {certificate}; chmod 600 it."
            )
    elif settings.app_type == "SingleTenant" and not has_secret:
        raise ConfigError("MicrosoftAppPassword", "is not set, nor is BOT_CERTIFICATE_FILE.")
    if bool(settings.graph_client_id) != bool(settings.graph_client_secret.get_secret_value()):
        raise ConfigError("BOT_GRAPH_CLIENT_ID", "and BOT_GRAPH_CLIENT_SECRET go together.")


def _refuse_head_file(path: Path | None) -> None:
    """Refuse what every write would fail on: without its head file the audit does not grow."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise ConfigError("BOT_AUDIT_HEAD_FILE", f"{path} must be a file in a folder that exists.")


def _refuse_unsafe_sandbox(settings: Settings) -> None:
    if not settings.sandbox_url:
        raise ConfigError("BOT_SANDBOX_URL", "is not set; BOT_CLOUD=sandbox needs it.")
    if settings.app_type == "UserAssignedMSI":
        raise ConfigError("MicrosoftAppType", "a managed identity is not there in the sandbox.")
    for name, urls in (
        ("BOT_SANDBOX_URL", (settings.sandbox_url,)),
        ("BOT_SANDBOX_SERVICE_URLS", settings.sandbox_service_urls),
    ):
        if not all(_is_loopback_url(url) for url in urls):
            raise ConfigError(name, "must be http://127.0.0.1:PORT or the like: loopback only.")
    if not _is_loopback(settings.host):
        raise ConfigError("BOT_HOST", "the sandbox cloud is refused on other than loopback.")


def _is_guid(text: str) -> bool:
    parts = text.split("-")
    sizes = tuple(len(part) for part in parts)
    return sizes == (8, 4, 4, 4, 12) and all(c in "0123456789abcdefABCDEF-" for c in text)


def _is_loopback_url(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and _is_loopback(url.host or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
