"""apt without root: the machine's own Debian mirrors with package lists, archives and sources of our own."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from navixy_operator.sandbox import cache
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import Progress

ETC_APT: Final = Path("/etc/apt")
OS_RELEASE: Final = Path("/etc/os-release")
LISTS_MAX_AGE_SECONDS: Final = 24 * 3600.0
APT_TIMEOUT_SECONDS: Final = 900.0
ERROR_LINES: Final = 5

_OPTION_FIELDS: Final[Mapping[str, str]] = {"signed-by": "Signed-By", "trusted": "Trusted", "arch": "Architectures"}
_KEPT_FIELDS: Final[tuple[str, ...]] = ("Signed-By", "Trusted", "Architectures")


@dataclass(frozen=True, slots=True)
class Source:
    """One package source of the machine: its mirrors, suites and the options that make apt trust it."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    def stanza(self, *, types: str) -> str:
        """The deb822 form, for ``types`` such as ``deb deb-src``."""
        lines = [f"Types: {types}", f"URIs: {' '.join(self.uris)}", f"Suites: {' '.join(self.suites)}"]
        # an inline key begins on the next line
        options = (f"{key}:{text}" if text.startswith("\n") else f"{key}: {text}" for key, text in self.options.items())
        return "\n".join([*lines, "Components: main", *options]) + "\n"


def debian_sources(etc_apt: Path = ETC_APT, os_release: Path = OS_RELEASE) -> list[Source]:
    """The machine's sources of its own Debian release, whatever mirror they name; third parties' are left out.

    Raises:
        ProvisioningError: this is not Debian, or no source of its release is configured.
    """
    release = _os_release(os_release)
    codename = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or not codename:
        message = f"Debian packages are needed, but this system is {release.get('PRETTY_NAME', 'not Debian')}"
        raise ProvisioningError(message)
    ours = [kept for source in _configured(etc_apt) if (kept := _of_release(source, codename))]
    if not ours:
        message = f"no source of Debian {codename} is configured in {etc_apt}"
        raise ProvisioningError(message)
    return ours


class Apt:
    """apt-get with lists of our own under ``root``; touches nothing of the system and needs no privileges."""

    def __init__(self, root: Path | None = None, *, sources: bool = False) -> None:
        """Keep the state in ``root`` (by default in the cache); ``sources``: list source packages as well."""
        self.types = "deb deb-src" if sources else "deb"
        self.root = root or cache.cache_dir() / "apt" / self.types.replace(" ", "+")

    def update(self, progress: Progress, *, force: bool = False) -> None:
        """Fetch the package lists if there are none younger than a day, or with ``force``.

        Raises:
            ProvisioningError: no apt, not Debian, or the mirror does not answer.
        """
        if shutil.which("apt-get") is None:
            message = "Debian packages are needed, but there is no apt-get here"
            raise ProvisioningError(message)
        stanzas = "\n".join(source.stanza(types=self.types) for source in debian_sources())
        with cache.lock(self.root):
            listed, stamp = self.root / "debian.sources", self.root / "updated"
            known = listed.exists() and listed.read_text() == stanzas
            young = stamp.exists() and time.time() - stamp.stat().st_mtime < LISTS_MAX_AGE_SECONDS
            if known and young and not force:
                return
            (self.root / "lists" / "partial").mkdir(parents=True, exist_ok=True)
            listed.write_text(stanzas)
            with progress.phase("Fetching Debian's package lists"):
                # without Error-Mode an unreachable mirror is a warning, and the lists stay empty
                self.run("update", "-o", "APT::Update::Error-Mode=any")
            stamp.touch()

    def run(self, *arguments: str, cwd: Path | None = None, archives: Path | None = None) -> str:
        """Run apt-get and give its output; downloaded packages go to ``archives``.

        Raises:
            ProvisioningError: it failed; the text holds its last error lines.
        """
        # the sandbox user of root's apt could not write below a home directory; without root there is no choice
        user = "root" if os.geteuid() == 0 else ""
        options = {
            "Dir::Etc::sourcelist": str(self.root / "debian.sources"),
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": str(self.root / "lists"),
            "Dir::Cache::archives": str(archives or self.root / "archives"),
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": user,
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "20",
            "Acquire::https::Timeout": "20",
        }
        flags = [flag for key, value in options.items() for flag in ("-o", f"{key}={value}")]
        return run_tool(["apt-get", "-q", *flags, *arguments], cwd=cwd)


def run_tool(command: list[str], *, cwd: Path | None = None) -> str:
    """Run one of Debian's tools in the C locale and give its standard output.

    Raises:
        ProvisioningError: it failed or took longer than 15 minutes; the text holds its last error lines.
    """
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=APT_TIMEOUT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        message = f"{command[0]} took longer than {APT_TIMEOUT_SECONDS / 60:.0f} minutes"
        raise ProvisioningError(message) from None
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:", "Err"))]
        tail = (told or done.stderr.splitlines())[-ERROR_LINES:]
        message = f"{command[0]} failed ({done.returncode}): " + " | ".join(tail)
        raise ProvisioningError(message)
    return done.stdout


def _os_release(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _configured(etc_apt: Path) -> Iterable[Source]:
    """Every ``deb`` source, in either of apt's two formats."""
    one_line = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*.list"))]
    for path in filter(Path.exists, one_line):
        yield from filter(None, map(_from_line, path.read_text().splitlines()))
    for path in sorted((etc_apt / "sources.list.d").glob("*.sources")):
        yield from filter(None, map(_from_stanza, re.split(r"\n\s*\n", path.read_text())))


def _from_line(line: str) -> Source | None:
    match = re.match(
        r"\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>[^#]+)", line
    )
    if not match or "main" not in match["components"].split():
        return None
    pairs = (option.partition("=") for option in (match["options"] or "").split())
    options: dict[str, str] = {
        _OPTION_FIELDS[key.lower()]: value.replace(",", " ") for key, _, value in pairs if key.lower() in _OPTION_FIELDS
    }
    return Source((match["uri"],), (match["suite"],), options)


def _from_stanza(stanza: str) -> Source | None:
    fields: dict[str, str] = {}
    key = ""
    for line in stanza.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace() and key:  # a continuation: the lines of a key that is given in place
            fields[key] += "\n" + line
        else:
            key, _, text = line.partition(":")
            key = key.strip().title()
            fields[key] = text.strip()
    switched_off = fields.get("Enabled", "yes").lower() in {"no", "false", "0"}
    if (
        switched_off
        or "deb" not in fields.get("Types", "").split()
        or "main" not in fields.get("Components", "").split()
    ):
        return None
    options = {key: fields[key] for key in _KEPT_FIELDS if key in fields}
    return Source(tuple(fields.get("Uris", "").split()), tuple(fields.get("Suites", "").split()), options)


def _of_release(source: Source, codename: str) -> Source | None:
    ours = {codename, f"{codename}-updates", f"{codename}-security", f"{codename}/updates"}
    suites = tuple(suite for suite in source.suites if suite in ours)
    return Source(source.uris, suites, source.options) if suites and source.uris else None
