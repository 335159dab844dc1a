"""Names of log lines: the code against the vocabulary, in both directions (the docs: tests/test_readme.py)."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from navixy_operator.core.vocabulary import EventName, LogEvent

PACKAGE: Final = Path(__file__).parents[1] / "operator" / "navixy_operator"
# the sandbox's servers are no part of the operator
SOURCES: Final = {
    path: ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts
}
LEVELS: Final = {"debug", "info", "warning", "error", "exception", "critical"}


def told(tree: ast.AST) -> Iterator[ast.expr]:
    """What each log line is called."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=attr), args=[name, *_]) if attr in LEVELS:
                yield name


def is_literal(name: ast.expr) -> bool:
    """Whether a line is called by a text that stands in the code."""
    return isinstance(name, ast.JoinedStr) or (isinstance(name, ast.Constant) and isinstance(name.value, str))


def test_every_line_has_its_name_from_the_vocabulary() -> None:
    """No name is spelt where it is told."""
    spelt = {str(path): ast.unparse(name) for path, tree in SOURCES.items() for name in told(tree) if is_literal(name)}
    assert spelt == {}


@pytest.mark.parametrize("line", ['log.info("Done")', 'self._log(sync).warning(f"{a} failed", a=1)'])
def test_a_name_that_is_spelt_is_found(line: str) -> None:
    """The test above sees what it looks for."""
    assert all(map(is_literal, told(ast.parse(line))))


def test_every_name_is_told_somewhere() -> None:
    """And none is also an event of the audit trail: nobody could tell them apart."""
    used = {
        node.attr
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "LogEvent"
    }
    assert used == set(LogEvent.__members__)
    assert not set(map(str, LogEvent)) & set(map(str, EventName))
