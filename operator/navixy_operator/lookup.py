"""The hashes of just those customers whom a drift pass must establish (design section 4).

Hashes live in memory for the length of a pass. What the database says by now is taken as a warning only: who is no
longer as the last cycle published them is left to the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from navixy_operator.core.eligibility import Intake
from navixy_operator.core.guards import hold
from navixy_operator.core.model import NavixyHash, Record
from navixy_operator.core.plan import Decision
from navixy_operator.core.vocabulary import CustomerState, Reason
from navixy_operator.errors import (
    DatabaseQueryFailed,
    DatabaseUnavailable,
    DatabaseUrlInvalid,
    OperatorError,
    SecretNotFound,
)
from navixy_operator.ports import Outside


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The hashes that were found, whether the database was asked, and what kept it from answering."""

    hashes: Mapping[str, NavixyHash] = field(default_factory=dict, repr=False)
    asked: bool = False
    trouble: OperatorError | None = None


async def look_up(
    outside: Outside, hash_pattern: str, decisions: tuple[Decision, ...], declared: Mapping[str, Record]
) -> tuple[tuple[Decision, ...], LookedUp]:
    """The hashes for the decisions that open; those that cannot be carried out with them are held."""
    hashes = {ref: record.hash for ref, record in declared.items() if record.hash is not None}
    wanted = {ref for d in decisions if d.opens and (ref := d.subject.customer_ref) is not None and ref not in hashes}
    if not wanted:
        return decisions, LookedUp(hashes)
    intake = Intake(hash_pattern)
    try:
        await outside.database.rows_of(wanted, intake.take)
    except (DatabaseUnavailable, DatabaseQueryFailed, DatabaseUrlInvalid, SecretNotFound) as error:
        held = tuple(hold(d, error.reason) if d.subject.customer_ref in wanted and d.opens else d for d in decisions)
        return held, LookedUp(hashes, asked=True, trouble=error)
    found = intake.judge().customers
    kept = []
    for decision in decisions:
        ref = decision.subject.customer_ref
        if ref in wanted and decision.opens:
            record = found[ref].record if ref in found else None
            if record is None or record.hash is None or not _as_published(decision, record):
                kept.append(hold(decision, Reason.DATABASE_CHANGED))
                continue
            hashes[record.customer_ref] = record.hash
        kept.append(decision)
    return tuple(kept), LookedUp(hashes, asked=True)


def _as_published(decision: Decision, record: Record) -> bool:
    """Whether the database still says what the last cycle published; for a pin only the hash must be the same."""
    if record.fingerprint != decision.subject.fingerprint:
        return False
    active = record.state is CustomerState.ACTIVE and record.rows == 1 and not record.defects
    return active or decision.reason is Reason.PINNED
