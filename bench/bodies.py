"""What a first cycle writes for each customer, made by the operator's own functions: the bare client sends the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from navixy_operator.core.eligibility import Intake
from navixy_operator.core.model import DEFAULT_HASH_PATTERN, Connection, Customer, CustomerRow
from navixy_operator.core.naming import resource_name
from navixy_operator.core.outcome import settle
from navixy_operator.core.plan import decide
from navixy_operator.core.status import customer_spec, customer_status, labels
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import API_VERSION, PROVIDER, ConnectionState, Kind
from navixy_operator.sandbox.sample_data import eligible_customers

SYNC = "main"


@dataclass(frozen=True, slots=True)
class Bodies:
    """One customer's two writes, as JSON."""

    name: str
    create: bytes
    status: bytes


def bodies(count: int, namespace: str) -> Iterator[Bodies]:
    """The writes for ``count`` eligible customers, who become connected."""
    intake = Intake(DEFAULT_HASH_PATTERN)
    for number, one in enumerate(eligible_customers(count), 1):
        (account,) = one.associations
        intake.take(
            CustomerRow(number, one.customer_ref, PROVIDER, one.state, account.navixy_hash, one.gateways, one.name)
        )
    now = datetime.now(UTC)
    for number, customer in enumerate(intake.judge().customers.values()):
        yield _bodies(customer, number, namespace, now)


def _bodies(customer: Customer, number: int, namespace: str, now: datetime) -> Bodies:
    ref, fingerprint = customer.record.customer_ref, customer.record.fingerprint
    connection = Connection(f"cn-{number:024x}", ref, ConnectionState.CONNECTED, now, now, fingerprint=fingerprint)
    settled = settle(decide(Subject(ref, customer.verdict, fingerprint, ())), (connection,), None)
    name = resource_name(ref)
    created = {
        "apiVersion": API_VERSION,
        "kind": Kind.CUSTOMER,
        "metadata": {"name": name, "namespace": namespace, "labels": labels(customer.verdict.reason)},
        "spec": customer_spec(customer, SYNC),
    }
    status = customer_status({}, settled, cycle="first", generation=1, now=now)
    return Bodies(name, orjson.dumps(created), orjson.dumps({"status": status}))
