"""What people did to a customer, told when it first counts: pins, their end, and what F1.3 has set (AC13).

Told apart from what the operator does by itself: every such line has the origin ``manual``. What was told before shows
in the customer's status, so that nothing is said twice.
"""

from navixy_operator.chronicle import Chronicle
from navixy_operator.core.plan import Decision
from navixy_operator.core.projection import reason_of
from navixy_operator.core.readiness import not_heeded
from navixy_operator.core.vocabulary import PIN, Condition, EventName, Origin, Reason
from navixy_operator.ports import Resource


def tell_persons_word(chronicle: Chronicle, decision: Decision, item: Resource) -> None:
    """Tell what is new in a customer's pin, and that F1.3 has taken its connection over."""
    _tell_pin(chronicle, decision, item)
    told = reason_of(item.status, Condition.READY)
    if decision.reason is Reason.MANUAL_OPERATION and told is not Reason.MANUAL_OPERATION:
        event = EventName.MANUAL_OPERATION
        chronicle.tell(event, customer=decision.name, origin=Origin.MANUAL, connected=decision.desired.value)
        chronicle.note(item, event, f"{decision.message} ({decision.desired})")


def _tell_pin(chronicle: Chronicle, decision: Decision, item: Resource) -> None:
    pins = decision.subject.pins
    before = {key: value for key, value in (item.status.get("pin") or {}).items() if key != "insteadOf"}
    current = {} if pins.pin is None else pins.pin.to_status()
    told_expired = reason_of(item.status, Condition.PINNED) is Reason.PIN_EXPIRED
    if pins.expired is not None and not told_expired:
        message = f"{pins.expired.in_words()}; the annotation {PIN} can be removed"
        _say(chronicle, decision, item, EventName.PIN_EXPIRED, message)
    elif current == before:
        return
    elif pins.pin is not None:
        instead = decision.without_pin
        without = f"; without it: {instead.desired or 'as it is'} ({instead.reason})" if instead is not None else ""
        _say(chronicle, decision, item, EventName.PIN_APPLIED, f"{pins.pin.in_words()}{without}")
    elif not told_expired and pins.expired is None:
        message = f"no longer pinned; desired is {decision.desired} ({decision.reason})"
        _say(chronicle, decision, item, EventName.PIN_REMOVED, message)
    odd = [*pins.problems, *filter(None, [not_heeded(decision).removeprefix("; ")])]
    for problem in odd:
        _say(chronicle, decision, item, EventName.PIN_PROBLEM, problem, warning=True)


def _say(
    chronicle: Chronicle, decision: Decision, item: Resource, event: EventName, message: str, *, warning: bool = False
) -> None:
    chronicle.tell(event, customer=decision.name, origin=Origin.MANUAL, warning=warning, message=message)
    chronicle.note(item, event, message, warning=warning)
