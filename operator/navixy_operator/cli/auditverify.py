"""``navixy-operator audit verify``: whether the audit trail is as it was written."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import click

from navixy_operator import bootstrap
from navixy_operator.cli.auditforms import Table, exact
from navixy_operator.cli.auditproof import Proof, Witnesses
from navixy_operator.cli.auditwords import entries, number
from navixy_operator.cli.common import FAILED, Place, echo_facts, not_found, plain, print_json
from navixy_operator.cli.moments import When
from navixy_operator.cli.trail import Trail, read_trail, trail_options
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import Kind
from navixy_operator.errors import OperatorError
from navixy_operator.ports import AuditQuery, Resource

DOING: Final = "verifying the audit trail"
CLUSTER_SECONDS: Final = 20.0
"""How long the API server is asked for SyncCycles: without it the rest is verified all the same."""
COLUMNS: Final = ("CYCLE", "RUN", "SEQ", "WHAT")


@click.command(short_help="Check that nobody has changed the trail.")
@click.option("--cycle", metavar="NAME", help="Only the runs of this SyncCycle, or pass between cycles.")
@click.option("--since", type=When(), metavar="WHEN", help="Only runs that began then or later: 7d, 2026-12-31, …")
@trail_options()
def verify(place: Place, *, cycle: str | None, since: datetime | None) -> None:
    """Check that no entry of the audit trail was changed, taken out or put in after the fact.

    The entries of a run are chained by digests; each SyncCycle has the last of its run (status.auditDigest), which is
    compared where a cluster is at hand. A run that has no end is told: it is running, or was cut off. Exit code 1:
    there are flaws.
    """
    proof = read_trail(place, lambda trail: _prove(trail, place, cycle, since), doing=DOING)
    if cycle is not None and not proof.runs and not proof.flaws:
        message = f'the audit trail has nothing of a cycle "{cycle}"'
        raise not_found(message)
    if place.json:
        print_json(_document(proof))
    else:
        _print(proof)
    if proof.flaws:
        raise click.exceptions.Exit(FAILED)


async def _prove(trail: Trail, place: Place, cycle: str | None, since: datetime | None) -> Proof:
    """Examine the chains; the SyncCycles are read before, so that what they tell of is in the trail by then."""
    witnesses = await _witnesses(trail.namespace, place, cycle, since)
    proof = Proof(trail.namespace, datetime.now(UTC), witnesses)
    async for stretch in trail.reader.chains(AuditQuery(trail.namespace, place.sync, cycle=cycle, since=since)):
        proof.take(stretch)
    proof.conclude()
    return proof


async def _witnesses(namespace: str, place: Place, cycle: str | None, since: datetime | None) -> Witnesses:
    """What the SyncCycles say of the trail; or why they are not asked."""
    try:
        async with (
            asyncio.timeout(CLUSTER_SECONDS),
            bootstrap.world(place.kubeconfig, context=place.context) as world,
        ):
            cycles = await world.cluster.resources.list(Kind.CYCLE, namespace)
            syncs = await world.cluster.resources.list(Kind.SYNC, namespace)
    except OperatorError as error:
        return Witnesses(trouble=str(error))
    except TimeoutError:
        return Witnesses(trouble=f"the API server did not answer within {CLUSTER_SECONDS:g} s")

    def meant(item: Resource) -> bool:
        begun = item.status.get("startTime")
        late = since is None or (begun is not None and datetime.fromisoformat(begun) >= since)
        return late and cycle in {None, item.name} and place.sync in {None, item.spec.get("sync")}

    return Witnesses.of(filter(meant, cycles), syncs)


def _print(proof: Proof) -> None:
    purged = f", and of {proof.purged} database queries the digest alone: they are kept for a year"
    looked = f"{number(proof.runs, 'run')} of {proof.namespace}: {entries(proof.entries)}"
    lines = [("Verified", f"{looked}{purged if proof.purged else ''}")]
    lines += [("Compared", proof.compared())]
    echo_facts(lines, 8)
    if proof.unfinished:
        click.echo("\nWithout an end (running, or cut off; no flaw):")
        rows = [(plain(run.name), run.id, f"{entries(count)}{_as_far_as(at)}") for run, count, at in proof.unfinished]
        Table((), indent="  ").print(rows)
    if not proof.flaws:
        click.echo("\nNo flaw: everything is as it was written.")
        return
    click.echo()
    Table(COLUMNS).print([(plain(flaw.cycle), flaw.run or "-", flaw.seq, flaw.message) for flaw in proof.flaws])
    more = f", and {proof.omitted} more" if proof.omitted else ""
    click.echo(f"error: the audit trail is not as it was written: {number(len(proof.flaws), 'flaw')}{more}", err=True)


def _as_far_as(at: datetime | None) -> str:
    return "" if at is None else f" as far as {timestamp(at)}"


def _document(proof: Proof) -> Mapping[str, Any]:
    return {
        "namespace": proof.namespace,
        "sound": not proof.flaws,
        "runs": proof.runs,
        "entries": proof.entries,
        "purged": proof.purged,
        "flaws": [
            {"cycle": flaw.cycle, "run": flaw.run, "first": flaw.first, "last": flaw.last, "message": flaw.message}
            for flaw in proof.flaws
        ],
        "flaws_omitted": proof.omitted,
        "unfinished": [
            {"cycle": run.name, "run": run.id, "entries": count, "last": at and exact(at)}
            for run, count, at in proof.unfinished
        ],
        "compared": {
            "cycles": proof.matched,
            "late": proof.late,
            "without_a_cycle": proof.without,
            "trouble": proof.witnesses.trouble,
        },
    }
