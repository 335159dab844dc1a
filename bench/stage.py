"""The real parts of one measurement: a control plane, F1.1, a customer database, and the operator as a process."""

import asyncio
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from bench.bodies import SYNC
from bench.measure import Requests, cpu_seconds, of_operator, peak_megabytes, requests_of
from navixy_operator.core.vocabulary import API_VERSION, CYCLES
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.command import run_command
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.deployment import (
    NAMESPACE,
    SERVICE_ACCOUNT,
    Kubectl,
    Operator,
    apply_crds,
    apply_manifests,
    navixy_sync,
    secret,
    sync_cycle,
)
from navixy_operator.sandbox.f11.launch import Simulator
from navixy_operator.sandbox.progress import Progress

CYCLE_SECONDS: Final = 600.0
BARE_SECONDS: Final = 600.0
QUIET_SECONDS: Final = 0.5  # as long as no request came in, nothing more of a cycle is under way
REPOSITORY: Final = Path(__file__).resolve().parents[1]
# the operator must be the limit, not what it is told
UNLIMITED: Final = {"ratePerSecond": 10_000, "concurrency": 16, "timeoutSeconds": 60}


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle: seconds from its creation to its end, and what it took."""

    wall: float
    reported: float
    requests: Requests
    operator_cpu: float
    apiserver_cpu: float
    forwarding_cpu: float
    peak_megabytes: float
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs for one size."""

    plane: ControlPlane
    forwarding: Simulator
    operator: Operator
    database_url: str
    session: aiohttp.ClientSession

    async def bare(self, count: int, namespace: str) -> dict[str, float]:
        """Measure the bare limit in a namespace of its own; its objects stay, away from the operator's watch."""
        await asyncio.to_thread(self.plane.request, "POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        await apply_manifests(self.plane, namespace)
        order = {
            "url": self.plane.url,
            "ca_file": str(self.plane.ca_file),
            "token": await self.plane.service_account_token(namespace, SERVICE_ACCOUNT),
            "namespace": namespace,
            "count": count,
        }
        given = orjson.dumps(order).decode()
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", "bench.bare"]
        apiserver = self.plane.apiserver.pid
        before = cpu_seconds(apiserver)
        answer = await run_command(command, given=given, env=environment, timeout=BARE_SECONDS)
        return {**orjson.loads(answer), "apiserver_cpu": cpu_seconds(apiserver) - before}

    async def cycle(self, name: str) -> Cycle:
        """Create a SyncCycle and measure until it is completed, and all requests of it have come in."""
        pids = (self.operator.process.pid, self.plane.apiserver.pid, self.forwarding.pid)
        await self.forwarding.requests(reset=True)
        before = await self._quiet()
        cpu = [cpu_seconds(pid) for pid in pids]
        began = time.perf_counter()
        status = await self._run(name)
        wall = time.perf_counter() - began
        spent_cpu = [cpu_seconds(pid) - was for pid, was in zip(pids, cpu, strict=True)]
        after = await self._quiet()
        after.subtract(before)
        return Cycle(
            wall,
            status["durationSeconds"],
            requests_of(after, await self.forwarding.requests()),
            spent_cpu[0],
            spent_cpu[1],
            spent_cpu[2],
            peak_megabytes(pids[0]),
            status["counts"],
        )

    async def _quiet(self) -> Any:
        """The operator's requests so far, once no more come in."""
        last = None
        while (now := of_operator(await self.plane.request_counts())) != last:
            last = now
            await asyncio.sleep(QUIET_SECONDS)
        return now

    async def _run(self, name: str) -> dict[str, Any]:
        """Create the SyncCycle and watch it, which costs the API server less than asking; its last status."""
        url = f"{self.plane.url}/apis/{API_VERSION}/namespaces/{NAMESPACE}/{CYCLES}"
        status: dict[str, Any] = {}
        body = orjson.dumps(sync_cycle(NAMESPACE, name, sync=SYNC))
        async with asyncio.timeout(CYCLE_SECONDS):
            async with self.session.post(url, data=body) as answer:
                answer.raise_for_status()
                version = (await answer.json())["metadata"]["resourceVersion"]
            query = {"watch": "1", "fieldSelector": f"metadata.name={name}", "resourceVersion": version}
            async with self.session.get(url, params=query) as answer:
                answer.raise_for_status()
                async for line in _lines(answer.content):
                    status = orjson.loads(line)["object"].get("status", {})
                    if status.get("phase") == "completed":
                        return status
                    if status.get("phase") == "failed":
                        break
        message = f"the cycle {name} failed: {status.get('message', 'its watch ended')}; {self.operator.log}"
        raise RuntimeError(message)


@asynccontextmanager
async def stage(directory: Path, progress: Progress, *, command: Sequence[str] = ()) -> AsyncIterator[Stage]:
    """A fresh control plane with the manifests applied; the operator is not started yet."""
    url = f"sqlite:///{directory / 'customers.db'}"
    sample_data.create_schema(url)
    async with ControlPlane(progress=progress) as plane:
        await apply_crds(plane)
        await apply_manifests(plane)
        with Simulator(directory / "f11") as forwarding:
            await Kubectl(plane).apply(
                secret(NAMESPACE, "customer-database", url=url),
                secret(NAMESPACE, "f11-token", token=forwarding.token),
                navixy_sync(NAMESPACE, SYNC, f11_url=forwarding.url, suspend=True, forwarding=UNLIMITED),
            )
            token = await plane.service_account_token(NAMESPACE, SERVICE_ACCOUNT)
            tls = ssl.create_default_context(cafile=plane.ca_file)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls), headers=headers, read_bufsize=2**20
            ) as session:
                yield Stage(plane, forwarding, Operator(plane, directory, command=command), url, session)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream, of any length."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
