"""Every host the bot may talk to, per cloud: one frozen table, cloud name in, all hosts out.

Sources: Graph national cloud deployments; the Bot Framework's authentication endpoints per cloud;
Teams' service URLs for proactive messages. Tokens are not interchangeable between clouds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from yarl import URL


@dataclass(frozen=True, slots=True)
class Cloud:
    """The endpoints of one Microsoft cloud; every URL is without a trailing slash.

    `service_hosts` are exact host names, port 443. `service_prefixes` is used by the sandbox alone:
    full URL prefixes that stand in for them on loopback. `authority` lacks the tenant segment;
    `token_base` is where token requests really go when that differs from the authority.
    """

    name: str
    graph: str
    authority: str
    bot_scope: str
    bot_issuer: str
    openid_metadata: str
    service_hosts: frozenset[str]
    service_prefixes: tuple[str, ...] = ()
    token_base: str | None = None

    @property
    def graph_scope(self) -> str:
        """The client-credentials scope of this cloud's Graph."""
        return f"{self.graph}/.default"

    @property
    def is_sandbox(self) -> bool:
        """Whether this is the loopback stand-in rather than one of Microsoft's clouds."""
        return self.token_base is not None


GLOBAL = Cloud(
    name="global",
    graph="https://graph.microsoft.com",
    authority="https://login.microsoftonline.com",
    bot_scope="https://api.botframework.com/.default",
    bot_issuer="https://api.botframework.com",
    openid_metadata="https://login.botframework.com/v1/.well-known/openidconfiguration",
    service_hosts=frozenset({"smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com"}),
)
USGOV = Cloud(
    name="usgov",
    graph="https://graph.microsoft.us",
    authority="https://login.microsoftonline.us",
    bot_scope="https://api.botframework.us/.default",
    bot_issuer="https://api.botframework.us",
    openid_metadata="https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
    service_hosts=frozenset({"smba.infra.gov.teams.microsoft.us"}),
)
DOD = Cloud(
    name="dod",
    graph="https://dod-graph.microsoft.us",
    authority="https://login.microsoftonline.us",
    bot_scope="https://api.botframework.us/.default",
    bot_issuer="https://api.botframework.us",
    openid_metadata="https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
    service_hosts=frozenset({"smba.infra.dod.teams.microsoft.us"}),
)
# Teams' service URL in China is not published: BOT_SERVICE_URLS must name it.
CHINA = Cloud(
    name="china",
    graph="https://microsoftgraph.chinacloudapi.cn",
    authority="https://login.partner.microsoftonline.cn",
    bot_scope="https://api.botframework.azure.cn/.default",
    bot_issuer="https://api.botframework.azure.cn",
    openid_metadata="https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
    service_hosts=frozenset(),
)

CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {cloud.name: cloud for cloud in (GLOBAL, USGOV, DOD, CHINA)}
)


def sandbox_cloud(url: str, extra_service_urls: tuple[str, ...] = ()) -> Cloud:
    """Return the loopback cloud behind `url`, a server that stands for all of Microsoft.

    Only `{url}/amer/` is let in as a service URL, and those of `extra_service_urls`.
    """
    base = str(URL(url)).rstrip("/")
    return Cloud(
        name="sandbox",
        graph=f"{base}/graph",
        # msal refuses plain http, so it is given a name that our HTTP client maps to the sandbox.
        authority="https://sandbox.invalid",
        bot_scope=GLOBAL.bot_scope,
        bot_issuer=GLOBAL.bot_issuer,
        openid_metadata=f"{base}/v1/.well-known/openidconfiguration",
        service_hosts=frozenset(),
        service_prefixes=(f"{base}/amer/", *extra_service_urls),
        token_base=base,
    )
