"""Differences between two JSON objects as a merge patch (RFC 7386). Pure."""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that makes ``old`` into ``new``; empty when they are equal.

    A key that is gone becomes null, a list that differs is sent whole. A null in ``new`` counts as absent, since a
    merge patch cannot say anything else; tuples count as lists.
    """
    patch: dict[str, Any] = {}
    for key, value in new.items():
        before = old.get(key)
        if value is None:
            continue
        if isinstance(value, Mapping):
            if isinstance(before, Mapping):
                if inner := merge_patch(before, value):
                    patch[key] = inner
            else:
                patch[key] = _without_nulls(value)
        elif not _same(before, value):
            patch[key] = value
    for key, before in old.items():
        if before is not None and new.get(key) is None:
            patch[key] = None
    return patch


def _same(before: object, value: object) -> bool:
    if isinstance(value, tuple):
        value = list(value)
    # 1 and True are equal in Python and different in JSON
    return before == value and isinstance(before, bool) == isinstance(value, bool)


def _without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(inner) if isinstance(inner, Mapping) else inner
        for key, inner in value.items()
        if inner is not None
    }
