"""F1.1's bearer token: kept, refused, read again."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from navixy_operator.errors import (
    CustomerError,
    ForwardingUnauthorized,
)
from support.f11_wire import TOKEN, Wired, assert_safe, establish, in_turn, page, problem

CALLS: dict[str, Callable[[Wired], Any]] = {
    "connections": lambda wired: wired.client.connections(),
    "establish": establish,
    "close": lambda wired: wired.client.close_connection("c1"),
    "connection": lambda wired: wired.client.connection("c1"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("status", "requests", "readings"), [(401, 1, [False, True]), (403, 1, [False])])
async def test_a_refused_token_blames_no_customer(call: str, status: int, requests: int, readings: list[bool]) -> None:
    """401 reads the Secret once more; unchanged, the pass ends. 403 ends at once."""
    wired = Wired(in_turn(problem(status, "x")))
    with pytest.raises(ForwardingUnauthorized) as caught:
        await CALLS[call](wired)
    assert not isinstance(caught.value, CustomerError)
    assert (len(wired.requests), wired.readings) == (requests, readings)
    assert "forwarding.tokenSecretRef" in str(caught.value)
    assert_safe(caught.value)


async def test_a_renewed_token_is_used() -> None:
    """The Secret has changed: the same call goes through, and so do those after it, without reading again."""
    wired = Wired(
        lambda r: page() if r.headers["authorization"] == "Bearer new" else problem(401, "x"),
    )
    wired.tokens = [TOKEN, "new"]
    await wired.client.connections()
    await wired.client.connections()
    assert (len(wired.requests), wired.readings) == (3, [False, True])


async def test_many_refusals_at_once_read_the_secret_once() -> None:
    """Sixteen calls in flight, one reading, whether it helps or not."""
    for new in ("new", TOKEN):
        wired = Wired(
            lambda r: httpx.Response(204) if r.headers["authorization"] == "Bearer new" else problem(401, "x")
        )
        wired.tokens = [TOKEN, new]
        results = await asyncio.gather(
            *[wired.client.close_connection(str(n)) for n in range(16)], return_exceptions=True
        )
        assert wired.readings == [False, True]
        assert {type(one) for one in results} == ({bool} if new == "new" else {ForwardingUnauthorized})


async def test_a_secret_mended_later_is_found() -> None:
    """A refusal is not for ever: the next pass reads the Secret again."""
    wired = Wired(lambda r: page() if r.headers["authorization"] == "Bearer new" else problem(401, "x"))
    with pytest.raises(ForwardingUnauthorized):
        await wired.client.connections()
    wired.tokens = [TOKEN, "new"]
    assert await wired.client.connections() == []


@pytest.mark.parametrize("token", ["", "  \n", "two words", "line\nbreak", "ключ"])
async def test_a_token_no_header_can_carry_is_refused(token: str) -> None:
    """Said before anything is sent; the token itself is not."""
    wired = Wired(in_turn(page()))
    wired.tokens = [token]
    with pytest.raises(ForwardingUnauthorized, match="empty or has characters") as caught:
        await wired.client.connections()
    assert not wired.requests
    assert not token.strip() or token not in str(caught.value)
