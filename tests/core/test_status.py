"""A NavixyCustomer's spec, labels and status: told from the world, and still when the world is."""

import re
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given

from navixy_operator.api.customer import NavixyCustomerSpec, NavixyCustomerStatus
from navixy_operator.core.guards import hold_all
from navixy_operator.core.model import Connection, ConnectionFault, CustomerRow
from navixy_operator.core.outcome import Failure, settle
from navixy_operator.core.pins import NO_PIN, PinReading
from navixy_operator.core.plan import decide
from navixy_operator.core.projection import refused_fingerprint
from navixy_operator.core.status import customer_spec, customer_status, gone_spec, labels
from navixy_operator.core.vocabulary import Outcome, PinMode, Reason
from support.builders import (
    DISCONNECTED,
    FAILED,
    NOW,
    PASSING,
    PENDING,
    PERMANENT,
    connection,
    end,
    hash_of,
    manual,
    pinned,
    print_of,
    row,
    snapshot_of,
    subject,
)
from support.models import fits, write
from support.strategies import quick, rows

LATER: Final = NOW + timedelta(days=1)
REFUSAL: Final = Failure(Reason.HASH_REJECTED, PERMANENT)
FAILURE: Final = Failure(Reason.ESTABLISH_FAILED, PASSING)
CLOSE_FAILURE: Final = Failure(Reason.CLOSE_FAILED, ConnectionFault("close-failed", "no answer", permanent=False))
JSON = dict[str, Any]


def conditions(status: JSON) -> JSON:
    """Condition types with status and reason."""
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in status["conditions"]}


ours, closed = connection("c-1"), connection("c-1", state=DISCONNECTED)
failed, refused = connection("f-1", state=FAILED, error=PASSING), connection("f-1", state=FAILED, error=PERMANENT)
suspended = subject(ours, reason=Reason.SUSPENDED)
observed = settle(hold_all([decide(subject())], Reason.POLICY_OBSERVE)[0], (), None)

WORLDS: Final = {
    "connected": (end(subject(ours), ours), ("True", "Connected"), Outcome.SUCCEEDED),
    "established": (end(subject(), ours), ("True", "Connected"), Outcome.SUCCEEDED),
    "established, the answer lost": (end(subject(), ours, failure=FAILURE), ("True", "Connected"), Outcome.SUCCEEDED),
    "pending": (end(subject(), connection(state=PENDING)), ("False", "Pending"), Outcome.PENDING),
    "not listed yet": (end(subject()), ("False", "Pending"), Outcome.PENDING),
    "failed": (end(subject(), failed), ("False", "EstablishFailed"), Outcome.FAILED),
    "failed without a word": (end(subject(), connection(state=FAILED)), ("False", "EstablishFailed"), Outcome.FAILED),
    "refused by the answer": (end(subject(), failure=REFUSAL), ("False", "HashRejected"), Outcome.FAILED),
    "refused by its state": (end(subject(), refused), ("False", "HashRejected"), Outcome.FAILED),
    "refused before": (end(subject(refused=print_of("acme"))), ("False", "HashRejected"), Outcome.SKIPPED),
    "refused before, listed": (end(subject(refused, refused=print_of("acme")), refused), ("False", "HashRejected"),
                               Outcome.SKIPPED),
    "not answered": (end(subject(), failure=FAILURE), ("False", "EstablishFailed"), Outcome.FAILED),
    "suspended": (end(suspended, closed), ("True", "Suspended"), Outcome.SUCCEEDED),
    "suspended, closing": (end(suspended, ours), ("False", "Pending"), Outcome.PENDING),
    "suspended, not closed": (end(suspended, ours, failure=CLOSE_FAILURE), ("False", "CloseFailed"), Outcome.FAILED),
    "no gateways": (end(subject(reason=Reason.NO_GATEWAYS)), ("True", "NoGateways"), Outcome.SUCCEEDED),
    "contradictory": (end(subject(ours, reason=Reason.DUPLICATE_HASH), ours), ("True", "DuplicateHash"),
                      Outcome.SUCCEEDED),
    "manual": (end(subject(manual(state=PENDING)), manual(state=PENDING), failure=FAILURE),
               ("True", "ManualOperation"), Outcome.SUCCEEDED),
    "held by the policy": (observed, ("False", "PolicyObserve"), Outcome.HELD),
}  # fmt: skip


@pytest.mark.parametrize("name", WORLDS)
def test_ready(name: str) -> None:
    """Ready says whether the actual is what is desired, and what stands between."""
    settled, ready, outcome = WORLDS[name]
    assert (conditions(write(settled))["Ready"], settled.outcome) == (ready, outcome)


@pytest.mark.parametrize("name", WORLDS)
def test_the_second_time_nothing_changes(name: str) -> None:
    """The same world again gives an equal status, whatever the cycle and the time: nothing is written.

    But for a failure, which is counted; it has failed often enough here to be called persistent.
    """
    settled, _, outcome = WORLDS[name]
    first = write(settled)
    if outcome is Outcome.FAILED:
        first = write(settled, first)
    again = write(settled, first, cycle="c-2", now=LATER)
    if outcome is Outcome.FAILED:
        assert again.pop("failedCycles") == first.pop("failedCycles") + 1
        assert (again.pop("lastCycle"), first.pop("lastCycle")) == ("c-2", "c-1")
    assert again == first


@pytest.mark.parametrize("name", WORLDS)
def test_kstatus(name: str) -> None:
    """Reconciling while something is under way, Stalled where a person must act; neither when all is well."""
    settled, ready, outcome = WORLDS[name]
    found = conditions(write(settled))
    assert ("Reconciling" in found) is (outcome is Outcome.PENDING)
    assert ("Stalled" in found) is (ready == ("False", "HashRejected"))
    assert found["Eligible"][0] == str(settled.decision.subject.verdict.eligible)


def test_transition_time_moves_with_the_status() -> None:
    """Pending to connected is a transition of Ready, not of Eligible; the state has a new since."""
    first = write(end(subject(), connection("c", state=PENDING, age=5)))
    second = write(end(subject(connection("c", state=PENDING, age=5)), connection("c", age=1)), first, now=LATER)
    when = [
        {entry["type"]: entry["lastTransitionTime"] for entry in status["conditions"]} for status in (first, second)
    ]
    assert when[0]["Ready"] != when[1]["Ready"]
    assert when[0]["Eligible"] == when[1]["Eligible"]
    assert first["connection"]["since"] != second["connection"]["since"]
    assert second["lastCycle"] == "c-1"


def test_since_does_not_move_with_the_connections_other_changes() -> None:
    """F1.1 touches a connection without its state changing: since stays, so that nothing is written."""
    first = write(end(subject(connection(age=60)), connection(age=60)))
    assert write(end(subject(connection(age=1)), connection(age=1)), first) == first


def test_failed_cycles() -> None:
    """Counted while it fails, kept while nothing is tried, forgotten when it is as desired."""
    status = write(end(subject(), failure=FAILURE))
    status = write(end(subject(failed), failed), status)
    assert status["failedCycles"] == 2
    status = write(end(subject(refused, refused=print_of("acme")), refused), status)
    assert status["failedCycles"] == 2
    assert write(end(subject(failed), ours), status)["failedCycles"] == 0


def test_last_cycle_is_the_one_that_changed_something() -> None:
    """A cycle that finds all as it was does not put its name on it."""
    first = write(end(subject(), ours), cycle="one")
    assert write(end(subject(ours), ours), first, cycle="two")["lastCycle"] == "one"
    assert write(end(subject(ours), ours), first, cycle="two", generation=2)["lastCycle"] == "two"


@pytest.mark.parametrize("listed", [(), (connection("old", state=DISCONNECTED, fingerprint=print_of("old")),)])
def test_a_refused_hash_is_remembered(listed: tuple[Connection, ...]) -> None:
    """Also where F1.1 lists nothing of the refusal, or still the connection of an earlier hash; nothing is tried."""
    status = write(end(subject(*listed), *listed, failure=REFUSAL))
    seen = [status]
    for cycle in ("c-2", "c-3", "c-4"):
        remembered = refused_fingerprint(status)
        assert remembered == print_of("acme")
        status = write(end(subject(*listed, refused=remembered), *listed), status, cycle=cycle, now=LATER)
        seen.append(status)
    assert all(entry["connection"] == seen[0]["connection"] and entry["failedCycles"] == 1 for entry in seen)
    assert seen[1] == seen[2] == seen[3]


@pytest.mark.parametrize("pins", [NO_PIN, pinned(PinMode.HOLD)], ids=["Ready says so", "pinned meanwhile"])
def test_a_refused_hash_is_remembered_beside_another_connection(pins: PinReading) -> None:
    """What is open with another hash is all that the customer has: it is not closed for one that is refused."""
    status, other = write(end(subject(), failure=REFUSAL)), connection("o", fingerprint=print_of("old"))
    for cycle in ("c-2", "c-3", "c-4"):
        refused_print = refused_fingerprint(status)
        assert refused_print == print_of("acme")
        status = write(end(subject(other, refused=refused_print, pins=pins), other), status, cycle=cycle)
        assert (status["connection"]["id"], status["phase"]) == ("o", "Connected")
    taken = write(end(subject(ours, refused=print_of("acme")), ours), status)
    assert refused_fingerprint(taken) is None, "F1.1 takes it after all"


def test_a_refused_hash_is_forgotten_with_the_hash() -> None:
    """Another hash is tried, and when it connects nothing is left of the refusal."""
    status = write(end(subject(), failure=REFUSAL))
    changed = subject(fingerprint=print_of("new"), refused=refused_fingerprint(status))
    new = connection("n", fingerprint=print_of("new"))
    after = write(end(changed, new), status)
    assert refused_fingerprint(after) is None
    assert "error" not in after["connection"]


def test_a_refusal_is_of_the_hash_that_failed() -> None:
    """F1.1 does not tell whose hash failed, and it changes under a policy that holds: the new one is not refused."""
    untold = connection("f", state=FAILED, error=PERMANENT, fingerprint=None)
    status = write(end(subject(), untold))
    changed = subject(untold, fingerprint=print_of("new"), refused=refused_fingerprint(status))
    (held,) = hold_all([decide(changed)], Reason.POLICY_OBSERVE)
    after = write(settle(held, (untold,), None), status)
    assert refused_fingerprint(after) == print_of("acme")


def test_a_passing_failure_is_no_refusal() -> None:
    """Only what is permanent is not tried again."""
    assert refused_fingerprint(write(end(subject(), failure=FAILURE))) is None
    assert refused_fingerprint({}) is None
    assert refused_fingerprint({"connection": None}) is None


def test_a_lost_connection_shows_as_disconnected() -> None:
    """A closed connection that carries an error is still closed, not failed."""
    lost = connection(state=DISCONNECTED, error=PASSING)
    status = write(end(subject(lost, reason=Reason.SUSPENDED), lost))
    assert (status["phase"], status["connection"]["state"]) == ("Disconnected", "disconnected")
    assert status["connection"]["error"]["code"] == "upstream-busy"


def test_long_words_of_f11_are_cut() -> None:
    """What F1.1 says never makes a status that the API server refuses."""
    fault = ConnectionFault("c" * 5000, "m" * 5000, permanent=True)
    write(end(subject(), connection(state=FAILED, error=fault)))
    write(end(subject(), failure=Failure(Reason.ESTABLISH_FAILED, fault)))


def test_spec() -> None:
    """What the database gave, the hash as its fingerprint only."""
    spec = customer_spec(snapshot_of([row()]).customers["acme"], "main")
    assert spec == {
        "customerRef": "acme",
        "sync": "main",
        "source": "Database",
        "state": "active",
        "gateways": 3,
        "hashFingerprint": print_of("acme"),
    }
    assert hash_of("acme") not in str(spec)


def test_spec_of_what_cannot_be_read() -> None:
    """No field where the database gave nothing readable."""
    spec = customer_spec(snapshot_of([row(state="?", gateway_count=-1, navixy_hash=None)]).customers["acme"], "main")
    assert spec == {"customerRef": "acme", "sync": "main", "source": "Database"}


def test_spec_of_who_is_gone() -> None:
    """Removed, and else as it was."""
    spec = customer_spec(snapshot_of([row()]).customers["acme"], "main")
    assert gone_spec(spec) == {**spec, "state": "removed"}
    assert gone_spec(gone_spec(spec)) == gone_spec(spec)


def test_labels() -> None:
    """The words of two label selectors: eligible or not, and the verdict, by which a drift pass goes."""
    assert [labels(verdict) for verdict in (Reason.ELIGIBLE, Reason.NO_GATEWAYS)] == [
        {"dataforwarding.io/eligible": "true", "dataforwarding.io/verdict": "Eligible"},
        {"dataforwarding.io/eligible": "false", "dataforwarding.io/verdict": "NoGateways"},
    ]


def test_every_verdict_is_a_label() -> None:
    """What the API server takes as the value of a label (63 characters of a small alphabet)."""
    assert all(re.fullmatch("[A-Za-z0-9]{1,63}", labels(reason)["dataforwarding.io/verdict"]) for reason in Reason)


def test_last_cycle_is_not_a_drift_passs() -> None:
    """A status that a drift pass wrote first gets no cycle's name before one changes it."""
    first = customer_status({}, end(subject(ours), ours), cycle=None, generation=1, now=NOW)
    assert fits(NavixyCustomerStatus, first)
    assert "lastCycle" not in first
    assert write(end(subject(ours), ours), first, now=LATER) == first
    assert write(end(subject(ours), failed), first, now=LATER)["lastCycle"] == "c-1"


def test_a_drift_pass_counts_no_failure() -> None:
    """Failures are counted by cycle; only that it is well again is told at once."""
    once = write(end(subject(), failure=FAILURE))
    for settled, count in ((end(subject(), failure=FAILURE), 1), (end(subject(), ours), 0)):
        status = customer_status(once, settled, cycle=None, generation=1, now=LATER)
        assert fits(NavixyCustomerStatus, status)
        assert (status["failedCycles"], status["lastCycle"]) == (count, "c-1")


@quick
@given(rows())
def test_every_spec_fits_the_model(found: list[CustomerRow]) -> None:
    """Whatever the database gives, the API server takes the resource as it is written."""
    for customer in snapshot_of(found).customers.values():
        assert fits(NavixyCustomerSpec, customer_spec(customer, "main"))
