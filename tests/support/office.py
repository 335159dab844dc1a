"""An operator at work on a small world, pass by pass, each judged by the referee: what the model-based test drives."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from navixy_operator.core.approval import Approval, read_approval
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.model import fingerprint
from navixy_operator.core.vocabulary import APPROVE_CLOSES, PIN, PIN_UNTIL, Policy, Reason
from navixy_operator.errors import ApprovalInvalid
from support import oracle
from support.f11_model import CutOffError
from support.happenings import MEDDLING, REFUSED, Database, Day, happen
from support.models import fits_cycle
from support.oracle import AS_IT_IS, OFF, ON, Opinion
from support.passes import World, run_cycle, run_drift
from support.referee import DAY, Pair, Referee, Scene

JSON = dict[str, Any]
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


class Office:
    """A customer database, F1.1, people, and an operator that may be cut off at any request."""

    def __init__(self) -> None:
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

    def run_approved(self) -> None:
        """If the last cycle held closes: approve them, and run the cycle for it, and another."""
        if self.held is not None and self.held.name == f"cycle-{self.cycles}":
            self.approve_held()
            self.run_cycle(held=self.held)
            self.run_cycle()

    def run_cycle(self, cut: int | None = None, held: Held | None = None) -> None:
        """Run one and judge it; ``held``: it may carry that list out, if it is approved."""
        self.cycles += 1
        rows, name, items = self.database.view(), f"cycle-{self.cycles}", self.world.resources
        judged, prints = oracle.judge(rows), {ref: item.spec.get("hashFingerprint") for ref, item in items.items()}
        active = {ref: prints[ref] for ref, item in items.items() if item.spec.get("state") != "removed"}
        doubt = oracle.in_doubt(rows, active, self.world.limits.max_shrink_percent)
        absent = {ref: oracle.missing(rows, print_) for ref, print_ in prints.items() if ref not in judged}
        approval, reason, pairs = self.approved(held)
        sure = {ref for ref in absent if not doubt or (pairs is not None and self.accepted(ref, pairs))}
        opinions = judged | {ref: told if ref in sure else self.opinions[ref] for ref, told in absent.items()}
        scene = self.scene(judged | absent, cycle=True, doubt=doubt, approved=pairs or frozenset())
        try:
            status: JSON | None = self.run(scene, cut, lambda: run_cycle(self.world, name, approval, reason))
        except ApprovalInvalid:
            assert doubt
            assert not self.world.service.calls
            return
        self.doubt, self.latest, self.opinions = doubt, judged | absent, opinions
        if status is None:
            return
        assert fits_cycle(status)
        if held is not None and approval is not None:
            held.used = True
            held.status["heldCloses"]["approvedAt"] = timestamp(self.world.now)
        if "heldCloses" in status:
            found = status["heldCloses"]["items"]
            listed = frozenset((item.get("customerRef"), item["connectionId"]) for item in found)
            self.held = Held(name, status, listed, self.world.now, {})

    def approved(self, held: Held | None) -> tuple[Approval | None, Reason | None, frozenset[Pair] | None]:
        """What a cycle may carry out: by the core, and, told apart from that, by what people did."""
        if held is None:
            return None, None, None
        found = read_approval(held.name, held.annotations, held.status, self.world.now)
        counts = held.annotations and not held.used and self.world.now - held.ended <= DAY
        reason = Reason(held.status["heldCloses"]["reason"])
        return found if isinstance(found, Approval) else None, reason, held.pairs if counts else None

    def accepted(self, ref: str, pairs: frozenset[Pair]) -> bool:
        """Whether nothing speaks against marking a customer as gone whose closes were approved."""
        told = self.world.resources[ref].status.get("connection", {})
        return "id" not in told or told["state"] == "disconnected" or (ref, told["id"]) in pairs

    def run_drift(self, cut: int | None = None) -> None:
        """Run one and judge it. Who was not found has a hash for it all the same, if there is a row by now."""
        now = {row.ref: row.hash for row in self.database.view() if row.has_hash}
        opinions = {ref: replace(told, hash=told.hash or now.get(ref)) for ref, told in self.opinions.items()}
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
        if scene.cycle and result is not None and self.world.policy is Policy.FULL:
            self.check_pins(scene)
        self.pins = {ref: pin for ref, pin in self.pins.items() if ref in self.world.resources}
        return result

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

    def check_drifted(self, scene: Scene) -> None:
        """A drift pass has carried out what a cycle had published: but for what guards, and what had failed."""
        if not self.referee.within_limits(scene):
            return
        for ref in self.world.resources.keys() & scene.opinions.keys():
            told, want, found = scene.opinion(ref), scene.want(ref), scene.of(ref)
            failed = any(one.state == "failed" for one in found)
            if want == AS_IT_IS or told == UNSURE or (want == ON and (told.hash == REFUSED or failed)):
                continue
            print_ = None if told.hash is None else fingerprint(told.hash)
            assert oracle.as_wanted(want, self.world.service.of(ref), print_), f"{ref} is not {want}"

    def a_pin_ends(self, within: timedelta) -> bool:
        """Whether time alone changes something soon."""
        now = self.world.now
        return any(until is not None and now < until <= now + within for _, until in self.pins.values())

    def check_pins(self, scene: Scene) -> None:
        """What a person has pinned off is off after a cycle, whatever guards say, where F1.1 does what it is told."""
        for ref, mode in scene.pins.items():
            if mode == "disconnect" and scene.by_a_person(ref) and not self.world.service.closing.get(ref):
                assert not [one for one in self.world.service.of(ref) if one.is_open], f"{ref} is pinned off"
