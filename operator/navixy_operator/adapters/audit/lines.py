"""One entry as a line of JSON, as the spool keeps it."""

from datetime import UTC, datetime
from typing import Any

import orjson

from navixy_operator.adapters.audit.rows import kind_of
from navixy_operator.core.audit import Entry
from navixy_operator.core.fact import Run
from navixy_operator.core.vocabulary import RunKind


class UnreadableLine(ValueError):
    """No entry: cut off or damaged. A word that only a newer version knows is no reason."""


def write_line(entry: Entry) -> bytes:
    """The line, with its end."""
    run = entry.run
    told = {
        "run": run.id,
        "kind": run.kind.value,
        "name": run.name,
        "namespace": run.namespace,
        "sync": run.sync,
        "seq": entry.seq,
        "at": entry.at.isoformat(timespec="microseconds"),
        "event": entry.event,
        "status": entry.status,
        "customer": entry.customer,
        "discrepancy": entry.discrepancy,
        "origin": entry.origin,
        "details": entry.details,
        "digest": entry.digest,
    }
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def read_line(line: bytes) -> Entry:
    """The entry. Raises UnreadableLine."""
    try:
        told: dict[str, Any] = orjson.loads(line)
        run = Run(told["run"], _kind(told["kind"]), told["name"], told["namespace"], told["sync"])
        return Entry(
            run=run,
            seq=told["seq"],
            at=datetime.fromisoformat(told["at"]).astimezone(UTC),
            event=told["event"],
            status=told["status"],
            customer=told["customer"],
            discrepancy=told["discrepancy"],
            origin=told["origin"],
            details=told["details"],
            digest=told["digest"],
        )
    except (ValueError, KeyError, TypeError):  # never with its cause, which would show the line
        raise UnreadableLine from None


def _kind(told: object) -> RunKind:
    if not isinstance(told, str):  # of which ``kind_of`` would make text
        raise TypeError
    return kind_of(told)
