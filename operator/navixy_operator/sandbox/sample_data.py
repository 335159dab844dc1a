"""Believable customers of a telematics company, the same for the same seed: for the demo, the tests and the bench."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, column, create_engine, insert, inspect, table, text
from sqlalchemy.pool import NullPool

from navixy_operator.adapters.customer_database import SAMPLE_SCHEMA
from navixy_operator.sandbox.sample_names import company_name

SEED: Final = 20_240
NAVIXY: Final = "navixy"
OTHER_PROVIDERS: Final = ("wialon", "geotab", "teltonika", "webfleet")
FIRST_REFERENCE: Final = 10_000
MOST_GATEWAYS: Final = 150
# most customers have a handful of gateways, a few have many: about 4 on average
TAIL: Final = 1.3
BATCH_CUSTOMERS: Final = 5_000


class Sort(StrEnum):
    """What a sample customer is an example of."""

    ELIGIBLE = "eligible"
    TWO_PROVIDERS = "two providers"
    SUSPENDED = "suspended"
    REMOVED = "removed"
    WITHOUT_HASH = "without hash"
    MALFORMED_HASH = "malformed hash"
    WITHOUT_GATEWAYS = "without gateways"
    OTHER_PROVIDER = "other provider only"


# how many of each hundred; the rest are eligible
MIX: Final = {
    Sort.TWO_PROVIDERS: 4,
    Sort.SUSPENDED: 6,
    Sort.REMOVED: 4,
    Sort.WITHOUT_HASH: 3,
    Sort.MALFORMED_HASH: 1.5,
    Sort.WITHOUT_GATEWAYS: 3,
    Sort.OTHER_PROVIDER: 8,
}


@dataclass(frozen=True, slots=True)
class Association:
    """A customer's account with one provider."""

    provider: str
    navixy_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """One customer with the number of its gateways, for the tables of the sample schema."""

    id: int
    customer_ref: str | None
    name: str | None
    state: str | None
    associations: tuple[Association, ...]
    gateways: int
    sort: Sort = Sort.ELIGIBLE


def demo_customers(count: int = 200, *, seed: int = SEED) -> list[SampleCustomer]:
    """Mostly active customers, with at least one of each ``Sort`` where ``count`` allows it."""
    random = _random(seed)
    sorts = [sort for sort, share in MIX.items() for _ in range(max(1, round(count * share / 100)))][:count]
    sorts += [Sort.ELIGIBLE] * (count - len(sorts))
    random.shuffle(sorts)
    return [_customer(random, number, sort) for number, sort in enumerate(sorts, start=1)]


def eligible_customers(count: int, *, first_id: int = 1, seed: int = SEED) -> Iterator[SampleCustomer]:
    """``count`` customers, each of which should be connected; their hashes differ. ``first_id``: add to others."""
    # a seed of its own for each start, so that those who are added do not bring the hashes of the first
    random = _random(seed * 1_000_003 + first_id)
    return (_customer(random, number, Sort.ELIGIBLE) for number in range(first_id, first_id + count))


def create_schema(url: str) -> None:
    """Make the tables of the sample schema. Blocking, as all below."""
    with _transaction(url) as connection:
        _create_schema(connection)


def fill(url: str, customers: Iterable[SampleCustomer]) -> None:
    """Insert customers in one transaction, making the tables where there are none."""
    with _transaction(url) as connection:
        if not inspect(connection).has_table("customers"):
            _create_schema(connection)
        gateway = connection.execute(text("SELECT COALESCE(MAX(id), 0) FROM gateways")).scalar_one()
        remaining = iter(customers)
        while batch := list(islice(remaining, BATCH_CUSTOMERS)):
            gateway = _insert(connection, batch, gateway)


def set_state(url: str, references: Sequence[str], state: str) -> None:
    """Write ``state`` (``suspended``, ``removed``, ``active``, or anything else) to these customers."""
    _each(url, "UPDATE customers SET state = :state WHERE customer_ref = :ref", references, state=state)


def suspend(url: str, *references: str) -> None:
    """Suspend customers."""
    set_state(url, references, "suspended")


def remove(url: str, *references: str) -> None:
    """Mark customers as removed; their rows stay."""
    set_state(url, references, "removed")


def delete(url: str, *references: str) -> None:
    """Delete customers with all that belongs to them."""
    which = "customer_id IN (SELECT id FROM customers WHERE customer_ref = :ref)"
    for statement in (
        f"DELETE FROM gateways WHERE {which}",  # noqa: S608 - our own words
        f"DELETE FROM customer_providers WHERE {which}",  # noqa: S608 - our own words
        "DELETE FROM customers WHERE customer_ref = :ref",
    ):
        _each(url, statement, references)


def set_hash(url: str, reference: str, navixy_hash: str | None) -> None:
    """Give a customer another Navixy hash, or none."""
    statement = (
        "UPDATE customer_providers SET navixy_hash = :hash WHERE LOWER(provider) = 'navixy'"
        " AND customer_id IN (SELECT id FROM customers WHERE customer_ref = :ref)"
    )
    _each(url, statement, [reference], hash=navixy_hash)


def remove_gateways(url: str, *references: str) -> None:
    """Take all gateways from customers."""
    statement = "DELETE FROM gateways WHERE customer_id IN (SELECT id FROM customers WHERE customer_ref = :ref)"
    _each(url, statement, references)


def sample_hash(seed: int) -> str:
    """A hash that looks like one, for ``set_hash``."""
    return _random(seed).randbytes(16).hex()


def _random(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - reproducible is the point; nothing is protected by it


def _customer(random: Random, number: int, sort: Sort) -> SampleCustomer:
    state = {Sort.SUSPENDED: "suspended", Sort.REMOVED: "removed"}.get(sort, "active")
    gateways = min(int(random.paretovariate(TAIL)), MOST_GATEWAYS)
    navixy_hash: str | None = random.randbytes(16).hex()
    if sort is Sort.WITHOUT_HASH:
        navixy_hash = random.choice((None, "", "   "))
    elif sort is Sort.MALFORMED_HASH:
        navixy_hash = random.choice((str(navixy_hash)[:-1], str(navixy_hash)[:-1] + "g", "ask-support"))
    associations: tuple[Association, ...] = (Association(NAVIXY, navixy_hash),)
    if sort is Sort.OTHER_PROVIDER:
        associations = (Association(random.choice(OTHER_PROVIDERS)),)
    elif sort is Sort.TWO_PROVIDERS:
        associations += (Association(random.choice(OTHER_PROVIDERS)),)
    return SampleCustomer(
        id=number,
        customer_ref=f"C-{FIRST_REFERENCE + number}",
        name=company_name(random),
        state=state,
        associations=associations,
        gateways=0 if sort is Sort.WITHOUT_GATEWAYS else gateways,
        sort=sort,
    )


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _create_schema(connection: Connection) -> None:
    for statement in SAMPLE_SCHEMA.split(";"):
        if statement.strip():
            connection.execute(text(statement))


def _each(url: str, statement: str, references: Sequence[str], **values: Any) -> None:
    if references:
        with _transaction(url) as connection:
            connection.execute(text(statement), [{"ref": reference, **values} for reference in references])


def _insert(connection: Connection, batch: Sequence[SampleCustomer], gateway: int) -> int:
    """Insert customers and what belongs to them; ``gateway`` is the last number given, and the result the new last."""
    owners = [one.id for one in batch for _ in range(one.gateways)]
    customers = [
        {"id": one.id, "customer_ref": one.customer_ref, "name": one.name, "state": one.state} for one in batch
    ]
    associations = [
        {"customer_id": one.id, "provider": each.provider, "navixy_hash": each.navixy_hash}
        for one in batch
        for each in one.associations
    ]
    gateways = [
        {"id": number, "customer_id": owner, "serial_number": f"GW{number:09d}"}
        for number, owner in enumerate(owners, gateway + 1)
    ]
    for name, rows in (("customers", customers), ("customer_providers", associations), ("gateways", gateways)):
        if rows and connection.dialect.driver == "psycopg":
            _copy(connection, name, rows)
        elif rows:
            connection.execute(insert(table(name, *map(column, rows[0]))), rows)
    return gateway + len(gateways)


def _copy(connection: Connection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """PostgreSQL's COPY: with psycopg, ten times as fast as INSERT."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({', '.join(rows[0])}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))
