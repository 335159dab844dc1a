"""Whether what was decided is still right: a pin that a person sets meanwhile has the last word (design section 2).

So has a cycle that has judged the customer anew, before a pass that had read its resource earlier.
"""

from collections.abc import Mapping

from navixy_operator.core.outcome import Settled
from navixy_operator.core.pins import read_pin
from navixy_operator.core.plan import Decision
from navixy_operator.core.vocabulary import LABEL_VERDICT, Kind, Reason
from navixy_operator.ports import Clock, Resource, Resources
from navixy_operator.roll import is_declared


class StillSo:
    """Compares a decision's pin with what the watch has told since: no request, and true where nothing is told.

    ``by_resource``: the decisions rest on what the resources say, and not on the customer database itself.
    """

    def __init__(
        self, resources: Resources, known: Mapping[str, Resource], clock: Clock, *, by_resource: bool = False
    ) -> None:
        self._resources = resources
        self._known = known
        self._clock = clock
        self._by_resource = by_resource

    def __call__(self, decision: Decision) -> bool:
        """Whether nobody has set, changed or removed the customer's pin, taken back its declaration, judged anew."""
        item = self._known.get(decision.subject.customer_ref or "")
        now = None if item is None else self._resources.peek(Kind.CUSTOMER, item.namespace, item.name)
        if now is None or item is None:
            return True
        if self._by_resource and _judged(now) != _judged(item):
            return False
        deleted = now.deleting and is_declared(now)
        if deleted or decision.subject.verdict.reason is Reason.DECLARATION_DELETED:
            return deleted and decision.subject.verdict.reason is Reason.DECLARATION_DELETED
        return read_pin(now.annotations, self._clock.now()).pin == decision.subject.pin

    def settled(self, entry: Settled) -> bool:
        """The same of a decision that was carried out: its status would speak of a pin that is no longer set."""
        return self(entry.decision)


def _judged(item: Resource) -> tuple[object, ...]:
    """What the last cycle wrote of the customer, or its owner declares."""
    return item.spec, item.labels.get(LABEL_VERDICT)
