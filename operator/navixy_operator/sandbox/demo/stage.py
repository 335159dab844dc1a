"""The demo's parts: each started in its turn, all stopped at the end, everything below one directory."""

import asyncio
import contextlib
import os
import shlex
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.assets import Assets
from navixy_operator.sandbox.command import run_command
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.databases import Sqlite
from navixy_operator.sandbox.deployment import (
    NAMESPACE,
    Kubectl,
    Operator,
    apply_crds,
    apply_manifests,
    navixy_sync,
    secret,
)
from navixy_operator.sandbox.errors import ProcessError
from navixy_operator.sandbox.f11.launch import Simulator
from navixy_operator.sandbox.monitoring import Alertmanager, WebhookReceiver
from navixy_operator.sandbox.sample_data import SampleCustomer

SYNC: Final = "main"
# slow enough to be watched, quick enough for the impatient
F11_SETTINGS: Final = ("latency_seconds=0.2", "latency_jitter_seconds=0.2", "settle_seconds=1.5")
DRIFT_SECONDS: Final = 5
SQL_COMMAND: Final = "customers-sql"
SQL_PROGRAM: Final = """\
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    for row in database.execute(sys.argv[2]):
        print(*row, sep="  ")
"""
KUBECTL_NAVIXY: Final = """\
import sys
sys.argv[0] = "kubectl-navixy"
from navixy_operator.cli import main
sys.exit(main())
"""
"""What pip installs under that name: the commands call themselves as their user has called them."""
COMMAND_SECONDS: Final = 60.0
LOG_LINES: Final = 15

T = TypeVar("T")


class Stage:
    """A control plane, an F1.1, a customer database and the operator. An asynchronous context manager that ends all."""

    def __init__(self, directory: Path, assets: Assets) -> None:
        self.directory = directory
        self.plane = ControlPlane(assets, data_dir=directory / "control-plane")
        self.f11 = Simulator(directory / "f11", settings=F11_SETTINGS)
        self.operator = Operator(self.plane, directory / "operator")
        self.api = Kubectl(self.plane)
        self._assets = assets
        self._parts = contextlib.AsyncExitStack()
        self.webhook = WebhookReceiver()
        self._database_url = ""
        self._alertmanager_url = ""

    @property
    def bin(self) -> Path:
        """A directory for PATH with ``kubectl``, ``kubectl-navixy`` and ``customers-sql``."""
        return self.directory / "bin"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.plane.admin_kubeconfig

    @property
    def database(self) -> Path:
        """The customer database's SQLite file."""
        return Path(self._database_url.removeprefix("sqlite:///"))

    @property
    def database_url(self) -> str:
        """The customer database for SQLAlchemy; SQLite needs no password."""
        return self._database_url

    async def start_control_plane(self) -> str:
        """Start etcd and kube-apiserver; the API server's version."""
        self._parts.push_async_callback(asyncio.to_thread, self.plane.stop)
        await _whole(asyncio.to_thread(self.plane.start))
        await asyncio.to_thread(self._write_commands)
        version = await asyncio.to_thread(self.plane.request, "GET", "/version")
        return str(version["gitVersion"])

    async def start_f11(self, *leftovers: str | None) -> None:
        """Start F1.1 with one open connection for each of ``leftovers``."""
        self._parts.push_async_callback(asyncio.to_thread, self.f11.stop)
        await _whole(asyncio.to_thread(self.f11.start))
        await self.f11.seed(*({"customer_ref": ref} for ref in leftovers))

    async def start_alertmanager(self) -> None:
        """Start Alertmanager, and the webhook that it sends alerts on to."""
        await self._parts.enter_async_context(self.webhook)
        made = Alertmanager(self.directory / "alertmanager", self.webhook.url)
        made.directory.mkdir()
        self._parts.push_async_callback(asyncio.to_thread, made.stop)
        await _whole(asyncio.to_thread(made.start))
        self._alertmanager_url = made.url

    async def fill_database(self, customers: Sequence[SampleCustomer]) -> None:
        """Make the customer database."""
        self._database_url = await asyncio.to_thread(lambda: Sqlite(self.directory).create_database().url)
        await asyncio.to_thread(sample_data.fill, self._database_url, customers)

    def hide_database(self, *, hidden: bool) -> None:
        """Let the customer database be away, or back."""
        away = self.database.with_suffix(".away")
        if hidden:
            self.database.rename(away)
        else:
            away.rename(self.database)

    async def deploy(self) -> None:
        """Install CRDs, namespace and RBAC, then the Secrets (through standard input) and a NavixySync."""
        await apply_crds(self.plane)
        await apply_manifests(self.plane)
        drift, alerts = {"intervalSeconds": DRIFT_SECONDS}, {"alertmanagerUrl": self._alertmanager_url}
        await self.api.apply(
            secret(NAMESPACE, "customer-database", url=self.database_url),
            secret(NAMESPACE, "f11-token", token=self.f11.token),
            navixy_sync(NAMESPACE, SYNC, f11_url=self.f11.url, drift=drift, alerts=alerts),
        )

    async def start_operator(self) -> None:
        """Start the operator as its ServiceAccount."""
        self._parts.push_async_callback(self.operator.stop)
        await _whole(self.operator.start())

    async def run(self, line: str, *, width: int) -> str:
        """Run a command line as the administrator would at a terminal ``width`` wide; its standard output.

        Raises CommandError.
        """
        environment = os.environ | {
            "PATH": os.pathsep.join((str(self.bin), os.environ.get("PATH", os.defpath))),
            "KUBECONFIG": str(self.kubeconfig),
            "HOME": str(self.directory),
            "DATA_DIRECTORY": str(self.operator.data),
            "COLUMNS": str(width),
        }
        program, *arguments = shlex.split(line)
        return await run_command([str(self.bin / program), *arguments], env=environment, timeout=COMMAND_SECONDS)

    async def find(self, path: str) -> Any:
        """An answer of the API server, as JSON, below the namespace's resources of our group."""
        base = f"/apis/dataforwarding.io/v1alpha1/namespaces/{NAMESPACE}"
        return await asyncio.to_thread(self.plane.request, "GET", f"{base}/{path}")

    def check_alive(self) -> None:
        """Raise ProcessError when a part has died."""
        parts = {"kube-apiserver": self.plane.apiserver.poll(), "the operator": self.operator.process.poll()}
        for name, code in parts.items():
            if code is not None:
                message = f"{name} ended with exit code {code}"
                raise ProcessError(message)

    def operator_log(self) -> str:
        """Everything that the operator has logged."""
        return self.operator.log.read_text("utf-8", "replace") if self.operator.log.exists() else ""

    def operator_log_tail(self) -> str:
        """The end of it, for a person who must find out what went wrong."""
        return "\n".join(self.operator_log().splitlines()[-LOG_LINES:])

    def stored(self) -> bytes:
        """All that etcd holds on disk: every version of every resource that was ever written. Blocking."""
        files = [path for path in (self.plane.directory / "etcd").rglob("*") if path.is_file()]
        return b"\n".join(path.read_bytes().rstrip(b"\0") for path in files)

    def audited(self) -> bytes:
        """The audit trail's database and spool, as they are on disk. Blocking."""
        return b"\n".join(path.read_bytes() for path in self.operator.data.rglob("*") if path.is_file())

    def command_lines(self) -> bytes:
        """The arguments of every process that may be seen. Blocking."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended
                found.append(path.read_bytes())
        return b"\n".join(found)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await _whole(self._parts.aclose())

    def _write_commands(self) -> None:
        """The programs by the names that the demo's commands use, wherever this package and kubectl may lie."""
        self.bin.mkdir()
        (self.bin / "kubectl").symlink_to(self._assets.kubectl)
        source = Path(__file__).resolve().parents[3]
        python = shlex.quote(sys.executable)
        program = f"exec {python} -c {shlex.quote(KUBECTL_NAVIXY)}"
        self._write_script("kubectl-navixy", f"PYTHONPATH={shlex.quote(str(source))} {program}")
        database = shlex.quote(str(self.directory / "customers_1.db"))
        self._write_script(SQL_COMMAND, f"exec {python} -c {shlex.quote(SQL_PROGRAM)} {database}")

    def _write_script(self, name: str, command: str) -> None:
        script = self.bin / name
        script.write_text(f'#!/bin/sh\n{command} "$@"\n')
        script.chmod(0o755)


async def _whole(work: Awaitable[T]) -> T:
    """Let it end even when we are cancelled meanwhile: nobody would stop a server that is half started."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen, though the cancellation is what counts
        raise
