"""What the API server's refusals mean: told apart by status and the Status object's reason, never by its text."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from navixy_operator.errors import (
    ConfigurationError,
    InvalidSpec,
    KubernetesForbidden,
    KubernetesUnavailable,
    OperatorError,
)

MESSAGE_LIMIT: Final = 500  # characters of the API server's own words that are passed on
RETRIED: Final = frozenset({429, 500, 502, 503, 504})
REFUSED_CONTENT: Final = frozenset({400, 413, 422})
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_VERBS: Final = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


class RefusalError(ConfigurationError):
    """The API server understood and said no; the kinds that callers tell apart are the subclasses."""


class NotFound(RefusalError):
    """404: no such object, or no such kind."""


class AlreadyExists(RefusalError):
    """409 with the reason AlreadyExists."""


class Conflict(RefusalError):
    """409 otherwise: a precondition (uid, resourceVersion) does not hold."""


class Expired(RefusalError):
    """410: the page of a list, or the version to go on from, is too old."""


_KINDS: Final = {
    (404, None): NotFound,
    (409, "AlreadyExists"): AlreadyExists,
    (409, None): Conflict,
    (410, None): Expired,
}


def status_of(body: bytes) -> Mapping[str, Any]:
    """The Status object of an answer; empty when it is none (a proxy's HTML)."""
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return status if isinstance(status, dict) else {}


def refusal(status: int, body: bytes, *, method: str, path: str, server: str) -> OperatorError:
    """The error for an answer that is no success and is not tried again."""
    said = status_of(body)
    words = _words(said)
    where = f"{describe(method, path)} at {server}"
    if status in RETRIED:
        return KubernetesUnavailable(f"the API server does not serve {where}: HTTP {status}{words}")
    if status in REFUSED_CONTENT:
        return InvalidSpec(f"the API server refuses the content of {where}: HTTP {status}{words}")
    if status == FORBIDDEN:
        return KubernetesForbidden(f"not permitted to {where} (403){words}: see the Role and its binding in manifests/")
    if status == UNAUTHORIZED:
        return KubernetesForbidden(f"the API server refuses our credentials to {where} (401): renew the token")
    kind = _KINDS.get((status, said.get("reason"))) or _KINDS.get((status, None), RefusalError)
    return kind(f"the API server does not {where}: HTTP {status}{words}")


def describe(method: str, path: str) -> str:
    """``POST /apis/g/v1/namespaces/n/widgets/x/status`` as ``create widgets/status "x" in namespace n``."""
    parts = path.split("?", 1)[0].strip("/").split("/")
    parts = parts[3:] if parts[0] == "apis" else parts[2:] if parts[0] == "api" else []
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces":  # noqa: PLR2004 - namespaces/NAME alone is the namespace itself
        namespace, parts = f" in namespace {parts[1]}", parts[2:]
    if not parts:
        return f"{method} {path}"
    resource, name, subresource = (*parts, "", "")[:3]
    verb = "list" if method == "GET" and not name else _VERBS.get(method, method)
    subresource = f"/{subresource}" if subresource else ""
    return f"{verb} {resource}{subresource}{f' {name}' if name else ''}{namespace}"


def _words(status: Mapping[str, Any]) -> str:
    said = status.get("message")
    if not isinstance(said, str) or not said:
        return ""
    cut = said if len(said) <= MESSAGE_LIMIT else f"{said[:MESSAGE_LIMIT]}…"
    return f" ({_USERINFO.sub('***', cut)})"
