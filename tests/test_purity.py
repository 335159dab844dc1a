"""The core is pure: an allow-list of the standard library, and none of the calls that import-linter cannot see."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import navixy_operator.core

CORE: Final = Path(navixy_operator.core.__file__).parent
MODULES: Final = sorted(CORE.rglob("*.py"))
ALLOWED: Final = {
    "base64",
    "collections",
    "collections.abc",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "math",
    "re",
    "typing",
}
IMPURE: Final = {"now", "utcnow", "today", "fromtimestamp"}
"""Methods of datetime and date that read the clock or the machine's time zone."""
FORBIDDEN: Final = {
    *("open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint", "globals"),
    *("time", "logging", "os", "socket", "random", "sys", "secrets", "uuid", "asyncio", "threading", "subprocess"),
}


def impurities(source: str) -> Iterator[str]:
    """Every import outside the allow-list, every forbidden name, every reading of a clock."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name not in ALLOWED)
            case ast.ImportFrom(module=module, level=level) if level or not _is_allowed(module or ""):
                yield "." * level + (module or "")
            case ast.ImportFrom(names=names):
                yield from (name.name for name in names if name.name in FORBIDDEN)
            case ast.Name(id=name) if name in FORBIDDEN:
                yield name
            case ast.Attribute(attr=name) if name in IMPURE:
                yield name
            case ast.Global(names=names):
                yield f"global {names}"
            case _:
                pass


def _is_allowed(module: str) -> bool:
    return module in ALLOWED or module == "navixy_operator.core" or module.startswith("navixy_operator.core.")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_the_core_is_pure(module: Path) -> None:
    """Standard library only, no clock, no logging, no I/O."""
    assert list(impurities(module.read_text(encoding="utf-8"))) == []


def test_all_of_the_core_is_looked_at() -> None:
    """The modules of the design are there."""
    assert {
        "model.py",
        "reasons.py",
        "fact.py",
        "eligibility.py",
        "plan.py",
        "guards.py",
        "conditions.py",
        "report.py",
    } <= {module.name for module in MODULES}


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "import logging.handlers",
        "from time import sleep",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import date\nclock = date.today",
        "open('x')",
        "import structlog",
        "from navixy_operator.ports import Clock",
        "from navixy_operator import errors",
        "from . import plan",
        "def f():\n    import random",
        "eval('1')",
        "print()",
    ],
)
def test_what_is_impure_is_found(source: str) -> None:
    """The check itself can fail."""
    assert list(impurities(source))
