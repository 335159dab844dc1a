"""The project's cache of servers: an artefact is published whole or not at all, and built by one process at a time."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CACHE_VARIABLE: Final = "NAVIXY_CACHE_DIR"
CACHE_NAME: Final = "navixy-operator"


def cache_dir() -> Path:
    """``NAVIXY_CACHE_DIR``, else ``navixy-operator`` below ``XDG_CACHE_HOME`` or ``~/.cache``; made if missing."""
    if own := os.environ.get(CACHE_VARIABLE):
        path = Path(own).expanduser().absolute()
    else:
        home = os.environ.get("XDG_CACHE_HOME")
        path = (Path(home) if home else Path.home() / ".cache") / CACHE_NAME
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def lock(target: Path) -> Iterator[None]:
    """Hold the only right to build ``target``; waits while another process builds it.

    The lock file stays: a lock on a file that someone removes would let two processes in. The kernel frees the lock
    of a process that dies.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def publishing(target: Path) -> Iterator[Path]:
    """Give an empty directory beside ``target`` to build in, renamed to ``target`` if the context ends well.

    Hold ``lock(target)`` around it and look again whether ``target`` is there. What was published under that name
    before is replaced; what a build left that failed or was killed is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}@"
    for left in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        yield work
        # mkdtemp is private to its owner, but servers that must not run as root read what root has unpacked
        work.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
