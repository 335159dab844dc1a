"""Holds what a pass asked of F1.1 against the oracle: who may be opened, who closed, and how many at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from navixy_operator.core.guards import Limits
from navixy_operator.core.model import Connection, fingerprint
from navixy_operator.core.vocabulary import Policy
from support import oracle
from support.f11_model import Call
from support.oracle import AS_IT_IS, GOOD, OFF, ON, Opinion, Row

DAY: Final = timedelta(hours=24)
Pair = tuple[str | None, str]
"""One close: whose, and of which connection."""


@dataclass(frozen=True)
class Scene:
    """What there is when a pass begins. ``opinions`` are those to go by, ``rows`` what the database gives now."""

    cycle: bool
    now: datetime
    rows: Sequence[Row]
    opinions: dict[str, Opinion]
    pins: dict[str, str]
    connections: dict[str, Connection]
    doubt: bool = False
    approved: frozenset[Pair] = frozenset()

    def of(self, ref: str | None, connection: Connection | None = None) -> list[Connection]:
        """A customer's connections; of nobody's just the one that is meant."""
        if ref is None:
            return [] if connection is None else [self.connections[connection.id]]
        return [one for one in self.connections.values() if one.customer_ref == ref]

    def opinion(self, ref: str | None, connection: Connection | None = None) -> Opinion:
        """What is thought of a customer."""
        known = self.opinions.get(ref or "")
        return oracle.leftover(self.rows, self.of(ref, connection)) if known is None else known

    def want(self, ref: str | None, connection: Connection | None = None) -> str:
        """What is desired of a customer."""
        return oracle.wanted(self.opinion(ref, connection), self.pins.get(ref or ""), self.of(ref, connection))

    def by_a_person(self, ref: str | None, connection: Connection | None = None) -> bool:
        """Whether a pin decides."""
        opinion, pin = self.opinion(ref, connection), self.pins.get(ref or "")
        return oracle.by_a_person(opinion, pin, self.of(ref, connection))


@dataclass
class Referee:
    """Judges pass by pass, and remembers what drift passes have cut off within a day."""

    limits: Limits
    policy: Policy
    soon: bool = False
    drifted: list[datetime] = field(default_factory=list)
    ours: set[str] = field(default_factory=set)

    def judge(self, scene: Scene, calls: Sequence[Call], after: Collection[Connection]) -> None:
        """Every rule that no pass may break, whether it came to its end or was cut off. Raises AssertionError."""
        for call in calls:
            if call.closes is None:
                self._opens(scene, call)
            else:
                self._closes(scene, call, call.closes)
        self._how_many(scene, [call for call in calls if self._cuts_off(scene, call)])
        if any(call.closes is None for call in calls):
            self.ours |= {one.id for one in after} - scene.connections.keys()

    def two_of_ours(self, connections: Collection[Connection]) -> set[str | None]:
        """Customers with more than one open automatic connection that was opened by us."""
        owners = [c.customer_ref for c in connections if c.id in self.ours and c.is_open and c.origin == "automatic"]
        return {owner for owner in owners if owners.count(owner) > 1}

    def within_limits(self, scene: Scene) -> bool:
        """Whether even all that could be closed for customers who are not as desired is allowed."""
        most = 0
        for ref, opinion in scene.opinions.items():
            found, known = scene.of(ref), None if opinion.hash is None else fingerprint(opinion.hash)
            if not oracle.as_wanted(scene.want(ref), found, known):
                most += sum(one.is_open for one in found)
        return most + self._recent(scene) <= self._allowed(scene)

    def _recent(self, scene: Scene) -> int:
        """A drift pass counts by the hour, so that one more hour may count."""
        return sum(scene.now - moment <= DAY + timedelta(hours=1) for moment in self.drifted)

    def _allowed(self, scene: Scene) -> float:
        return oracle.allowed(self.limits.max_close_percent, self.limits.min_closes, scene.connections.values())

    def _opens(self, scene: Scene, call: Call) -> None:
        ref = call.customer_ref
        assert ref is not None
        assert self.policy is not Policy.OBSERVE, "Observe acts"
        assert not [one for one in call.before if one.is_open], f"{ref} is opened although one is open"
        assert scene.want(ref) == ON, f"{ref} is opened although that is not desired"
        assert scene.opinion(ref).word == GOOD or scene.pins.get(ref) == "connect", f"{ref} is not eligible"
        known = scene.opinion(ref).hash
        assert known is not None
        assert call.with_hash == fingerprint(known), f"{ref} is opened with another hash than was judged"
        assert call.with_hash in {row.print for row in scene.rows if row.ref == ref}, f"{ref} has that hash no more"

    def _closes(self, scene: Scene, call: Call, closed: Connection) -> None:
        ref, name = call.customer_ref, f"{closed.id} of {call.customer_ref}"
        want = scene.want(ref, closed)
        assert closed.origin == "automatic", f"{name} is F1.3's"
        assert want != AS_IT_IS, f"{name} is closed although it is to be left as it is"
        assert scene.cycle or ref in scene.opinions, f"{name} is an extra, closed by a drift pass"
        if want == ON and closed.state == "connected":
            known = scene.opinion(ref, closed).hash
            prints = {one.fingerprint for one in call.before} if known is None else {None, fingerprint(known)}
            right = [one for one in call.before if one.state == "connected" and one.fingerprint in prints]
            assert closed not in right or len(right) > 1, f"{name} was all that {ref} had, and right"
        if want == ON and closed.state == "failed" and not scene.cycle and not scene.by_a_person(ref, closed):
            kept = [one for one in call.before if one.state in {"connected", "pending"}]
            assert self.soon or kept, f"{name} failed, which is the next cycle's"
        if self.policy is not Policy.FULL:
            assert self.policy is Policy.UPSERT_ONLY, "Observe acts"
            assert want == ON, f"UpsertOnly closes {name}"
            assert closed.state != "connected", f"UpsertOnly cuts off {name}"

    def _cuts_off(self, scene: Scene, call: Call) -> bool:
        closed = call.closes
        if closed is None or scene.by_a_person(call.customer_ref, closed):
            return False
        if (call.customer_ref, closed.id) in scene.approved:
            return False
        return closed.state == "connected" or scene.want(call.customer_ref, closed) == OFF

    def _how_many(self, scene: Scene, cut: Sequence[Call]) -> None:
        """The guards: none where the database is in doubt, else no more than allowed, drift passes' together."""
        if not cut:
            return
        assert not scene.doubt, f"{len(cut)} closes although the database is in doubt"
        recent = sum(scene.now - moment <= DAY for moment in self.drifted)
        most = self._allowed(scene)
        assert len(cut) + recent <= most, f"{len(cut)} closes after {recent}, where {most} are allowed"
        if not scene.cycle:
            self.drifted += [scene.now] * len(cut)
