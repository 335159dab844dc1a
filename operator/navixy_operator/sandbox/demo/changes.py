"""What happens to the customers between the demo's two cycles, and what must come of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from navixy_operator.core.vocabulary import Reason
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.sample_data import SampleCustomer, Sort

NEW_HASH_SEED: Final = 7


class Kind(StrEnum):
    """A change in the customer database, in the words of a sentence about one customer."""

    SUSPENDED = "suspended"
    REMOVED = "marked as removed"
    DELETED = "row deleted"
    GATEWAYS_TAKEN = "gateways taken away"
    HASH_GIVEN = "hash added"
    ADDED = "new customer"


# how many of each
AGENDA: Final = {
    Kind.SUSPENDED: 3,
    Kind.REMOVED: 1,
    Kind.DELETED: 1,
    Kind.GATEWAYS_TAKEN: 1,
    Kind.HASH_GIVEN: 1,
    Kind.ADDED: 2,
}
# the reason that its NavixyCustomer must show afterwards; None: it must be gone
OUTCOMES: Final = {
    Kind.SUSPENDED: Reason.SUSPENDED,
    Kind.REMOVED: None,
    Kind.DELETED: None,
    Kind.GATEWAYS_TAKEN: Reason.NO_GATEWAYS,
    Kind.HASH_GIVEN: Reason.CONNECTED,
    Kind.ADDED: Reason.CONNECTED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One customer and what happens to it."""

    kind: Kind
    customer: SampleCustomer

    @property
    def ref(self) -> str:
        """The customer's reference."""
        return self.customer.customer_ref or ""

    @property
    def outcome(self) -> Reason | None:
        """What its NavixyCustomer must say after the next cycle; None: it must be gone."""
        return OUTCOMES[self.kind]

    @property
    def opens(self) -> bool:
        """Whether its connection must be opened; else it must be closed."""
        return self.outcome is Reason.CONNECTED


def choose(customers: Sequence[SampleCustomer]) -> list[Change]:
    """Choose customers for the agenda: spread over the list, each once."""
    connected = _spread([one for one in customers if one.sort is Sort.ELIGIBLE])
    without_hash = (one for one in customers if one.sort is Sort.WITHOUT_HASH)
    new = sample_data.eligible_customers(AGENDA[Kind.ADDED], first_id=len(customers) + 1)
    sources = {Kind.HASH_GIVEN: without_hash, Kind.ADDED: new}
    return [Change(kind, next(sources.get(kind, connected))) for kind, count in AGENDA.items() for _ in range(count)]


def apply(url: str, changes: Sequence[Change]) -> None:
    """Change the database. Blocking."""
    for change in changes:
        match change.kind:
            case Kind.SUSPENDED:
                sample_data.suspend(url, change.ref)
            case Kind.REMOVED:
                sample_data.remove(url, change.ref)
            case Kind.DELETED:
                sample_data.delete(url, change.ref)
            case Kind.GATEWAYS_TAKEN:
                sample_data.remove_gateways(url, change.ref)
            case Kind.HASH_GIVEN:
                sample_data.set_hash(url, change.ref, sample_data.sample_hash(NEW_HASH_SEED))
            case Kind.ADDED:
                sample_data.fill(url, [change.customer])
            case unknown:
                assert_never(unknown)


def _spread(customers: Sequence[SampleCustomer]) -> Iterator[SampleCustomer]:
    """Some customers from all over the list, so that the demo does not seem to know the first rows alone."""
    step = max(1, len(customers) // (sum(AGENDA.values()) + 1))
    return iter(customers[step::step])
