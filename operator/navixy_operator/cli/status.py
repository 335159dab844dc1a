"""``navixy-operator status``: the dashboard for a terminal."""

from collections.abc import Sequence
from datetime import datetime

import click

from navixy_operator.adapters.kube.answers import NotFound
from navixy_operator.bootstrap import World
from navixy_operator.cli.common import ASKING_CLUSTER, Place, place_options, print_json
from navixy_operator.cli.standing import Seen, describe
from navixy_operator.cli.statuswords import show
from navixy_operator.core.vocabulary import Kind
from navixy_operator.errors import ConfigurationError, KubernetesForbidden
from navixy_operator.ports import Resource


@click.command(short_help="Show how the synchronizations go.")
@click.option("--sync", "sync_name", metavar="NAME", help="Of this NavixySync; default: of all.")
@place_options
def status(place: Place) -> None:
    """Show how each synchronization goes: conditions, counts, the last cycles, what waits for a person, what is wrong.

    Needs the right to list navixysyncs, synccycles, navixycustomers and investigations, and nothing else.
    """
    now, seen = place.run(lambda world: _look(world, place), ASKING_CLUSTER)
    found = [describe(each, now) for each in seen]
    if place.json:
        print_json({"at": now, "syncs": found})
        return
    for number, told in enumerate(found):
        if number:
            click.echo("\n")
        show(place, told, now)


async def _look(world: World, place: Place) -> tuple[datetime, list[Seen]]:
    """All that there is of the NavixySyncs that are meant. Raises ConfigurationError where there is none."""
    namespace, resources = place.namespace_in(world), world.cluster.resources
    syncs = await resources.list(Kind.SYNC, namespace)
    wanted = [sync for sync in syncs if place.sync in {None, sync.name}]
    if not wanted:
        what = f'no NavixySync "{place.sync}"' if place.sync else "no NavixySync"
        names = ", ".join(sync.name for sync in syncs) or "none"
        message = f"there is {what} in the namespace {namespace} (there: {names}); choose with --sync and --namespace"
        raise ConfigurationError(message)
    cycles = await resources.list(Kind.CYCLE, namespace)
    customers = await resources.list(Kind.CUSTOMER, namespace)
    investigations, trouble = await _investigations(world, namespace)

    def seen(sync: Resource) -> Seen:
        def of(items: Sequence[Resource]) -> tuple[Resource, ...]:
            return tuple(item for item in items if item.spec.get("sync") == sync.name)

        return Seen(sync, of(cycles), of(customers), of(investigations), trouble)

    return world.cluster.clock.now(), [seen(sync) for sync in wanted]


async def _investigations(world: World, namespace: str) -> tuple[Sequence[Resource], str | None]:
    """The Investigations; or why there are none to be seen, which keeps nothing else from being shown."""
    try:
        return await world.cluster.resources.list(Kind.INVESTIGATION, namespace), None
    except NotFound:
        return (), "their CRD is not installed: kubectl apply -f crds/"
    except KubernetesForbidden:
        return (), "you may not list them"
