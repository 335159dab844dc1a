"""The customer database, written past the operator: row by row, or whole."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from faults.facts import Row

Statement = tuple[str, list[dict[str, object]]]
AWAY: Final[Statement] = ("ALTER TABLE customers RENAME TO customers_away", [])
BACK: Final[Statement] = ("ALTER TABLE customers_away RENAME TO customers", [])
TABLES: Final = (("gateways", "customer_id"), ("customer_providers", "customer_id"), ("customers", "id"))


class Tables:
    """One database with the sample schema. Everything blocks, and is one transaction."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._away = False

    def write(self, before: Iterable[int], after: Iterable[Row]) -> None:
        """Delete these customers and put those there."""
        self._run([*_deleted(before), *_inserted(after)])

    def break_(self) -> None:
        """Take a table away, so that the query fails."""
        self._run([AWAY])
        self._away = True

    def empty(self) -> None:
        """Delete everything."""
        self._run([(f"DELETE FROM {table}", []) for table, _ in TABLES])

    def restore(self, rows: Mapping[int, Row]) -> None:
        """Exactly these rows, whatever was before."""
        self._run([*([BACK] if self._away else []), *((f"DELETE FROM {table}", []) for table, _ in TABLES)])
        self._away = False
        self.write((), rows.values())

    def _run(self, statements: Iterable[Statement]) -> None:
        engine = create_engine(self._url, poolclass=NullPool, hide_parameters=True)
        try:
            with engine.begin() as connection:
                for statement, values in statements:
                    connection.execute(text(statement), values or None)
        finally:
            engine.dispose()


def _deleted(ids: Iterable[int]) -> list[Statement]:
    values: list[dict[str, object]] = [{"id": number} for number in ids]
    return [(f"DELETE FROM {table} WHERE {column} = :id", values) for table, column in TABLES] if values else []


def _inserted(rows: Iterable[Row]) -> list[Statement]:
    some = list(rows)
    gateways: list[dict[str, object]] = [
        {"id": 100 * row.id + number, "customer": row.id} for row in some for number in range(row.gateways)
    ]
    people: list[dict[str, object]] = [{"id": row.id, "ref": row.ref, "state": row.state} for row in some]
    accounts: list[dict[str, object]] = [{"id": row.id, "provider": row.provider, "hash": row.hash} for row in some]
    found = [
        ("INSERT INTO customers (id, customer_ref, state) VALUES (:id, :ref, :state)", people),
        ("INSERT INTO customer_providers VALUES (:id, :provider, :hash)", accounts),
        ("INSERT INTO gateways (id, customer_id) VALUES (:id, :customer)", gateways),
    ]
    return [(statement, values) for statement, values in found if values]
