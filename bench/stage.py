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

from bench.audited import between, scrape
from bench.bodies import SYNC
from bench.figures import Cycle
from bench.measure import Meter, cpu_seconds, peak_megabytes
from navixy_operator.core.vocabulary import API_VERSION, CYCLES, SYNCS
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
REPOSITORY: Final = Path(__file__).resolve().parents[1]
# the operator must be the limit, not what it is told
UNLIMITED: Final = {"ratePerSecond": 10_000, "concurrency": 16, "timeoutSeconds": 60}


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs for one size."""

    directory: Path
    plane: ControlPlane
    forwarding: Simulator
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

    @property
    def meter(self) -> Meter:
        """What counts the operator's requests."""
        return Meter(self.plane, self.forwarding)

    def replica(self, name: str, *, level: str = "DEBUG", command: Sequence[str] = ()) -> Operator:
        """An operator with a name, directory and log of its own; at DEBUG it logs each drift pass."""
        environment = {"POD_NAME": name, "LOG_LEVEL": level}
        (self.directory / name).mkdir(exist_ok=True)
        return Operator(self.plane, self.directory / name, command=command, environment=environment)

    async def change_sync(self, **spec: Any) -> None:
        """Set fields of the NavixySync's spec."""
        path = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{SYNCS}/{SYNC}"
        sync = await asyncio.to_thread(self.plane.request, "GET", path)
        sync["spec"] |= spec
        await asyncio.to_thread(self.plane.request, "PUT", path, sync)

    async def cycle(self, operator: Operator, name: str) -> Cycle:
        """Create a SyncCycle and measure until it is completed, and all requests of it have come in."""
        pids = (operator.process.pid, self.plane.apiserver.pid, self.forwarding.pid)
        meter = self.meter
        await meter.start()
        audited = await scrape(operator.port)
        cpu = [cpu_seconds(pid) for pid in pids]
        began = time.perf_counter()
        status = await self._run(name, operator)
        wall = time.perf_counter() - began
        spent_cpu = [cpu_seconds(pid) - was for pid, was in zip(pids, cpu, strict=True)]
        return Cycle(
            wall,
            status["durationSeconds"],
            await meter.stop(own=1),
            spent_cpu[0],
            spent_cpu[1],
            spent_cpu[2],
            peak_megabytes(pids[0]),
            status["counts"],
            between(audited, await scrape(operator.port)),
        )

    async def _run(self, name: str, operator: Operator) -> dict[str, Any]:
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
        message = f"the cycle {name} failed: {status.get('message', 'its watch ended')}; {operator.log}"
        raise RuntimeError(message)


@asynccontextmanager
async def stage(directory: Path, progress: Progress) -> AsyncIterator[Stage]:
    """A fresh control plane with the manifests applied; no operator is started yet."""
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
                yield Stage(directory, plane, forwarding, url, session)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream, of any length."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
