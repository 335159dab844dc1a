"""Liveness and readiness as the kubelet sees them."""

import aiohttp
import pytest
from aiohttp import web

from navixy_operator.adapters.health import HealthServer
from navixy_operator.errors import ConfigurationError


async def asked(server: HealthServer, path: str) -> tuple[int, object]:
    """Status and JSON of one GET."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}{path}") as answer:
        return answer.status, await answer.json()


async def test_healthy_and_failing() -> None:
    """The answer follows the state at the moment of the question; the two checks are separate."""
    alive: list[str] = []
    ready = ["the first list is not read yet"]
    async with HealthServer(lambda: alive, lambda: ready, host="127.0.0.1", port=0) as server:
        assert await asked(server, "/healthz") == (200, {"status": "ok"})
        assert await asked(server, "/readyz") == (503, {"status": "failing", "problems": ready})
        alive.append("no watch event for 10 minutes")
        ready.clear()
        assert await asked(server, "/healthz") == (503, {"status": "failing", "problems": alive})
        assert await asked(server, "/readyz") == (200, {"status": "ok"})


async def test_a_check_that_fails_is_a_problem() -> None:
    """It does not pass for health, and its text stays in the log."""

    def broken() -> list[str]:
        message = "secret words"
        raise RuntimeError(message)

    async with HealthServer(broken, list, host="127.0.0.1", port=0) as server:
        status, body = await asked(server, "/healthz")
        assert status == 503
        assert "secret words" not in str(body)


async def test_more_routes() -> None:
    """The place of /metrics."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.json_response("x 1")

    routes = [web.get("/metrics", metrics)]
    async with HealthServer(list, list, host="127.0.0.1", port=0, routes=routes) as server:
        assert await asked(server, "/metrics") == (200, "x 1")


async def test_a_taken_port_is_named() -> None:
    """And what to do about it; stopping twice does no harm."""
    async with HealthServer(list, list, host="127.0.0.1", port=0) as first:
        second = HealthServer(list, list, host="127.0.0.1", port=first.port)
        with pytest.raises(ConfigurationError, match=rf":{first.port} .*another port"):
            await second.start()
        await second.stop()
    await first.stop()
