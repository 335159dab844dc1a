"""Who is told how the delivery goes."""

from typing import Protocol

from navixy_operator.core.vocabulary import Reason

Trouble = tuple[Reason, str]
"""What keeps entries from their database: in a word, and in a sentence."""


class Hearer(Protocol):
    """Who is told how it goes. Calls are cheap and never raise."""

    def trouble_began(self, trouble: Trouble) -> None:
        """The database takes no entries, and a repeat has not mended it."""

    def trouble_changed(self) -> None:
        """It is another trouble now: the disk is full as well, or has room again."""

    def trouble_ended(self, delivered: int) -> None:
        """All that had to wait is stored: so many entries."""

    def made_room(self) -> None:
        """Entries have left the memory."""

    def wrote(self, entries: int, seconds: float) -> None:
        """A batch was stored."""
