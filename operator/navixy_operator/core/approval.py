"""A person's approval of held closes: the exact list under a digest, once, for 24 hours (design section 3, Guards)."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from navixy_operator.core.vocabulary import APPROVE_CLOSES, ConnectionState

VALID: Final = timedelta(hours=24)
"""How long a list of held closes can be approved, and an approval carried out, from the end of its cycle."""
TOKEN_LENGTH: Final = 8
"""Characters of one close's token: 48 bits, so that even 100,000 held closes fit into a status."""


def token(customer_ref: str | None, connection_id: str) -> str:
    """A short name of one exact close: this connection of this customer."""
    exact = f"{customer_ref or ''}\t{connection_id}".encode(errors="surrogatepass")
    return base64.urlsafe_b64encode(hashlib.sha256(exact).digest()[:6]).decode()


def digest(tokens: Iterable[str]) -> str:
    """The digest over a list, whatever its order: 16 hex characters."""
    return hashlib.sha256("\n".join(sorted(tokens)).encode()).hexdigest()[:16]


def members(text: str) -> frozenset[str]:
    """The tokens of a list, as ``status.heldCloses.members`` keeps them: one behind the other."""
    return frozenset(text[place : place + TOKEN_LENGTH] for place in range(0, len(text), TOKEN_LENGTH))


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person has approved: the closes of one cycle's list, by their tokens."""

    cycle: str
    tokens: frozenset[str]

    def accepts_end_of(self, spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
        """Whether a customer who is gone from the database may be marked so: the close is approved, or there is none.

        Else the database would count as shrunken for ever, though a person has said that this is meant.
        """
        connection = status.get("connection") or {}
        if "id" not in connection or connection.get("state") == ConnectionState.DISCONNECTED:
            return True
        return token(spec["customerRef"], connection["id"]) in self.tokens


def read_approval(
    cycle: str, annotations: Mapping[str, str], status: Mapping[str, Any], now: datetime
) -> Approval | str | None:
    """The approval that a SyncCycle bears; in words why it does not count; None: it bears none, or it was used up."""
    given = annotations.get(APPROVE_CLOSES)
    held = status.get("heldCloses")
    if given is None or (held and "approvedAt" in held):
        return None
    if not held:
        return "this cycle holds no closes"
    if given.strip() != held["digest"]:
        return f"it names another list than this cycle's, whose digest is {held['digest']}"
    tokens = members(held.get("members", ""))
    if digest(tokens) != held["digest"]:
        return "the list in the status is not the one that its digest was made of"
    ended = status.get("completionTime")
    if ended is None or now - datetime.fromisoformat(ended) > VALID:
        return "it came more than 24 hours after the cycle; run another one and approve its list"
    return Approval(cycle, tokens)
