"""Which NavixySync owns an F1.1: the oldest of those that name it (design section 2)."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from navixy_operator.ports import Resource

_DEFAULT_PORTS = {"http": 80, "https": 443}


def same_service(url: str) -> tuple[str, str, int | None, str] | None:
    """What two URLs of one service have in common: scheme, host, port, path; None where it is no URL."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, (parts.hostname or "").rstrip("."), port, parts.path.rstrip("/")


def owner_of(url: str, syncs: Iterable[Resource]) -> Resource | None:
    """The oldest NavixySync whose F1.1 is at this URL.

    Of two made in one second, which creation times cannot tell apart, the one that has worked already, else by uid.
    """
    service = same_service(url)
    rivals = [
        sync
        for sync in syncs
        if not sync.deleting and same_service(sync.spec.get("forwarding", {}).get("url", "")) == service
    ]
    return min(rivals, key=lambda sync: (sync.created_at, "lastCycle" not in sync.status, sync.uid), default=None)
