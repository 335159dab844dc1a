"""The operator as its manifests deploy it: CRDs, RBAC, and a process that holds its ServiceAccount's token."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import orjson

from navixy_operator.core.vocabulary import LEASE
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.loopback import LOOPBACK
from navixy_operator.sandbox.process import Process, Program

NAMESPACE: Final = "navixy-operator"
SERVICE_ACCOUNT: Final = "navixy-operator"
START_SECONDS: Final = 60.0
SOURCE_ROOT: Final = Path(__file__).resolve().parents[2]
WAIT_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.2


def shipped(name: str) -> Path:
    """The directory ``crds`` or ``manifests``: of the source tree, else as the wheel carries it."""
    package = Path(__file__).resolve().parents[1]
    tree = package.parents[1] / name
    return tree if tree.is_dir() else package / "_deploy" / name


async def apply_crds(plane: ControlPlane) -> None:
    """Install the CRDs. kubectl before 1.25 does not know their CEL rules, hence no validation on its side."""
    await plane.kubectl("apply", "--validate=false", "-f", str(shipped("crds")))
    names = ("navixycustomers", "navixysyncs", "synccycles", "investigations")
    crds = [f"crd/{name}.dataforwarding.io" for name in names]
    await plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)


async def apply_cluster_wide(plane: ControlPlane) -> None:
    """``kubectl apply -k manifests/cluster-wide``: the operator may serve every namespace."""
    await plane.kubectl("apply", "-k", str(shipped("manifests") / "cluster-wide"))


async def apply_manifests(plane: ControlPlane, namespace: str = NAMESPACE) -> None:
    """``kubectl apply -k manifests/base``; in another namespace through an overlay, as a user would write it.

    There is a lease then, given up: on a new cluster nobody can lead, and the first start need not wait for them.
    """
    base = shipped("manifests") / "base"
    with tempfile.TemporaryDirectory() as directory:
        where = str(base) if namespace == NAMESPACE else _write_overlay(directory, base, namespace)
        await plane.kubectl("apply", "-k", where)
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    lease = {"metadata": {"name": LEASE}, "spec": {"holderIdentity": ""}}
    await asyncio.to_thread(plane.request, "POST", leases, lease)


def _write_overlay(directory: str, base: Path, namespace: str) -> str:
    overlay = Path(directory).resolve()
    lines = (f"namespace: {namespace}", "bases:", f"  - {os.path.relpath(base, overlay)}")
    (overlay / "kustomization.yaml").write_text("\n".join(lines) + "\n")
    return str(overlay)


def secret(namespace: str, name: str, **values: str) -> dict[str, Any]:
    """A Secret to apply through standard input."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}


def navixy_sync(namespace: str, name: str, *, f11_url: str, **spec: Any) -> dict[str, Any]:
    """A NavixySync that names the Secrets ``customer-database`` and ``f11-token``; ``spec``: further fields."""
    database = {"urlSecretRef": {"name": "customer-database", "key": "url"}, **spec.pop("database", {})}
    token = {"tokenSecretRef": {"name": "f11-token", "key": "token"}}
    forwarding = {"url": f11_url, **token, **spec.pop("forwarding", {})}
    return {
        "apiVersion": "dataforwarding.io/v1alpha1",
        "kind": "NavixySync",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**spec, "database": database, "forwarding": forwarding},
    }


def sync_cycle(namespace: str, name: str, *, sync: str, dry_run: bool = False) -> dict[str, Any]:
    """A SyncCycle to create by hand."""
    return {
        "apiVersion": "dataforwarding.io/v1alpha1",
        "kind": "SyncCycle",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"sync": sync, **({"dryRun": True} if dry_run else {})},
    }


class Operator:
    """``navixy-operator run`` as a process with the ServiceAccount's own token.

    ``directory``, with kubeconfig and log, is this one's alone; several may serve one namespace. ``watch``: the
    namespaces to serve, as WATCH_NAMESPACES has them; by default the ServiceAccount's own. ``environment``: further
    variables, such as POD_NAME and LEADER_ELECTION_SECONDS.
    """

    def __init__(
        self,
        plane: ControlPlane,
        directory: Path,
        namespace: str = NAMESPACE,
        *,
        command: Sequence[str] = (),
        watch: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._plane = plane
        self._directory = directory
        self._namespace = namespace
        self._watch = watch or namespace
        self._environment = {"POD_NAME": "navixy-operator-local", **(environment or {})}
        self._command = tuple(command) or (sys.executable, "-m", "navixy_operator", "run")
        self._process: Process | None = None
        self.port = 0

    @property
    def log(self) -> Path:
        """Everything it printed."""
        return self._directory / "operator.log"

    @property
    def data(self) -> Path:
        """Where its audit trail and spool are, as DATA_DIRECTORY says it."""
        return self._directory / "data"

    @property
    def process(self) -> Process:
        """The running process."""
        if self._process is None:
            message = "the operator was not started"
            raise RuntimeError(message)
        return self._process

    async def start(self) -> None:
        """Start it and wait until its probes answer. Raises ProcessError with the log's end."""
        token = await self._plane.service_account_token(self._namespace, SERVICE_ACCOUNT)
        kubeconfig = self._plane.write_kubeconfig(token, self._directory / "operator.kubeconfig", self._namespace)
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "WATCH_NAMESPACES": self._watch,
            "HEALTH_HOST": LOOPBACK,
            "HEALTH_PORT": "0",  # one that is free, without a race for it; the log says which
            "LOG_FORMAT": "json",
            "DATA_DIRECTORY": str(self.data),
            "PYTHONPATH": str(SOURCE_ROOT),
            **self._environment,
        }
        said = self.log.stat().st_size if self.log.exists() else 0
        program = Program(name="navixy-operator", argv=self._command, log=self.log, env=environment)
        self._process = await asyncio.to_thread(Process(program).start)
        await asyncio.to_thread(self._process.wait_ready, lambda: self._serves(said), timeout=START_SECONDS)

    def _serves(self, said: int) -> bool:
        """Whether its log, after the first ``said`` bytes, has the line with the port of its probes."""
        for line in self.log.read_bytes()[said:].splitlines():
            if b'"OperatorStarted"' in line and line.endswith(b"}"):
                self.port = int(orjson.loads(line)["health_port"])
                return True
        return False

    async def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class Kubectl:
    """What a person does with kubectl in one namespace, as plain JSON."""

    def __init__(self, plane: ControlPlane, namespace: str = NAMESPACE) -> None:
        self._plane = plane
        self.namespace = namespace

    async def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects through standard input."""
        listing = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        await self._plane.kubectl("apply", "--validate=false", "-f", "-", input=orjson.dumps(listing).decode())

    async def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """One object, or None."""
        text = await self._plane.kubectl("get", kind, name, "-n", self.namespace, "-o", "json", "--ignore-not-found")
        return dict(orjson.loads(text)) if text.strip() else None

    async def list(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind in the namespace."""
        text = await self._plane.kubectl("get", kind, "-n", self.namespace, "-o", "json")
        return list(orjson.loads(text)["items"])

    async def run_cycle(self, name: str, *, sync: str, dry_run: bool = False) -> dict[str, Any]:
        """Create a SyncCycle and wait for its end; the finished object."""
        await self.start_cycle(name, sync=sync, dry_run=dry_run)
        return await self.ended(name)

    async def start_cycle(self, name: str, *, sync: str, dry_run: bool = False) -> None:
        """Create a SyncCycle."""
        await self.apply(sync_cycle(self.namespace, name, sync=sync, dry_run=dry_run))

    async def ended(self, name: str, *, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """A SyncCycle once it is completed or failed. Raises TimeoutError."""
        return await self.in_phase(name, "completed", "failed", seconds=seconds)

    async def in_phase(self, name: str, *phases: str, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """A SyncCycle once it is in one of these phases. Raises TimeoutError."""
        path = f"/apis/dataforwarding.io/v1alpha1/namespaces/{self.namespace}/synccycles/{name}"
        async with asyncio.timeout(seconds):
            while True:
                found = await asyncio.to_thread(self._plane.request, "GET", path)
                if found.get("status", {}).get("phase") in phases:
                    return dict(found)
                await asyncio.sleep(LOOK_SECONDS)
