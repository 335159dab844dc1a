"""Which fault strikes which request: one-shot faults in their order, then chance, replayable by its seed."""

import hashlib
from collections import Counter

from navixy_operator.sandbox.f11.behaviour import Behaviour, Fault, FaultKind, Route


class Faults:
    """The faults of one simulator."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.one_shot: list[Fault] = []
        self.struck: Counter[str] = Counter()
        self._seen: Counter[tuple[str, str]] = Counter()

    def next(self, route: Route, subject: str) -> Fault | None:
        """The fault for this request; counts it."""
        fault = self._next_one_shot(route, subject) or self._by_chance(route, subject)
        if fault:
            self.struck[fault.kind] += 1
        return fault

    def chance(self, *names: str) -> float:
        """A number from 0 up to 1, the same for the same seed, names and count of such requests.

        Drawn by name instead of from one stream, so that the order in which parallel requests arrive changes nothing.
        """
        self._seen[names[0], names[-1]] += 1
        text = "\0".join((str(self.behaviour.seed), *names, str(self._seen[names[0], names[-1]])))
        return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=7).digest()) / 2**56

    def clear(self) -> None:
        """Forget the one-shot faults and what was counted."""
        self.one_shot.clear()
        self.struck.clear()
        self._seen.clear()

    def _next_one_shot(self, route: Route, subject: str) -> Fault | None:
        for fault in self.one_shot:
            if fault.route not in {None, route} or fault.subject not in {None, subject}:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            struck = fault.model_copy()
            if fault.times == 1:
                self.one_shot.remove(fault)
            else:
                fault.times -= 1
            return struck
        return None

    def _by_chance(self, route: Route, subject: str) -> Fault | None:
        now = self.behaviour
        if not (now.error_rate or now.throttle_rate or now.drop_rate or now.lost_rate or now.hang_rate):
            return None
        rates = (
            (now.error_rate, FaultKind.ERROR),
            (now.throttle_rate, FaultKind.THROTTLE),
            (now.drop_rate, FaultKind.DROP),
            (now.lost_rate, FaultKind.LOST),
            (now.hang_rate, FaultKind.HANG),
        )
        drawn = self.chance("fault", route, subject)
        for rate, kind in rates:
            if drawn < rate:
                return Fault(kind=kind, seconds=now.hang_seconds)
            drawn -= rate
        return None
