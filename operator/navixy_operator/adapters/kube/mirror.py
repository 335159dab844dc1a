"""What the API server holds of one kind, kept by a list and a watch: a pass need not list 10,000 objects again.

It is trusted only while the watch is heard of; else, and where there is none, a list is asked for (design section 7:
watches have been seen to go silent). Our own writes go into it with their answers: it is never behind ourselves.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.listing import list_pages
from navixy_operator.adapters.kube.parse import resource_of
from navixy_operator.core.vocabulary import Kind
from navixy_operator.ports import Resource

SILENCE_SECONDS: Final = 90.0
"""Longer than the API server's pause between two bookmarks (a minute) by as much as a busy one may need."""

Key = tuple[str, str]
Change = tuple[str, Resource]
"""What a watch tells: ``ADDED``, ``MODIFIED`` or ``DELETED``, and the object as it is or was."""


class Mirror:
    """Objects by namespace and name. ``clock``: monotonic seconds, replaced in tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._items: dict[Key, Resource] = {}
        self._heard_at: float | None = None
        self._begun = False
        self._tried = asyncio.Event()

    async def tried(self) -> None:
        """Wait until the first list is there, or could not be had: nobody need ask for the same at that moment."""
        await self._tried.wait()

    def begin(self, found: Iterable[Resource], version: str = "") -> list[Change]:
        """Take a whole list of this version; what the watch tells goes on from there.

        Gives what was not told since the last list, deletions first; the first list is no news. Writes of our own that
        are newer than the list stay as they are.
        """
        before, self._items = self._items, {_key(item): item for item in found}
        changes: list[Change] = []
        for key, known in before.items():
            now = self._items.get(key)
            if _version(known) > _number(version):
                self._items[key] = known
            elif now is None or now.uid != known.uid:
                changes.append(("DELETED", known))
        for key, now in self._items.items():
            known_before = before.get(key)
            if known_before is None or known_before.uid != now.uid:
                changes.append(("ADDED", now))
            elif known_before.resource_version != now.resource_version:
                changes.append(("MODIFIED", now))
        first, self._begun = not self._begun, True
        self._tried.set()
        self.heard()
        return [] if first else changes

    def heard(self) -> None:
        """The watch has given a sign of life: what it told up to now is all there was."""
        self._heard_at = self._clock()

    def lost(self) -> None:
        """The watch broke off: no trust until it is heard of again."""
        self._heard_at = None
        self._tried.set()

    def changed(self, change: str, item: Resource) -> None:
        """Take an event; one that is older than what is known (our own write was faster) is passed over."""
        if change == "DELETED":
            self.gone(item)
        else:
            self.put(item)

    def put(self, item: Resource) -> None:
        """Take an object as it is now, unless a newer version is known."""
        known = self._items.get(_key(item))
        if known is None or _version(item) >= _version(known):
            self._items[_key(item)] = item

    def gone(self, item: Resource) -> None:
        """Forget exactly this object; one made anew under its name stays."""
        known = self._items.get(_key(item))
        if known is not None and known.uid == item.uid:
            del self._items[_key(item)]

    def get(self, namespace: str, name: str) -> Resource | None:
        """One object as last told of, trusted or not."""
        return self._items.get((namespace, name))

    def items(self) -> list[Resource] | None:
        """Every object as last told of, trusted or not; None: there was no list yet."""
        return list(self._items.values()) if self._begun else None

    def current(self, namespace: str = "") -> list[Resource] | None:
        """Every object of the namespace ("": of all), by name; None while the watch is not to be trusted."""
        if self._heard_at is None or self._clock() - self._heard_at > SILENCE_SECONDS:
            return None
        return [self._items[key] for key in sorted(self._items) if namespace in {"", key[0]}]


@dataclass(frozen=True, slots=True)
class Following:
    """Keeps a mirror of the collection at ``path`` from a watch, and tells ``seen`` of every change."""

    client: KubeClient
    kind: Kind
    path: str
    mirror: Mirror
    seen: Callable[[str, Resource], None]

    async def begin(self) -> str:
        """List, and give the list's version; from the second time on, tell what the watch missed before."""
        found, version = await list_pages(self.client, self.kind, self.path)
        for change, resource in self.mirror.begin(found, version):
            self.seen(change, resource)
        return version

    def take(self, change: str, item: Mapping[str, Any]) -> None:
        """Pass an event on."""
        resource = resource_of(self.kind, item)
        self.mirror.changed(change, resource)
        self.seen(change, resource)

    def heard(self) -> None:
        """All there was has been told."""
        self.mirror.heard()

    def lost(self) -> None:
        """Something may have been missed."""
        self.mirror.lost()


def _key(item: Resource) -> Key:
    return item.namespace, item.name


def _version(item: Resource) -> int:
    return _number(item.resource_version)


def _number(version: str) -> int:
    """Versions grow, over the objects of a collection too; one that is no number (none has been seen) is the newest."""
    return int(version) if version.isdecimal() else 2**63
