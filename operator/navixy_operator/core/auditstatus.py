"""What a NavixySync says of the audit trail (spec: Audit Trail Logic; design section 5)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from navixy_operator.core.conditions import condition, find, merge
from navixy_operator.core.vocabulary import Condition, Reason


def sync_audited(
    previous: Mapping[str, Any], trouble: tuple[Reason, str] | None, *, generation: int, now: datetime
) -> Mapping[str, Any]:
    """The status with ``AuditAvailable`` as it is; ``previous`` itself where that says so already.

    ``trouble``: what keeps entries from their database; None: nothing does.
    """
    if trouble is None:
        current = condition(Condition.AUDIT_AVAILABLE, status=True, reason=Reason.AVAILABLE, message=_WELL)
    else:
        current = condition(Condition.AUDIT_AVAILABLE, status=False, reason=trouble[0], message=trouble[1])
    conditions = previous.get("conditions", ())
    before = find(conditions, Condition.AUDIT_AVAILABLE)
    if before is not None and current.items() <= before.items():
        return previous
    others = [entry for entry in conditions if entry["type"] != Condition.AUDIT_AVAILABLE]
    return {**previous, "conditions": merge(conditions, [*others, current], generation=generation, now=now)}


_WELL: Final = "all entries are stored in the audit trail's database"
