"""Something breaks: metrics show it, an alert says it, an investigation explains it, the audit trail keeps it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import aiohttp

from navixy_operator.core.vocabulary import INVESTIGATIONS, AlertName, InvestigationPhase, Metric, Trigger
from navixy_operator.sandbox.demo import checks
from navixy_operator.sandbox.demo.live import run_cycle
from navixy_operator.sandbox.demo.telling import Telling
from navixy_operator.sandbox.deployment import NAMESPACE
from navixy_operator.sandbox.errors import SandboxError
from navixy_operator.sandbox.monitoring import Notification

IN_NAMESPACE: Final = f"-n {NAMESPACE}"
SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.1
FAILURE: Final = AlertName.SYNCHRONIZATION_FAILURE
SHOWN: Final = (
    Metric.LAST_CYCLE_SUCCESS,
    Metric.SUCCESS_RATIO,
    Metric.EXPECTED_CONNECTIONS,
    Metric.ACTUAL_CONNECTIONS,
    Metric.ALERTS,
)


async def database_away(telling: Telling) -> None:
    """The customer database is away for one cycle."""
    stage, show = telling.stage, telling.show
    show.act("The customer database is away: a metric, an alert, an investigation")
    expected = checks.eligible(stage.database)
    stage.hide_database(hidden=True)
    cycle = await run_cycle(stage, show, "fourth", expected)
    found = {key: cycle["status"].get(key) for key in ("phase", "reason")}
    wrong = checks.figures("SyncCycle", found, {"phase": "failed", "reason": "DatabaseUnavailable"})
    telling.check("cycle fourth failed (DatabaseUnavailable), and opened and closed nothing", wrong)

    told = await _until(telling, lambda: _told(telling, "firing"), "the alert has reached its receiver")
    show.gap()
    show.say("Alertmanager has it from the operator, and has sent it on to the operations team's webhook:")
    show.gap()
    alert = next(one for one in told.alerts if one.labels["alertname"] == FAILURE)
    show.output(f"{FAILURE} firing, severity {alert.labels['severity']}: {alert.annotations['summary']}")
    show.say(alert.annotations["description"])
    show.gap()
    show.say(f"The operator's metrics, from http://127.0.0.1:{stage.operator.port}/metrics:")
    show.gap()
    show.output("\n".join(await _metrics(telling)))
    opened = await _until(telling, lambda: _investigation(telling, InvestigationPhase.OPEN), "an investigation is open")
    await telling.run_and_show(f"kubectl get investigations {IN_NAMESPACE}")
    _show_evidence(telling, opened)


async def database_back(telling: Telling) -> None:
    """It is back: the next good cycle ends alert and investigation by itself."""
    stage, show = telling.stage, telling.show
    show.gap()
    show.say("The database is back, and the next cycle goes well:")
    show.gap()
    stage.hide_database(hidden=False)
    cycle = await run_cycle(stage, show, "fifth", checks.eligible(stage.database))
    found = {key: cycle["status"].get(key) for key in ("phase", "reason")}
    telling.check("cycle fifth: all in step", checks.figures("SyncCycle", found, {"phase": "completed"}))
    await _until(telling, lambda: _told(telling, "resolved"), "the alert is resolved")
    telling.check(f"{FAILURE} is resolved, and the webhook was told", [])
    await _until(telling, lambda: _investigation(telling, InvestigationPhase.RESOLVED), "the investigation is resolved")
    await telling.run_and_show(f"kubectl get investigations {IN_NAMESPACE}")
    await telling.run_and_show(f"kubectl navixy status {IN_NAMESPACE}")


async def audit(telling: Telling, ref: str) -> None:
    """Everything that happened, to be asked for: a customer's story, a cycle's, and whether nobody has changed it."""
    telling.show.act("The audit trail keeps what happened")
    await telling.run_and_show(f"kubectl navixy audit --customer {ref} {IN_NAMESPACE}")
    await telling.run_and_show(f"kubectl navixy audit --event ConnectionClosed --origin manual {IN_NAMESPACE}")
    await telling.run_and_show(f"kubectl navixy audit cycle fourth {IN_NAMESPACE}")
    await telling.run_and_show(f"kubectl navixy audit verify {IN_NAMESPACE}")


async def _told(telling: Telling, status: Literal["firing", "resolved"]) -> Notification | None:
    """What the webhook was told of the alert."""
    found = [one for one in telling.stage.webhook.notifications if FAILURE in one.names(status)]
    return found[-1] if found else None


async def _metrics(telling: Telling) -> list[str]:
    """The lines of a few metrics."""
    url = f"http://127.0.0.1:{telling.stage.operator.port}/metrics"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session, session.get(url) as answer:
        lines = (await answer.text()).splitlines()
    telling.seen += lines
    return [line for name in SHOWN for line in lines if line.partition("{")[0] == name]


async def _investigation(telling: Telling, phase: InvestigationPhase) -> dict[str, Any] | None:
    """The investigation of the failure, in that phase."""
    for item in (await telling.stage.find(INVESTIGATIONS))["items"]:
        trigger, now = item["spec"]["trigger"], item.get("status", {}).get("phase")
        if (trigger, now) == (Trigger.SYNCHRONIZATION_FAILURE, phase):
            return dict(item)
    return None


def _show_evidence(telling: Telling, investigation: dict[str, Any]) -> None:
    """The beginning of what `kubectl describe` tells."""
    show, status, name = telling.show, investigation["status"], investigation["metadata"]["name"]
    cause, suggested = status["probableCause"], status["suggestedResolution"]
    show.gap()
    show.say(f"kubectl describe investigation {name} has the evidence, step by step. The first finding of each:")
    for entry in status["evidence"]:
        more = f" (and {len(entry['findings']) - 1} more)" if len(entry["findings"]) > 1 else ""
        show.say(f"- {entry['step']}: {entry['findings'][0]}{more}")
    show.say(f"Probable cause: {cause['reason']}: {cause['message']}")
    show.say(f"What to do: {suggested[0]} (and {len(suggested) - 1} more suggestions)")


async def _until(telling: Telling, look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What ``look`` gives once it gives something. Raises SandboxError, ProcessError when a part has died."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if (found := await look()) is not None:
            return found
        telling.stage.check_alive()
        await asyncio.sleep(LOOK_SECONDS)
    message = f"not within {SECONDS:.0f} s: {what}"
    raise SandboxError(message)
