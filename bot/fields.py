"""Every setting there is: one documented line each, under the name it has in the environment.

The first four carry Azure Bot Service's own names.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

Words = Annotated[tuple[str, ...], NoDecode]


def _days(alias: str, default: int, what: str) -> int:
    """Return a setting of how long something is kept once it is over."""
    return Field(default, alias=alias, ge=1, le=3650, description=f"Days {what}")


class Fields(BaseSettings):
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
    app_password_file: Path | None = Field(
        None,
        alias="MicrosoftAppPassword_FILE",
        description="A file with that secret instead; a changed one is taken up without a restart.",
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
        description="PEM file with certificate and private key instead; taken up when changed.",
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
    graph_client_secret_file: Path | None = Field(
        None,
        alias="BOT_GRAPH_CLIENT_SECRET_FILE",
        description="A file with that secret instead; a changed one is taken up without a restart.",
    )
    graph_version: Literal["v1.0", "beta"] = Field(
        "v1.0", alias="BOT_GRAPH_VERSION", description="v1.0 or beta."
    )
    graph_ref: Literal["off", "on"] = Field(
        "off",
        alias="BOT_GRAPH_REF",
        description="on lets `add` post to `$ref`; off posts to the collection.",
    )
    database: SecretStr = Field(
        SecretStr("sqlite:///connectors.db"),
        alias="BOT_DATABASE_URL",
        description="A SQLite file, or postgresql://… which any number of replicas may share.",
    )
    database_file: Path | None = Field(
        None,
        alias="BOT_DATABASE_URL_FILE",
        description="A file with that URL instead, where it holds a password; read at start.",
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
        description="Activities per person and minute, sent by Teams itself apart; 0 = off, sandbox only.",
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
    targeted: Literal["off", "on"] = Field(
        "off",
        alias="BOT_TARGETED",
        description="on adds the / menu to the app package, and answers in private what it asks.",
    )
    audit_head_file: Path | None = Field(
        None,
        alias="BOT_AUDIT_HEAD_FILE",
        description="A file outside the database that each audit head is appended to.",
    )
    keep_activities: int = _days(
        "BOT_KEEP_ACTIVITIES",
        7,
        "a message or press that had an effect is known, to have none again.",
    )
    keep_operations: int = _days(
        "BOT_KEEP_OPERATIONS", 365, "an ended operation is kept, with its votes and targets."
    )
    keep_cards: int = _days(
        "BOT_KEEP_CARDS", 30, "it is known where the card of an ended operation stands."
    )
    keep_incidents: int = _days(
        "BOT_KEEP_INCIDENTS", 90, "a closed incident is kept, and where it was told."
    )
    keep_letters: int = _days(
        "BOT_KEEP_LETTERS", 30, "a message that could not be delivered waits for `/replay`."
    )
    keep_conversations: int = _days(
        "BOT_KEEP_CONVERSATIONS", 90, "a conversation out of reach that nobody watches is known."
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
