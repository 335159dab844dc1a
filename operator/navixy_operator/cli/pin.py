"""``navixy-operator pin`` and ``unpin``: a person's word on one customer's connection."""

import getpass
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import click

from navixy_operator.adapters.kube.whoami import whoami
from navixy_operator.bootstrap import World
from navixy_operator.cli import pinwords
from navixy_operator.cli.common import ASKING_CLUSTER, FAILED, Place, cluster_options, echo_facts, print_json
from navixy_operator.cli.customers import find_customer
from navixy_operator.cli.moments import Duration, Moment
from navixy_operator.cli.pinwords import Change
from navixy_operator.cli.waiting import look_until, wait_option
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.pins import unheeded
from navixy_operator.core.vocabulary import PIN, PIN_BY, PIN_REASON, PIN_UNTIL, PinMode
from navixy_operator.errors import ConfigurationError, TemporaryError
from navixy_operator.ports import Resource

WAIT_SECONDS: Final = 10
NOTHING: Final[Mapping[str, str | None]] = dict.fromkeys((PIN, PIN_REASON, PIN_BY, PIN_UNTIL))
HEEDED: Final = "the operator has heeded it"
LABELS: Final = 9
_LIKE_A_HASH: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32}(?![0-9A-Za-z])")

EXAMPLES: Final = """\b
Examples:
  navixy-operator pin C-10042 disconnect --reason "moves house" --for 2d
  navixy-operator pin C-10042 hold --until 2026-12-31T18:00:00Z
  navixy-operator unpin C-10042
"""


@click.command(epilog=EXAMPLES, short_help="Force one customer's connection, or hold it as it is.")
@click.argument("ref")
@click.argument("mode", type=click.Choice([mode.value for mode in PinMode], case_sensitive=False))
@click.option("--reason", metavar="TEXT", help="Why, for whoever meets the pin later.")
@click.option(
    "--until", type=Moment(), metavar="TIME", help="When the pin ends (RFC 3339); default: when it is removed."
)
@click.option("--for", "lasting", type=Duration(), metavar="DURATION", help="The same as a span: 30m, 2h, 3d, 1w.")
@click.option(
    "--by", metavar="NAME", help="Who sets it; default: your name at the API server, else the one on this machine."
)
@wait_option(WAIT_SECONDS, HEEDED)
@cluster_options
def pin(  # noqa: PLR0913, PLR0917 - one for each option
    place: Place,
    ref: str,
    mode: str,
    reason: str | None,
    until: datetime | None,
    lasting: timedelta | None,
    by: str | None,
    wait: float,
) -> None:
    """Force the connection of one customer, whatever the customer database says, or hold it as it is.

    REF is the customer's reference, or the name of its NavixyCustomer. A pin takes the place of an older one. Needs the
    rights to list, get and patch navixycustomers, and nothing else.
    """
    end = _end(until, lasting)
    _refuse_hash(reason or "", by or "")

    async def annotate(world: World) -> Change:
        item = await find_customer(world, place, ref)
        if item.deleting:
            message = f"the NavixyCustomer {item.name} is being deleted: a pin on it no longer counts"
            raise ConfigurationError(message)
        name = by if by is not None else await whoami(world.candidate) or this_user()
        given = {PIN: mode.lower(), PIN_REASON: reason, PIN_BY: name, PIN_UNTIL: end and timestamp(end)}
        return await _write(world, item, {key: value or None for key, value in given.items()})

    change = place.run(annotate, ASKING_CLUSTER)
    if not place.json:
        click.echo(pinwords.pinned_words(change))
        undo = place.line("unpin", change.ref)
        echo_facts([("Overrules", pinwords.overruled_words(change.before)), ("Undo", undo)], LABELS)
    _tell(place, change, wait)


@click.command(short_help="Remove the pin of one customer's connection.")
@click.argument("ref")
@wait_option(WAIT_SECONDS, HEEDED)
@cluster_options
def unpin(place: Place, ref: str, wait: float) -> None:
    """Remove the pin of one customer: the customer database decides again.

    REF is the customer's reference, or the name of its NavixyCustomer. Needs the rights that `pin` needs.
    """

    async def annotate(world: World) -> Change:
        return await _write(world, await find_customer(world, place, ref), NOTHING)

    change = place.run(annotate, ASKING_CLUSTER)
    if not place.json:
        click.echo(pinwords.unpinned_words(change))
    _tell(place, change, wait if change.changed else 0)


def this_user() -> str | None:
    """The user of this machine; None: nothing tells, as in a container without a passwd entry."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # KeyError, ImportError: before Python 3.13
        return None


def _end(until: datetime | None, lasting: timedelta | None) -> datetime | None:
    now = datetime.now(UTC)
    if until is not None and lasting is not None:
        message = "--until and --for both say when the pin ends: give one of them"
        raise click.UsageError(message)
    if lasting is not None:
        try:
            return now + lasting
        except OverflowError:
            message = "--for: that is later than the last year there is; leave it out"
            raise click.UsageError(message) from None
    if until is not None and until <= now:
        message = f"--until: {timestamp(until)} is in the past"
        raise click.UsageError(message)
    return until


def _refuse_hash(*texts: str) -> None:
    """Annotations are for everybody to read, and their old versions stay in etcd."""
    if any(map(_LIKE_A_HASH.search, texts)):
        message = "--reason and --by: what looks like a Navixy hash must not be written into the cluster"
        raise click.UsageError(message)


async def _write(world: World, item: Resource, annotations: Mapping[str, str | None]) -> Change:
    after = await world.cluster.resources.annotate(item, annotations)
    if after is None:
        message = f"the NavixyCustomer {item.name} has just been deleted; nothing was changed"
        raise TemporaryError(message)
    return Change(item, after, world.cluster.clock.now())


def _tell(place: Place, change: Change, wait: float) -> None:
    """Wait until the operator has heeded the change, and tell what the connection is then."""
    latest, heeded = place.run(lambda world: _heeded(world, change, wait), ASKING_CLUSTER) if wait else (None, None)
    if place.json:
        print_json(pinwords.document(change, latest or change.after, heeded=heeded))
    elif heeded:
        echo_facts(_facts(latest), LABELS)
    if heeded is False:
        click.echo(
            f"error: no operator has heeded it within {wait:g} s; the annotations stay, and count as soon as one does "
            f"(kubectl describe navixysync {change.after.spec['sync']} -n {change.after.namespace})",
            err=True,
        )
        raise click.exceptions.Exit(FAILED)


def _facts(latest: Resource | None) -> list[tuple[str, str]]:
    if latest is None:
        return [("Now", "the resource is gone: the pin alone had kept it")]
    objection = pinwords.objection(latest)
    return [("Now", pinwords.present_words(latest)), *([("But", objection)] if objection else [])]


async def _heeded(world: World, change: Change, wait: float) -> tuple[Resource | None, bool]:
    """The customer once the operator has told what it made of the annotations and the connection has settled."""
    clock, resources, item = world.cluster.clock, world.cluster.resources, change.after

    def is_heeded(now: Resource | None) -> bool:
        if now is None:  # what only a pin had kept goes with it; what is pinned does not go by itself
            return change.pin is None
        return not unheeded(now.annotations, now.status, clock.now())

    latest = await look_until(
        clock,
        lambda: resources.get(item.kind, item.namespace, item.name),
        lambda now: is_heeded(now) and not (now is not None and pinwords.in_motion(now)),
        wait,
    )
    return latest, is_heeded(latest)
