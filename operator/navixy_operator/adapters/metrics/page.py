"""/metrics, as Prometheus asks for it: its text format or OpenMetrics, by what the request accepts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import Metric as Family

PATH: Final = "/metrics"
INLINE_SAMPLES: Final = 1500
"""So many, those of a few NavixySyncs, are written in the event loop, within some milliseconds; more in a thread."""
ZIP_INLINE: Final = 16 * 1024
"""Bytes that are compressed in the event loop; more in a thread."""
PIECE: Final = 500
"""Samples to collect between two pauses. What is read from state comes in one piece, as it was at one moment."""


class _Snapshot:
    """What was collected."""

    def __init__(self) -> None:
        self._families: list[Family] = []
        self.samples = 0

    async def take(self, families: Iterable[Family]) -> None:
        """Collect, and let others run in between; families without samples are left out."""
        pause = PIECE
        for family in families:
            if family.samples:
                self._families.append(family)
                self.samples += len(family.samples)
            if self.samples >= pause:
                pause = self.samples + PIECE
                await asyncio.sleep(0)

    def collect(self) -> Iterable[Family]:
        """As a registry."""
        return self._families


def route(registry: CollectorRegistry, refresh: Callable[[], Awaitable[None]]) -> web.RouteDef:
    """GET /metrics. ``refresh`` is waited for before each collection.

    As with the reference client's own server, ``name[]`` in the query asks for just these metrics.
    """

    async def answer(request: web.Request) -> web.Response:
        await refresh()
        names = request.query.getall("name[]", [])
        snapshot = _Snapshot()
        await snapshot.take((registry.restricted_registry(names) if names else registry).collect())
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        inline = snapshot.samples <= INLINE_SAMPLES
        body = encode(snapshot) if inline else await asyncio.to_thread(encode, snapshot)
        response = web.Response(body=body, headers={"Content-Type": content_type}, zlib_executor_size=ZIP_INLINE)
        if gzip_accepted(request.headers.get("Accept-Encoding", "")):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    return web.get(PATH, answer)
