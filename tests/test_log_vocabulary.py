"""Names of log lines and of all else: the code against the vocabulary (the docs: tests/test_readme.py)."""

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

import pytest

from navixy_operator.core import vocabulary
from navixy_operator.core.vocabulary import EventName, LogEvent, RuleName

PACKAGE: Final = Path(__file__).parents[1] / "operator" / "navixy_operator"
# the sandbox's servers are no part of the operator
SOURCES: Final = {
    path: ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts
}
ELSEWHERE: Final = {RuleName}
"""Of manifests/monitoring alone, where tests/test_monitoring_vocabulary.py looks for them."""
ENUMS: Final = sorted(
    {
        enum
        for enum in vars(vocabulary).values()
        if isinstance(enum, type) and issubclass(enum, StrEnum) and enum not in ELSEWHERE
    },
    key=lambda enum: enum.__name__,
)
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


USED: Final = {
    (node.value.id, node.attr)
    for path, tree in SOURCES.items()
    if "vocabulary" not in path.parts
    for node in ast.walk(tree)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
}
"""Every ``name.attribute`` of the code."""


def test_the_enums_are_found() -> None:
    """The test below has what it is for."""
    assert {"EventName", "LogEvent", "Reason", "Cause", "Condition", "Discrepancy"} <= {e.__name__ for e in ENUMS}


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_every_name_is_used_somewhere(enum: type[StrEnum]) -> None:
    """A name that nothing sets or asks for is one that a reader waits for in vain."""
    assert {member for member in enum.__members__ if (enum.__name__, member) not in USED} == set()


def test_log_lines_and_events_are_told_apart() -> None:
    """No name is both a line of the process's own and an event of the audit trail."""
    assert not set(map(str, LogEvent)) & set(map(str, EventName))
