"""Whose certificates outgoing connections trust."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """Return httpx's own context, made once: reading all authorities takes some 50 ms each time."""
    return httpx.create_ssl_context(trust_env=False)
