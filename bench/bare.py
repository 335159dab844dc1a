"""The bare limit, a process of its own: nothing but the creates and status writes of a first cycle, 16 in flight.

Reads one JSON object from standard input (the token never stands in the arguments), prints one to standard output.
"""

import asyncio
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import aiohttp
import orjson

from bench.bodies import Bodies, bodies
from navixy_operator.core.vocabulary import API_VERSION, CUSTOMERS, FIELD_MANAGER

AT_ONCE: Final = 16
WRITE_SECONDS: Final = 30.0


async def run(order: dict[str, Any]) -> dict[str, float]:
    """Write ``count`` customers into ``namespace``: seconds for the creates, for the statuses, and of CPU."""
    wanted = list(bodies(order["count"], order["namespace"]))
    collection = f"{order['url']}/apis/{API_VERSION}/namespaces/{order['namespace']}/{CUSTOMERS}"
    tls = ssl.create_default_context(cafile=order["ca_file"])
    writer = f"?fieldManager={FIELD_MANAGER}"
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=AT_ONCE, ssl=tls),
        headers={"Authorization": f"Bearer {order['token']}", "Accept": "application/json"},
        timeout=aiohttp.ClientTimeout(total=WRITE_SECONDS),
    ) as session:
        as_json, as_patch = ({"Content-Type": kind} for kind in ("application/json", "application/merge-patch+json"))

        async def send(method: str, url: str, data: bytes, headers: dict[str, str]) -> None:
            async with session.request(method, url, data=data, headers=headers) as answer:
                await answer.read()
                answer.raise_for_status()

        async def create(one: Bodies) -> None:
            await send("POST", collection + writer, one.create, as_json)

        async def write_status(one: Bodies) -> None:
            await send("PATCH", f"{collection}/{one.name}/status{writer}", one.status, as_patch)

        began, cpu = time.perf_counter(), time.process_time()
        await _each(wanted, create)
        between = time.perf_counter()
        await _each(wanted, write_status)
        ended = time.perf_counter()
    return {"create": between - began, "status": ended - between, "cpu": time.process_time() - cpu}


async def _each(items: Sequence[Bodies], work: Callable[[Bodies], Awaitable[None]]) -> None:
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())


if __name__ == "__main__":
    found = asyncio.run(run(orjson.loads(sys.stdin.buffer.read())))
    sys.stdout.write(orjson.dumps(found).decode())
