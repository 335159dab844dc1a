"""F1.1's client on a wire that a function answers: no server, no real waiting."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from navixy_operator.adapters.forwarding import ForwardingSettings, HttpForwarding
from navixy_operator.core.model import Connection, NavixyHash
from navixy_operator.errors import (
    OperatorError,
)
from support.f11 import FakeTime

TOKEN = "s3cret-token"
HASH = NavixyHash("0123456789abcdef0123456789abcdef")
URL = "https://f11.test/base/"
HTML = httpx.Response(200, html=f"<html>{HASH.reveal()}</html>")
Answers = Callable[[httpx.Request], httpx.Response]


def shown(**changes: Any) -> dict[str, Any]:
    """A connection as F1.1 shows it, with only the required fields."""
    return {
        "id": "c1",
        "provider": "navixy",
        "customer_ref": "A-1",
        "state": "connected",
        "origin": "automatic",
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
        **changes,
    }


def problem(status: int, kind: str, **headers: str) -> httpx.Response:
    """An error of F1.1, with the hash in its text, as careless services do."""
    body = {"type": kind, "title": "no", "detail": f"{HASH.reveal()} is no good"}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json", **headers})


class Wired:
    """A client whose requests a function answers, on a clock that takes no time."""

    def __init__(self, answers: Answers, **settings: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.time = FakeTime()
        self.tokens = [TOKEN]
        self.readings: list[bool] = []
        self.timings: list[tuple[str, str, float]] = []
        self._answers = answers
        self.client = HttpForwarding(
            ForwardingSettings(**{"url": URL, "rate_per_second": 1e9, **settings}),
            self._token,
            transport=httpx.MockTransport(self._answer),
            clock=self.time.clock,
            timed=lambda *timing: self.timings.append(timing),
        )

    async def _token(self, fresh: bool) -> str:  # noqa: FBT001 - the provider's signature
        self.readings.append(fresh)
        return self.tokens[-1 if fresh else 0]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        await asyncio.sleep(0)  # as on a wire, others go on meanwhile
        return self._answers(request)


def in_turn(*answers: httpx.Response | Exception) -> Answers:
    """One answer after the other; the last one for ever."""
    left = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        # a fresh copy: a response can be read once
        return httpx.Response(one.status_code, headers=one.headers, content=one.content)

    return answer


def page(*items: Any, token: str | None = None) -> httpx.Response:
    """A page of the list."""
    return httpx.Response(200, json={"items": items} | ({} if token is None else {"next_page_token": token}))


async def establish(wired: Wired) -> Connection:
    """Establish for customer A-1."""
    return await wired.client.establish("A-1", HASH, key="key-1")


def assert_safe(error: OperatorError) -> None:
    """Neither token nor hash in the error, its causes or its context."""
    chain: list[BaseException] = [error]
    while (link := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(link)
    for one in chain:
        assert TOKEN not in repr(one)
        assert HASH.reveal() not in repr(one)
