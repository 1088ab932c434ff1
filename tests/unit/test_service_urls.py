"""The bot's token goes to Teams, or stays at home."""

from dataclasses import replace

import pytest

from bot.clouds import CHINA, GLOBAL, sandbox_cloud
from bot.teams.service_urls import ServiceUrls

TEAMS = ServiceUrls(GLOBAL, frozenset({"Smba.example.org"}))
SANDBOX = ServiceUrls(sandbox_cloud("http://127.0.0.1:9000"), frozenset())


@pytest.mark.parametrize(
    "url",
    [
        "https://smba.trafficmanager.net/amer/",
        "https://smba.trafficmanager.net/amer/0aa0c1de-0000-4000-8000-000000000001/",
        "https://smba.trafficmanager.net",
        "https://smba.trafficmanager.net:443/teams",
        "https://SMBA.trafficmanager.net/emea/",
        "https://smba.infra.gcc.teams.microsoft.com/teams",
        "https://smba.example.org/teams",
    ],
)
def test_hosts_of_the_cloud_and_of_the_operator_are_let_in(url: str) -> None:
    assert TEAMS.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "smba.trafficmanager.net",
        "//smba.trafficmanager.net/amer/",
        "http://smba.trafficmanager.net/amer/",
        "ftp://smba.trafficmanager.net/amer/",
        "https://smba.trafficmanager.net:8443/amer/",
        "https://smba.trafficmanager.net:/amer/",
        "https://smba.trafficmanager.net:443443/amer/",
        "https://smba.trafficmanager.net./amer/",
        "https://smba.trafficmanager.net@evil.example/amer/",
        "https://evil.example@smba.trafficmanager.net/amer/",
        "https://evil.example/smba.trafficmanager.net/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://evil-smba.trafficmanager.net/",
        "https://smba.trafficmanager.net\\@evil.example/",
        "https://evil.example\\.smba.trafficmanager.net/",
        "https://smba.trafficmanager.net/amer/?to=evil",
        "https://smba.trafficmanager.net/amer/#evil",
        "https://smba.trafficmanager.net/amer/../evil",
        "https://smba.trafficmanager.net/./amer",
        "https://smba.trafficmanager.net/%2e%2e/evil",
        "https://smba.trafficmanager.net//evil",
        "https:///smba.trafficmanager.net/amer",
        " https://smba.trafficmanager.net/amer/",
        "https://smba.trafficmanager.net\n/amer/",
        "https://smba.trafficmanager.net\t.evil.example/",
        "https://smba.tra\u017ficmanager.net/amer/",
        "https://smba\uff0etrafficmanager.net/",
        "https://\ud800/",
        "https://2130706433/",
        "https://[::ffff:127.0.0.1]/",
        "https://[smba.trafficmanager.net/",
        "https://api.botframework.com/",
    ],
)
def test_what_only_looks_like_teams_stays_out(url: str) -> None:
    assert not TEAMS.allows(url)


def test_a_cloud_without_published_hosts_lets_only_the_operators_in() -> None:
    china = ServiceUrls(CHINA, frozenset({"smba.example.cn"}))

    assert china.allows("https://smba.example.cn/amer/")
    assert not china.allows("https://smba.trafficmanager.net/amer/")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/amer/",
        "http://127.0.0.1:9000/amer",
        "http://127.0.0.1:9000/amer/tenant/",
    ],
)
def test_the_sandbox_is_let_in_by_its_prefix(url: str) -> None:
    assert SANDBOX.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/",
        "http://127.0.0.1:9000/american/",
        "http://127.0.0.1:9000/amer/../emea/",
        "http://127.0.0.1:9000/amer//emea/",
        "http://127.0.0.1:9001/amer/",
        "http://127.0.0.1:90001/amer/",
        "https://127.0.0.1:9000/amer/",
        "http://localhost:9000/amer/",
        "http://127.0.0.1:9000@evil.example/amer/",
        "https://smba.trafficmanager.net/amer/",
    ],
)
def test_the_sandbox_lets_nothing_else_in(url: str) -> None:
    assert not SANDBOX.allows(url)


def test_a_listed_sandbox_service_url_is_let_in() -> None:
    cloud = sandbox_cloud("http://127.0.0.1:9000", ("http://127.0.0.1:9100/emea",))

    assert ServiceUrls(cloud, frozenset()).allows("http://127.0.0.1:9100/emea/")


@pytest.mark.parametrize("prefix", ["http://127.0.0.1:9000/amer", "http://127.0.0.1:9000/amer/"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/amer", "http://127.0.0.1:9000/amer/x/"])
def test_a_slash_at_the_end_of_the_sandboxs_address_makes_no_difference(
    prefix: str, url: str
) -> None:
    assert ServiceUrls(replace(GLOBAL, service_prefixes=(prefix,)), frozenset()).allows(url)
