"""The process's settings: environment variables to frozen values, read once (design section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from navixy_operator.errors import InvalidSpec

ALL_NAMESPACES: Final = "*"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the operator's process runs; what a synchronization does is in its NavixySync."""

    namespaces: tuple[str, ...] = ()
    """``WATCH_NAMESPACES``: names with commas between, ``*`` for all; empty: the namespace of the credentials."""
    health_port: int = 8080
    """``HEALTH_PORT``: TCP port of /healthz and /readyz; 0 takes a free one."""
    health_host: str = "0.0.0.0"  # noqa: S104 - the kubelet asks the pod's address
    """``HEALTH_HOST``: address the health port listens on."""
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

    @property
    def everywhere(self) -> bool:
        """Whether all namespaces are served."""
        return ALL_NAMESPACES in self.namespaces

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the variables. Raises InvalidSpec that names the variable and what it may be."""
        names = [name.strip() for name in environment.get("WATCH_NAMESPACES", "").split(",")]
        return cls(
            namespaces=tuple(name for name in names if name),
            health_port=_port(environment.get("HEALTH_PORT", "8080")),
            health_host=environment.get("HEALTH_HOST", "0.0.0.0"),  # noqa: S104 - as above
            log_level=_one_of("LOG_LEVEL", environment, "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
            log_json=_one_of("LOG_FORMAT", environment, "JSON", ("JSON", "CONSOLE")) == "JSON",
            identity=environment.get("POD_NAME", "navixy-operator"),
            lease_namespace=environment.get("LEASE_NAMESPACE", "").strip(),
            leader_election_seconds=_seconds(environment.get("LEADER_ELECTION_SECONDS", "15")),
        )


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:  # noqa: PLR2004 - the last TCP port
        return int(text)
    message = f'HEALTH_PORT: "{text}" is no TCP port; give a number from 0 to 65535'
    raise InvalidSpec(message)


def _seconds(text: str) -> int:
    if text.isascii() and text.isdecimal() and 3 <= int(text) <= 600:  # noqa: PLR2004 - as documented
        return int(text)
    message = f'LEADER_ELECTION_SECONDS: "{text}" will not do; give a whole number of seconds from 3 to 600'
    raise InvalidSpec(message)


def _one_of(name: str, environment: Mapping[str, str], default: str, allowed: tuple[str, ...]) -> str:
    value = environment.get(name, default).upper()
    if value in allowed:
        return value
    message = f"{name} must be one of {', '.join(allowed)}"
    raise InvalidSpec(message)
