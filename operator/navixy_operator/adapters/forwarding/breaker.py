"""Notices that F1.1 is down as a whole, where each call alone would only fail for its customer."""

from typing import Final

from navixy_operator.errors import ForwardingUnavailable

CALLS_IN_A_ROW: Final = 20


class Breaker:
    """Counts changes in a row that F1.1 did not answer, each with all its repeats as one; any answer starts over."""

    def __init__(self, at_once: int) -> None:
        # more than can be under way at once: one short outage fails all of those together
        self._limit = max(CALLS_IN_A_ROW, at_once + 1)
        self._failed = 0

    def check(self) -> None:
        """Before a change. Raises ForwardingUnavailable when it would be in vain."""
        if self._failed >= self._limit:
            message = f"F1.1 does not answer: {self._failed} calls in a row failed; the next cycle tries again"
            raise ForwardingUnavailable(message)

    def failed(self) -> None:
        """A change was not answered."""
        self._failed += 1

    def answered(self) -> None:
        """F1.1 lives."""
        self._failed = 0
