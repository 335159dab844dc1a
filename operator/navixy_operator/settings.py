"""The process's settings: environment variables to frozen values, read once (design section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from navixy_operator.errors import InvalidSpec

ALL_NAMESPACES: Final = "*"
DATA_DIRECTORY: Final = "~/.local/state/navixy-operator"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the operator's process runs; what a synchronization does is in its NavixySync."""

    namespaces: tuple[str, ...] = ()
    """``WATCH_NAMESPACES``: names with commas between, ``*`` for all; empty: the namespace of the credentials."""
    health_port: int = 8080
    """``HEALTH_PORT``: TCP port of /healthz and /readyz; 0 takes a free one."""
    health_host: str = "0.0.0.0"  # noqa: S104 - the kubelet asks the pod's address
    """``HEALTH_HOST``: address the health port listens on."""
    audit_url: str = field(default="", repr=False)
    """``AUDIT_DATABASE_URL``, or what the file ``AUDIT_DATABASE_URL_FILE`` holds: the audit trail's SQLAlchemy URL.

    SQLite or PostgreSQL; empty: ``audit.db`` in the data directory. May bear a password: never shown.
    """
    data_directory: Path = Path(DATA_DIRECTORY)
    """``DATA_DIRECTORY``: where the audit trail is by default, and the entries that cannot be stored for the moment."""
    audit_spool_megabytes: int = 64
    """``AUDIT_SPOOL_MEGABYTES``: how much of the disk those entries may take (10^6 bytes, 1 to 100,000)."""
    log_level: str = "INFO"
    """``LOG_LEVEL``: DEBUG, INFO, WARNING or ERROR."""
    log_json: bool = True
    """``LOG_FORMAT``: ``json`` (for collectors) or ``console`` (for people)."""
    identity: str = "navixy-operator"
    """``POD_NAME``: how this process calls itself in Events, in the lease and towards kopf."""
    lease_namespace: str = ""
    """``LEASE_NAMESPACE``: where the lease of the leader is; empty: the namespace of the credentials."""
    leader_election_seconds: int = 15
    """``LEADER_ELECTION_SECONDS``: after so long without a renewal another process may take the lease over; 3 to 600.

    A leader that could not renew it for two thirds of that time ends itself. The same for all replicas.
    """
    alert_repeat_seconds: int = 60
    """``ALERT_REPEAT_SECONDS``: how often Alertmanager is told of an alert that lasts; 1 to 3600.

    It takes one for over that it has not been told of for four times that long: should it have been started anew, it
    knows what lasts after so many seconds.
    """

    @property
    def everywhere(self) -> bool:
        """Whether all namespaces are served."""
        return ALL_NAMESPACES in self.namespaces

    @property
    def spool_directory(self) -> Path:
        """Where entries wait that cannot be stored for the moment."""
        return self.data_directory.expanduser() / "spool"

    @property
    def audit_database_url(self) -> str:
        """The audit trail's URL, the default filled in."""
        return self.audit_url or f"sqlite:///{self.data_directory.expanduser() / 'audit.db'}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the variables. Raises InvalidSpec that names the variable and what it may be."""
        names = [name.strip() for name in environment.get("WATCH_NAMESPACES", "").split(",")]
        return cls(
            namespaces=tuple(name for name in names if name),
            health_port=_port(environment.get("HEALTH_PORT", "8080")),
            health_host=environment.get("HEALTH_HOST", "0.0.0.0"),  # noqa: S104 - as above
            audit_url=_audit_url(environment),
            data_directory=Path(environment.get("DATA_DIRECTORY") or DATA_DIRECTORY),
            audit_spool_megabytes=_number("AUDIT_SPOOL_MEGABYTES", environment, 64, "megabytes", 1, 100_000),
            log_level=_one_of("LOG_LEVEL", environment, "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
            log_json=_one_of("LOG_FORMAT", environment, "JSON", ("JSON", "CONSOLE")) == "JSON",
            identity=environment.get("POD_NAME", "navixy-operator"),
            lease_namespace=environment.get("LEASE_NAMESPACE", "").strip(),
            leader_election_seconds=_number("LEADER_ELECTION_SECONDS", environment, 15, "seconds", 3, 600),
            alert_repeat_seconds=_number("ALERT_REPEAT_SECONDS", environment, 60, "seconds", 1, 3600),
        )


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:  # noqa: PLR2004 - the last TCP port
        return int(text)
    message = f'HEALTH_PORT: "{text}" is no TCP port; give a number from 0 to 65535'
    raise InvalidSpec(message)


def _number(name: str, environment: Mapping[str, str], default: int, unit: str, least: int, most: int) -> int:
    text = environment.get(name, str(default))
    if text.isascii() and text.isdecimal() and least <= int(text) <= most:
        return int(text)
    message = f'{name}: "{text}" will not do; give a whole number of {unit} from {least} to {most}'
    raise InvalidSpec(message)


def _audit_url(environment: Mapping[str, str]) -> str:
    """The URL itself, or the first line of a file. Raises InvalidSpec that names the variable, never the value."""
    direct, name = environment.get("AUDIT_DATABASE_URL", "").strip(), environment.get("AUDIT_DATABASE_URL_FILE", "")
    if not name:
        return direct
    if direct:
        message = "AUDIT_DATABASE_URL and AUDIT_DATABASE_URL_FILE are both set: keep one of them"
        raise InvalidSpec(message)
    try:
        return Path(name).read_text("utf-8").strip()
    except FileNotFoundError:
        return ""  # a Secret that is optional and not there
    except (OSError, UnicodeDecodeError) as error:
        message = f"AUDIT_DATABASE_URL_FILE: {name} cannot be read ({type(error).__name__}); check its path and rights"
        raise InvalidSpec(message) from None


def _one_of(name: str, environment: Mapping[str, str], default: str, allowed: tuple[str, ...]) -> str:
    value = environment.get(name, default).upper()
    if value in allowed:
        return value
    message = f"{name} must be one of {', '.join(allowed)}"
    raise InvalidSpec(message)
