"""What the commands share: JSON of whatever there is, and tables and facts that cannot command a terminal."""

import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from navixy_operator.cli.common import echo_facts, print_columns, print_facts, print_json

ESCAPES = "bad \x1b[2Jgone \x1b]0;title\x07 \ud800"
SHOWN = "bad \\x1b[2Jgone \\x1b]0;title\\x07 \\ud800"


def test_json_of_what_orjson_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    """Halves of a surrogate pair, long integers; moments as elsewhere, and anything else as text."""
    moment = datetime(2026, 3, 1, 3, tzinfo=UTC)
    print_json({"half": "a\ud800b", "long": 2**70, "at": moment, "else": 1j})
    out = capsys.readouterr().out
    assert '\n  "half": "a\\ud800b",\n' in out
    assert json.loads(out) == {"half": "a\ud800b", "long": 2**70, "at": "2026-03-01T03:00:00+00:00", "else": "1j"}


def test_facts_cannot_command_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What does not print is shown, with wrapping and without."""
    print_facts(Console(width=200), [("Label", ESCAPES)])
    echo_facts([("Label", ESCAPES)], 5)
    assert capsys.readouterr().out == f"Label  {SHOWN}\n" * 2


def test_columns_cannot_command_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """The same of cells."""
    print_columns(Console(width=200), ("ONE", "TWO"), [("1", ESCAPES)])
    assert capsys.readouterr().out.splitlines()[1].split(maxsplit=1) == ["1", SHOWN]
