"""Settings come from the environment alone, have safe defaults, and refuse what would be unsafe."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.clouds import CLOUDS
from bot.domain.errors import ConfigError
from bot.settings import Settings

APP = "b07b07b0-0000-4000-8000-00000000b07b"
TENANT = "c0de0000-0000-4000-8000-00000000c0de"
OTHER = "0ddba11e-0000-4000-8000-00000000f0e1"
LEAST = {
    "MicrosoftAppId": APP,
    "MicrosoftAppPassword": "canary",
    "MicrosoftAppTenantId": TENANT,
}
SANDBOX = LEAST | {"BOT_CLOUD": "sandbox", "BOT_SANDBOX_URL": "http://127.0.0.1:8080/"}


def refused(environment: dict[str, str]) -> str:
    """Return the setting that a refusal names."""
    with pytest.raises(ConfigError) as refusal:
        Settings.read(environment)
    assert refusal.value.message
    assert "canary" not in str(refusal.value)
    assert "\n" not in refusal.value.message
    return refusal.value.setting


def test_three_settings_are_enough() -> None:
    settings = Settings.read(LEAST)

    assert settings.cloud is CLOUDS["global"]
    assert (settings.host, settings.port) == ("127.0.0.1", 3978)
    assert (settings.auth, settings.read_only, settings.graph_version) == ("token", "off", "v1.0")
    assert (settings.rate_limit, settings.tenant_rate_limit) == (30, 300)
    assert settings.tenants == {TENANT}
    assert settings.observe_for == timedelta(minutes=15)
    assert settings.policy_file == Path("policy.toml")
    assert settings.database_url == "sqlite:///connectors.db"


def test_an_empty_value_counts_as_none() -> None:
    assert Settings.read(LEAST | {"BOT_PORT": "", "BOT_CERTIFICATE_FILE": ""}).port == 3978


def test_only_the_given_environment_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOT_PORT", "1")
    monkeypatch.setenv("MicrosoftAppId", OTHER)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("BOT_PORT=2\n", "utf-8")

    settings = Settings.read(LEAST)

    assert (settings.port, settings.app_id) == (3978, APP)


def test_names_are_exact_and_others_are_ignored() -> None:
    settings = Settings.read(LEAST | {"bot_port": "1", "port": "2", "BOT_PROT": "3"})

    assert settings.port == 3978


def test_secrets_do_not_show_themselves() -> None:
    settings = Settings.read(
        LEAST | {"BOT_GRAPH_CLIENT_ID": OTHER, "BOT_GRAPH_CLIENT_SECRET": "canary"}
    )

    assert isinstance(settings.app_password, SecretStr)
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert "canary" not in settings.model_dump_json()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.read(LEAST).auth = "none"  # type: ignore[misc]  # the type forbids it as well


def test_lists_are_separated_by_commas() -> None:
    settings = Settings.read(
        LEAST
        | {
            "BOT_ALLOWED_TENANTS": f" {TENANT.upper()}, {OTHER},",
            "BOT_SERVICE_URLS": "smba.one.example , smba.two.example",
        }
    )

    assert settings.tenants == {TENANT, OTHER}
    assert settings.service_urls == ("smba.one.example", "smba.two.example")


@pytest.mark.parametrize("cloud", ["global", "usgov", "dod"])
def test_each_cloud_has_its_hosts(cloud: str) -> None:
    assert Settings.read(LEAST | {"BOT_CLOUD": cloud}).cloud.name == cloud


def test_china_is_let_in_with_a_service_url() -> None:
    china = LEAST | {"BOT_CLOUD": "china"}

    assert refused(china) == "BOT_SERVICE_URLS"
    assert Settings.read(china | {"BOT_SERVICE_URLS": "smba.example"}).cloud.name == "china"


def test_a_managed_identity_needs_no_secret() -> None:
    settings = Settings.read(
        LEAST | {"MicrosoftAppPassword": "", "MicrosoftAppType": "UserAssignedMSI"}
    )

    assert settings.app_password.get_secret_value() == ""


def test_a_certificate_takes_the_secrets_place(tmp_path: Path) -> None:
    pem = tmp_path / "bot.pem"
    pem.write_text("canary", "utf-8")
    pem.chmod(0o640)
    certificate = LEAST | {"MicrosoftAppPassword": "", "BOT_CERTIFICATE_FILE": str(pem)}

    assert Settings.read(certificate).certificate_file == pem
    assert refused(certificate | {"MicrosoftAppPassword": "canary"}) == "BOT_CERTIFICATE_FILE"
    for mode in (0o644, 0o602):
        pem.chmod(mode)
        assert refused(certificate) == "BOT_CERTIFICATE_FILE"


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("MicrosoftAppPassword_FILE", {"MicrosoftAppPassword": ""}),
        ("BOT_GRAPH_CLIENT_SECRET_FILE", {"BOT_GRAPH_CLIENT_ID": OTHER}),
        ("BOT_DATABASE_URL_FILE", {}),
        ("BOT_CERTIFICATE_FILE", {"MicrosoftAppPassword": ""}),
    ],
)
def test_a_secrets_file_must_be_there_filled_and_closed_to_others(
    name: str, beside: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    given = LEAST | beside | {name: str(path)}

    assert refused(given) == name
    path.write_text(" \n", "utf-8")
    path.chmod(0o600)
    assert refused(given) == name
    path.write_text("sqlite:///canary.db\n", "utf-8")
    assert "canary" not in repr(Settings.read(given))
    path.chmod(0o604)
    assert refused(given) == name


def test_the_databases_url_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("postgresql://bot:canary@db.example/bot\n", "utf-8")
    path.chmod(0o400)
    settings = Settings.read(LEAST | {"BOT_DATABASE_URL_FILE": str(path)})

    assert settings.database_url == "postgresql://bot:canary@db.example/bot"


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"MicrosoftAppPassword_FILE": "x"}, "MicrosoftAppPassword_FILE"),
        ({"BOT_CERTIFICATE_FILE": "x"}, "BOT_CERTIFICATE_FILE"),
        ({"MicrosoftAppType": "UserAssignedMSI"}, "MicrosoftAppType"),
        ({"BOT_GRAPH_CLIENT_SECRET": "canary"}, "BOT_GRAPH_CLIENT_ID"),
        ({"BOT_GRAPH_CLIENT_ID": OTHER}, "BOT_GRAPH_CLIENT_ID"),
        (
            {
                "BOT_GRAPH_CLIENT_ID": OTHER,
                "BOT_GRAPH_CLIENT_SECRET": "canary",
                "BOT_GRAPH_CLIENT_SECRET_FILE": "x",
            },
            "BOT_GRAPH_CLIENT_SECRET_FILE",
        ),
    ],
)
def test_there_is_one_proof_for_each_application(changes: dict[str, str], setting: str) -> None:
    assert refused(LEAST | changes) == setting


def test_a_second_managed_identity_may_serve_graph() -> None:
    identity = LEAST | {"MicrosoftAppPassword": "", "MicrosoftAppType": "UserAssignedMSI"}

    assert Settings.read(identity | {"BOT_GRAPH_CLIENT_ID": OTHER}).graph_client_id == OTHER


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, "MicrosoftAppId, MicrosoftAppPassword, MicrosoftAppTenantId"),
        ({"MicrosoftAppId": APP}, "MicrosoftAppPassword, MicrosoftAppTenantId"),
        ({"MicrosoftAppType": "UserAssignedMSI"}, "MicrosoftAppId, MicrosoftAppTenantId"),
        (LEAST | {"MicrosoftAppId": ""}, "MicrosoftAppId"),
        (LEAST | {"BOT_CLOUD": "sandbox"}, "BOT_SANDBOX_URL"),
    ],
)
def test_all_that_is_missing_is_named_at_once(given: dict[str, str], names: str) -> None:
    assert refused(given) == names


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://127.8.8.8:8080/",
        "http://[::1]:8080",
        "http://localhost:8080",
        "https://127.0.0.1",
    ],
)
def test_the_sandbox_is_on_loopback(url: str) -> None:
    settings = Settings.read(SANDBOX | {"BOT_SANDBOX_URL": url, "BOT_RATE_LIMIT": "0"})

    assert settings.cloud.is_sandbox
    assert settings.cloud.service_prefixes == (f"{url.rstrip('/')}/amer/",)


@pytest.mark.parametrize(
    "url",
    [
        "http://sandbox.example",
        "http://127.0.0.1.example",
        "http://127.0.0.1@example.org",
        "http://localhost.example",
        "http://0.0.0.0:8080",
        "http://10.0.0.1",
        "http://[fe80::1]",
        "http://127.0.0.1:port",
        "ftp://127.0.0.1",
        "//127.0.0.1",
        "127.0.0.1:8080",
        "http://",
        "\x00",
    ],
)
def test_the_sandbox_is_nowhere_else(url: str) -> None:
    assert refused(SANDBOX | {"BOT_SANDBOX_URL": url}) == "BOT_SANDBOX_URL"
    further = {"BOT_SANDBOX_SERVICE_URLS": url}
    assert refused(SANDBOX | further) == "BOT_SANDBOX_SERVICE_URLS"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "bot.example"])  # noqa: S104 - refused
def test_a_bot_in_the_sandbox_is_not_heard_from_outside(host: str) -> None:
    assert refused(SANDBOX | {"BOT_HOST": host}) == "BOT_HOST"
    assert Settings.read(LEAST | {"BOT_HOST": host}).host == host


@pytest.mark.parametrize(
    ("name", "value"),
    [("BOT_AUTH", "none"), ("BOT_RATE_LIMIT", "0"), ("BOT_TENANT_RATE_LIMIT", "0")],
)
def test_what_would_be_unsafe_is_for_the_sandbox_alone(name: str, value: str) -> None:
    assert refused(LEAST | {name: value}) == name
    assert Settings.read(SANDBOX | {name: value}).cloud.is_sandbox


@pytest.mark.parametrize("value", ["", "common", "*", "contoso.com", TENANT.replace("-", ""), "é"])
def test_tenants_are_guids(value: str) -> None:
    assert refused(LEAST | {"MicrosoftAppTenantId": value}) == "MicrosoftAppTenantId"
    if value:
        assert refused(LEAST | {"BOT_ALLOWED_TENANTS": value}) == "BOT_ALLOWED_TENANTS"


def test_the_audits_head_file_needs_its_folder(tmp_path: Path) -> None:
    name = "BOT_AUDIT_HEAD_FILE"

    assert Settings.read(LEAST | {name: str(tmp_path / "head")}).audit_head_file is not None
    assert refused(LEAST | {name: str(tmp_path)}) == name
    assert refused(LEAST | {name: str(tmp_path / "none" / "head")}) == name


def test_every_setting_has_a_name_and_a_line_that_explains_it() -> None:
    names = [field.alias for field in Settings.model_fields.values()]

    assert len(set(names)) == len(names)
    for name, field in Settings.model_fields.items():
        assert re.fullmatch(r"MicrosoftApp[A-Za-z]+(_FILE)?|BOT_[A-Z_]+", field.alias or ""), name
        assert re.fullmatch(r"[^\n|]{5,100}[.]", field.description or ""), name
