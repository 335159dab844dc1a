"""What the audit trail of a cycle costs: entries made on the event loop, and stored in batches beside it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from navixy_operator.adapters.masking import Masker
from navixy_operator.core.fact import Fact, Run
from navixy_operator.core.vocabulary import Discrepancy, EventName, EventStatus, Metric, RunKind
from navixy_operator.sandbox.loopback import LOOPBACK
from navixy_operator.trail.chains import Chains


@dataclass(frozen=True, slots=True)
class Audited:
    """Entries that were stored, in how many batches and seconds all together, and seconds to make them.

    Storing is in a thread beside the cycle, so its seconds are more than it costs. ``making`` is of as many
    entries of the usual sort, made anew by this process alone.
    """

    entries: int
    batches: int
    storing: float
    making: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.storing + self.making


async def scrape(port: int) -> dict[str, float]:
    """What an operator's /metrics says of the audit trail: samples by name."""
    names = {Metric.AUDIT_ENTRIES, f"{Metric.AUDIT_WRITE_DURATION}_count", f"{Metric.AUDIT_WRITE_DURATION}_sum"}
    url, patience = f"http://{LOOPBACK}:{port}/metrics", aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=patience) as session, session.get(url) as answer:
        answer.raise_for_status()
        families = text_string_to_metric_families(await answer.text())
    return {sample.name: sample.value for family in families for sample in family.samples if sample.name in names}


def between(before: dict[str, float], after: dict[str, float]) -> Audited:
    """What was stored between two scrapes."""
    spent = {name: value - before.get(name, 0.0) for name, value in after.items()}
    entries = int(spent[Metric.AUDIT_ENTRIES])
    return Audited(
        entries,
        int(spent[f"{Metric.AUDIT_WRITE_DURATION}_count"]),
        spent[f"{Metric.AUDIT_WRITE_DURATION}_sum"],
        seconds_to_make(entries),
    )


def seconds_to_make(count: int) -> float:
    """The processor's seconds for so many entries, as a first cycle tells them: established, resolved, and so on."""
    chains = Chains(Masker().values)
    began = time.process_time()
    for fact in _facts(count):
        chains.entry(fact)
    return time.process_time() - began


def _facts(count: int) -> Iterator[Fact]:
    run = Run("0" * 32, RunKind.CYCLE, "first", "navixy-operator", "main")
    at, about = datetime.now(UTC), (EventStatus.SUCCEEDED, "customer-004711", Discrepancy.MISSING)
    why = {"action": "Establish", "reason": "Eligible", "connection_id": "cn-" + "0" * 24}
    established, resolved = {**why, "connection_state": "connected"}, {"action": "Establish"}
    for seq in range(count):
        if seq % 2:
            yield Fact(at, EventName.DISCREPANCY_RESOLVED, run, seq, *about, details=resolved)
        else:
            yield Fact(at, EventName.CONNECTION_ESTABLISHED, run, seq, *about, details=established)
