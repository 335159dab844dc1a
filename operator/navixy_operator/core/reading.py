"""Reading single values of a row: total functions from whatever a database gives to a value or a problem in words."""

import re
from decimal import Decimal
from math import isfinite
from typing import Final

from navixy_operator.core.model import NavixyHash
from navixy_operator.core.vocabulary import CustomerState, Reason

MAX_REFERENCE_LENGTH: Final = 1024
MAX_GATEWAYS: Final = 2**31 - 1
_SHOWN: Final = 40
_LIKE_A_SECRET: Final = re.compile(r"[0-9A-Fa-f]{16}|(?=[A-Za-z+/=_-]*[0-9])[0-9A-Za-z+/=_-]{16}")
"""Hex, or anything else of letters and digits as long as a key: the form of a valid hash is configurable."""


def read_text(value: object) -> str | None:
    """The value as trimmed text; None: NULL, blank, or what cannot be written as text (bytes that are no UTF-8)."""
    try:
        text = bytes(value).decode() if isinstance(value, bytes | bytearray | memoryview) else str(value)
    except ValueError:  # no UTF-8, or an integer of more digits than Python writes
        return None
    return None if value is None else text.strip() or None


def show(value: object) -> str:
    """The value quoted for a message, cut, and withheld where it looks like a credential in the wrong column."""
    text = read_text(value)
    if text is None:
        return "NULL" if value is None else "blank" if _is_blank(value) else "(a value that is no text)"
    if _LIKE_A_SECRET.search(text):
        return "(a value that looks like a hash and is not shown)"
    shown = "".join(character if character.isprintable() else "�" for character in text[:_SHOWN])
    return f'"{shown}…"' if len(text) > _SHOWN else f'"{shown}"'


def read_reference(
    value: object, navixy_hash: NavixyHash | None, hash_reason: Reason | None, pattern: re.Pattern[str]
) -> tuple[str | None, str]:
    """The customer reference, or None and the problem.

    A reference may look like a hash, but not where the hash's own column holds something else: then the two columns
    stand in each other's place, and the reference is somebody's credential.
    """
    text = read_text(value)
    if text is None:
        return None, f"customer_ref is {show(value)}; every customer needs a reference"
    if len(text) > MAX_REFERENCE_LENGTH:
        return None, f"customer_ref {show(text)} is longer than {MAX_REFERENCE_LENGTH} characters"
    if not text.isprintable():
        return None, "customer_ref holds control or invisible characters"
    swapped = hash_reason is Reason.INVALID_HASH and pattern.fullmatch(text) is not None
    if swapped or (navixy_hash is not None and navixy_hash == NavixyHash(text)):
        return None, "customer_ref is the customer's hash; are the columns of the query in each other's place?"
    return text, ""


def read_state(value: object) -> tuple[CustomerState | None, str]:
    """The customer's state, without case, or None and the problem."""
    text = read_text(value)
    try:
        return CustomerState((text or "").lower()), ""
    except ValueError:
        return None, f"state {show(value)} is none of {', '.join(CustomerState)}"


def read_gateways(value: object) -> tuple[int | None, str]:
    """The count of gateways (NULL is 0), or None and the problem."""
    number = _integer(value)
    if number is None:
        return None, f"gateway_count {show(value)} is not a whole number"
    if number < 0:
        return None, f"gateway_count {show(value)} is negative"
    if number > MAX_GATEWAYS:
        return None, f"gateway_count {show(value)} is beyond belief"
    return number, ""


def read_hash(value: object, pattern: re.Pattern[str]) -> tuple[NavixyHash | None, Reason | None]:
    """The hash, or None and whether it is missing or malformed."""
    text = read_text(value)
    if text is None:
        missing = value is None or _is_blank(value)
        return None, Reason.MISSING_HASH if missing else Reason.INVALID_HASH
    navixy_hash = NavixyHash(text)
    return (navixy_hash, None) if navixy_hash.matches(pattern) else (None, Reason.INVALID_HASH)


def _is_blank(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, bytes | bytearray | memoryview) and not bytes(value).strip())


def _integer(value: object) -> int | None:
    match value:
        case None:
            return 0
        case bool():
            return None
        case int():
            return value
        case Decimal() if value.is_snan():
            return None
        case float() | Decimal():
            return int(value) if isfinite(value) and value == int(value) else None
        case _:
            text = read_text(value)
            return int(text) if text is not None and re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None
