"""Debian packages unpacked into the cache rather than installed: no maintainer script runs, no service starts."""

import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path

from navixy_operator.sandbox import cache
from navixy_operator.sandbox.apt import Apt, run_tool
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import Progress, Quiet


def unpack(packages: Sequence[str], *, name: str | None = None, progress: Progress | None = None) -> Path:
    """Give the prefix below which ``packages`` and those of their dependencies lie that this machine lacks.

    Works for packages that are installed here as well, needs no root, and downloads only once: the prefix is kept in
    the cache as ``name`` (by default the packages' names). A program in it may need ``LD_LIBRARY_PATH``, see
    ``library_path``. Blocking: call it in a thread.

    Raises:
        ProvisioningError: no apt, not Debian, no such package, or no network.
    """
    progress = progress or Quiet()
    name = name or "+".join(sorted(packages))
    prefix = cache.cache_dir() / "debian" / name
    with cache.lock(prefix):
        if not prefix.is_dir():
            with cache.publishing(prefix) as work:
                unpack_into(work, packages, progress)
    return prefix


def library_path(prefix: Path) -> str:
    """The directories of shared libraries below ``prefix``, as a value for ``LD_LIBRARY_PATH``."""
    triplet = f"{platform.machine()}-linux-gnu"
    candidates = (prefix / "usr/lib" / triplet, prefix / "lib" / triplet, prefix / "usr/lib")
    return ":".join(str(path) for path in candidates if path.is_dir())


def unpack_into(directory: Path, packages: Sequence[str], progress: Progress) -> None:
    """Unpack the packages, and what they need and this machine lacks, below ``directory``.

    Raises:
        ProvisioningError: as ``unpack``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    apt = Apt()
    apt.update(progress)
    shown = ", ".join(packages)
    with tempfile.TemporaryDirectory(prefix=".debs-", dir=directory.parent) as scratch:
        archives = Path(scratch)
        with progress.phase(f"Downloading from Debian: {shown}"):
            _download(apt, packages, archives, progress)
        found = sorted(archives.glob("*.deb"))
        if not found:
            message = f"apt-get downloaded nothing for {shown}"
            raise ProvisioningError(message)
        with progress.phase(f"Unpacking {len(found)} Debian packages"):
            for package in found:
                run_tool(["dpkg-deb", "-x", str(package), str(directory)])


def _download(apt: Apt, packages: Sequence[str], archives: Path, progress: Progress) -> None:
    """Download to ``archives``; with new lists once more, as old ones may name what the mirror has dropped."""
    (archives / "partial").mkdir()
    # --reinstall: download what is named even where it is installed
    arguments = ("install", "--yes", "--download-only", "--reinstall", "--no-install-recommends", "--", *packages)
    try:
        apt.run(*arguments, archives=archives)
    except ProvisioningError:
        apt.update(progress, force=True)
        apt.run(*arguments, archives=archives)
