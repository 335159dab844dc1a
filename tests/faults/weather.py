"""What F1.1 does wrong, drawn from a seed: times of trouble, and single faults."""

from random import Random
from typing import Final

from faults.actions import JSON, Action, Strike, Weather

FAIR: Final = Weather("as at the start")
STORMS: Final[dict[str, dict[str, JSON]]] = {
    "fails": {"error_rate": 0.45, "drop_rate": 0.2},
    "loses answers": {"lost_rate": 0.6, "latency_jitter_seconds": 0.3},
    "throttles": {"throttle_rate": 0.3, "retry_after_seconds": 1},
    "hangs": {"hang_rate": 0.2, "hang_seconds": 3.0, "latency_seconds": 0.1},
    "is slow": {"latency_seconds": 0.2, "latency_jitter_seconds": 0.4, "settle_seconds": 1.0, "close_seconds": 1.0},
    "pages badly": {"short_page_rate": 0.7, "page_overlap": 40, "page_token_seconds": 0.3, "latency_seconds": 0.05},
    "is all at once": {
        "error_rate": 0.1,
        "lost_rate": 0.15,
        "throttle_rate": 0.05,
        "short_page_rate": 0.4,
        "page_overlap": 5,
        "settle_seconds": 0.5,
        "close_seconds": 0.5,
    },
}
STRIKES: Final[tuple[tuple[str, dict[str, JSON]], ...]] = (
    ("error", {"status": 500}),
    ("error", {"status": 503, "retry_after": "1"}),
    ("throttle", {"retry_after": "2"}),
    ("drop", {}),
    ("lost", {}),
    ("hang", {"seconds": 3.0}),
    ("late", {"seconds": 1.5}),
    ("drip", {"seconds": 1.5}),
    ("expire", {}),
    ("answer", {"status": 200}),
)
ROUTES: Final = ("list", "establish", "close")


SLOW: Final[tuple[Action, ...]] = (Strike("late", "list", 1, (("seconds", 1.0),)),)
UNSURE: Final[tuple[Action, ...]] = (Strike("error", "establish", 4), Strike("error", "close", 3))
"""So that a cycle has decided, or begun to act, and goes on with it a moment later."""


def drawn(random: Random, seconds: float) -> list[tuple[float, Action]]:
    """Two storms, each of which ends, and some single faults."""
    found: list[tuple[float, Action]] = []
    for begin in (random.uniform(0.5, 4), random.uniform(seconds / 2, seconds - 3)):
        why, settings = random.choice(list(STORMS.items()))
        end = begin + random.uniform(2, 5)
        found.append((round(begin, 1), Weather(why, (*settings.items(), ("seed", random.randrange(1000))))))
        found.append((round(min(end, seconds), 1), FAIR))
    for _ in range(random.randint(4, 7)):
        kind, fields = random.choice(STRIKES)
        route = "list" if kind in {"expire", "drip", "answer"} else random.choice(ROUTES)
        at = round(random.uniform(0.2, seconds), 1)
        found.append((at, Strike(kind, route, random.randint(1, 3), tuple(fields.items()))))
    return found
