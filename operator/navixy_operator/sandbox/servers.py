"""How etcd and kube-apiserver are run: flags that servers from 1.20 to 1.36 understand alike."""

import os
import platform
from pathlib import Path
from typing import Final

from navixy_operator.sandbox.credentials import Credentials
from navixy_operator.sandbox.loopback import LOOPBACK
from navixy_operator.sandbox.process import Program

ISSUER: Final = "https://kubernetes.default.svc"
SERVICE_RANGE: Final = "10.0.0.0/24"


def etcd_program(binary: Path, directory: Path, *, client_port: int, peer_port: int) -> Program:
    """A throw-away etcd: nothing is synced to the disk, nobody but this machine reaches it."""
    client, peer = f"http://{LOOPBACK}:{client_port}", f"http://{LOOPBACK}:{peer_port}"
    flags: dict[str, str | int | Path] = {
        "name": "sandbox",
        "data-dir": directory / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"sandbox={peer}",
        "unsafe-no-fsync": "true",
    }
    # etcd asks for this on whatever is not amd64
    environment = _environment() | {"ETCD_UNSUPPORTED_ARCH": {"aarch64": "arm64"}.get(platform.machine(), "")}
    return Program(name="etcd", argv=_argv(binary, flags), log=directory / "etcd.log", env=environment)


def apiserver_program(binary: Path, directory: Path, credentials: Credentials, *, port: int, etcd_port: int) -> Program:
    """An API server with RBAC and TLS on the loopback address."""
    flags: dict[str, str | int | Path] = {
        "etcd-servers": f"http://{LOOPBACK}:{etcd_port}",
        "bind-address": LOOPBACK,
        "advertise-address": LOOPBACK,
        "secure-port": port,
        "cert-dir": directory / "apiserver",
        "tls-cert-file": credentials.serving_certificate,
        "tls-private-key-file": credentials.serving_key,
        "token-auth-file": credentials.token_file,
        "authorization-mode": "RBAC",
        "service-account-issuer": ISSUER,
        "service-account-key-file": credentials.service_account_key,
        "service-account-signing-key-file": credentials.service_account_key,
        "service-cluster-ip-range": SERVICE_RANGE,
        # nothing makes default ServiceAccounts here, and no pod ever runs
        "disable-admission-plugins": "ServiceAccount",
        # an endpoint on the loopback address would be refused, over and over
        "endpoint-reconciler-type": "none",
    }
    log = directory / "kube-apiserver.log"
    return Program(name="kube-apiserver", argv=_argv(binary, flags), log=log, env=_environment())


def _environment() -> dict[str, str]:
    """The caller's, but that Go collects garbage a quarter as often: memory is there, processor time is not."""
    return {"GOGC": "400", **os.environ}


def _argv(binary: Path, flags: dict[str, str | int | Path]) -> list[str]:
    return [str(binary), *(f"--{flag}={value}" for flag, value in flags.items())]
