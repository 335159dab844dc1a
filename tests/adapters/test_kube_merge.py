"""Merge patches: a table, and the law that a patch makes the old into the new."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.adapters.kube.merge import merge_patch


def applied(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2, word for word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = applied(result.get(key), value)
    return result


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({}, {}, {}),
        ({"a": 1, "b": {"c": [1]}}, {"a": 1, "b": {"c": [1]}}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": 1}, {"b": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": 0}, {"a": False}, {"a": False}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({}, {"a": None, "b": {"c": None}}, {"b": {}}),
        ({"a": [1]}, {"a": (1,)}, {}),
        ({"a": {}}, {}, {"a": None}),
    ],
)
def test_table(old: dict[str, Any], new: dict[str, Any], patch: dict[str, Any]) -> None:
    """Each kind of difference."""
    assert merge_patch(old, new) == patch


LEAVES = st.integers(-2, 2) | st.booleans() | st.text("ab", max_size=2) | st.lists(st.integers(0, 2), max_size=2)
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), LEAVES, max_size=4),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), LEAVES | inner, max_size=4),
    max_leaves=12,
)


@given(OBJECTS, OBJECTS)
def test_the_patch_makes_old_into_new(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Applied as the RFC says, and empty exactly when there is nothing to do."""
    patch = merge_patch(old, new)
    assert repr(_sorted(applied(old, patch))) == repr(_sorted(new))
    assert bool(patch) == (repr(_sorted(old)) != repr(_sorted(new)))


def _sorted(value: Any) -> Any:
    """In an order of its own; an empty object stays another thing than an empty list."""
    return {key: _sorted(value[key]) for key in sorted(value)} if isinstance(value, dict) else value
