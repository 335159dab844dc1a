"""``navixy-operator approve``: let the closes go that a guard holds back."""

import sys
from dataclasses import dataclass
from typing import Any, Final

import click

from navixy_operator.bootstrap import World
from navixy_operator.cli import heldlist
from navixy_operator.cli.common import (
    ASKING_CLUSTER,
    FAILED,
    Place,
    console,
    echo_facts,
    not_found,
    place_options,
    print_columns,
    print_facts,
    print_json,
)
from navixy_operator.cli.customers import near
from navixy_operator.cli.heldlist import HeldList, held_list
from navixy_operator.cli.waiting import look_until, wait_option
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import APPROVE_CLOSES, Kind, Phase
from navixy_operator.errors import ApprovalInvalid, OperatorError, TemporaryError
from navixy_operator.ports import Resource

WAIT_SECONDS: Final = 60
MEANING: Final = (
    "Approving runs a cycle of its own: it polls the customer database anew, and of these connections closes those "
    "that should still be closed by then, and no others. It counts once."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is of an approval: the cycle that carries it out, and why the operator refuses it."""

    run: Resource | None
    refusal: str | None

    @property
    def over(self) -> bool:
        """Whether there is no more to wait for."""
        return self.refusal is not None or (self.run is not None and self.phase in heldlist.ENDED)

    @property
    def phase(self) -> str:
        """The phase of the run."""
        return str(self.run.status.get("phase", Phase.PENDING.value)) if self.run is not None else ""


@click.command(short_help="Approve the closes that a cycle's guard holds back.")
@click.argument("cycle")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@wait_option(WAIT_SECONDS, "the cycle that carries it out has ended")
@place_options
def approve(place: Place, cycle: str, *, yes: bool, wait: float) -> None:
    """Show the closes that the SyncCycle CYCLE holds back, and approve them.

    A guard holds every close of a cycle that would close too many connections, or whose customer database seems to have
    lost customers. The approval names exactly the list that is shown, counts once, and within 24 hours of the cycle.
    Needs the rights to list, get and patch synccycles, and nothing else.
    """
    if not yes and (place.json or not sys.stdin.isatty()):
        message = "there is no terminal to ask at, or JSON is wanted: approve with --yes"
        raise click.UsageError(message)
    found = place.run(lambda world: _look(world, place, cycle), ASKING_CLUSTER)
    if not place.json:
        _show(found)
    if not (yes or found.approved):
        _ask(found)
    place.run(lambda world: _write(world, found), ASKING_CLUSTER)
    if not place.json:
        click.echo(f"{'already approved' if found.approved else 'approved'}: {found.cycle.name}, digest {found.digest}")
    seen = place.run(lambda world: _follow(world, found, wait), ASKING_CLUSTER) if wait else None
    _tell(place, found, seen, wait)


async def _look(world: World, place: Place, name: str) -> HeldList:
    namespace = place.namespace_in(world)
    cycles = await world.cluster.resources.list(Kind.CYCLE, namespace)
    now = world.cluster.clock.now()
    for cycle in cycles:
        if cycle.name == name:
            return held_list(cycle, cycles, now)
    holding = [cycle.name for cycle in cycles if not isinstance(heldlist.approvable(cycle, now), str | None)]
    hint = f"; these hold closes: {', '.join(holding)}" if holding else near(name, (cycle.name for cycle in cycles))
    message = f'there is no SyncCycle "{name}" in the namespace {namespace}{hint}'
    raise not_found(message)


def _show(found: HeldList) -> None:
    out = console()
    print_facts(out, heldlist.facts(found))
    click.echo()
    print_columns(out, heldlist.COLUMNS, heldlist.rows(found))
    if omitted := found.held.get("itemsOmitted"):
        click.echo(f"({omitted} more, which the SyncCycle's status leaves out; `plan` lists them while they are due)")
    click.echo()
    click.echo(click.wrap_text(MEANING, out.width))
    click.echo()


def _ask(found: HeldList) -> None:
    """The number must be typed: who only presses keys closes nothing."""
    these = "this connection" if found.count == 1 else f"these {found.count} connections"
    answer = click.prompt(f"Close {these}? Type the number to approve", default="", show_default=False)
    if str(answer).strip() != str(found.count):
        click.echo("not approved; nothing was changed", err=True)
        raise click.exceptions.Exit(FAILED)


async def _write(world: World, found: HeldList) -> None:
    after = await world.cluster.resources.annotate(found.cycle, {APPROVE_CLOSES: found.digest})
    if after is None:
        message = f"the SyncCycle {found.cycle.name} has just been deleted; nothing was approved"
        raise ApprovalInvalid(message)


async def _follow(world: World, found: HeldList, wait: float) -> Seen:
    """The run that carries the approval out, once it has ended or the time is over."""
    resources, cycle = world.cluster.resources, found.cycle

    async def look() -> Seen:
        cycles = await resources.list(Kind.CYCLE, cycle.namespace)
        runs = [run for run in heldlist.runs_of(cycle, cycles) if run.name not in found.tried]
        now = next((one for one in cycles if one.uid == cycle.uid), cycle)
        before, refusal = cycle.status.get("approvalRefusal"), now.status.get("approvalRefusal")
        run = max(runs, key=lambda one: (one.created_at, one.name), default=None)
        return Seen(run, refusal if refusal != before else None)

    return await look_until(world.cluster.clock, look, lambda seen: seen.over, wait)


def _tell(place: Place, found: HeldList, seen: Seen | None, wait: float) -> None:
    """What became of it: the exit code is that of the run."""
    run = None if seen is None else seen.run
    if place.json:
        print_json(_document(found, run))
    elif run is not None and run.status.get("phase") == Phase.COMPLETED:
        echo_facts(_outcome(place, run), 5)
    if seen is not None and (problem := _problem(found, seen, wait)) is not None:
        raise problem


def _problem(found: HeldList, seen: Seen, wait: float) -> OperatorError | None:
    if seen.refusal is not None:
        return ApprovalInvalid(f"the operator refuses the approval: {seen.refusal}")
    if seen.run is None:
        return TemporaryError(
            f"no operator has taken it up within {wait:g} s; it counts until {timestamp(found.until)}"
        )
    if not seen.over:
        return TemporaryError(f"the cycle {seen.run.name} is {seen.phase} after {wait:g} s, and goes on")
    if seen.phase == Phase.FAILED:
        status = seen.run.status
        why = f"{status.get('reason')}: {status.get('message')}"
        again = f"the operator tries again until {timestamp(found.until)}"
        return TemporaryError(f"the cycle {seen.run.name} failed, {why}; {again}")
    return None


def _outcome(place: Place, run: Resource) -> list[tuple[str, str]]:
    lines = [("Cycle", f"{run.name} {run.status['phase']}: {run.status.get('message', '')}")]
    if (held := run.status.get("heldCloses")) is not None:
        lines.append(
            ("Held", f"{held['count']} other closes ({held['reason']}): {place.line('approve', run.name, sync=False)}")
        )
    return lines


def _document(found: HeldList, run: Resource | None) -> dict[str, Any]:
    keys = ("phase", "reason", "message", "counts", "heldCloses")
    return {
        "cycle": found.cycle.name,
        "namespace": found.cycle.namespace,
        "sync": found.cycle.spec["sync"],
        "digest": found.digest,
        "count": found.count,
        "reason": found.held["reason"],
        "approvedUntil": timestamp(found.until),
        "run": None if run is None else {"name": run.name, **{k: run.status[k] for k in keys if k in run.status}},
    }
