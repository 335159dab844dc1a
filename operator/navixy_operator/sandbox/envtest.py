"""The official archive of a control plane for tests (kubernetes-sigs/controller-tools, ``envtest-releases.yaml``)."""

import hashlib
import os
import platform
import tarfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from navixy_operator.sandbox import cache
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import Progress

VERSION: Final = "1.36.2"
# SHA-512 of the archive for each platform, from the release index of that project
SHA512: Final[Mapping[str, str]] = {
    "linux-amd64": (
        "ea743186c8a799f5cf8faf16969f86189d003cb7d130e0ac4b58789f1e5748dc"
        "f30ebe91c837a10d5ac415383da3e10b9e64d65785c938c23e739781cfb76f08"
    ),
    "linux-arm64": (
        "2d72ee985a8e262a3c57dc9f7f0fd891f6a8c7bf7ebaa2db6dc6d8eac8ae2818"
        "1afe51c1f368b67756cdb40b10de9b205609e1726e5f27f7c6d824dd9c6649ac"
    ),
}
URL_VARIABLE: Final = "NAVIXY_ENVTEST_URL"
DEFAULT_URL: Final = "https://github.com/kubernetes-sigs/controller-tools/releases/download"
PROGRAMS: Final = ("kube-apiserver", "etcd", "kubectl")
CHUNK_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds: for the first byte, with names and redirects; for each next one; for all."""

    first_byte: float = 6.0
    stall: float = 10.0
    total: float = 300.0


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive to fetch, and the checksum that it must have."""

    url: str
    sha512: str
    limits: Limits = field(default_factory=Limits)


def pinned() -> Archive:
    """The archive for this machine, below ``NAVIXY_ENVTEST_URL`` if that is set.

    Raises:
        ProvisioningError: there is none for this platform.
    """
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    name = f"{platform.system().lower()}-{machine}"
    if name not in SHA512:
        message = f"no envtest archive is pinned for {name}"
        raise ProvisioningError(message)
    base = os.environ.get(URL_VARIABLE, DEFAULT_URL).rstrip("/")
    return Archive(f"{base}/envtest-v{VERSION}/envtest-v{VERSION}-{name}.tar.gz", SHA512[name])


def fetch(archive: Archive, target: Path, progress: Progress) -> Path:
    """Download the archive, check it and publish its programs as ``target``; gives ``target``.

    Raises:
        ProvisioningError: no answer in time, not found, a wrong checksum, or programs are missing in it.
    """
    with cache.lock(target):
        if target.is_dir():
            return target
        with cache.publishing(target) as work, progress.phase(f"Downloading {archive.url}"):
            file = work / "archive.tar.gz"
            _Download(archive, file).run()
            _extract(file, work)
            file.unlink()
    return target


class _Download:
    """One download in a thread of its own, because resolving a name cannot be given a time limit."""

    def __init__(self, archive: Archive, file: Path) -> None:
        self._archive = archive
        self._file = file
        self._begun = threading.Event()
        self._given_up = threading.Event()
        self._problem: str | None = "no answer"

    def run(self) -> None:
        limits = self._archive.limits
        thread = threading.Thread(target=self._work, name="envtest", daemon=True)
        deadline = time.monotonic() + limits.total
        thread.start()
        try:
            if not self._begun.wait(limits.first_byte):
                message = f"no answer within {limits.first_byte:.1f} s"
                raise ProvisioningError(message)
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                message = f"not downloaded within {limits.total:.0f} s"
                raise ProvisioningError(message)
        finally:
            self._given_up.set()
        if self._problem is not None:
            raise ProvisioningError(self._problem)

    def _work(self) -> None:
        try:
            digest = self._download()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            self._problem = f"{type(error).__name__}: {error}"
        else:
            expected = self._archive.sha512
            self._problem = None if digest == expected else f"wrong SHA-512: {digest[:16]}…, not {expected[:16]}…"
        finally:
            self._begun.set()

    def _download(self) -> str:
        limits = self._archive.limits
        timeout = httpx.Timeout(limits.stall, connect=limits.first_byte)
        digest = hashlib.sha512()
        with (
            httpx.Client(timeout=timeout, follow_redirects=True) as client,
            client.stream("GET", self._archive.url) as answer,
        ):
            self._begun.set()
            answer.raise_for_status()
            with self._file.open("wb") as file:
                for chunk in answer.iter_bytes(CHUNK_BYTES):
                    if self._given_up.is_set():
                        break
                    digest.update(chunk)
                    file.write(chunk)
        return digest.hexdigest()


def _extract(archive: Path, directory: Path) -> None:
    """Take the programs, and nothing else, out of the archive."""
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            if name in PROGRAMS and member.isfile():
                member.name, member.mode = name, 0o755
                tar.extract(member, directory, filter="data")
    missing = [name for name in PROGRAMS if not (directory / name).is_file()]
    if missing:
        message = f"the archive lacks {', '.join(missing)}"
        raise ProvisioningError(message)
