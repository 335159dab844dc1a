"""kopf with our settings against a scripted API server: what it outlasts, and what ends it."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import kopf
import orjson
import pytest
from aiohttp import web

from navixy_operator import handlers
from navixy_operator.handlers import Patience, registry_for, run_kopf
from navixy_operator.supervisor import Supervisor
from support.kube_wire import serving

MANY = 12  # more than kopf is patient by itself
KOPFS_PATIENCE_SECONDS = 5.0
"""For which it waits, by itself, at its end."""
VERBS = ["list", "watch"]
GROUPS = {
    "dataforwarding.io": (
        "v1alpha1",
        {"navixysyncs": "NavixySync", "synccycles": "SyncCycle", "investigations": "Investigation"},
    ),
    "apiextensions.k8s.io": ("v1", {"customresourcedefinitions": "CustomResourceDefinition"}),
}
SYNC = {"metadata": {"name": "main", "namespace": "n", "uid": "u-1", "resourceVersion": "5"}, "spec": {}}
ADDED = {"type": "ADDED", "object": {**SYNC, "metadata": {**SYNC["metadata"], "name": "second", "uid": "u-2"}}}
LIST = {"metadata": {"resourceVersion": "5"}, "items": [SYNC]}

Answer = Callable[[], web.Response]


def says(status: int, body: object = None) -> Answer:
    """An answer with JSON."""
    content = orjson.dumps(body if body is not None else {"kind": "Status", "code": status})
    return lambda: web.Response(status=status, body=content, content_type="application/json")


def error_event(code: int) -> Answer:
    """A watch that is told of an error."""
    return says(200, {"type": "ERROR", "object": {"kind": "Status", "code": code}})


def versions(resources: dict[str, str]) -> dict[str, Any]:
    """A group's resources, as discovery tells them."""
    found = [{"name": name, "singularName": "", "kind": kind, "verbs": VERBS} for name, kind in resources.items()]
    return {"resources": [{**each, "namespaced": True} for each in found]}


class ApiServer:
    """Discovery, and scripted answers to lists and watches of NavixySyncs; a watch beyond the script tells nothing."""

    def __init__(self, lists: list[Answer], watches: list[Answer]) -> None:
        self.lists, self.watches = lists, [*watches, None]
        self.asked: list[str] = []
        self.discovering: asyncio.Event | None = None
        """Set once discovery is asked for, which is never answered then."""
        self.stop = asyncio.Event()
        self.over = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if self.discovering is not None:
            self.discovering.set()
            await self.over.wait()
        if (found := discovered(request.path)) is not None:
            return web.json_response(found)
        script: list[Any] = self.watches if "watch" in request.query else self.lists
        if "navixysyncs" not in request.path:
            script = [None] if "watch" in request.query else [says(200, {**LIST, "items": []})]
        else:
            self.asked.append("watch" if "watch" in request.query else "list")
        answer = script.pop(0) if len(script) > 1 else script[0]
        if answer is None:
            silent = web.StreamResponse(headers={"Content-Type": "application/json"})
            await silent.prepare(request)
            await self.over.wait()
            return silent
        response: web.Response = answer()
        return response


def discovered(path: str) -> dict[str, Any] | None:
    """Discovery's answer at ``path``, if that is part of it."""
    if path == "/api":
        return {"versions": ["v1"]}
    if path == "/api/v1":
        return versions({"namespaces": "Namespace"})
    told = [
        {"name": name, "versions": [{"version": version}], "preferredVersion": {"version": version}}
        for name, (version, _) in GROUPS.items()
    ]
    answers: dict[str, dict[str, Any]] = {"/apis": {"groups": told}}
    answers |= {f"/apis/{name}/{version}": versions(resources) for name, (version, resources) in GROUPS.items()}
    return answers.get(path)


class Listener:
    """Keeps what the supervisor would be told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.logins = 0
        self._news = asyncio.Event()

    def sync_reported(self, namespace: str, name: str) -> None:
        """A NavixySync is there."""
        self.told.append(f"{namespace}/{name}")
        self._news.set()

    async def until(self, *told: str) -> None:
        """Wait until just these were told."""
        async with asyncio.timeout(20):
            while self.told != list(told):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def operator(server: ApiServer) -> AsyncIterator[tuple[Listener, Any]]:
    """Run kopf with our handlers and settings; its task is given, too."""
    listener = Listener()
    async with serving(server) as url:

        def login() -> kopf.AiohttpSession:
            listener.logins += 1
            return kopf.AiohttpSession(server=url, aiohttp_session=aiohttp.ClientSession())

        registry = registry_for(cast("Supervisor", listener), login)
        kopfs = run_kopf(
            registry=registry, namespaces=["n"], standalone=True, identity=cast("Any", "test"), stop_flag=server.stop
        )
        task = asyncio.create_task(kopfs)
        try:
            yield listener, task
        finally:
            server.stop.set()
            await asyncio.wait([task], timeout=20)
            server.over.set()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of milliseconds."""
    monkeypatch.setattr(handlers, "BACKOFF_FIRST", 0.001)
    monkeypatch.setattr(handlers, "BACKOFF_MOST", 0.002)


def test_patience_has_no_end_and_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses grow from the first to the longest, and start over with each request."""
    monkeypatch.undo()
    patience = Patience()
    pauses = list(itertools.islice(patience, 2000))
    assert handlers.BACKOFF_FIRST / 2 <= pauses[0] <= handlers.BACKOFF_FIRST
    assert all(handlers.BACKOFF_MOST / 2 <= each <= handlers.BACKOFF_MOST for each in pauses[10:])
    assert next(iter(patience)) <= handlers.BACKOFF_FIRST


@pytest.mark.parametrize(
    "refusal",
    [*map(says, (400, 401, 403, 404, 429, 500, 503, 504)), lambda: web.Response(text="<html>")],
    ids=["400", "401", "403", "404", "429", "500", "503", "504", "a proxy's page"],
)
async def test_kopf_outlasts_refusals(refusal: Answer) -> None:
    """However often a list and then a watch is refused, the next answer counts."""
    many = [refusal] * MANY
    async with operator(ApiServer([*many, says(200, LIST)], [*many, says(200, ADDED)])) as (listener, task):
        await listener.until("n/main", "n/second")
        assert not task.done()
        assert listener.logins == 1


@pytest.mark.slow
async def test_kopf_lists_again_when_its_version_is_too_old() -> None:
    """A 410 in a watch is no end: what is there is reported again."""
    server = ApiServer([says(200, LIST)], [error_event(410)])
    async with operator(server) as (listener, task):
        await listener.until("n/main", "n/main")
        assert not task.done()
    assert server.asked[:3] == ["list", "watch", "list"]


async def test_an_end_waits_for_nobody() -> None:
    """Neither for a task of ours that goes on, nor for kopf's own look at an API that does not answer."""
    server = ApiServer([says(200, LIST)], [])
    server.discovering = asyncio.Event()
    async with operator(server) as (_, task):
        await asyncio.wait_for(server.discovering.wait(), 20)
        ours = asyncio.create_task(asyncio.Event().wait())
        server.stop.set()
        async with asyncio.timeout(KOPFS_PATIENCE_SECONDS / 2):
            await task
        assert not [each for each in asyncio.all_tasks() if handlers._is_kopfs(each)]
        assert not ours.cancelled()
        ours.cancel()


@pytest.mark.slow
def test_an_error_in_a_watch_ends_the_process() -> None:
    """The one thing that kopf does not outlast: it may not even end by itself then, but is ended."""
    source = f"import runpy; runpy.run_path({__file__!r}, run_name='child')"
    path = os.pathsep.join(str(Path(__file__).parents[1] / each) for each in ("operator", "tests"))
    ended = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Error in the watch-stream" in ended.stderr
    assert ended.returncode in {-signal.SIGKILL, 1}, ended.stderr


async def child() -> None:
    """An operator whose watch is told of an error."""
    async with operator(ApiServer([says(200, LIST)], [error_event(500)])) as (_, task):
        await task


if __name__ == "child":
    handlers.EXIT_SECONDS = 1.0  # type: ignore[misc] # a constant of the other process
    asyncio.run(child())
