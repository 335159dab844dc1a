"""The demo, act by act."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from navixy_operator.sandbox.demo import between, changes, checks, trouble, verify
from navixy_operator.sandbox.demo.changes import AGENDA, Change
from navixy_operator.sandbox.demo.telling import Telling
from navixy_operator.sandbox.deployment import NAMESPACE, SERVICE_ACCOUNT
from navixy_operator.sandbox.sample_data import Sort

LEFTOVERS: Final = ("C-09042", None)
IN_NAMESPACE: Final = f"-n {NAMESPACE}"
WORDS: Final = {
    Sort.ELIGIBLE: "active, with Navixy, a valid hash and gateways",
    Sort.TWO_PROVIDERS: "the same, with a second provider",
    Sort.SUSPENDED: "suspended",
    Sort.REMOVED: "removed",
    Sort.WITHOUT_HASH: "without a hash",
    Sort.MALFORMED_HASH: "with a malformed hash",
    Sort.WITHOUT_GATEWAYS: "without gateways",
    Sort.OTHER_PROVIDER: "with other providers only",
}
# a dozen rows out of all, chosen for their different reasons
ROWS: Final = {
    Sort.ELIGIBLE: 3,
    Sort.TWO_PROVIDERS: 1,
    Sort.SUSPENDED: 2,
    Sort.WITHOUT_HASH: 2,
    Sort.MALFORMED_HASH: 2,
    Sort.WITHOUT_GATEWAYS: 2,
}
FIGURES: Final = ("customers", "eligible", "skipped", "established", "closed", "actual")


async def tell(telling: Telling) -> list[str]:
    """Play all acts; what was not as it should be. Raises SandboxError, AdminError, OSError."""
    await raise_the_stage(telling)
    await start_the_operator(telling)
    await first_cycle(telling)
    await look_around(telling)
    agenda = await change_the_database(telling)
    await second_cycle(telling, agenda)
    await between.people_and_losses(telling)
    await between.mass_close(telling)
    await trouble.database_away(telling)
    await trouble.database_back(telling)
    await trouble.audit(telling, agenda[0].ref)
    telling.show.act("No hash is anywhere")
    await verify.no_hash_anywhere(telling)
    sum_up(telling)
    return telling.wrong


async def raise_the_stage(telling: Telling) -> None:
    """A cluster, an F1.1, and a customer database."""
    stage, show = telling.stage, telling.show
    show.act("A cluster, an F1.1 and a customer database")
    with show.step("etcd and kube-apiserver, with RBAC and TLS"):
        version = await stage.start_control_plane()
    with show.step("F1.1, simulated by an HTTP service"):
        await stage.start_f11(*LEFTOVERS)
    with show.step("Alertmanager, with a webhook for the operations team"):
        await stage.start_alertmanager()
    with show.step("the customer database, SQLite with the sample schema"):
        await stage.fill_database(telling.customers)
    telling.hashes |= checks.hashes(stage.database)
    counts = Counter(one.sort for one in telling.customers)
    show.gap()
    show.say(
        f"Kubernetes {version} answers at {stage.plane.url}, F1.1 at {stage.f11.url}. F1.1 holds two leftovers: the "
        f"connection of {LEFTOVERS[0]}, whom the database does not know, and one of nobody. The database has "
        f"{len(telling.customers)} customers:"
    )
    show.gap()
    for sort, words in WORDS.items():
        show.output(f"{counts[sort]:>5}  {words}")


async def start_the_operator(telling: Telling) -> None:
    """What a platform engineer installs, and the operator under exactly its own rights."""
    stage, show = telling.stage, telling.show
    show.act("The operator")
    with show.step("crds/ and manifests/base applied, Secrets given through standard input, NavixySync main made"):
        await stage.deploy()
    with show.step(f"the operator runs as system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"):
        await stage.start_operator()


async def first_cycle(telling: Telling) -> None:
    """Everything is missing, and two connections are nobody's."""
    show, expected = telling.show, checks.eligible(telling.stage.database)
    show.act("The first cycle")
    show.say(
        f"{len(expected)} customers should be connected and none is; the two leftovers should be closed. By itself the "
        "operator runs a cycle a day; a SyncCycle that someone creates runs one now."
    )
    await verify.cycle(telling, "first", established=len(expected), closed=len(LEFTOVERS))
    verify.world(telling, await verify.look(telling))
    await telling.run_and_show(f"kubectl get navixysyncs,synccycles {IN_NAMESPACE}")


async def look_around(telling: Telling) -> None:
    """Customers as resources, and one of them explained."""
    show = telling.show
    show.act("Every customer with Navixy is a resource that says why it is as it is")
    chosen = {
        one.customer_ref
        for sort, count in ROWS.items()
        for one in [each for each in telling.customers if each.sort is sort][:count]
    }
    head, *rows = (await telling.run(f"kubectl get navixycustomers {IN_NAMESPACE}")).splitlines()
    picked = [row for row in rows if row.split()[1] in chosen]
    show.output("\n".join([head, *picked]))
    show.say(f"({len(picked)} of {len(rows)} rows, chosen for their different reasons)")
    skipped = next(one for one in telling.customers if one.sort is Sort.MALFORMED_HASH)
    show.gap()
    show.say(f"Why is {skipped.name} not connected?")
    await telling.run_and_show(f"kubectl navixy explain {skipped.customer_ref} {IN_NAMESPACE}")


async def change_the_database(telling: Telling) -> list[Change]:
    """The database moves on; what the operator would do about it."""
    stage, show = telling.stage, telling.show
    show.act("The customer database changes")
    agenda = changes.choose(telling.customers)
    await asyncio.to_thread(changes.apply, stage.database_url, agenda)
    telling.hashes |= checks.hashes(stage.database)
    for kind in AGENDA:
        names = [f"{change.ref} {change.customer.name}" for change in agenda if change.kind is kind]
        show.output(f"  {kind + ':':<21}{'; '.join(names)}")
    show.gap()
    show.say("What would a cycle do now?")
    await telling.run_and_show(f"kubectl navixy plan {IN_NAMESPACE}")
    return agenda


async def second_cycle(telling: Telling, agenda: Sequence[Change]) -> None:
    """The world is put right, and nothing else is touched."""
    telling.show.act("The second cycle puts it right")
    before = await verify.look(telling)
    opened = sum(change.opens for change in agenda)
    await verify.cycle(telling, "second", established=opened, closed=len(agenda) - opened)
    after = await verify.look(telling)
    verify.changes(telling, agenda, before, after)
    verify.world(telling, after)
    await telling.run_and_show(f"kubectl get synccycles {IN_NAMESPACE}")


def sum_up(telling: Telling) -> None:
    """The figures of both cycles, and the verdict."""
    show = telling.show
    show.heading("Summary")
    rows = []
    for name, cycle in telling.cycles.items():
        status = cycle["status"]
        counts = status.get("counts", {})
        figures = [str(counts.get(figure, "?")) for figure in FIGURES]
        rows.append((name, *figures, f"{status.get('durationSeconds', 0):.1f} s"))
    columns = ("CYCLE", "CUSTOMERS", "ELIGIBLE", "SKIPPED", "ESTABLISHED", "CLOSED", "CONNECTED", "DURATION")
    show.table(columns, rows)
    show.gap()
    took = f"The demo took {time.monotonic() - telling.begun:.0f} s."
    if telling.wrong:
        show.wrong(f"{len(telling.wrong)} things are NOT as expected. {took}")
    else:
        show.done(f"All is as it should be. {took}")
