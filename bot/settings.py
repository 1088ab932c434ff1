"""The settings: read once from the environment, frozen, and refused where they would be unsafe.

What there is stands in `fields`. A refusal names the setting and the way out.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from bot.checks import is_guid, is_loopback, is_loopback_url, read_secret, refuse_open_file
from bot.clouds import CLOUDS, Cloud, sandbox_cloud
from bot.domain.errors import ConfigError
from bot.fields import Fields
from bot.service.ports import Retention

HOST = re.compile(r"(?:[a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,63}", re.IGNORECASE)


class Settings(Fields):
    """Everything an administrator can set, checked as a whole."""

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
    def database_url(self) -> str:
        """Where the store is; it may hold a password, so it goes to the store alone."""
        if self.database_file is not None:
            return read_secret("BOT_DATABASE_URL_FILE", self.database_file).get_secret_value()
        return self.database.get_secret_value()

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

    @property
    def retention(self) -> Retention:
        """How long what is over is kept."""
        return Retention(
            activities=timedelta(days=self.keep_activities),
            operations=timedelta(days=self.keep_operations),
            cards=timedelta(days=self.keep_cards),
            incidents=timedelta(days=self.keep_incidents),
            letters=timedelta(days=self.keep_letters),
            conversations=timedelta(days=self.keep_conversations),
        )


def _refuse_unsafe(settings: Settings) -> None:
    _refuse_missing(settings)
    if not is_guid(settings.app_id):
        raise ConfigError(
            "MicrosoftAppId", "must be the bot's application id, a GUID from the Azure portal."
        )
    for tenant in settings.tenants:
        if not is_guid(tenant):
            name = "BOT_ALLOWED_TENANTS" if settings.allowed_tenants else "MicrosoftAppTenantId"
            raise ConfigError(name, f"must be a tenant id, a GUID; it is '{tenant}'.")
    if not is_guid(settings.app_tenant):
        raise ConfigError("MicrosoftAppTenantId", "must be the id of the bot's tenant, a GUID.")
    _refuse_credentials(settings)
    _refuse_head_file(settings.audit_head_file)
    if settings.cloud_name == "sandbox":
        _refuse_unsafe_sandbox(settings)
    else:
        _refuse_sandbox_ways(settings)


def _refuse_missing(settings: Settings) -> None:
    """Name everything that is not set at once: nobody likes to be asked one by one."""
    missing = {
        "MicrosoftAppId": not settings.app_id,
        "MicrosoftAppPassword": settings.app_type == "SingleTenant" and not _proofs(settings),
        "MicrosoftAppTenantId": not settings.app_tenant,
        "BOT_SANDBOX_URL": settings.cloud_name == "sandbox" and not settings.sandbox_url,
    }
    names = [name for name, is_missing in missing.items() if is_missing]
    if not names:
        return
    says = "is not set" if len(names) == 1 else "are not set"
    if "MicrosoftAppPassword" in names:
        says += " (nor MicrosoftAppPassword_FILE or BOT_CERTIFICATE_FILE)"
    raise ConfigError(", ".join(names), f"{says}.")


def _proofs(settings: Settings) -> list[str]:
    """Return the settings by which the bot proves who it is."""
    given = {
        "MicrosoftAppPassword": bool(settings.app_password.get_secret_value()),
        "MicrosoftAppPassword_FILE": settings.app_password_file is not None,
        "BOT_CERTIFICATE_FILE": settings.certificate_file is not None,
    }
    return [name for name, is_given in given.items() if is_given]


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
    proofs = _proofs(settings)
    if len(proofs) > 1:
        raise ConfigError(proofs[-1], f"and {proofs[0]}: give only one.")
    if proofs and settings.app_type == "UserAssignedMSI":
        raise ConfigError("MicrosoftAppType", f"UserAssignedMSI needs no {proofs[0]}; remove it.")
    _refuse_graph_credentials(settings)
    for name, path in (
        ("MicrosoftAppPassword_FILE", settings.app_password_file),
        ("BOT_CERTIFICATE_FILE", settings.certificate_file),
        ("BOT_GRAPH_CLIENT_SECRET_FILE", settings.graph_client_secret_file),
        ("BOT_DATABASE_URL_FILE", settings.database_file),
    ):
        if path is not None:
            refuse_open_file(name, path)
            read_secret(name, path)


def _refuse_graph_credentials(settings: Settings) -> None:
    has_secret = bool(settings.graph_client_secret.get_secret_value())
    has_file = settings.graph_client_secret_file is not None
    if has_secret and has_file:
        name = "BOT_GRAPH_CLIENT_SECRET_FILE"
        raise ConfigError(name, "and BOT_GRAPH_CLIENT_SECRET: give only one.")
    # A second managed identity has no secret either.
    may_do_without = settings.app_type == "UserAssignedMSI"
    if not settings.graph_client_id and (has_secret or has_file):
        raise ConfigError("BOT_GRAPH_CLIENT_ID", "and BOT_GRAPH_CLIENT_SECRET go together.")
    if settings.graph_client_id and not (has_secret or has_file or may_do_without):
        raise ConfigError("BOT_GRAPH_CLIENT_ID", "and BOT_GRAPH_CLIENT_SECRET go together.")


def _refuse_head_file(path: Path | None) -> None:
    """Refuse what every write would fail on: without its head file the audit does not grow."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise ConfigError("BOT_AUDIT_HEAD_FILE", f"{path} must be a file in a folder that exists.")


def _refuse_unsafe_sandbox(settings: Settings) -> None:
    if settings.app_type == "UserAssignedMSI":
        raise ConfigError("MicrosoftAppType", "a managed identity is not there in the sandbox.")
    for name, urls in (
        ("BOT_SANDBOX_URL", (settings.sandbox_url,)),
        ("BOT_SANDBOX_SERVICE_URLS", settings.sandbox_service_urls),
    ):
        if not all(is_loopback_url(url) for url in urls):
            raise ConfigError(name, "must be http://127.0.0.1:PORT or the like: loopback only.")
    if not is_loopback(settings.host):
        raise ConfigError("BOT_HOST", "the sandbox cloud is refused on other than loopback.")
