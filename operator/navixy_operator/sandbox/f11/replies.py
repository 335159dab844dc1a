"""Answers before they are HTTP: plain replies and problems (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiohttp import web

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and headers of an answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """As aiohttp sends it."""
        if not self.body:
            return web.Response(status=self.status, headers=self.headers)
        return web.Response(
            status=self.status, body=self.body, headers={**self.headers, "Content-Type": self.content_type}
        )


class ProblemError(Exception):
    """An answer that is not what was asked for. ``kind`` is its problem type."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        body = orjson.dumps({"type": kind, "title": kind.replace("-", " "), "status": status, "detail": detail})
        self.kind = kind
        self.reply = Reply(status, body, PROBLEM, headers or {})


class CutError(Exception):
    """The connection is to be cut without an answer."""


def invalid(detail: str) -> ProblemError:
    """400: the request is not of the contract's form."""
    return ProblemError(400, "invalid-request", detail)


def not_found(detail: str) -> ProblemError:
    """404."""
    return ProblemError(404, "not-found", detail)


def not_allowed(methods: list[str]) -> ProblemError:
    """405, with the methods that are allowed."""
    return ProblemError(405, "method-not-allowed", "this method is not for this path", {"Allow": ", ".join(methods)})


def document(body: bytes) -> dict[str, object]:
    """A request's JSON object. Raises ProblemError."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        detail = "the body is not JSON"
        raise invalid(detail) from None
    if not isinstance(parsed, dict):
        detail = "the body is not a JSON object"
        raise invalid(detail)
    return parsed
