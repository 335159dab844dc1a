"""What both sides of the simulator, contract and admin, work on."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from navixy_operator.sandbox.f11.faults import Faults
from navixy_operator.sandbox.f11.state import World
from navixy_operator.sandbox.f11.store import Store


@dataclass(slots=True)
class Shared:
    """The parts of one simulator."""

    world: World
    faults: Faults
    store: Store
    token: str = field(repr=False)
    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By method, path template and outcome: a status, or ``cut``."""
    token_generation: int = 0
    """Page tokens of earlier generations have expired."""
    now: Callable[[], float] = time.time
