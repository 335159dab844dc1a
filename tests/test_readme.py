"""The README says what the code does: its SQL, its reasons, its conditions, its commands."""

import re
from pathlib import Path

import pytest

from navixy_operator.adapters.customer_database import DEFAULT_QUERY, SAMPLE_SCHEMA
from navixy_operator.core.vocabulary import (
    Condition,
    Discrepancy,
    EventName,
    EventStatus,
    LogEvent,
    Origin,
    Reason,
    RunKind,
    Step,
)
from navixy_operator.core.wishes import CLOSED, SKIPS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(("name", "sql"), [("query", DEFAULT_QUERY), ("schema", SAMPLE_SCHEMA)])
def test_the_sql_is_what_runs(name: str, sql: str) -> None:
    """The default query and the sample schema stand in the README to the letter."""
    between = README.split(f"<!-- {name}:begin -->")[1].split(f"<!-- {name}:end -->")[0]
    assert between.strip() == f"```sql\n{sql}```"


def test_every_verdict_and_failure_is_explained() -> None:
    """Each reason that a user can meet in READY/REASON stands in the README, and each one there exists."""
    told = set(re.findall(r"`([A-Z][A-Za-z]+)`", README))
    quiet = {
        Reason.CONNECTED,  # what the words say
        Reason.AVAILABLE,
        Reason.NONE_HELD,
        Reason.SYNCHRONIZED,
        Reason.IN_PROGRESS,
        Reason.NOT_YET_RUN,
        Reason.DRY_RUN,
    }
    assert set(Reason) - quiet <= told
    assert {*CLOSED, *SKIPS} <= told
    assert set(Condition) <= told


def test_every_reason_of_the_tables_exists() -> None:
    """What stands under "reason" in the README's tables."""
    tables = re.findall(r"^\| reason \|.*\n\|[-|]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert len(tables) == 2  # the rules, and what to do about the others
    told = {
        name for table in tables for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert told - set(Reason) == set()
    assert {*CLOSED, *SKIPS} - told == set()


def test_the_commands_exist() -> None:
    """Every `make` target named in the README is one of the Makefile's."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z-]+)", README)) - {"it"}
    assert named <= targets


def test_every_event_is_documented() -> None:
    """Each event has its row in docs/logs.md, and each one there exists."""
    text = (ROOT / "docs" / "logs.md").read_text("utf-8").partition("## The events of the specification")[2]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {*EventName, *LogEvent}


def test_every_step_is_documented() -> None:
    """One sentence of docs/logs.md names the steps that are timed, in their order, and no others."""
    text = (ROOT / "docs" / "logs.md").read_text("utf-8")
    (steps,) = re.findall(r"^`steps_seconds` .*?:(.*?)\.$", text, re.MULTILINE | re.DOTALL)
    assert re.findall(r"`(\w+)`", steps) == list(Step)


def test_every_status_and_run_kind_is_documented() -> None:
    """The words of the fields that are the same for all events."""
    text = (ROOT / "docs" / "logs.md").read_text("utf-8")
    told = set(re.findall(r"`([\w-]+)`", text))
    assert {*EventStatus, *RunKind, *Origin, *Discrepancy} <= told
