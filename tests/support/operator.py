"""The operator as a process in a namespace of its own, with an F1.1 and a customer database of its own."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.deployment import (
    Kubectl,
    Operator,
    apply_crds,
    apply_manifests,
    navixy_sync,
    secret,
)
from navixy_operator.sandbox.f11.launch import Simulator
from navixy_operator.sandbox.sample_data import SampleCustomer


@dataclass(slots=True)
class Site:
    """One deployment to test: everything a platform engineer would have, and F1.1's and the database's other side."""

    plane: ControlPlane
    namespace: str
    kubectl: Kubectl
    f11: Simulator
    database_url: str
    operator: Operator

    async def deploy(self, *, sync: str = "main", **spec: Any) -> None:
        """Secrets and a NavixySync ``main``, as manifests/sample has them; ``spec``: its further fields."""
        await self.kubectl.apply(
            secret(self.namespace, "customer-database", url=self.database_url),
            secret(self.namespace, "f11-token", token=self.f11.token),
            navixy_sync(self.namespace, sync, f11_url=self.f11.url, **spec),
        )

    async def redeploy(self, **spec: Any) -> None:
        """Change fields of the NavixySync ``main`` by a merge patch; None takes a field away."""
        path = f"/apis/dataforwarding.io/v1alpha1/namespaces/{self.namespace}/navixysyncs/main"
        sync = await asyncio.to_thread(self.plane.request, "GET", path)
        for name, value in spec.items():
            if isinstance(value, dict):
                merged = {**sync["spec"].get(name, {}), **value}
                sync["spec"][name] = {key: each for key, each in merged.items() if each is not None}
            else:
                sync["spec"][name] = value
        await asyncio.to_thread(self.plane.request, "PUT", path, sync)

    def sql(self, statement: str) -> None:
        """Change the customer database."""
        with contextlib.closing(sqlite3.connect(self.database_url.removeprefix("sqlite:///"))) as connection:
            connection.execute(statement)
            connection.commit()

    async def cycle(self, name: str, *, dry_run: bool = False, sync: str = "main") -> dict[str, Any]:
        """Run one cycle to its end: the status of the SyncCycle."""
        ended = await self.kubectl.run_cycle(name, sync=sync, dry_run=dry_run)
        return dict(ended["status"])

    async def customers(self) -> dict[str, dict[str, Any]]:
        """The NavixyCustomers by reference."""
        return {item["spec"]["customerRef"]: item for item in await self.kubectl.list("navixycustomers")}

    async def open_connections(self) -> dict[str | None, list[dict[str, Any]]]:
        """F1.1's open connections by customer, from its own side."""
        found: dict[str | None, list[dict[str, Any]]] = {}
        for one in await self.f11.connections():
            if one["state"] != "disconnected":
                found.setdefault(one["customer_ref"], []).append(one)
        return found

    def fill(self, customers: Sequence[SampleCustomer]) -> None:
        """Put customers into the database."""
        sample_data.fill(self.database_url, customers)

    def waiting(self, seconds: float = 60.0) -> asyncio.Timeout:
        """A bound on a loop that waits for a condition."""
        return asyncio.timeout(seconds)

    async def pause(self) -> None:
        """Between two looks at a condition."""
        await asyncio.sleep(0.1)

    def command(self, name: str, *arguments: str) -> tuple[int, str, str]:
        """Run a command of ours as the administrator: exit code, standard output, standard error. Blocks."""
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.plane.admin_kubeconfig),
            "DATA_DIRECTORY": str(self.operator.data),
        }
        line = [sys.executable, "-m", "navixy_operator", name, "-n", self.namespace, *arguments]
        ended = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    def log(self) -> str:
        """What the operator has printed."""
        return self.operator.log.read_text("utf-8")


@pytest.fixture(scope="session")
def crds(control_plane: ControlPlane) -> None:
    """The CRDs, installed once for all tests."""
    asyncio.run(apply_crds(control_plane))


@pytest.fixture
def lease_seconds() -> int:
    """How long the site's operator holds its lease without a renewal: production's; a test may parametrize it.

    Less makes a start after a kill quicker; more lets the operator live through a longer outage of the API server.
    """
    return 15


@pytest.fixture
def operator_environment(lease_seconds: int) -> dict[str, str]:
    """Variables of the site's operator, beside what any one needs; a module may override it."""
    return {"LEADER_ELECTION_SECONDS": str(lease_seconds)}


@pytest.fixture
async def site(
    control_plane: ControlPlane,
    crds: None,
    namespace: str,
    f11: Simulator,
    tmp_path: Path,
    operator_environment: dict[str, str],
) -> AsyncIterator[Site]:
    """A site with an empty database; the operator runs, with its ServiceAccount's token, under exactly its RBAC."""
    del crds
    await apply_manifests(control_plane, namespace)
    url = f"sqlite:///{tmp_path / 'customers.db'}"
    sample_data.create_schema(url)
    operator = Operator(control_plane, tmp_path, namespace, environment=operator_environment)
    made = Site(control_plane, namespace, Kubectl(control_plane, namespace), f11, url, operator)
    async with operator:
        yield made
