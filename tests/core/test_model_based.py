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
from navixy_operator.core.model import Connection, CustomerRow, fingerprint
from navixy_operator.core.vocabulary import APPROVE_CLOSES, PIN, PIN_UNTIL, Origin, Policy
from support import oracle
from support.builders import CONNECTED, DISCONNECTED, FAILED, PASSING, PENDING, hash_of
from support.f11_model import CutOffError
from support.models import fits_customer, fits_cycle, fits_sync
from support.oracle import AS_IT_IS, ON, Opinion, Row
from support.passes import World, run_cycle, run_drift
from support.referee import DAY, Pair, Referee, Scene

JSON = dict[str, Any]
REFS: Final = ("ant", "bee", "cat", "dog", "elk", "fox")
REFUSED: Final = hash_of("refused")
refs = st.sampled_from(REFS)
minutes = st.sampled_from([1, 5, 60, 7 * 60, 24 * 60, 26 * 60])
hashes = st.sampled_from([*map(hash_of, REFS), hash_of("new"), hash_of("newer"), REFUSED, None, "malformed"])
cuts = st.sampled_from([None, None, None, None, 0, 1, 2, 99])
"""After how many requests to F1.1 the process ends; 99: after all of them, before any status is written."""


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
        self.rows: dict[str, Row] = {}
        self.odd_rows: list[Row] = []
        self.fault = ""
        self.pins: dict[str, tuple[str, datetime | None]] = {}
        self.opinions: dict[str, Opinion] = {}
        self.held: Held | None = None
        self.cycles = 0
        self.world = World(self.polled)
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
    def begin(self, customers: int, least: int, percent: int, shrink: int, policy: Policy, *, soon: bool) -> None:  # noqa: PLR0913, PLR0917 - settings
        """Some eligible customers, and the settings of a NavixySync."""
        self.rows = {ref: Row(ref, "active", hash_of(ref), 3) for ref in REFS[:customers]}
        self.world.limits = Limits(percent, least, shrink)
        self.world.policy, self.world.soon = policy, soon
        self.referee = Referee(self.world.limits, policy)

    # the customer database

    def view(self) -> list[Row]:
        """What a poll gives now."""
        found = [*self.rows.values(), *self.odd_rows]
        return {"": found, "empty": [], "most": found[: len(found) // 3]}[self.fault]

    def polled(self) -> list[CustomerRow]:
        """The same as the adapter gives it."""
        return [row.to_core(number) for number, row in enumerate(self.view(), 1)]

    @rule(ref=refs, state=st.sampled_from([*oracle.STATES, "active", "???"]))
    def change_state(self, ref: str, state: str) -> None:
        """A customer is suspended, removed, active again, or nobody can tell."""
        if ref in self.rows:
            self.rows[ref] = replace(self.rows[ref], state=state)

    @rule(ref=refs, hash_=hashes)
    def change_hash(self, ref: str, hash_: str | None) -> None:
        """Another hash, another customer's, a refused one, none."""
        if ref in self.rows:
            self.rows[ref] = replace(self.rows[ref], hash=hash_)

    @rule(ref=refs, gateways=st.sampled_from([0, -1, 3]))
    def change_gateways(self, ref: str, gateways: int) -> None:
        """The gateways go, or come."""
        if ref in self.rows:
            self.rows[ref] = replace(self.rows[ref], gateways=gateways)

    @rule(ref=refs)
    def delete_or_add(self, ref: str) -> None:
        """A row goes, or a new one comes."""
        if self.rows.pop(ref, None) is None:
            self.rows[ref] = Row(ref, "active", hash_of(ref), 3)

    @rule(ref=refs, how=st.sampled_from(["twice", "other state", "nameless", "nameless without a hash", "mended"]))
    def spoil(self, ref: str, how: str) -> None:
        """Two rows for one reference, or a row that has lost its own."""
        row = self.rows.get(ref)
        if how == "mended" or row is None:
            self.odd_rows.clear()
        elif how in {"twice", "other state"}:
            self.odd_rows.append(row if how == "twice" else replace(row, state="suspended"))
        else:
            del self.rows[ref]
            self.odd_rows.append(replace(row, ref=None, hash=row.hash if how == "nameless" else None))

    @rule(fault=st.sampled_from(["", "empty", "most"]))
    def break_database(self, fault: str) -> None:
        """The database gives nothing, or a third, or all again."""
        self.fault = fault

    # F1.1 and F1.3

    def _some(self, number: int, *states: str) -> Connection | None:
        found = [c for c in self.world.service.found.values() if not states or c.state in states]
        return found[number % len(found)] if found else None

    @rule(number=st.integers(0, 20), what=st.sampled_from([DISCONNECTED, FAILED, CONNECTED, PENDING]))
    def happens(self, number: int, what: Any) -> None:
        """A connection is lost, fails, comes up, or begins anew by itself."""
        if (one := self._some(number, "pending", "connected", "failed")) is not None:
            error = PASSING if what is FAILED else None
            self.world.service.change(one, self.world.now, state=what, error=error)

    @rule(number=st.integers(0, 20), origin=st.sampled_from(Origin))
    def taken_over(self, number: int, origin: Origin) -> None:
        """F1.3 takes a connection over, or lets go of one."""
        if (one := self._some(number)) is not None:
            self.world.service.change(one, self.world.now, origin=origin)

    @rule(number=st.integers(0, 20))
    def closed_by_hand(self, number: int) -> None:
        """F1.3 closes a connection."""
        if (one := self._some(number, "pending", "connected", "failed")) is not None:
            self.world.service.change(one, self.world.now, state=DISCONNECTED, origin=Origin.MANUAL)

    @rule(ref=st.sampled_from([*REFS, "stranger", "other stranger", None]), hash_=hashes, by=st.sampled_from(Origin))
    def opened_by_others(self, ref: str | None, hash_: str | None, by: Origin) -> None:
        """Somebody else opens one: a second one, a stranger's, nobody's, with whatever hash, through F1.3 or not."""
        print_ = None if hash_ is None else fingerprint(hash_)
        self.world.service.put(ref, CONNECTED, self.world.now, origin=by, fingerprint=print_)

    @rule(
        ref=refs,
        opening=st.sampled_from(["", "pends", "fails", "no answer", "lost answer"]),
        closing=st.sampled_from(["", "", "fails", "takes long", "forgets it"]),
    )
    def behaves(self, ref: str, opening: str, closing: str) -> None:
        """How F1.1 takes the next requests about a customer."""
        self.world.service.opening[ref], self.world.service.closing[ref] = opening, closing

    # people

    @rule(ref=refs, mode=st.sampled_from(["connect", "disconnect", "hold", "keep!"]), hours=st.none() | st.integers(1, 30))
    def pin(self, ref: str, mode: str, hours: int | None) -> None:
        """Somebody pins a customer, until some time or for good."""
        if ref in self.world.resources:
            until = None if hours is None else self.world.now + timedelta(hours=hours)
            self.pins[ref] = (mode if mode != "keep!" else "hold", until)
            end = {} if until is None else {PIN_UNTIL: timestamp(until)}
            self.world.resources[ref] = replace(self.world.resources[ref], annotations={PIN: mode, **end})

    @rule(ref=refs)
    def unpin(self, ref: str) -> None:
        """The annotations go."""
        if self.pins.pop(ref, None) is not None:
            self.world.resources[ref] = replace(self.world.resources[ref], annotations={})

    @rule(ref=refs, change=st.sampled_from([{"state": "suspended"}, {"state": "active"}, {"gateways": 0}]))
    def meddle(self, ref: str, change: JSON) -> None:
        """Somebody changes the spec of a projection."""
        if ref in self.world.resources:
            self.world.write(ref, spec={**self.world.resources[ref].spec, **change})

    @rule()
    @precondition(lambda self: self.held is not None)
    def approve(self) -> None:
        """Somebody approves the list that was held last."""
        if self.held is not None:
            self.held.annotations[APPROVE_CLOSES] = self.held.status["heldCloses"]["digest"]

    @rule(passed=minutes)
    def wait(self, passed: int) -> None:
        """Time passes."""
        self.world.now += timedelta(minutes=passed)

    @rule()
    def restart(self) -> None:
        """What only the process knew is lost."""
        self.world.forget()

    # the operator

    @rule(cut=cuts)
    def cycle(self, cut: int | None) -> None:
        """A cycle; with an approval, if somebody has given one that counts."""
        self.run_cycle(cut)

    @rule(cut=cuts, passed=minutes)
    def drift(self, cut: int | None, passed: int) -> None:
        """A drift pass some time later."""
        self.world.now += timedelta(minutes=passed)
        self.run_drift(cut)

    def run_cycle(self, cut: int | None = None) -> None:
        """Run one and judge it."""
        self.cycles += 1
        rows, name, held, tokens = self.view(), f"cycle-{self.cycles}", self.held, frozenset[str]()
        judged, items = oracle.judge(rows), self.world.resources
        active = [ref for ref, item in items.items() if item.spec.get("state") != "removed"]
        doubt = oracle.in_doubt(rows, active, self.world.limits.max_shrink_percent)
        absent = {
            ref: oracle.missing(rows, item.spec.get("hashFingerprint")) for ref, item in items.items() if ref not in judged
        }
        approved = frozenset[Pair]()
        if held is not None:
            found = read_approval(held.name, held.annotations, held.status, self.world.now)
            tokens = found.tokens if isinstance(found, Approval) else tokens
            if held.annotations and not held.used and self.world.now - held.ended <= DAY:
                approved = held.pairs
        scene = self.scene(judged | absent, cycle=True, doubt=doubt, approved=approved)
        self.opinions = judged | (absent if not doubt else {ref: self.opinions[ref] for ref in absent})
        status: JSON | None = self.run(scene, cut, lambda: run_cycle(self.world, name, tokens))
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
        """Run one and judge it."""
        self.run(self.scene(self.opinions, cycle=False), cut, lambda: run_drift(self.world))

    def scene(self, opinions: dict[str, Opinion], **more: Any) -> Scene:
        """What there is now."""
        now = self.world.now
        pins = {ref: mode for ref, (mode, until) in self.pins.items() if until is None or until > now}
        return Scene(
            now=now, rows=self.view(), opinions=opinions, pins=pins, connections=dict(self.world.service.found), **more
        )

    def run(self, scene: Scene, cut: int | None, work: Callable[[], Any]) -> Any:
        """Run a pass to its end, or until it is cut off, and have it judged; None: it was cut off."""
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
    @precondition(lambda self: self.world.policy is Policy.FULL)
    def come_to_rest(self) -> None:
        """Two undisturbed cycles, held closes approved in between: all is as the table says, and nothing more is done."""
        self.world.service.recover(self.world.now)
        before = dict(self.world.service.found)
        self.run_cycle()
        if self.held is not None and not self.held.used:
            self.approve()
        self.run_cycle()
        scene = self.scene(self.opinions, cycle=True)
        doubt = self.at_rest(scene, before)
        writes = self.world.writes
        for work in (self.run_drift, self.run_cycle, self.run_drift):
            work()
            assert doubt or (self.world.service.calls, self.world.writes) == ([], writes)

    def at_rest(self, scene: Scene, before: dict[str, Connection]) -> bool:
        """Whether F1.1 holds what is desired; True: the database is in doubt, so that drift passes see it otherwise."""
        rows = self.view()
        judged = oracle.judge(rows)
        refs_ = {c.customer_ref for c in before.values()} | judged.keys() | self.world.resources.keys()
        for ref in refs_ - {None}:
            print_ = None
        del scene, print_
        return bool(refs_)

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
