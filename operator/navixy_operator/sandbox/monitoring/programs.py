"""Where the monitoring programs come from: installed here, or unpacked from Debian's packages into the cache."""

import os
import re
import shutil
from pathlib import Path
from typing import Final

from navixy_operator.sandbox import cache, debian
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import Progress, Quiet

PROMETHEUS: Final = "prometheus"
PROMTOOL: Final = "promtool"
ALERTMANAGER: Final = "prometheus-alertmanager"

# other names under which a program may be installed
OTHER_NAMES: Final = {ALERTMANAGER: "alertmanager"}
# the programs' packages; what they depend on are the scripts of a web interface, more than twice the programs' size
PACKAGES: Final = {PROMETHEUS: "prometheus", PROMTOOL: "prometheus", ALERTMANAGER: "prometheus-alertmanager"}
TEMPLATES: Final = "usr/share/prometheus/alertmanager"
KEPT: Final = {
    "prometheus": ("usr/bin/prometheus", "usr/bin/promtool"),
    "prometheus-alertmanager": ("usr/bin/prometheus-alertmanager", TEMPLATES),
}


def find(name: str, progress: Progress | None = None) -> Path:
    """The program, got from Debian if it is not installed; slow only the first time. Blocking: call it in a thread.

    Raises:
        ProvisioningError: no apt, not Debian, no such package, or no network.
    """
    for known_as in filter(None, (name, OTHER_NAMES.get(name))):
        if installed := shutil.which(known_as):
            return Path(installed)
    return _unpacked(PACKAGES[name], progress or Quiet()) / "usr/bin" / name


def templates(alertmanager: Path) -> Path | None:
    """The templates that came with the Alertmanager, its working directory if it was unpacked; None: there are none."""
    path = alertmanager.resolve().parent / ".." / TEMPLATES.removeprefix("usr/")
    return path if path.is_dir() else None


def _unpacked(package: str, progress: Progress) -> Path:
    """The prefix below which the package's programs lie, with no more than they need."""
    prefix = cache.cache_dir() / "debian" / f"{package}-programs"
    with cache.lock(prefix):
        if not prefix.is_dir():
            with cache.publishing(prefix) as work:
                _unpack_into(work, package, progress)
    return prefix


def _unpack_into(work: Path, package: str, progress: Progress) -> None:
    whole = work / "whole"
    debian.unpack_into(whole, [package], progress)
    for kept in KEPT[package]:
        if not (whole / kept).exists():
            message = f"Debian's package {package} holds no {kept}"
            raise ProvisioningError(message)
        (work / kept).parent.mkdir(parents=True, exist_ok=True)
        (whole / kept).rename(work / kept)
    shutil.rmtree(whole)
    if (alertmanager := work / "usr/bin" / ALERTMANAGER).exists():
        _relocate(alertmanager)


def _relocate(alertmanager: Path) -> None:
    """Let it look for its templates in its working directory.

    Upstream's holds them; Debian's reads them from below /usr/share, whatever it is told, and does not start without.
    A string of a Go program has a length, so that the new path is as long as the old one.
    """
    installed = os.fsencode(f"/{TEMPLATES}")
    others = rb"(?!/(?:no-)?ui)"
    here = b".".ljust(len(installed), b"/")
    alertmanager.write_bytes(re.sub(re.escape(installed) + others, here, alertmanager.read_bytes()))
