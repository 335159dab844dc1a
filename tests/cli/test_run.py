"""``navixy-operator run``: how it ends where something breaks."""

import asyncio
from typing import Any

import pytest

from navixy_operator import service
from navixy_operator.cli import main


def test_a_fault_is_a_line_of_the_log(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Masked as all lines are, and no traceback beside it; the exit code says that it failed."""

    async def broken(*_: Any, **__: Any) -> None:
        await asyncio.sleep(0)
        message = "postgresql://navixy:letmein@db/audit broke"
        raise RuntimeError(message)

    monkeypatch.setattr(service, "serve", broken)
    assert main(["run"]) == 1
    shown = capfd.readouterr()
    (line,) = (shown.out + shown.err).splitlines()
    assert '"event":"InternalError"' in line
    assert "RuntimeError" in line
    assert "letmein" not in line
