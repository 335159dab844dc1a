"""Where kube-apiserver, etcd and kubectl come from: the first source that has them.

    1. the directory that KUBEBUILDER_ASSETS names
    2. the project's cache, filled by 3 or 4
    3. the official envtest archive, given up within seconds where there is no network
    4. built from Debian's source package, in some minutes

kubectl comes from the same place, or, where that has none, from the cache or Debian's ``kubernetes-client``.
"""  # fmt: skip

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from navixy_operator.sandbox import apiserver_build, cache, debian, envtest
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import Progress, Quiet

OWN_VARIABLE: Final = "KUBEBUILDER_ASSETS"
SERVERS: Final = ("kube-apiserver", "etcd")
KUBECTL: Final = "kubectl"


@dataclass(frozen=True, slots=True)
class Assets:
    """The programs of a control plane; ``source`` says where they were found."""

    kube_apiserver: Path
    etcd: Path
    kubectl: Path
    source: str


def find(progress: Progress | None = None, *, archive: envtest.Archive | None = None) -> Assets:
    """Find the programs, or get them; slow only the first time. Blocking: call it in a thread.

    ``archive`` stands in for the pinned envtest archive.

    Raises:
        ProvisioningError: KUBEBUILDER_ASSETS names a directory without servers, or every source failed: the text says
            why each did.
    """
    progress = progress or Quiet()
    if own := os.environ.get(OWN_VARIABLE):
        return _in_own(Path(own), progress)
    for source, directory in _cached():
        if has_servers(directory):
            return _assets(directory, f"cache ({source})", progress)
    fetch: list[tuple[str, Callable[[], Path]]] = [
        ("envtest archive", lambda: envtest.fetch(archive or envtest.pinned(), envtest_dir(), progress)),
        ("Debian's source package", lambda: apiserver_build.build(built_dir(), progress)),
    ]
    refusals = []
    for source, get in fetch:
        try:
            return _assets(get(), source, progress)
        except ProvisioningError as error:
            refusals.append(f"{source}: {error}")
            progress.note(f"No control plane from {source}: {error}")
    message = f"kube-apiserver and etcd cannot be had; set {OWN_VARIABLE} to a directory with them. " + "; ".join(
        refusals
    )
    raise ProvisioningError(message)


def envtest_dir() -> Path:
    """Where the programs of the envtest archive are kept."""
    return cache.cache_dir() / "assets" / f"envtest-{envtest.VERSION}"


def built_dir() -> Path:
    """Where the programs that were built here are kept."""
    return cache.cache_dir() / "assets" / "debian"


def has_servers(directory: Path) -> bool:
    """Whether both servers lie in ``directory`` and can be executed."""
    return all(os.access(directory / name, os.X_OK) for name in SERVERS)


def _cached() -> tuple[tuple[str, Path], ...]:
    return (("envtest", envtest_dir()), ("built from Debian's source", built_dir()))


def _in_own(directory: Path, progress: Progress) -> Assets:
    if not has_servers(directory):
        message = f"{OWN_VARIABLE} names {directory}, where there are no executables {' and '.join(SERVERS)}"
        raise ProvisioningError(message)
    return _assets(directory.absolute(), OWN_VARIABLE, progress)


def _assets(directory: Path, source: str, progress: Progress) -> Assets:
    return Assets(directory / SERVERS[0], directory / SERVERS[1], _kubectl(directory, progress), source)


def _kubectl(beside: Path, progress: Progress) -> Path:
    """The kubectl beside the servers, else one in the cache, else Debian's."""
    for directory in (beside, *(cached for _, cached in _cached())):
        if os.access(directory / KUBECTL, os.X_OK):
            return directory / KUBECTL
    return debian.unpack(["kubernetes-client"], progress=progress) / "usr" / "bin" / KUBECTL
