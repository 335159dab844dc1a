"""The control plane is a real one: RBAC, TLS, custom resources, tokens; it comes and goes without leaving anything."""

import asyncio
import json
import socket
import ssl
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import pytest
import trustme

from navixy_operator.sandbox import control_plane as module
from navixy_operator.sandbox.assets import Assets
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.errors import CommandError, ProcessError, SandboxError
from navixy_operator.sandbox.loopback import free_ports
from navixy_operator.sandbox.request_counts import Request

pytestmark = pytest.mark.server

THINGS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.sandbox.example"},
    "spec": {
        "group": "sandbox.example",
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 3}}},
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


def thing(name: str, size: int) -> str:
    """A custom resource, as JSON."""
    kind = {"apiVersion": "sandbox.example/v1", "kind": "Thing"}
    return json.dumps(kind | {"metadata": {"name": name}, "spec": {"size": size}})


@pytest.fixture
async def things(control_plane: ControlPlane) -> None:
    """A kind of custom resource, served."""
    await control_plane.kubectl("apply", "-f", "-", input=json.dumps(THINGS))
    await control_plane.kubectl("wait", "--for=condition=Established", "--timeout=20s", "crd/things.sandbox.example")


def running(directory: Path) -> list[str]:
    """The command lines of processes which name ``directory``."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = line.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in text:
            found.append(text)
    return found


def test_tls_is_verified(control_plane: ControlPlane, tmp_path: Path) -> None:
    """A client that trusts another authority refuses the server; one that trusts its own is served."""
    other = tmp_path / "other.crt"
    trustme.CA().cert_pem.write_to_path(str(other))

    def ask(authority: Path) -> int:
        context = ssl.create_default_context(cafile=str(authority))
        with urllib.request.urlopen(f"{control_plane.url}/version", timeout=10, context=context) as answer:  # noqa: S310 - https
            status: int = answer.status
            return status

    assert ask(control_plane.ca_file) == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(other)


async def test_rbac(control_plane: ControlPlane, namespace: str) -> None:
    """A ServiceAccount without a role is refused; with one it may do just that."""
    kubectl = control_plane.kubectl
    await kubectl("create", "serviceaccount", "robot", "-n", namespace)
    robot = await control_plane.kubeconfig_for_service_account(namespace, "robot")
    user = f"system:serviceaccount:{namespace}:robot"
    with pytest.raises(CommandError, match=rf'Forbidden.*"{user}" cannot list'):
        await kubectl("get", "configmaps", kubeconfig=robot)
    await kubectl("create", "role", "reader", "--verb=list", "--resource=configmaps", "-n", namespace)
    await kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:robot", "-n", namespace
    )
    await kubectl("auth", "can-i", "list", "configmaps", kubeconfig=robot)
    await kubectl("get", "configmaps", kubeconfig=robot)
    with pytest.raises(CommandError, match="Forbidden"):
        await kubectl("create", "configmap", "x", kubeconfig=robot)


@pytest.mark.usefixtures("things")
async def test_custom_resources(control_plane: ControlPlane, namespace: str) -> None:
    """A resource is written and read, its status apart; its schema is enforced."""
    await control_plane.kubectl("create", "-n", namespace, "-f", "-", input=thing("a", 2))
    path = f"/apis/sandbox.example/v1/namespaces/{namespace}/things/a"
    created = await asyncio.to_thread(control_plane.request, "GET", path)
    written = await asyncio.to_thread(control_plane.request, "PUT", f"{path}/status", created | {"status": {"n": 1}})
    assert (written["spec"], written["status"]) == ({"size": 2}, {"n": 1})
    with pytest.raises(CommandError, match=r"spec\.size"):
        await control_plane.kubectl("create", "-n", namespace, "-f", "-", input=thing("b", 4))


@pytest.mark.usefixtures("things")
async def test_request_counts(control_plane: ControlPlane, namespace: str) -> None:
    """The difference of two counts is exactly what was asked between them."""
    path = f"/apis/sandbox.example/v1/namespaces/{namespace}/things"
    before = await control_plane.request_counts()
    for name in ("a", "b"):
        await asyncio.to_thread(control_plane.request, "POST", path, json.loads(thing(name, 1)))
    await asyncio.to_thread(control_plane.request, "GET", path)
    counted = await control_plane.request_counts() - before
    group, resource = "sandbox.example", "things"
    assert {request: times for request, times in counted.items() if request.resource == resource} == {
        Request("POST", group, resource, "", 201): 2,
        Request("LIST", group, resource, "", 200): 1,
    }


def test_secrets_stay_private(control_plane: ControlPlane) -> None:
    """The administrator's token is in files of their owner's alone, and on no command line."""
    assert control_plane.admin_kubeconfig.stat().st_mode & 0o777 == 0o600
    assert control_plane.directory.stat().st_mode & 0o777 == 0o700
    token = control_plane._credentials.admin_token if control_plane._credentials else ""
    assert token in control_plane.admin_kubeconfig.read_text()
    servers = running(control_plane.directory)
    assert len(servers) == 2
    assert not any(token in line for line in servers)
    assert token not in repr(control_plane._credentials)


async def test_kubectl_has_a_deadline(control_plane: ControlPlane) -> None:
    """A command that would wait for ever is ended, and said to be."""
    with pytest.raises(CommandError, match=r"kubectl get ns -w took longer than 1 s"):
        await control_plane.kubectl("get", "ns", "-w", timeout=0.6)


def test_a_refused_request_says_why(control_plane: ControlPlane) -> None:
    """Status and message of the API server."""
    with pytest.raises(SandboxError, match=r"GET /api/v1/namespaces/none: 404 .*not found"):
        control_plane.request("GET", "/api/v1/namespaces/none")


def test_start_restart_stop(control_plane_assets: Assets, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that someone took is no obstacle; a restart keeps data and address; a stop leaves nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offers = iter([[*free_ports(1), taken.getsockname()[1], *free_ports(1)]])
        monkeypatch.setattr(module, "free_ports", lambda count: next(offers, None) or free_ports(count))
        plane = ControlPlane(control_plane_assets)
        plane.start()
    try:
        directory, url = plane.directory, plane.url
        plane.request("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "kept"}})
        plane.stop_apiserver()
        with pytest.raises(OSError, match="refused"):
            plane.request("GET", "/version")
        plane.start_apiserver()
        assert plane.url == url
        assert plane.request("GET", "/api/v1/namespaces/default/configmaps/kept")["metadata"]["name"] == "kept"
        assert len(running(directory)) == 2
    finally:
        plane.stop()
    assert running(directory) == []
    assert not directory.exists()
    plane.stop()  # a second one does nothing


def test_etcd_goes_and_comes_back(control_plane_assets: Assets) -> None:
    """Below the same API server, with all that was written; a restart is both in one."""
    with ControlPlane(control_plane_assets) as plane:
        directory, url, pid = plane.directory, plane.url, plane.apiserver.pid
        maps = "/api/v1/namespaces/default/configmaps"
        plane.request("POST", maps, {"metadata": {"name": "kept"}})
        plane.stop_etcd()
        assert servers_of(running(directory)) == {"kube-apiserver"}
        plane.start_etcd()
        assert (plane.url, plane.apiserver.pid) == (url, pid)
        assert plane.request("GET", f"{maps}/kept")["metadata"]["name"] == "kept"
        plane.restart_etcd()
        plane.request("POST", maps, {"metadata": {"name": "written"}})
    assert running(directory) == []


def test_a_server_that_fails_is_told_with_its_log(tmp_path: Path, control_plane_assets: Assets) -> None:
    """The log's tail is in the error, and nothing is left."""
    broken = tmp_path / "etcd"
    broken.write_text("#!/bin/sh\necho disk on fire >&2; exit 1\n")
    broken.chmod(0o755)
    kept = control_plane_assets
    plane = ControlPlane(Assets(kept.kube_apiserver, broken, kept.kubectl, "test"), data_dir=tmp_path / "data")
    with pytest.raises(ProcessError, match=r"(?s)etcd ended with exit code 1.*disk on fire"):
        plane.start()
    assert running(tmp_path / "data") == []


def test_nothing_outlives_a_caller_that_is_killed(tmp_path: Path, control_plane_assets: Assets) -> None:
    """SIGKILL of the process that owns a control plane ends etcd and the API server."""
    data = tmp_path / "data"
    paths = (control_plane_assets.kube_apiserver, control_plane_assets.etcd, control_plane_assets.kubectl)
    source = f"""
        from pathlib import Path
        from navixy_operator.sandbox.assets import Assets
        from navixy_operator.sandbox.control_plane import ControlPlane
        with ControlPlane(Assets(*map(Path, {[str(path) for path in paths]!r}), "test"), data_dir=Path({str(data)!r})):
            print("started", flush=True)
            input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"started\n"
        before = servers_of(running(data))
        caller.kill()
    deadline = time.monotonic() + 20
    while left := servers_of(running(data)):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    assert before == {"etcd", "kube-apiserver"}


def servers_of(lines: Iterable[str]) -> set[str]:
    """The names of the programs in these command lines."""
    return {Path(line.split()[0]).name for line in lines} & {"etcd", "kube-apiserver"}
