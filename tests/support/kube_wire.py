"""A scripted API server on the loopback address, for what a real one cannot be made to say."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from navixy_operator.adapters.kube.client import KubeClient


@dataclass
class Say:
    """One answer. ``drop`` breaks the connection instead, ``hang`` never answers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hang: bool = False


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Wire:
    """The server's address, what it was asked, and how long the client paused."""

    url: str
    client: KubeClient
    asked: list[Asked]
    pauses: list[float]
    arrived: asyncio.Event


def status(code: int, reason: str = "", message: str = "", **more: Any) -> Say:
    """An answer with a Status object."""
    return Say(code, {"kind": "Status", "code": code, "reason": reason, "message": message, **more})


@asynccontextmanager
async def scripted(*script: Say, try_seconds: float = 10.0) -> AsyncIterator[Wire]:
    """Serve the answers in turn, the last one for ever; pauses take no time, and the jitter is its upper bound."""
    answers, asked, pauses = list(script), [], []  # type: list[Say], list[Asked], list[float]
    hung, arrived = asyncio.Event(), asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = orjson.loads(raw) if raw else None
        asked.append(Asked(request.method, request.path, dict(request.query), dict(request.headers), body))
        arrived.set()
        say = answers.pop(0) if len(answers) > 1 else answers[0]
        if say.hang:
            await hung.wait()
        if say.drop or say.hang:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        content = say.body if isinstance(say.body, bytes) else orjson.dumps(say.body)
        return web.Response(status=say.status, body=content, headers=say.headers, content_type="application/json")

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    async with serving(handle) as url, aiohttp.ClientSession() as session:
        client = KubeClient(session, url, try_seconds=try_seconds, sleep=sleep, draw=lambda _low, high: high)
        try:
            yield Wire(url, client, asked, pauses, arrived)
        finally:
            hung.set()


@asynccontextmanager
async def serving(handle: Any, ssl: Any = None) -> AsyncIterator[str]:
    """Serve everything with one handler; gives the URL."""

    async def route(request: web.Request) -> web.StreamResponse:  # aiohttp takes no callable objects
        answer: web.StreamResponse = await handle(request)
        return answer

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", route)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl).start()
    address: Sequence[Any] = runner.addresses[0]
    try:
        yield f"{'https' if ssl else 'http'}://127.0.0.1:{address[1]}"
    finally:
        await runner.cleanup()
