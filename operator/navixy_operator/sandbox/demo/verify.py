"""What each act must have come to: the demo compares with the database, by SQL of its own, and says the outcome."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from navixy_operator.core.vocabulary import CUSTOMERS
from navixy_operator.sandbox.demo import checks
from navixy_operator.sandbox.demo.changes import Change
from navixy_operator.sandbox.demo.live import run_cycle
from navixy_operator.sandbox.demo.telling import Telling

GONE: Final = "gone"
KINDS: Final = "navixycustomers,navixysyncs,synccycles,investigations,events,configmaps,secrets"
ESTABLISH, CLOSE = "POST /v1/connections", "DELETE /v1/connections/{id}"

World = tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]
"""NavixyCustomers and F1.1's connections at one moment."""


async def look(telling: Telling) -> World:
    """The world as it is now."""
    return await telling.stage.api.list(CUSTOMERS), await telling.stage.f11.connections()


async def cycle(telling: Telling, name: str, *, established: int, closed: int) -> None:
    """Run a cycle, live, and compare its report, and F1.1's count of requests, with what they must be."""
    stage = telling.stage
    expected = checks.eligible(stage.database)
    await stage.f11.requests(reset=True)
    telling.cycles[name] = await run_cycle(stage, telling.show, name, expected)
    status: Mapping[str, Any] = telling.cycles[name]["status"]
    requests = {route: sum(answers.values()) for route, answers in (await stage.f11.requests()).items()}
    counts = {"established": established, "closed": closed, "expected": len(expected), "actual": len(expected)}
    telling.check(
        f"cycle {name}: {status.get('message', 'no message')}",
        [
            *checks.figures("SyncCycle", status, {"phase": "completed", "reason": "Synchronized"}),
            *checks.figures("counts", status.get("counts", {}), counts),
            *checks.figures("requests to F1.1", requests, {ESTABLISH: established, CLOSE: closed}),
        ],
    )


def world(telling: Telling, seen: World) -> None:
    """F1.1 and the resources are as the database wants them."""
    expected, published = checks.eligible(telling.stage.database), checks.published(telling.stage.database)
    items, connections = seen
    telling.check(
        f"F1.1's open connections are exactly those of the {len(expected)} eligible customers, each with its own hash",
        checks.connections(connections, expected),
    )
    telling.check(
        f"{len(published)} NavixyCustomers: one for each customer with Navixy who is not removed, all of them Ready",
        checks.resources(items, published),
    )


def changes(telling: Telling, agenda: Sequence[Change], before: World, after: World) -> None:
    """The customers of the agenda before and after, and that nobody else was written."""
    telling.show.gap()
    columns = ("CUSTOMER", "CHANGE", "F1.1 BEFORE", "F1.1 AFTER", "NAVIXYCUSTOMER")
    told = {change.ref: _seen(change.ref, after) for change in agenda}
    telling.show.table(
        columns, [(each.ref, each.kind.value, _seen(each.ref, before)[0], *told[each.ref]) for each in agenda]
    )
    telling.show.gap()
    telling.check(
        f"each of these {len(agenda)} customers is as it should be",
        checks.figures(
            "F1.1's connection and NavixyCustomer",
            told,
            {
                change.ref: ("connected" if change.opens else "disconnected", change.outcome or GONE)
                for change in agenda
            },
        ),
    )
    others = {item["spec"]["customerRef"] for item in after[0]} - told.keys()
    telling.check(
        f"the other {len(others)} NavixyCustomers were not written", checks.rewritten(before[0], after[0], set(told))
    )


async def no_hash_anywhere(telling: Telling) -> None:
    """Every hash is looked for wherever the operator could have left one."""
    stage, secrets = telling.stage, telling.hashes
    stored: dict[str, str | bytes] = {
        "the resources, Secrets and Events": await stage.plane.kubectl("get", KINDS, "-A", "-o", "json"),
        "etcd, where every version of them is": await asyncio.to_thread(stage.stored),
    }
    places: dict[str, str | bytes] = {
        **stored,
        "the operator's log": stage.operator_log(),
        "the audit trail": await asyncio.to_thread(stage.audited),
        "the metrics": "\n".join(telling.seen),
        "what the webhook was told": "\n".join(one.model_dump_json() for one in stage.webhook.notifications),
        "the arguments of all processes": await asyncio.to_thread(stage.command_lines),
        "the output of this demo": telling.show.transcript,
    }
    for place, content in places.items():
        telling.check(f"none of {len(secrets)} hashes is in {place}", checks.leaks({place: content}, secrets))
    shown = checks.eligible(stage.database).values()
    blind = [
        f"no fingerprint is found in {place}"
        for place, text in stored.items()
        if not checks.leaks({place: text}, shown)
    ]
    telling.check("the search sees well: it finds the fingerprints, which may be shown", blind)


def _seen(ref: str, seen: World) -> tuple[str, str]:
    """The state of the customer's newest connection, and the reason that its NavixyCustomer gives."""
    items, connections = seen
    states = [str(one["state"]) for one in connections if one["customer_ref"] == ref]
    reasons = [checks.reason(item) or "?" for item in items if item["spec"]["customerRef"] == ref]
    return (states or ["none"])[-1], (reasons or [GONE])[-1]
