"""Facts to entries: canonical JSON, nothing secret, and a place in the chain of their run (spec: Audit Trail Logic)."""

import json
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from navixy_operator.core.audit import GENESIS, Entry, entry_of
from navixy_operator.core.fact import Fact, Run

KEPT: Final = 4096
"""Runs of which nobody can tell any more whose digest is still known, so that ``head`` can be asked a while later."""

Masked = Callable[[Mapping[str, object]], Mapping[str, Any]]
"""Gives the same details with what looks like a secret, or is known to be one, masked."""


@dataclass(frozen=True, slots=True)
class _Head:
    """How far a run's chain has come; ``teller``: the run, while somebody may tell more of it."""

    digest: str
    teller: weakref.ref[Run]


class Chains:
    """The chains of all runs that somebody may tell of, and of the ``kept`` latest others."""

    def __init__(self, masked: Masked, *, kept: int = KEPT) -> None:
        self._masked = masked
        self._kept = kept
        self._heads: OrderedDict[str, _Head] = OrderedDict()

    def head(self, run_id: str) -> str | None:
        """The digest of a run's chain as far as its last entry; None: it is not known (any more)."""
        found = self._heads.get(run_id)
        return None if found is None else found.digest

    def entry(self, fact: Fact) -> Entry:
        """The fact as the next entry of its run."""
        run, customer = fact.run, fact.customer
        if customer is not None:
            shown = _storable(str(self._masked({"customer": customer})["customer"]))
            fact = fact if shown == customer else replace(fact, customer=shown)
        head = self._heads.get(run.id)
        entry = entry_of(fact, canonical(self._masked(fact.details)), GENESIS if head is None else head.digest)
        self._heads[run.id] = _Head(entry.digest, weakref.ref(run))
        self._heads.move_to_end(run.id)
        if head is None:
            self._forget_some()
        return entry

    def _forget_some(self) -> None:
        """Drop the oldest that nobody tells of; those that are told of go to the end of the queue."""
        for _ in range(len(self._heads) - self._kept):
            run_id, head = self._heads.popitem(last=False)
            if head.teller() is not None:
                self._heads[run_id] = head


def canonical(details: Mapping[str, Any]) -> str:
    """JSON text with sorted keys and nothing between them: the same for the same details."""
    try:
        return orjson.dumps(details, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # halves of a surrogate pair, integers of more than 64 bits
        return json.dumps(details, default=str, sort_keys=True, separators=(",", ":"))


def _storable(text: str) -> str:
    """The text without what a database takes for no text: NUL, and halves of a surrogate pair."""
    if text.isprintable():
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "�")
