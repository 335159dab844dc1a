"""Entries that were lost, by the NavixySync that they are about, so that its own trail can say so."""

from dataclasses import dataclass, replace
from datetime import datetime

from navixy_operator.core.audit import Entry

Place = tuple[str, str]
"""Namespace and name of a NavixySync."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How many entries of one NavixySync were lost, and when they were told."""

    count: int
    since: datetime
    until: datetime


class Losses:
    """What has been lost since it was last told; ``total``: since the beginning."""

    def __init__(self) -> None:
        self.total = 0
        self._untold: dict[Place, Loss] = {}

    def __bool__(self) -> bool:
        return bool(self._untold)

    def add(self, entry: Entry) -> None:
        """This entry is lost."""
        place = (entry.run.namespace, entry.run.sync)
        found = self._untold.get(place) or Loss(0, entry.at, entry.at)
        self._untold[place] = replace(found, count=found.count + 1, until=entry.at)
        self.total += 1

    def take(self) -> dict[Place, Loss]:
        """What is still to be told; it is told by that."""
        found, self._untold = self._untold, {}
        return found
