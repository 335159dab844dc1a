"""Rules, guards and plans over sequences of cycles and drift passes, in a world that changes, fails and cuts off.

After each pass, what was asked of F1.1 is held against an oracle that restates the rules in its own words.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from navixy_operator.core.approval import Approval, read_approval
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.guards import Limits
from navixy_operator.core.model import fingerprint
from navixy_operator.core.vocabulary import APPROVE_CLOSES, PIN, PIN_UNTIL, Policy, Reason
from navixy_operator.errors import ApprovalInvalid
from support import oracle
from support.builders import hash_of
from support.f11_model import CutOffError
from support.happenings import CLOSING, IN_DATABASE, IN_FORWARDING, OPENING, Database, happen
from support.models import fits_customer, fits_cycle, fits_sync
from support.oracle import AS_IT_IS, OFF, Opinion
from support.passes import World, run_cycle, run_drift
from support.referee import DAY, Pair, Referee, Scene

JSON = dict[str, Any]
REFS: Final = ("ant", "bee", "cat", "dog", "elk", "fox")
REFUSED: Final = hash_of("refused")
refs = st.sampled_from(REFS)
owners = st.sampled_from([*REFS, "stranger", None])
minutes = st.sampled_from([1, 1, 5, 60, 7 * 60, 24 * 60, 26 * 60])
hours = st.sampled_from([None, None, "1", "30"])
hashes = st.sampled_from([*map(hash_of, REFS), hash_of("new"), hash_of("newer"), REFUSED, None, "malformed"])
cuts = st.sampled_from([None, None, None, 0, 0, 1, 2, 99])
"""After how many requests to F1.1 the process ends; 99: after all of them, before any status is written."""
faults = st.sampled_from(["", "", "", "", "", "empty", "most"])
MEDDLING: Final[dict[str, JSON]] = {"off": {"state": "suspended"}, "on": {"state": "active"}, "bare": {"gateways": 0}}
Day = list[tuple[str, str, str | None, str | None]]
"""What happens in the world before a pass: where, what, to whom, and more of it."""
days: st.SearchStrategy[Day] = st.lists(
    st.one_of(
        st.tuples(st.just("database"), st.sampled_from(IN_DATABASE), refs, hashes),
        st.tuples(st.just("database"), st.sampled_from(IN_DATABASE), refs, hashes),
        st.tuples(st.just("forwarding"), st.sampled_from(IN_FORWARDING), owners, hashes),
        st.tuples(st.just("requests"), st.sampled_from(OPENING), refs, st.sampled_from(CLOSING)),
        st.tuples(st.just("pin"), st.sampled_from(["connect", "disconnect", "hold", "keep!", "", ""]), refs, hours),
        st.tuples(st.just("spec"), st.sampled_from(list(MEDDLING)), refs, st.none()),
    ),
    max_size=4,
)


UNSURE: Final = Opinion(oracle.BAD)
"""Who may be a row without a reference: drift passes, which see no rows, may say otherwise than cycles.

So they do of those whom a cycle did not find, nor mark as gone, for the database was in doubt.
"""


@dataclass
class Held:
    """Closes that a cycle held, and what became of its list."""

    name: str
    status: JSON
    pairs: frozenset[Pair]
    ended: datetime
    annotations: dict[str, str]
    used: bool = False


class Operations(RuleBasedStateMachine):
    """A customer database, F1.1, people, and an operator that may be cut off at any request."""

    def __init__(self) -> None:
        super().__init__()
        self.database = Database()
        self.pins: dict[str, tuple[str, datetime | None]] = {}
        self.opinions: dict[str, Opinion] = {}
        self.latest: dict[str, Opinion] = {}
        self.held: Held | None = None
        self.cycles = 0
        self.passes = 0
        self.doubt = False
        self.world = World(self.database.polled)
        self.world.service.refused = frozenset({fingerprint(REFUSED)})
        self.referee = Referee(self.world.limits, self.world.policy)

    @initialize(
        customers=st.integers(3, len(REFS)),
        least=st.integers(0, 2),
        percent=st.sampled_from([0, 20, 50, 100]),
        shrink=st.sampled_from([0, 34, 34, 50]),
        policy=st.sampled_from([Policy.FULL] * 4 + [Policy.UPSERT_ONLY, Policy.OBSERVE]),
        soon=st.booleans(),
    )
    def begin(self, customers: int, least: int, percent: int, shrink: int, policy: Policy, *, soon: bool) -> None:
        """Some eligible customers, and the settings of a NavixySync."""
        for ref in REFS[:customers]:
            self.database.add(ref)
        self.world.limits = Limits(percent, least, shrink)
        self.world.policy, self.world.soon = policy, soon
        self.referee = Referee(self.world.limits, policy)
        self.run_cycle()

    @rule(day=days, passed=minutes, fault=faults, cut=cuts)
    def cycle(self, day: Day, passed: int, fault: str, cut: int | None) -> None:
        """Things happen, and some time later there is a cycle."""
        self.happen(day, passed)
        self.database.fault = fault
        self.run_cycle(cut)
        self.database.fault = ""

    @rule(day=days, passed=minutes, fault=faults, cut=cuts)
    def drift(self, day: Day, passed: int, fault: str, cut: int | None) -> None:
        """Things happen, and some time later there is a drift pass."""
        self.happen(day, passed)
        self.database.fault = fault
        self.run_drift(cut)
        self.database.fault = ""

    @rule(passed=minutes, cut=cuts)
    @precondition(lambda self: self.held is not None)
    def approve(self, passed: int, cut: int | None) -> None:
        """Somebody approves the list that was held last, and some time later there is a cycle for it."""
        self.approve_held()
        self.world.now += timedelta(minutes=passed)
        self.run_cycle(cut, self.held)

    @rule()
    def restart(self) -> None:
        """What only the process knew is lost."""
        self.world.forget()

    def happen(self, day: Day, passed: int) -> None:
        """What happens in the world between two passes."""
        for where, what, ref, more in day:
            match where:
                case "database":
                    self.database.happen(what, ref or "", more)
                case "forwarding":
                    happen(self.world.service, what, ref, more, self.world.now)
                case "requests":
                    self.world.service.opening[ref or ""], self.world.service.closing[ref or ""] = what, more or ""
                case "pin" if ref in self.world.resources:
                    self.pin(ref, what, None if more is None else self.world.now + timedelta(hours=int(more)))
                case "spec" if ref in self.world.resources:
                    self.world.write(ref, spec={**self.world.resources[ref].spec, **MEDDLING[what]})
        self.world.now += timedelta(minutes=passed)

    def pin(self, ref: str, mode: str, until: datetime | None) -> None:
        """Somebody pins a customer, until some time or for good, or takes the pin away."""
        self.pins[ref] = ("hold" if mode == "keep!" else mode, until)
        end = {} if until is None else {PIN_UNTIL: timestamp(until)}
        self.world.resources[ref] = replace(
            self.world.resources[ref], annotations={**({PIN: mode} if mode else {}), **end}
        )

    def approve_held(self) -> None:
        """The annotation on the cycle that held closes last."""
        if self.held is not None:
            self.held.annotations[APPROVE_CLOSES] = self.held.status["heldCloses"]["digest"]

    def run_cycle(self, cut: int | None = None, held: Held | None = None) -> None:
        """Run one and judge it; ``held``: it may carry that list out, if it is approved."""
        self.cycles += 1
        rows, name, tokens = self.database.view(), f"cycle-{self.cycles}", frozenset[str]()
        judged, items = oracle.judge(rows), self.world.resources
        active = [ref for ref, item in items.items() if item.spec.get("state") != "removed"]
        doubt = oracle.in_doubt(rows, active, self.world.limits.max_shrink_percent)
        absent = {
            ref: oracle.missing(rows, item.spec.get("hashFingerprint"))
            for ref, item in items.items()
            if ref not in judged
        }
        approved = frozenset[Pair]()
        if held is not None:
            found = read_approval(held.name, held.annotations, held.status, self.world.now)
            tokens = found.tokens if isinstance(found, Approval) else tokens
            if held.annotations and not held.used and self.world.now - held.ended <= DAY:
                approved = held.pairs
        scene = self.scene(judged | absent, cycle=True, doubt=doubt, approved=approved)
        reason = None if held is None else Reason(held.status["heldCloses"]["reason"])
        try:
            status: JSON | None = self.run(scene, cut, lambda: run_cycle(self.world, name, tokens, reason))
        except ApprovalInvalid:
            assert doubt
            assert not self.world.service.calls
            return
        self.doubt, self.latest = doubt, judged | absent
        self.opinions = judged | (absent if not doubt else {ref: self.opinions[ref] for ref in absent})
        if status is None:
            return
        assert fits_cycle(status)
        if held is not None and tokens:
            held.used = True
            held.status["heldCloses"]["approvedAt"] = timestamp(self.world.now)
        if "heldCloses" in status:
            items_ = status["heldCloses"]["items"]
            pairs = frozenset((item.get("customerRef"), item["connectionId"]) for item in items_)
            self.held = Held(name, status, pairs, self.world.now, {})

    def run_drift(self, cut: int | None = None) -> None:
        """Run one and judge it. Who may be nameless has a hash for it, if the database has a row for the reference."""
        now = {row.ref: Opinion(oracle.BAD, row.hash) for row in self.database.view() if row.has_hash}
        opinions = {ref: now.get(ref, UNSURE) if told == UNSURE else told for ref, told in self.opinions.items()}
        self.run(self.scene(opinions, cycle=False), cut, lambda: run_drift(self.world))

    def scene(self, opinions: dict[str, Opinion], **more: Any) -> Scene:
        """What there is now."""
        now = self.world.now
        pins = {ref: mode for ref, (mode, until) in self.pins.items() if mode and (until is None or until > now)}
        return Scene(
            now=now,
            rows=self.database.view(),
            opinions=opinions,
            pins=pins,
            connections=dict(self.world.service.found),
            **more,
        )

    def run(self, scene: Scene, cut: int | None, work: Callable[[], Any]) -> Any:
        """Run a pass to its end, or until it is cut off, and have it judged; None: it was cut off."""
        self.passes += 1
        service = self.world.service
        service.calls, service.calls_left, result = [], cut, None
        try:
            result = work()
        except CutOffError:
            self.world.forget()
        self.referee.judge(scene, service.calls, service.found.values())
        self.pins = {ref: pin for ref, pin in self.pins.items() if ref in self.world.resources}
        return result

    @rule()
    @precondition(lambda self: self.world.policy is Policy.FULL and self.passes > 3)
    def come_to_rest(self) -> None:
        """Two undisturbed cycles, after held closes were approved: all is as the table says, and no more is done."""
        self.passes = 0
        self.world.service.recover(self.world.now)
        before = dict(self.world.service.found)
        self.run_cycle()
        first = self.latest
        if self.held is not None and self.held.name == f"cycle-{self.cycles}":
            self.approve_held()
            self.run_cycle(held=self.held)
        self.run_cycle()
        self.check_rest(replace(self.scene(first | self.latest, cycle=True), connections=before))
        unsure = {ref for ref, told in self.latest.items() if told == UNSURE}
        unsure |= {"" for row in self.database.view() if row.ref is None}
        self.world.written.clear()
        for work in (self.run_drift, self.run_cycle, self.run_drift):
            work()
            assert not self.world.service.calls or self.doubt
            assert not {*self.world.written} - unsure or self.doubt

    def check_rest(self, scene: Scene) -> None:
        """Each customer's connections are what was desired before the two cycles."""
        found = self.world.service.found
        for one in scene.connections.values():
            if one.customer_ref is None and scene.want(None, one) != AS_IT_IS:
                assert not found[one.id].is_open, f"nobody's {one.id} is open"
        for ref in ({c.customer_ref for c in found.values()} | scene.opinions.keys()) - {None}:
            want, known = scene.want(ref), scene.opinion(ref).hash
            if want == AS_IT_IS:
                assert self.world.service.of(ref) == tuple(scene.of(ref)), f"{ref} is not left as it was"
            elif want == OFF or known != REFUSED:
                print_ = None if known is None else fingerprint(known)
                assert oracle.as_wanted(want, self.world.service.of(ref), print_), f"{ref} is not {want}"

    @invariant()
    def nobody_has_two(self) -> None:
        """No customer ever has two open automatic connections that were opened by us."""
        assert not self.referee.two_of_ours(self.world.service.found.values())

    @invariant()
    def statuses_fit(self) -> None:
        """What was written is what the API server takes, whole."""
        assert fits_sync(self.world.sync)
        for item in self.world.resources.values():
            assert fits_customer(item.spec, item.status)


Operations.TestCase.settings = settings(
    derandomize=True,
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestOperations = Operations.TestCase
