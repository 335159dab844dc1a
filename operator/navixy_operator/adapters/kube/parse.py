"""From the API server's JSON to :class:`Resource`: cut to what is used, repeated strings shared."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from navixy_operator.core.vocabulary import Kind
from navixy_operator.ports import Resource

_NONE: Final[Mapping[str, Any]] = {}
Shared = dict[str, str]
"""One copy of each string of a list: 10,000 conditions say `Ready` and `True`."""


def resource_of(kind: Kind, item: Mapping[str, Any]) -> Resource:
    """One object as the API server or kopf gives it."""
    meta = item["metadata"]
    return Resource(
        kind=kind,
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        generation=meta.get("generation", 0),
        created_at=meta.get("creationTimestamp", ""),
        labels=meta.get("labels") or _NONE,
        annotations=meta.get("annotations") or _NONE,
        finalizers=tuple(meta.get("finalizers") or ()),
        deleting="deletionTimestamp" in meta,
        spec=item.get("spec") or _NONE,
        status=item.get("status") or _NONE,
    )


def resources_of(kind: Kind, items: Iterable[dict[str, Any]], shared: Shared) -> Iterable[Resource]:
    """The objects of one page; ``shared`` lives as long as the reading of the whole list."""
    for item in items:
        meta = item["metadata"]
        meta.pop("managedFields", None)
        _share(meta, shared)
        for part in ("spec", "status"):
            if content := item.get(part):
                _share(content, shared)
        yield resource_of(kind, item)


def _share(content: dict[str, Any], shared: Shared) -> None:
    """Replace every string in the object, in place, by the copy seen first."""
    for key, value in content.items():
        if isinstance(value, str):
            content[key] = shared.setdefault(value, value)
        elif isinstance(value, dict):
            _share(value, shared)
        elif isinstance(value, list):
            for inner in value:
                if isinstance(inner, dict):
                    _share(inner, shared)
