"""The lean watch against a scripted API server: what is told, what is begun again, what is waited for."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import pytest

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.watch import KubeWatch
from navixy_operator.errors import ConfigurationError, KubernetesUnavailable
from support.kube_wire import Say, Wire, scripted, status

PATH = "/apis/g/v1/namespaces/n/widgets"
NOW = Say(body={"metadata": {"resourceVersion": "7"}, "items": []})
HANG = Say(hang=True)


def events(*found: tuple[str, str]) -> Say:
    """A watch's answer that ends: type and version of each event."""
    lines = [orjson.dumps({"type": kind, "object": {"metadata": {"resourceVersion": at}}}) for kind, at in found]
    return Say(body=b"".join(line + b"\n" for line in lines))


class Listener:
    """Asks the script for a list to begin with, and keeps what it is told."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.told: list[tuple[str, str]] = []
        self.signs: list[str] = []

    async def begin(self) -> str:
        """The list's version."""
        listing = await self.wire.client.request("GET", PATH, query={"limit": "1"})
        version: str = listing["metadata"]["resourceVersion"]
        return version

    def take(self, change: str, item: Mapping[str, Any]) -> None:
        """Keep the change and its version."""
        self.told.append((change, item["metadata"]["resourceVersion"]))

    def heard(self) -> None:
        """Keep the sign of life."""
        self.signs.append("heard")

    def lost(self) -> None:
        """Keep that it broke off."""
        self.signs.append("lost")


async def watched(wire: Wire, requests: int) -> list[tuple[str, str]]:
    """Run a watch until that many requests were made; the changes that were told."""
    listener = Listener(wire)

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    task = asyncio.create_task(KubeWatch(wire.client, PATH, listener, sleep=sleep).run())
    async with asyncio.timeout(5):
        while len(wire.asked) < requests:
            wire.arrived.clear()
            await wire.arrived.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return listener.told


async def test_it_begins_now_and_goes_on_where_it_ended() -> None:
    """One object is listed for the version; each watch goes on from the last event; bookmarks count, untold."""
    script = (NOW, events(("ADDED", "8"), ("BOOKMARK", "12")), events(("MODIFIED", "13"), ("DELETED", "14")), HANG)
    async with scripted(*script) as wire:
        assert await watched(wire, 4) == [("ADDED", "8"), ("MODIFIED", "13"), ("DELETED", "14")]
    assert wire.asked[0].query == {"limit": "1"}
    assert [asked.query["resourceVersion"] for asked in wire.asked[1:]] == ["7", "12", "14"]
    assert all(asked.query["watch"] == "1" for asked in wire.asked[1:])


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(status(410, "Expired"), id="refused with 410"),
        pytest.param(Say(body={"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}), id="an event of 410"),
    ],
)
async def test_a_version_too_old_begins_anew(end: Say) -> None:
    """410, as an answer or as an event: the version is asked for again."""
    if isinstance(end.body, dict) and "type" in end.body:
        end = Say(body=orjson.dumps(end.body) + b"\n")
    async with scripted(NOW, end, NOW, HANG) as wire:
        assert await watched(wire, 4) == []
    assert [("limit" in asked.query) for asked in wire.asked] == [True, False, True, False]


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Say(drop=True), id="the connection breaks"),
        pytest.param(status(403, "Forbidden"), id="not permitted"),
        pytest.param(status(500, "InternalError"), id="a fault of the server"),
        pytest.param(Say(body=b"<html>\n"), id="no JSON"),
        pytest.param(Say(body=b'{"no": "event"}\n'), id="no event"),
    ],
)
async def test_trouble_is_outlived(trouble: Say) -> None:
    """Whatever the API server answers, the watch is begun again and tells what comes then."""
    async with scripted(NOW, trouble, events(("ADDED", "8")), HANG) as wire:
        assert await watched(wire, 4) == [("ADDED", "8")]


async def test_trouble_is_not_answered_with_a_storm() -> None:
    """Each failure in a row doubles the pause, up to a bound."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 60:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    async with scripted(NOW, status(403, "Forbidden")) as wire:
        with pytest.raises(asyncio.CancelledError):
            await KubeWatch(wire.client, PATH, Listener(wire), sleep=sleep).run()
    assert max(pauses) <= 30.0
    assert sum(pauses[20:]) > 40 * 3.0, "on average half of the bound; far less would be a storm"


async def test_a_silent_watch_is_given_up() -> None:
    """An answer that never comes ends with the time for it."""
    async with scripted(HANG) as wire:
        with pytest.raises(KubernetesUnavailable, match="no answer in time"):
            await _drain(wire.client, seconds=0.05)


async def test_lines_come_whole_whatever_their_length() -> None:
    """An object longer than any buffer is one line."""
    long = b'{"x":"' + b"y" * 3_000_000 + b'"}'
    async with scripted(Say(body=long + b"\nshort\n")) as wire:
        assert await _drain(wire.client, seconds=5) == [long, b"short"]


async def test_a_missing_kind_is_said() -> None:
    """404 is the CRD's absence: the refusal is passed on."""
    async with scripted(status(404, "NotFound")) as wire:
        with pytest.raises(ConfigurationError, match="404"):
            await _drain(wire.client, seconds=5)


async def _drain(client: KubeClient, *, seconds: float) -> list[bytes]:
    return [line async for line in client.lines(PATH, query={"watch": "1"}, seconds=seconds)]


async def test_a_watch_takes_no_place_of_the_calls() -> None:
    """With a pool of one connection for calls, and a watch that goes on, a call still gets through."""
    async with (
        scripted(HANG, Say(body={"gitVersion": "v1.36.0"})) as wire,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as calls,
        aiohttp.ClientSession() as streams,
    ):
        client = KubeClient(calls, wire.url, try_seconds=2.0, streams=streams)

        async def watch() -> None:
            async for _ in client.lines(PATH, query={"watch": "1"}, seconds=30):
                pass

        watching = asyncio.create_task(watch())
        await wire.arrived.wait()
        assert await client.version() == "v1.36.0"
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
