"""Paths of this group's objects at the API server."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from navixy_operator.core.vocabulary import API_VERSION, CUSTOMERS, CYCLES, INVESTIGATIONS, SYNCS, Kind

PLURALS: Final[Mapping[Kind, str]] = {
    Kind.CUSTOMER: CUSTOMERS,
    Kind.SYNC: SYNCS,
    Kind.CYCLE: CYCLES,
    Kind.INVESTIGATION: INVESTIGATIONS,
}
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def collection_path(kind: Kind, namespace: str) -> str:
    """Where the objects of a kind are listed and created; ``namespace`` "": in all namespaces."""
    prefix = f"/apis/{API_VERSION}"
    return f"{prefix}/namespaces/{_quoted(namespace)}/{PLURALS[kind]}" if namespace else f"{prefix}/{PLURALS[kind]}"


def object_path(kind: Kind, namespace: str, name: str) -> str:
    """Where one object is."""
    return f"{collection_path(kind, namespace)}/{_quoted(name)}"


def is_name(text: str) -> bool:
    """Whether an object can have this name."""
    return _NAME.fullmatch(text) is not None


def _quoted(segment: str) -> str:
    """One segment of a path: nothing that a caller gives can reach another path."""
    if is_name(segment):
        return segment
    return "%2E" * len(segment) if segment in {".", ".."} else quote(segment, safe="")
