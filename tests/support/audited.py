"""The audit trail of an operator that runs as a process: its database's other side, and what must be in it."""

import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.core.audit import Entry
from navixy_operator.core.auditcheck import Examination, Verdict
from navixy_operator.errors import OperatorError
from navixy_operator.ports import AuditQuery
from navixy_operator.sandbox.databases import DatabaseServer
from support.operator import Site
from support.telling import condition, lines


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
        found += family(int(child))
    return found


@dataclass
class AuditServer:
    """A database server that a test may take away from the operator, and give back with all that was in it."""

    server: DatabaseServer
    url: str

    def stop(self) -> None:
        """At once, connections and all."""
        self.server.process.stop()

    def start(self) -> None:
        """It is there again."""
        self.server.process.start()
        self.server.process.wait_ready(self.server._lets_us_in)

    def freeze(self) -> None:
        """Connections stay, and nothing answers."""
        for pid in family(self.server.process.pid):
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        for pid in family(self.server.process.pid):
            os.kill(pid, signal.SIGCONT)

    def dump(self) -> str:
        """All that is in any of its tables, as text."""
        engine = create_engine(self.url, poolclass=NullPool)
        found: list[str] = []
        try:
            with engine.connect() as connection:
                where = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
                for (table,) in connection.execute(text(where)).all():
                    found += [str(row) for row in connection.execute(text(f'SELECT t::text FROM "{table}" t'))]
        finally:
            engine.dispose()
        return "\n".join(found)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlAuditStore]:
    """The trail, to read it."""
    store = SqlAuditStore(url)
    try:
        yield store
    finally:
        await store.close()


async def entries(url: str, namespace: str, **query: Any) -> list[Entry]:
    """All entries of a query, oldest first; none while the database is not prepared or not there."""
    async with opened(url) as store:
        try:
            page = await store.page(AuditQuery(namespace, oldest_first=True, limit=10_000, **query))
        except OperatorError:
            return []
    return list(page.entries)


async def verdicts(url: str, namespace: str) -> list[Verdict]:
    """What verifying all chains finds."""
    found: list[Verdict] = []
    async with opened(url) as store:
        examination: Examination | None = None
        async for stretch in store.chains(AuditQuery(namespace)):
            examination = examination or Examination(stretch.run, datetime.now(UTC))
            examination.take(stretch.links)
            if stretch.ends:
                found.append(examination.verdict())
                examination = None
    return found


def names(found: Sequence[Entry]) -> list[str]:
    """Their events."""
    return [entry.event for entry in found]


def logged(site: Site, *, until: str = "9") -> set[tuple[str, int, str]]:
    """Run, number and event of all that the operator's log has of what the trail must have, told before a moment."""
    return {
        (line["run"], line["seq"], line["event"])
        for line in lines(site.log())
        if "seq" in line and line["timestamp"] < until
    }


async def available(site: Site, sync: str = "main") -> dict[str, Any]:
    """The NavixySync's condition AuditAvailable; empty while there is none."""
    return condition(await site.kubectl.get("navixysync", sync) or {}, "AuditAvailable")


async def audit_says(site: Site, status: str, reason: str, *, seconds: float = 60.0) -> dict[str, Any]:
    """Wait until the NavixySync's AuditAvailable says so; the condition."""
    async with site.waiting(seconds):
        while True:
            found = await available(site)
            if (found.get("status"), found.get("reason")) == (status, reason):
                return found
            await site.pause()
