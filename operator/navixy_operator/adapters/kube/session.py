"""The HTTP sessions to the API server: one of ours, one for kopf, with the same credentials."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import aiohttp
import kopf
import structlog

from navixy_operator import __name__ as package
from navixy_operator.adapters.kube import credentials
from navixy_operator.adapters.kube.credentials import SERVICE_ACCOUNT, Credentials
from navixy_operator.adapters.kube.tokens import Authorizer
from navixy_operator.core.vocabulary import LogEvent

POOL: Final = 32  # connections for our own calls; 16 in flight are enough for the API server's full speed
CONNECT_TIMEOUT: Final = 10.0  # seconds
KEEPALIVE: Final = 60.0  # seconds an idle connection is kept: between two pages of a slow cycle, not between cycles

logger = structlog.stdlib.get_logger(__name__)


class KubeSession:
    """Open sessions with one set of credentials; close it after everything that uses them. Needs a running loop."""

    def __init__(self, found: Credentials) -> None:
        self.server = found.server.rstrip("/")
        self.namespace = found.namespace
        self._credentials = found
        self._authorizer = Authorizer(
            self.server,
            found.header,
            read=found.read,
            max_age=found.max_age,
            tls_server_name=found.tls_server_name,
        )
        self.http = self._open(POOL)
        self.unlimited = self._open(0)
        """For what must not wait behind 16 slow writes, or holds a connection for long: the lease, and watches."""
        self._for_kopf: list[aiohttp.ClientSession] = []
        if isinstance(found.ssl, ssl.SSLContext) and found.ssl.verify_mode is ssl.CERT_NONE:
            logger.warning(LogEvent.TLS_NOT_VERIFIED, server=self.server)

    def kopf_login(self) -> kopf.AiohttpSession:
        """What kopf's login handler returns; call it there, in the loop (the handler must be ``async def``).

        kopf closes the session that it is given, at its end and after a 401, and then logs in again: hence one of its
        own each time, under the same Authorization; its pool has no limit, as each watch holds a connection for hours.
        """
        self._for_kopf = [session for session in self._for_kopf if not session.closed]
        session = self._open(0)
        self._for_kopf.append(session)
        return kopf.AiohttpSession(server=self.server, aiohttp_session=session, default_namespace=self.namespace)

    async def close(self) -> None:
        """Close every session, also kopf's."""
        for session in (self.http, self.unlimited, *self._for_kopf):
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _open(self, limit: int) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, ssl=self._credentials.ssl, keepalive_timeout=KEEPALIVE),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": package.replace("_", "-")},
            middlewares=(self._authorizer,),
            proxy=self._credentials.proxy,
            # a watch has no end: no total here, each call of ours sets its own
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        )


async def connect(
    kubeconfig: str | None = None,
    *,
    context: str | None = None,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> KubeSession:
    """Read the credentials and open the sessions; nothing is sent yet. Raises ConfigurationError.

    ``kubeconfig``: paths as in KUBECONFIG; None: the pod's service account, else KUBECONFIG, else ~/.kube/config.
    """
    found = await credentials.load(kubeconfig, context=context, environ=environ, service_account=service_account)
    return KubeSession(found)
