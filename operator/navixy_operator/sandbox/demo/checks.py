"""What the demo verifies by itself, with none of the operator's own code: plain SQL and plain comparisons."""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

MOST_NAMED: Final = 5

ELIGIBLE: Final = """
SELECT c.customer_ref, p.navixy_hash
FROM customers c
JOIN customer_providers p ON p.customer_id = c.id AND p.provider = 'navixy'
WHERE c.state = 'active'
  AND length(p.navixy_hash) = 32 AND p.navixy_hash NOT GLOB '*[^0-9a-f]*'
  AND EXISTS (SELECT 1 FROM gateways g WHERE g.customer_id = c.id)
"""
# a removed customer has no resource: it had no connection to close when the demo began
PUBLISHED: Final = """
SELECT c.customer_ref FROM customers c
JOIN customer_providers p ON p.customer_id = c.id AND p.provider = 'navixy'
WHERE c.state <> 'removed'
"""
HASHES: Final = "SELECT DISTINCT trim(navixy_hash) FROM customer_providers WHERE trim(navixy_hash) <> ''"


def eligible(database: Path) -> dict[str, str]:
    """The references that must be connected, each with the fingerprint of its hash."""
    return {ref: hashlib.sha256(secret.encode()).hexdigest()[:16] for ref, secret in _ask(database, ELIGIBLE)}


def published(database: Path) -> set[str]:
    """The references that must have a NavixyCustomer."""
    return {ref for (ref,) in _ask(database, PUBLISHED)}


def hashes(database: Path) -> set[str]:
    """Every hash, malformed ones too: none of them may show anywhere."""
    return {secret for (secret,) in _ask(database, HASHES)}


def connections(listed: Iterable[Mapping[str, Any]], expected: Mapping[str, str]) -> list[str]:
    """What is wrong with F1.1's connections; ``expected``: reference to fingerprint."""
    held = [one for one in listed if one["state"] != "disconnected"]
    times = Counter(one["customer_ref"] for one in held)
    wrong = [
        (expected.keys() - times.keys(), "eligible, but without a connection"),
        (times.keys() - expected.keys(), "connected, but not eligible"),
        ([ref for ref, count in times.items() if count > 1], "with more than one open connection"),
        ([one["customer_ref"] for one in held if one["state"] != "connected"], "with a connection that does not work"),
        (
            [one["customer_ref"] for one in held if one.get("hash_fingerprint") != expected.get(one["customer_ref"])],
            "connected with another hash than the database has",
        ),
    ]
    return _told(wrong)


def resources(items: Iterable[Mapping[str, Any]], expected: Collection[str]) -> list[str]:
    """What is wrong with the NavixyCustomers: one for each reference of ``expected``, all of them Ready."""
    listed = list(items)
    times = Counter(item["spec"]["customerRef"] for item in listed)
    return _told(
        [
            (set(expected) - times.keys(), "without a NavixyCustomer"),
            (times.keys() - set(expected), "with a NavixyCustomer that should not be there"),
            ([ref for ref, count in times.items() if count > 1], "with more than one NavixyCustomer"),
            ([item["spec"]["customerRef"] for item in listed if ready(item) != "True"], "not Ready"),
        ]
    )


def rewritten(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], changed: Collection[str]
) -> list[str]:
    """Whether customers outside ``changed`` were written between two lists of NavixyCustomers."""
    versions = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in before}
    touched = [
        item["spec"]["customerRef"]
        for item in after
        if item["spec"]["customerRef"] not in changed
        and versions.get(item["metadata"]["name"]) != item["metadata"]["resourceVersion"]
    ]
    return _told([(touched, "unchanged in the database, but written in the API server")])


def figures(what: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Where the figures of ``found`` differ from ``expected``."""
    return [
        f"{what}: {name} is {found.get(name)!r}, expected {value!r}"
        for name, value in expected.items()
        if found.get(name) != value
    ]


def leaks(places: Mapping[str, str | bytes], secrets: Collection[str]) -> list[str]:
    """Where a secret shows; the text names the place and how many, never the secret."""
    wrong = []
    for place, content in places.items():
        text = content if isinstance(content, bytes) else content.encode()
        if count := sum(secret.encode() in text for secret in secrets):
            wrong.append(f"{count} secrets show in {place}")
    return wrong


def ready(item: Mapping[str, Any]) -> str | None:
    """The status of the condition Ready."""
    return _condition(item, "status")


def reason(item: Mapping[str, Any]) -> str | None:
    """The reason of the condition Ready."""
    return _condition(item, "reason")


def _condition(item: Mapping[str, Any], field: str) -> str | None:
    conditions = item.get("status", {}).get("conditions", ())
    return next((str(one[field]) for one in conditions if one["type"] == "Ready"), None)


def _told(wrong: Iterable[tuple[Collection[Any], str]]) -> list[str]:
    return [f"{len(refs)} {words}: {_some([str(ref) for ref in refs])}" for refs, words in wrong if refs]


def _some(refs: Sequence[str]) -> str:
    more = len(refs) - MOST_NAMED
    return ", ".join(sorted(refs)[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _ask(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()
