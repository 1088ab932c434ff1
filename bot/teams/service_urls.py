"""Which service URLs the bot answers to: the hosts of its cloud, and nothing that merely looks like one.

The bot's bearer token travels to a service URL, so this is asked when an activity arrives and again
before every request that carries the token, stored conversation references included.
"""

from urllib.parse import urlsplit

from bot.clouds import Cloud

HTTPS_PORT = 443
# A percent sign could smuggle a dot or a slash, a backslash is a slash to some parsers; Teams'
# service URLs (https://smba.trafficmanager.net/amer/<tenant>/) contain neither.
REFUSED_CHARACTERS = frozenset(" \\%?#@")


class ServiceUrls:
    """The allow list of one cloud, widened by the operator's extra hosts.

    Args:
        cloud: Its `service_hosts` are let in over https on port 443, its `service_prefixes`
            (the sandbox alone has any) as they stand, with everything below them.
        extra_hosts: Further exact host names, treated as the cloud's own.
    """

    def __init__(self, cloud: Cloud, extra_hosts: frozenset[str]) -> None:
        self._hosts = frozenset(host.lower() for host in cloud.service_hosts | extra_hosts)
        self._prefixes = tuple(prefix.removesuffix("/") for prefix in cloud.service_prefixes)

    def allows(self, url: str) -> bool:
        """Return whether the token may be sent to `url`; anything odd is a no, never an error."""
        if not _is_plain(url):
            return False
        return self._is_sandbox(url) or self._is_known_host(url)

    def _is_sandbox(self, url: str) -> bool:
        bare = url.removesuffix("/")
        return any(bare == prefix or bare.startswith(f"{prefix}/") for prefix in self._prefixes)

    def _is_known_host(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        host = parts.netloc.lower().removesuffix(f":{HTTPS_PORT}")
        return parts.scheme == "https" and host in self._hosts


def _is_plain(url: str) -> bool:
    """Return whether every parser would read `url` alike: no userinfo, query, escape or dot segment."""
    if not url.isascii() or not url.isprintable() or not REFUSED_CHARACTERS.isdisjoint(url):
        return False
    scheme, separator, rest = url.partition("://")
    segments = rest.removesuffix("/").split("/")
    return bool(scheme and separator) and not {"", ".", ".."}.intersection(segments)
