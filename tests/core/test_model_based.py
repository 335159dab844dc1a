"""Rules, guards and plans over sequences of cycles and drift passes, in a world that changes, fails and cuts off.

After each pass, what was asked of F1.1 is held against an oracle that restates the rules in its own words.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from navixy_operator.core.guards import Limits
from navixy_operator.core.vocabulary import Policy
from support.happenings import REFS, Day, cuts, days, faults, minutes
from support.models import fits_customer, fits_sync
from support.office import UNSURE, Office
from support.referee import Referee
from support.strategies import quick

pytestmark = pytest.mark.slow


class Operations(RuleBasedStateMachine):
    """Days in the life of one NavixySync."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()

    @initialize(
        customers=st.integers(3, len(REFS)),
        least=st.integers(0, 2),
        percent=st.sampled_from([0, 20, 50, 100, 100]),
        shrink=st.sampled_from([0, 34, 34, 50, 100, 100]),
        policy=st.sampled_from([Policy.FULL] * 4 + [Policy.UPSERT_ONLY, Policy.OBSERVE]),
        soon=st.booleans(),
    )
    def begin(self, customers: int, least: int, percent: int, shrink: int, policy: Policy, *, soon: bool) -> None:
        """Some eligible customers, and the settings of a NavixySync."""
        for ref in REFS[:customers]:
            self.office.database.add(ref)
        self.office.world.limits = Limits(percent, least, shrink)
        self.office.world.policy, self.office.world.soon = policy, soon
        self.office.referee = Referee(self.office.world.limits, policy, soon)
        self.office.run_cycle()

    @rule(day=days, passed=minutes, fault=faults, cut=cuts)
    def cycle(self, day: Day, passed: int, fault: str, cut: int | None) -> None:
        """Things happen, and some time later there is a cycle."""
        self.office.happen(day, passed)
        self.office.database.fault = fault
        self.office.run_cycle(cut)
        self.office.database.fault = ""

    @rule(day=days, passed=minutes, fault=faults, cut=cuts)
    def drift(self, day: Day, passed: int, fault: str, cut: int | None) -> None:
        """Things happen, and some time later there is a drift pass."""
        self.office.happen(day, passed)
        self.office.database.fault = fault
        self.office.run_drift(cut)
        self.office.database.fault = ""

    @rule(day=days, passed=minutes, cut=cuts)
    @precondition(lambda self: self.office.held is not None)
    def approve(self, day: Day, passed: int, cut: int | None) -> None:
        """Somebody approves the list that was held last, things happen, and some time later there is a cycle for it."""
        self.office.approve_held()
        self.office.happen(day, passed)
        self.office.run_cycle(cut, self.office.held)

    @rule()
    def restart(self) -> None:
        """What only the process knew is lost."""
        self.office.world.forget()

    @rule(day=days)
    @precondition(lambda self: self.office.world.policy is Policy.FULL and self.office.passes > 3)
    def come_to_rest(self, day: Day) -> None:
        """Undisturbed cycles, held closes approved: all is as the table says, and nothing more is done or written.

        Then some things happen, and a cycle is cut off after it has published: the drift pass does what it would have.
        """
        office = self.office
        office.passes = 0
        office.world.service.recover(office.world.now)
        before = dict(office.world.service.found)
        office.run_cycle()
        first = office.latest
        office.run_approved()
        office.run_cycle()
        office.run_approved()  # what had to be marked first may put the database in doubt for a second guard
        office.check_rest(replace(office.scene(first | office.latest, cycle=True), connections=before))
        self.check_quiet()
        office.happen(day, 1)
        office.world.service.recover(office.world.now)
        office.run_cycle(cut=0)
        scene = office.scene(office.opinions, cycle=False)
        office.run_drift()
        if not office.doubt:
            office.check_drifted(scene)

    def check_quiet(self) -> None:
        """Further passes ask F1.1 for nothing, and write nothing, where all has come to rest."""
        office = self.office
        unsure = {ref for ref, told in office.latest.items() if told == UNSURE}
        unsure |= {"" for row in office.database.view() if row.ref is None}
        office.world.written.clear()
        for work in (office.run_drift, office.run_cycle, office.run_drift):
            if not office.a_pin_ends(timedelta(minutes=2)):
                office.world.now += timedelta(minutes=2)
            work()
            assert not office.world.service.calls or office.doubt
            assert not {*office.world.written} - unsure or office.doubt

    @invariant()
    def nobody_has_two(self) -> None:
        """No customer ever has two open automatic connections that were opened by us."""
        assert not self.office.referee.two_of_ours(self.office.world.service.found.values())

    @invariant()
    def statuses_fit(self) -> None:
        """What was written is what the API server takes, whole."""
        assert fits_sync(self.office.world.sync)
        for item in self.office.world.resources.values():
            assert fits_customer(item.spec, item.status)


# To see the shortest story of a failure, add Phase.shrink and wait some minutes.
Operations.TestCase.settings = settings(
    quick, max_examples=120, stateful_step_count=40, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
TestOperations = Operations.TestCase
