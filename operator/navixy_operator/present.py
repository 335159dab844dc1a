"""Who a drift pass decides on: the resources as they stand, and what F1.1 holds beside them."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from navixy_operator.core.eligibility import judge
from navixy_operator.core.model import Connection, Record, Verdict
from navixy_operator.core.projection import published_verdict
from navixy_operator.core.roster import DELETED, leftover, subject_of
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import Reason
from navixy_operator.ports import Resource
from navixy_operator.roll import Roll, known_of

_NOT_FOUND: Final = frozenset({Reason.NOT_IN_DATABASE, Reason.UNREADABLE_REFERENCE})


def subjects_of(
    roll: Roll,
    connections: Sequence[Connection],
    declared: Mapping[str, Record],
    now: datetime,
    *,
    leftovers: bool,
    without: Container[str] = (),
) -> Iterator[Subject]:
    """Every customer of the roll but those ``without``.

    With ``leftovers``, also every open connection of somebody without a resource.
    """
    by_ref: defaultdict[str | None, list[Connection]] = defaultdict(list)
    for connection in connections:
        by_ref[connection.customer_ref].append(connection)
    holders = _holders(roll, declared) if declared else {}
    for ref, item in roll.by_ref.items():
        if ref in without:
            continue
        found = by_ref.get(ref, ())
        known = known_of(item, now)
        if known.deleted:
            yield subject_of(ref, DELETED, None, found, known, has_hash=False)
        elif ref in declared:
            record = declared[ref]
            verdict = judge(record, holders.get(record.fingerprint or "", ()))
            yield subject_of(ref, verdict, record.fingerprint, found, known, has_hash=record.hash is not None)
        else:
            verdict = published_verdict(item.spec, item.labels, item.status)
            fingerprint = item.spec.get("hashFingerprint")
            yield subject_of(ref, verdict, fingerprint, found, known, has_hash=_may_have_hash(verdict, item))
    if leftovers:
        for owner, found in by_ref.items():
            if owner is None:
                yield from (leftover(None, [one]) for one in found if one.is_open)
            elif owner not in roll.by_ref and any(one.is_open for one in found):
                yield leftover(owner, found)


def _may_have_hash(verdict: Verdict, item: Resource) -> bool:
    """Whether the database can be asked for the hash: not for who is not found there."""
    return "hashFingerprint" in item.spec and verdict.reason not in _NOT_FOUND


def _holders(roll: Roll, declared: Mapping[str, Record]) -> dict[str, tuple[str, ...]]:
    """Who holds which hash, as far as the resources tell."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for ref, item in roll.by_ref.items():
        record = declared.get(ref)
        fingerprint = item.spec.get("hashFingerprint") if record is None else record.fingerprint
        if fingerprint is not None:
            found[fingerprint].add(ref)
    return {fingerprint: tuple(sorted(refs)) for fingerprint, refs in found.items()}
