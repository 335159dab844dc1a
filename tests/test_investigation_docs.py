"""docs/investigations.md against the code, in both directions."""

import re
from pathlib import Path
from typing import Final

import pytest

from navixy_operator.core.causes import RULES
from navixy_operator.core.vocabulary import ACKNOWLEDGE, InvestigationStep, Trigger

DOCS: Final = (Path(__file__).parents[1] / "docs" / "investigations.md").read_text("utf-8")
SHORT: Final = {
    "mismatch": Trigger.COUNT_MISMATCH,
    "failure": Trigger.SYNCHRONIZATION_FAILURE,
    "skipped": Trigger.REPEATEDLY_SKIPPED,
    "suspended": Trigger.SUSPENDED_CONNECTED,
    "rate": Trigger.HIGH_DISCREPANCY_RATE,
}


def rows(title: str) -> list[list[str]]:
    """The cells of the table of a section, without its head."""
    section = DOCS.partition(f"## {title}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


@pytest.mark.parametrize(
    ("title", "words"),
    [("What opens one", list(Trigger)), ("What is gathered", list(InvestigationStep))],
)
def test_triggers_and_steps(title: str, words: list[str]) -> None:
    """All of them, in the vocabulary's order, each with what it means."""
    assert [name for name, _ in rows(title)] == words
    assert all(meaning for _, meaning in rows(title))


def test_causes() -> None:
    """Every rule in its order, with the triggers that it is asked about."""
    told = [(cause, of) for cause, of, _ in rows("Probable causes")]
    assert [cause for cause, _ in told] == [rule.cause for rule in RULES]
    for (_, of), rule in zip(told, RULES, strict=True):
        triggers = list(Trigger) if of == "all" else [SHORT[word] for word in of.split(", ")]
        assert set(triggers) == set(rule.explains)


def test_the_annotation_is_named() -> None:
    """As the operator reads it."""
    assert f"{ACKNOWLEDGE}=" in DOCS
