"""What the five steps of an investigation find, told from the facts of a case (spec: Investigation Steps).

One function a step, each a list of sentences; what the audit trail could not be asked for is said, and the rest told
from what the SyncCycles and the customers' resources say.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from navixy_operator.core.casefile import Case, Page
from navixy_operator.core.causes import Conclusion
from navixy_operator.core.clues import unfinished_before
from navixy_operator.core.conditions import MAX_MESSAGE, timestamp
from navixy_operator.core.survey import Groups
from navixy_operator.core.triggers import REPEATED_CYCLES, always_skipped
from navixy_operator.core.vocabulary import Condition, EventName, EventStatus, InvestigationStep
from navixy_operator.core.words import cut, listed, number, tally

MAX_FINDINGS: Final = 20
SHOWN_CYCLES: Final = 5
SHOWN_PROBLEMS: Final = 3
LONGEST: Final = 400
_OPENING: Final = ("established", "establishFailed", "pending")
_CLOSING: Final = ("closed", "closeFailed")

Findings = Iterator[str]
Step = Callable[[Case, Conclusion], Findings]


def review_logs(case: Case, _: Conclusion) -> Findings:
    """Step 1: the cycles, how they ended, what repeats; from the audit trail as far as it goes back."""
    cycles = case.facts.cycles
    ended = Counter("completed" if c.completed else "interrupted" if c.interrupted else "failed" for c in cycles)
    if cycles:
        newest = ", ".join(f"{cycle.name} {cycle.reason}" for cycle in cycles[:SHOWN_CYCLES])
        yield f"{number(len(cycles), 'cycle')} kept: {tally(sorted(ended.items()))}; newest first: {newest}"
    else:
        yield "no cycle has ended yet"
    yield from _audited_cycles(case)
    reasons = Counter(cycle.reason for cycle in cycles if cycle.failed)
    if reasons:
        yield f"failures by reason: {tally((name, count) for name, count in reasons.most_common())}"
    if len(case.facts.completed) > 1:
        left = ", ".join(str(cycle.count("unresolved")) for cycle in case.facts.completed[:SHOWN_CYCLES])
        yield f"discrepancies that the last completed cycles left, newest first: {left}"
    found = {} if case.last is None else case.last.status.get("discrepancyCounts", {})
    if found and case.last is not None:
        yield f"{case.last.name} found {tally((name, count) for name, count in sorted(found.items()))}"


def _audited_cycles(case: Case) -> Findings:
    if case.logbook.trouble is not None:
        yield case.logbook.trouble
        return
    page = case.logbook.page(EventName.SYNCHRONIZATION_COMPLETED)
    ended = Counter("failed" if told.status == EventStatus.FAILED else "completed" for told in page.entries)
    back = f", back to {timestamp(page.entries[-1].at)}" if page.entries else ""
    yield f"ends of cycles in the audit trail: {page.count}{back}: {tally(sorted(ended.items())) or 'none'}"


def analyze_status(case: Case, _: Conclusion) -> Findings:
    """Step 2: whether database and F1.1 answer, how customers and connections stand, what was logged of them."""
    for kind in (Condition.DATABASE_AVAILABLE, Condition.FORWARDING_AVAILABLE, Condition.IN_SYNC):
        if (found := case.condition(kind)) is not None:
            yield f"{kind} is {found['status']} since {found['lastTransitionTime']}: {cut(found['message'], LONGEST)}"
    if (last := case.last) is not None:
        counts = f"{number(last.count('rows'), 'row')}, {number(last.count('customers'), 'Navixy customer')}"
        yield f"the customer database gave {counts} to {last.name}, which ended at {timestamp(last.ended)}"
    status = case.facts.status
    if "expected" in status and "actual" in status:
        yield f"connections by the last look: {status['expected']} expected, {status['actual']} connected"
    survey = case.survey
    yield f"customers by state: {tally(sorted(survey.states.items())) or 'none'}"
    yield f"customers by connection: {tally(sorted(survey.connections.items())) or 'none'}"
    if survey.open_though_closed:
        yield f"suspended or removed, but with an open connection: {_grouped(survey.open_though_closed)}"
    yield from _failures(case, EventName.ESTABLISH_FAILED, "failed establishments")
    yield from _failures(case, EventName.CLOSE_FAILED, "failed closes")


def _failures(case: Case, event: EventName, words: str) -> Findings:
    page = case.logbook.page(event)
    if not page.entries:
        return
    problems = Counter(cut(str(told.details.get("problem", "")), 100) for told in page.entries)
    refs = sorted({told.customer for told in page.entries if told.customer is not None})
    told = "; ".join(f"{problem} ({count})" for problem, count in problems.most_common(SHOWN_PROBLEMS))
    yield f"{words} in the audit trail: {page.count}, of {number(len(refs), 'customer')} ({listed(refs)}): {told}"


def validate_requirements(case: Case, _: Conclusion) -> Findings:
    """Step 3: who misses which requirement, how often, and how F1.1 does what it is asked for."""
    if (last := case.last) is not None:
        counts = last.status.get("skipCounts", {})
        skipped = f"{last.count('skipped')} of {number(last.count('customers'), 'customer')} skipped by {last.name}"
        yield f"{skipped}: {tally(sorted(counts.items()))}" if counts else skipped
    lately = case.facts.completed[:REPEATED_CYCLES]
    if len(lately) == REPEATED_CYCLES and (refs := always_skipped(lately)):
        yield f"skipped by each of the last {REPEATED_CYCLES} completed cycles: {len(refs)} ({listed(refs)})"
    if case.survey.ineligible:
        yield f"customers that are not eligible: {_grouped(case.survey.ineligible)}"
    yield from _success(case, "establishments", _OPENING)
    yield from _success(case, "closes", _CLOSING)
    if case.survey.unready:
        yield f"customers that are not as desired: {_grouped(case.survey.unready)}"


def _success(case: Case, what: str, names: tuple[str, ...]) -> Findings:
    """How many of F1.1's operations succeeded, over the completed cycles that are kept."""
    cycles = case.facts.completed
    good, tried = (sum(c.count(name) for c in cycles for name in which) for which in (names[:1], names))
    if not tried:
        yield f"no {what} in the {number(len(cycles), 'completed cycle')} that are kept"
        return
    rate = f"{100 * good // tried}%"
    yield f"{what} that succeeded in the {number(len(cycles), 'completed cycle')} kept: {good} of {tried} ({rate})"


def identify_cause(case: Case, conclusion: Conclusion) -> Findings:
    """Step 4: the probable cause, what else might be, and what else happened about that time."""
    yield f"{conclusion.cause}: {conclusion.message}"
    for cause, told in conclusion.others:
        yield f"also to be thought of: {cause}: {told}"
    yield from _cycles_before(case)
    yield from _acts(case.logbook.page(EventName.MANUAL_OPERATION), "operations of people through F1.3")
    yield from _acts(case.logbook.page(EventName.PIN_APPLIED), "pins that people set")
    repairs = case.logbook.page(EventName.DRIFT_REPAIRED)
    if repairs.entries:
        mended = ", ".join(f"{_sum(repairs, name)} {name}" for name in ("established", "closed", "failed"))
        since = timestamp(repairs.entries[-1].at)
        yield f"drift passes that mended connections since {since}: {repairs.count}, with {mended}"
    pins = case.survey.pins
    if pins:
        yield f"customers that are pinned now: {_grouped(pins)}"
    if case.survey.manual.count:
        yield f"customers whose connection F1.3 has set: {case.survey.manual}"


def _cycles_before(case: Case) -> Findings:
    """What failed right before the cycle in question; where that one failed itself, which came to its end last."""
    if case.failure is None:
        for cycle in unfinished_before(case)[:SHOWN_CYCLES]:
            yield f"before it, {cycle.name} failed with {cycle.reason} at {timestamp(cycle.ended)}"
    elif (last := case.last) is not None:
        yield f"the last cycle that completed is {last.name}, at {timestamp(last.ended)}"
    else:
        yield "no cycle that is kept has completed"


def _acts(page: Page, words: str) -> Findings:
    if page.entries:
        refs = sorted({told.customer for told in page.entries if told.customer is not None})
        yield f"{words}: {page.count}, the last at {timestamp(page.entries[0].at)}: {listed(refs)}"


def _sum(page: Page, name: str) -> int:
    counts = (told.details.get(name, 0) for told in page.entries)
    return sum(count for count in counts if isinstance(count, int))


def determine_resolution(case: Case, conclusion: Conclusion) -> Findings:
    """Step 5: what happens by itself, and when; what people may do stands in ``suggestedResolution``."""
    status: Any = case.facts.status
    due = status.get("nextScheduleTime")
    yield (
        f"the next scheduled cycle is due at {due}" if due else "no cycle is scheduled: one runs when somebody makes it"
    )
    if (held := case.condition(Condition.CLOSES_HELD)) is not None and held["status"] == "True":
        yield f"closes wait for a person's approval: {cut(held['message'], LONGEST)}"
    yield f"what may be done about {conclusion.cause} stands in suggestedResolution, the first thing first"
    yield "resolved by itself when a whole cycle, begun after this was last seen, has completed and does not show it"


STEPS: Final[tuple[tuple[InvestigationStep, Step], ...]] = (
    (InvestigationStep.REVIEW_LOGS, review_logs),
    (InvestigationStep.ANALYZE_STATUS, analyze_status),
    (InvestigationStep.VALIDATE_REQUIREMENTS, validate_requirements),
    (InvestigationStep.IDENTIFY_CAUSE, identify_cause),
    (InvestigationStep.DETERMINE_RESOLUTION, determine_resolution),
)


def evidence(case: Case, conclusion: Conclusion) -> list[dict[str, Any]]:
    """``status.evidence``: the findings of the five steps in order, each list and text bounded."""
    return [
        {"step": step.value, "findings": [cut(found, MAX_MESSAGE) for found in find(case, conclusion)][:MAX_FINDINGS]}
        for step, find in STEPS
    ]


def _grouped(groups: Groups) -> str:
    """Groups by name, the largest first."""
    ordered = sorted(groups.items(), key=lambda entry: (-entry[1].count, entry[0]))
    return "; ".join(f"{name or 'not yet judged'}: {group}" for name, group in ordered)
