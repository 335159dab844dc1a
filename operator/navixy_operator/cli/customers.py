"""One NavixyCustomer, found by its reference or its name: all that pin and unpin need the right to list."""

import difflib
from collections.abc import Iterable, Sequence

import click

from navixy_operator.bootstrap import World
from navixy_operator.cli.common import Place, not_found
from navixy_operator.core.vocabulary import Kind
from navixy_operator.errors import ConfigurationError
from navixy_operator.ports import Resource
from navixy_operator.roll import Roll, roll_of


async def find_customer(world: World, place: Place, ref: str) -> Resource:
    """The resource that stands for the customer.

    Raises ConfigurationError where several NavixySyncs have one, or where the named resource does not count; ends the
    command where there is none.
    """
    namespace = place.namespace_in(world)
    items = [
        item
        for item in await world.cluster.resources.list(Kind.CUSTOMER, namespace)
        if place.sync in {None, item.spec["sync"]}
    ]
    rolls = [roll_of(items, sync) for sync in sorted({item.spec["sync"] for item in items})]
    found = [item for roll in rolls if (item := roll.by_ref.get(ref)) is not None] or [
        item for roll in rolls for item in roll.by_ref.values() if item.name == ref
    ]
    if len(found) == 1:
        return found[0]
    if found:
        syncs = ", ".join(sorted(item.spec["sync"] for item in found))
        message = f'"{ref}" is a customer of several NavixySyncs ({syncs}): choose with --sync'
        raise ConfigurationError(message)
    _refuse_overshadowed(items, rolls, ref)
    of = f" of {place.sync}" if place.sync else ""
    raise _unknown(items, ref, f"{of} in the namespace {namespace}")


def near(ref: str, known: Iterable[str]) -> str:
    """``; did you mean C-10042?``, or nothing."""
    found = difflib.get_close_matches(ref, list(known), n=3)
    return f"; did you mean {', '.join(found)}?" if found else ""


def _refuse_overshadowed(items: Sequence[Resource], rolls: Sequence[Roll], name: str) -> None:
    """A resource that another one of the same customer stands before: a pin on it would never count."""
    for item in items:
        if item.name != name:
            continue
        customer = item.spec["customerRef"]
        others = [roll.by_ref[customer].name for roll in rolls if customer in roll.by_ref]
        instead = f"{others[0]} stands for the customer {customer}" if others else "the next cycle puts it right"
        message = f"the NavixyCustomer {name} does not count: {instead}"
        raise ConfigurationError(message)


def _unknown(items: Sequence[Resource], ref: str, where: str) -> click.exceptions.Exit:
    if not items:
        return not_found(f'"{ref}" is no customer: there is no NavixyCustomer{where}; choose with --namespace')
    hint = near(ref, (item.spec["customerRef"] for item in items))
    return not_found(f'"{ref}" is neither the reference nor the name of a NavixyCustomer{where}{hint}')
