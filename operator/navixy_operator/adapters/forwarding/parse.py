"""F1.1's JSON as values of the core: strict where the contract promises, silent about what it does not name.

Messages name the field and what is wrong with it, never the value: an answer may repeat a secret.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn

import orjson

from navixy_operator.core.model import FINGERPRINT_LENGTH, Connection, ConnectionFault
from navixy_operator.core.vocabulary import PROVIDER, ConnectionState, Origin

MESSAGE_LIMIT: Final = 500
_STATES: Final = {state.value: state for state in ConnectionState}
_ORIGINS: Final = {origin.value: origin for origin in Origin}
_SECRET_LIKE: Final = re.compile(r"[0-9A-Fa-f]{24,}")
_PROBLEM_TYPE: Final = re.compile(r"(?:.*[/#:])?([a-z0-9-]{1,64})")
_CONTENT_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")
_FINGERPRINT: Final = re.compile(rf"[0-9a-f]{{{FINGERPRINT_LENGTH}}}")


class MalformedError(Exception):
    """The answer breaks the contract; the text says where and what, without values."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list; ``token`` is None at the end."""

    items: list[Connection]
    token: str | None
    size: int
    """Items on the page, other providers' included."""


def document(body: bytes, content_type: str) -> dict[str, Any]:
    """The answer's JSON object. Raises MalformedError naming the media type when it is something else."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        media = _CONTENT_TYPE.match(content_type.lower())
        message = f"the answer is not JSON (Content-Type {media.group() if media else 'unknown'})"
        raise MalformedError(message) from None
    if not isinstance(parsed, dict):
        message = "the answer is not a JSON object"
        raise MalformedError(message)
    return parsed


def page(answer: dict[str, Any]) -> Page:
    """A page's Navixy connections and the next token. Raises MalformedError."""
    items = answer.get("items")
    if not isinstance(items, list):
        _refuse("items", "missing" if "items" not in answer else "not an array")
    token = answer.get("next_page_token")
    if token is not None and not isinstance(token, str):
        _refuse("next_page_token", "not a string")
    found: list[Connection] = []
    for index, item in enumerate(items):
        try:
            if one := connection(item):
                found.append(one)
        except MalformedError as error:
            message = f"items[{index}]: {error}"
            raise MalformedError(message) from None
    return Page(found, token or None, len(items))


def connection(item: object) -> Connection | None:
    """One connection; None: another provider's. Raises MalformedError."""
    if not isinstance(item, dict):
        _refuse("the connection", "not an object")
    if _text(item, "provider") != PROVIDER:
        return None
    identity = _text(item, "id")
    if identity in {"", ".", ".."}:  # cannot be one segment of a path
        _refuse("id", "empty, or only dots")
    if (state := _STATES.get(_text(item, "state"))) is None:
        _refuse("state", f"none of {', '.join(_STATES)}")
    if (origin := _ORIGINS.get(_text(item, "origin"))) is None:
        _refuse("origin", f"none of {', '.join(_ORIGINS)}")
    error = item.get("error")
    return Connection(
        identity,
        None if "customer_ref" in item and item["customer_ref"] is None else _text(item, "customer_ref"),
        state,
        _moment(item, "created_at"),
        _moment(item, "updated_at"),
        origin,
        _fingerprint(item),
        None if error is None else _fault(error),
    )


def problem_type(body: bytes) -> str:
    """The last part of a problem's ``type`` (RFC 9457: a URI reference); empty when there is none to read."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    kind = parsed.get("type") if isinstance(parsed, dict) else None
    match = _PROBLEM_TYPE.fullmatch(kind) if isinstance(kind, str) else None
    return match.group(1) if match else ""


def _fingerprint(item: dict[str, Any]) -> str | None:
    """The hash's fingerprint; one of another form counts as not told, since as another hash's it would mean a close."""
    told = item.get("hash_fingerprint")
    if told is not None and not isinstance(told, str):
        _refuse("hash_fingerprint", "not a string")
    fingerprint = (told or "").lower()
    return fingerprint if _FINGERPRINT.fullmatch(fingerprint) else None


def _fault(error: object) -> ConnectionFault:
    """Why a connection failed; its properties are optional. Longer hex strings are masked, F1.1 may quote the hash."""
    if not isinstance(error, dict):
        _refuse("error", "not an object")
    code, message = error.get("code"), error.get("message")
    permanent = error.get("permanent", False)
    if not (isinstance(code, str | None) and isinstance(message, str | None) and isinstance(permanent, bool)):
        _refuse("error", "not code and message as strings and permanent as a boolean")
    return ConnectionFault(_masked(code or "unknown"), _masked(message or ""), permanent)


def _masked(text: str) -> str:
    return _SECRET_LIKE.sub("[masked]", text)[:MESSAGE_LIMIT]


def _moment(item: dict[str, Any], name: str) -> datetime:
    """A timestamp of RFC 3339, always with an offset."""
    text = _text(item, name)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:  # what RFC 3339 permits beyond Python's parser: lower-case t and z, a leap second
            moment = datetime.fromisoformat(re.sub(r":60(?=[.,Z+-])", ":59", text.upper()))
        except ValueError:
            _refuse(name, "not a time of RFC 3339")
    if moment.tzinfo is None:
        _refuse(name, "a time without an offset from UTC")
    return moment


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str):
        _refuse(name, "not a string" if name in item else "missing")
    return value


def _refuse(name: str, what: str) -> NoReturn:
    message = f"{name} is {what}"
    raise MalformedError(message) from None
