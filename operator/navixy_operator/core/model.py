"""The nouns: a row, a record, a connection. Frozen values; a hash never shows itself."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from navixy_operator.core.vocabulary import ConnectionState, CustomerState, Origin, Reason

DEFAULT_HASH_PATTERN: Final = r"^[0-9a-f]{32}$"
FINGERPRINT_LENGTH: Final = 16


def fingerprint(value: str) -> str:
    """The first 16 hex characters of the SHA-256 of a hash: the only form that may be shown (design section 1)."""
    return hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()[:FINGERPRINT_LENGTH]


class NavixyHash:
    """A customer's Navixy credential, masked in every representation; ``reveal`` is for F1.1's client alone."""

    __slots__ = ("_value", "fingerprint")

    def __init__(self, value: str) -> None:
        self._value = value
        self.fingerprint = fingerprint(value)

    def reveal(self) -> str:
        """The credential itself, for the body of an establish request."""
        return self._value

    def matches(self, pattern: re.Pattern[str]) -> bool:
        """Whether the credential has the configured form."""
        return pattern.fullmatch(self._value) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NavixyHash) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"NavixyHash(fingerprint={self.fingerprint!r})"

    def __reduce__(self) -> str:
        message = "a Navixy hash is never serialized"
        raise TypeError(message)


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One row as the customer database gave it: untrusted, untyped, before any rule (design section 4).

    ``number`` counts the rows of the answer from 1, so that a row without a reference can still be named.
    """

    number: int
    customer_ref: object
    provider: object
    state: object
    navixy_hash: object = field(repr=False)
    gateway_count: object
    name: object = None


@dataclass(frozen=True, slots=True)
class Record:
    """One Navixy customer at the start of a cycle, with spaces trimmed and types settled (design section 3).

    ``state`` and ``gateways`` are None where the database gave nothing readable, ``hash`` is None where it is missing
    or malformed; ``hash_reason`` then says which. ``defects`` are sentences on what could not be read. ``declared``: a
    person's declaration (``source: Manual``) instead of a row; ``hash_problem`` says why its Secret gives no hash.
    """

    customer_ref: str
    state: CustomerState | None
    gateways: int | None
    hash: NavixyHash | None
    hash_reason: Reason | None = None
    name: str | None = None
    rows: int = 1
    defects: tuple[str, ...] = ()
    declared: bool = False
    hash_problem: str = ""

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of a valid hash; None: there is none."""
        return None if self.hash is None else self.hash.fingerprint


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of a record: eligible, or not and why, in words for a person (design section 1)."""

    reason: Reason
    message: str

    @property
    def eligible(self) -> bool:
        """Whether a connection should be established."""
        return self.reason is Reason.ELIGIBLE


@dataclass(frozen=True, slots=True)
class Customer:
    """A record with its verdict."""

    record: Record
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ConnectionFault:
    """Why a connection failed, in F1.1's words. ``permanent``: the same hash will not be accepted later."""

    code: str
    message: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of F1.1 (f11.openapi.yaml, Connection). ``fingerprint`` is None where F1.1 does not tell it."""

    id: str
    customer_ref: str | None
    state: ConnectionState
    created_at: datetime
    updated_at: datetime
    origin: Origin = Origin.AUTOMATIC
    fingerprint: str | None = None
    error: ConnectionFault | None = None

    @property
    def is_open(self) -> bool:
        """Whether it takes up the customer's place: pending, connected and failed do."""
        return self.state is not ConnectionState.DISCONNECTED
