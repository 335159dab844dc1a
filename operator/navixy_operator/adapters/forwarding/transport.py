"""Which transport carries httpx: aiohttp's, for its cost.

Measured: establishes against the simulator on two cores that others used too, CPU of the client for one call, 16 in
flight: 0.40 to 0.58 ms over aiohttp, 3.6 to 5.1 ms over httpx's own transport; 32: 0.51 to 0.58 ms and 6.4 ms.
To get there the transport is called without httpx's client around it (no cookies, redirects, logging of URLs), with a
parsed URL, prebuilt headers and orjson's bytes.
"""

import ssl

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from navixy_operator.adapters.tls import trusted
from navixy_operator.errors import InvalidSpec


def aiohttp_transport(concurrency: int) -> httpx.AsyncBaseTransport:
    """A pool of ``concurrency`` connections without cookies, redirects or proxies; opened at its first request.

    Raises InvalidSpec when the CA bundle cannot be read.
    """
    try:
        tls = trusted()
    except (OSError, ssl.SSLError):
        message = "SSL_CERT_FILE or SSL_CERT_DIR of the operator names CA certificates that cannot be read"
        raise InvalidSpec(message) from None

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency, ssl=tls, keepalive_timeout=30.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    return AiohttpTransport(verify=tls, client=session)
