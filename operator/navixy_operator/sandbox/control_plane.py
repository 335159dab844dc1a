"""A real control plane on the loopback address: etcd and kube-apiserver with RBAC, TLS and a directory of their own."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import orjson

from navixy_operator.sandbox import assets as provisioning
from navixy_operator.sandbox.assets import Assets
from navixy_operator.sandbox.command import run_command
from navixy_operator.sandbox.credentials import Credentials, make_credentials, write_kubeconfig
from navixy_operator.sandbox.errors import ProcessError, SandboxError
from navixy_operator.sandbox.lifespan import Lifespan
from navixy_operator.sandbox.loopback import LOOPBACK, free_ports, http_ok
from navixy_operator.sandbox.process import Process
from navixy_operator.sandbox.progress import Progress, Quiet
from navixy_operator.sandbox.request_counts import Request, parse_request_counts
from navixy_operator.sandbox.servers import apiserver_program, etcd_program

START_SECONDS: Final = 90.0
STOP_SECONDS: Final = 5.0
REQUEST_SECONDS: Final = 10.0
KUBECTL_SECONDS: Final = 60.0
TOKEN_SECONDS: Final = 24 * 3600
START_ATTEMPTS: Final = 3

_Part = TypeVar("_Part")


class ControlPlane(Lifespan):
    """etcd and kube-apiserver. A context manager, synchronous and asynchronous, that starts and stops them.

    What is synchronous here blocks for as long as servers need: from a coroutine call it in a thread. Nothing is bound
    to an event loop, so that one control plane serves the loops of many tests.
    """

    def __init__(
        self, assets: Assets | None = None, *, data_dir: Path | None = None, progress: Progress | None = None
    ) -> None:
        """By default the programs are looked for, and the data lies in a temporary directory that goes at the end."""
        self._assets = assets
        self._given_dir = data_dir
        self._progress = progress or Quiet()
        self._cleanup = contextlib.ExitStack()
        self._directory: Path | None = None
        self._credentials: Credentials | None = None
        self._etcd: Process | None = None
        self._etcd_port = 0
        self._apiserver: Process | None = None
        self.url = ""

    @property
    def assets(self) -> Assets:
        """The programs it runs."""
        if self._assets is None:
            self._assets = provisioning.find(self._progress)
        return self._assets

    @property
    def directory(self) -> Path:
        """Its data, logs and credentials."""
        return _started(self._directory)

    @property
    def ca_file(self) -> Path:
        """The authority that clients must trust."""
        return _started(self._credentials).ca_file

    @property
    def admin_kubeconfig(self) -> Path:
        """A kubeconfig that may do everything."""
        return self.directory / "admin.kubeconfig"

    @property
    def apiserver(self) -> Process:
        """The API server's process: freeze or kill it in a fault test."""
        return _started(self._apiserver)

    def start(self) -> Self:
        """Start both servers and wait until they are ready.

        Raises:
            ProvisioningError: the programs cannot be had.
            ProcessError: a server did not become ready; the text ends with its log.
        """
        programs = self.assets
        with self._progress.phase("Starting etcd and kube-apiserver"):
            for attempt in range(1, START_ATTEMPTS + 1):
                try:
                    self._start(programs)
                except ProcessError as error:
                    self.stop()
                    # someone took a port between the look and the bind; only the server's log says so
                    if "address already in use" not in str(error) or attempt == START_ATTEMPTS:
                        raise
                except BaseException:
                    self.stop()
                    raise
                else:
                    break
        return self

    def stop(self) -> None:
        """Stop both servers and remove their temporary directory. Nothing if they do not run."""
        self._cleanup.close()
        self._directory = self._credentials = self._etcd = self._apiserver = None

    def stop_apiserver(self) -> None:
        """Take the API server away; etcd keeps the data."""
        self.apiserver.stop(grace=STOP_SECONDS)

    def start_apiserver(self) -> None:
        """Start the API server, at the same address as ever, and wait until it is ready."""
        self.apiserver.start()
        self.apiserver.wait_ready(self._is_ready, timeout=START_SECONDS)

    def restart_apiserver(self) -> None:
        """Stop and start the API server: every watch and connection breaks, the data stays."""
        self.stop_apiserver()
        self.start_apiserver()

    def stop_etcd(self) -> None:
        """Take etcd away; the data stays on the disk. The API server stays and answers most requests with errors."""
        _started(self._etcd).stop(grace=STOP_SECONDS)

    def start_etcd(self) -> None:
        """Start etcd, at the same address as ever, and wait until it and the API server, where one runs, are ready."""
        etcd = _started(self._etcd).start()
        # an open port could be someone else's, who was quicker
        etcd.wait_ready(lambda: http_ok(self._etcd_port, "/health"), timeout=START_SECONDS)
        if self._apiserver is not None:
            self._apiserver.wait_ready(self._is_ready, timeout=START_SECONDS)

    def restart_etcd(self) -> None:
        """Stop and start etcd below a running API server."""
        self.stop_etcd()
        self.start_etcd()

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the API server as the administrator and give its JSON (text where it is not JSON).

        Raises:
            SandboxError: it refused; the text holds the status and its message.
            OSError: it did not answer.
        """
        credentials = _started(self._credentials)
        headers = {"Authorization": f"Bearer {credentials.admin_token}", "Content-Type": "application/json"}
        data = None if body is None else orjson.dumps(body)
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)  # noqa: S310 - our own https URL
        try:
            with urllib.request.urlopen(  # noqa: S310 - as above
                request, timeout=REQUEST_SECONDS, context=credentials.ssl_context()
            ) as answer:
                text: bytes = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
        except urllib.error.HTTPError as error:
            message = f"{method} {path}: {error.code} {error.read().decode(errors='replace')}"
            raise SandboxError(message) from None
        return orjson.loads(text) if is_json else text.decode()

    def write_kubeconfig(self, token: str, path: Path, namespace: str = "default") -> Path:
        """Write a kubeconfig (mode 0600) for whoever the token names; gives ``path``."""
        return write_kubeconfig(path, url=self.url, ca_file=self.ca_file, token=token, namespace=namespace)

    async def service_account_token(self, namespace: str, name: str, seconds: int = TOKEN_SECONDS) -> str:
        """A token of an existing ServiceAccount, valid for ``seconds``, from the TokenRequest API."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        kind = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        body = kind | {"spec": {"expirationSeconds": seconds}}
        answer = await asyncio.to_thread(self.request, "POST", path, body)
        token: str = answer["status"]["token"]
        return token

    async def kubeconfig_for_service_account(self, namespace: str, name: str) -> Path:
        """A kubeconfig with a fresh token of an existing ServiceAccount."""
        token = await self.service_account_token(namespace, name)
        return self.write_kubeconfig(token, self.directory / f"{namespace}.{name}.kubeconfig", namespace)

    async def request_counts(self) -> Counter[Request]:
        """How often the API server was asked what, since it started."""
        return parse_request_counts(await asyncio.to_thread(self.request, "GET", "/metrics"))

    async def kubectl(
        self,
        *arguments: str,
        kubeconfig: Path | None = None,
        input: str | None = None,  # noqa: A002 - as subprocess names it
        check: bool = True,
        timeout: float = KUBECTL_SECONDS,  # noqa: ASYNC109 - the process must be killed when it is over
    ) -> str:
        """Run kubectl, as the administrator unless ``kubeconfig`` says otherwise, and give its standard output.

        Secrets go through ``input`` (standard input), never into ``arguments``.

        Raises:
            CommandError: it failed (with ``check``), or took longer than ``timeout`` seconds.
        """
        # a home of its own, so that nothing of the user's is read or written
        environment = os.environ | {"KUBECONFIG": str(kubeconfig or self.admin_kubeconfig), "HOME": str(self.directory)}
        command = [str(self.assets.kubectl), *arguments]
        return await run_command(command, env=environment, given=input, check=check, timeout=timeout)

    def _start(self, programs: Assets) -> None:
        self._directory = directory = self._make_directory()
        self._credentials = credentials = make_credentials(directory / "credentials")
        port, self._etcd_port, peer_port = free_ports(3)
        self.url = f"https://{LOOPBACK}:{port}"
        self.write_kubeconfig(credentials.admin_token, self.admin_kubeconfig)
        self._etcd = Process(etcd_program(programs.etcd, directory, client_port=self._etcd_port, peer_port=peer_port))
        self._cleanup.callback(self._etcd.stop, grace=STOP_SECONDS)
        self.start_etcd()
        self._apiserver = Process(
            apiserver_program(programs.kube_apiserver, directory, credentials, port=port, etcd_port=self._etcd_port)
        )
        self._cleanup.callback(self._apiserver.stop, grace=STOP_SECONDS)
        self.start_apiserver()

    def _make_directory(self) -> Path:
        if self._given_dir:
            self._given_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._given_dir
        directory = tempfile.mkdtemp(prefix="navixy-sandbox-")
        self._cleanup.callback(shutil.rmtree, directory, ignore_errors=True)
        return Path(directory)

    def _is_ready(self) -> bool:
        """Whether it serves, with its own roles bootstrapped and the namespace ``default`` made."""
        try:
            self.request("GET", "/readyz")
            self.request("GET", "/api/v1/namespaces/default")
        except SandboxError:
            return False
        return True


def _started(part: _Part | None) -> _Part:
    if part is None:
        message = "the control plane was not started"
        raise SandboxError(message)
    return part
