"""Liveness and readiness over HTTP: 200 while work is done, 503 with what is wrong otherwise."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Self

import orjson
import structlog
from aiohttp import web

from navixy_operator.core.vocabulary import LogEvent
from navixy_operator.errors import ConfigurationError

JSON: Final = "application/json"
STOP_SECONDS: Final = 1.0  # for answers under way when the server stops

Problems = Callable[[], Sequence[str]]
"""What is wrong right now, each as one sentence; empty: nothing. Cheap, never waits."""

logger = structlog.stdlib.get_logger(__name__)


class HealthServer:
    """GET /healthz (``alive``) and /readyz (``ready``); ``routes``: more of them, such as /metrics.

    ``port`` 0 lets the system choose; ``port`` says which one after :meth:`start`.
    """

    def __init__(
        self,
        alive: Problems,
        ready: Problems,
        *,
        host: str = "0.0.0.0",  # noqa: S104 - the kubelet asks at the pod's address
        port: int = 8080,
        routes: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        self._host = host
        self.port = port
        app = web.Application()
        app.add_routes([web.get("/healthz", _answer(alive)), web.get("/readyz", _answer(ready)), *routes])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)

    async def start(self) -> None:
        """Listen. Raises ConfigurationError when the port cannot be had."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self.port).start()
        except OSError as error:
            await self._runner.cleanup()
            message = (
                f"cannot listen for health checks on {self._host}:{self.port} ({error.strerror}): choose another port"
            )
            raise ConfigurationError(message) from error
        address: Any = self._runner.addresses[0]
        self.port = address[1]

    async def stop(self) -> None:
        """Stop listening; may be repeated."""
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _answer(problems: Problems) -> Callable[[web.Request], Any]:
    async def handle(_request: web.Request) -> web.Response:
        try:
            found = list(problems())
        except Exception:
            logger.exception(LogEvent.HEALTH_CHECK_BROKE)
            found = ["the check itself failed: see the log"]
        body = {"status": "failing", "problems": found} if found else {"status": "ok"}
        return web.Response(status=503 if found else 200, body=orjson.dumps(body), content_type=JSON)

    return handle
