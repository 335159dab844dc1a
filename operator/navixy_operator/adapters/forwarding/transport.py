"""Which transport carries httpx: aiohttp's, for its cost."""

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport


def aiohttp_transport(concurrency: int) -> httpx.AsyncBaseTransport:
    """A pool of ``concurrency`` connections without cookies, redirects or proxies; opened at its first request.

    The CA bundle is httpx's own, or SSL_CERT_FILE / SSL_CERT_DIR where the environment names one.
    """
    tls = httpx.create_ssl_context()

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency, ssl=tls, keepalive_timeout=30.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    return AiohttpTransport(verify=tls, client=session)
