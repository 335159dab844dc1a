"""An F1.1 that is down as a whole, and a process that must not act any more."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from navixy_operator.adapters.forwarding import ForwardingSettings, HttpForwarding
from navixy_operator.errors import CustomerError, EstablishFailed, ForwardingUnauthorized, ForwardingUnavailable
from navixy_operator.sandbox.f11.launch import Simulator
from support.f11 import FakeTime
from support.f11_wire import HASH, URL, Answers, Wired, assert_safe, establish, in_turn, page, problem, shown

DOWN = httpx.Response(503)


async def fail(wired: Wired, count: int) -> None:
    """Establish and close in turn, each with all its repeats in vain."""
    for number in range(count):
        with pytest.raises(CustomerError):
            await (wired.client.close_connection("c1") if number % 2 else establish(wired))


@pytest.mark.parametrize(
    "failure", [DOWN, httpx.Response(429), httpx.ConnectError("no"), httpx.ReadTimeout("slow")], ids=repr
)
async def test_twenty_calls_in_vain_end_the_pass(failure: httpx.Response | Exception) -> None:
    """However often each was repeated; then nothing is sent any more, at once."""
    wired = Wired(in_turn(failure))
    await fail(wired, 20)
    sent, now = len(wired.requests), wired.time.now
    for call in (establish(wired), wired.client.close_connection("c1")):
        with pytest.raises(ForwardingUnavailable, match=r"F1\.1 does not answer: 20 calls in a row failed") as caught:
            await call
        assert_safe(caught.value)
    assert (len(wired.requests), wired.time.now) == (sent, now)


@pytest.mark.parametrize("answer", [httpx.Response(204), httpx.Response(404), httpx.Response(400)])
async def test_any_answer_starts_the_count_over(answer: httpx.Response) -> None:
    """Whatever it says, F1.1 is there."""
    wired = Wired(in_turn(DOWN), attempts=1, close_retries=0)
    await fail(wired, 19)
    wired._answers = in_turn(answer, DOWN)
    await asyncio.gather(wired.client.close_connection("c1"), return_exceptions=True)
    await fail(wired, 20)
    with pytest.raises(ForwardingUnavailable):
        await establish(wired)


async def test_a_repeat_that_is_answered_is_an_answer() -> None:
    """Every call fails at first: nobody is down."""
    wired = Wired(in_turn(*[DOWN, httpx.Response(204)] * 30))
    for _ in range(30):
        assert await wired.client.close_connection("c1")


async def test_what_is_about_one_customer_does_not_count() -> None:
    """A key that stays in use is F1.1's answer, however often."""
    wired = Wired(in_turn(problem(409, "in-progress")), attempts=2)
    for _ in range(30):
        with pytest.raises(EstablishFailed):
            await establish(wired)


async def test_lists_neither_count_nor_stop_and_their_answer_counts() -> None:
    """A list has its own error; one that is answered shows that F1.1 is there again."""
    wired = Wired(in_turn(DOWN), attempts=1)
    for _ in range(30):
        with pytest.raises(ForwardingUnavailable, match="no whole list"):
            await wired.client.connections()
    await fail(wired, 20)
    with pytest.raises(ForwardingUnavailable, match="does not answer"):
        await establish(wired)
    wired._answers = in_turn(page(), httpx.Response(202, json=shown()))
    assert await wired.client.connections() == []
    assert (await establish(wired)).id == "c1"


async def test_one_wave_is_not_yet_a_row() -> None:
    """All that were under way when F1.1 fell over do not end the pass; the next one that fails does."""
    wired = Wired(in_turn(DOWN), attempts=1, concurrency=64)
    failed = await asyncio.gather(*[establish(wired) for _ in range(64)], return_exceptions=True)
    assert {type(error) for error in failed} == {EstablishFailed}
    with pytest.raises(EstablishFailed):
        await establish(wired)
    with pytest.raises(ForwardingUnavailable, match="65 calls in a row"):
        await establish(wired)


@pytest.mark.server
async def test_an_f11_that_goes_away(own_f11: Simulator) -> None:
    """In mid-cycle: after many calls in vain it is F1.1 that is unavailable, not each customer that failed."""
    own_f11.start()
    settings = ForwardingSettings(url=own_f11.url, rate_per_second=1e6, backoff_seconds=0.001)

    async def token(_: bool) -> str:  # noqa: FBT001 - the provider's signature
        return own_f11.token

    client = HttpForwarding(settings, token)
    try:
        await client.establish("A-0", HASH, key="k0")
        own_f11.kill()
        for number in range(20):
            with pytest.raises(EstablishFailed):
                await client.establish(f"A-{number}", HASH, key=f"k{number}")
        with pytest.raises(ForwardingUnavailable, match="20 calls in a row"):
            await client.close_connection("x")
    finally:
        await client.close()


def fenced(
    answers: Answers, fence: Callable[[], None], **settings: float
) -> tuple[HttpForwarding, list[str], FakeTime]:
    """A client with a fence, the methods it sent, and its clock."""
    sent: list[str] = []
    time = FakeTime()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return answers(request)

    async def token(fresh: bool) -> str:  # noqa: FBT001 - the provider's signature
        return "new" if fresh else "old"

    made = ForwardingSettings(url=URL, **settings)  # type: ignore[arg-type]
    client = HttpForwarding(made, token, transport=httpx.MockTransport(answer), clock=time.clock, fence=fence)
    return client, sent, time


async def test_the_fence_is_asked_right_before_each_attempt() -> None:
    """Also before repeats and after a refused token, once the pace has let it through; never for a list."""
    passed: list[float] = []
    answers = in_turn(page(), DOWN, httpx.Response(401), httpx.Response(401))
    client, sent, time = fenced(answers, lambda: passed.append(time.now), rate_per_second=0.1, concurrency=1)
    await client.connections()
    assert passed == []
    with pytest.raises(ForwardingUnauthorized):
        await client.close_connection("c1")
    assert sent == ["GET", "DELETE", "DELETE", "DELETE"]
    assert passed == [1010, 1020, 1020]


@pytest.mark.parametrize(
    "error", [RuntimeError("x"), TimeoutError("x"), TypeError("x"), OSError("x"), httpx.ReadError("x")]
)
async def test_what_the_fence_raises_goes_through(error: Exception) -> None:
    """As it is, the first time, with nothing sent; and it says nothing of F1.1."""

    def fence() -> None:
        raise error

    client, sent, _ = fenced(in_turn(httpx.Response(204)), fence)
    for _ in range(25):
        with pytest.raises(type(error)) as closing:
            await client.close_connection("c1")
        with pytest.raises(type(error)) as establishing:
            await client.establish("A-1", HASH, key="k")
        assert closing.value is establishing.value is error
    assert sent == []


async def test_the_fence_stops_repeats() -> None:
    """The first attempt went out, was not answered, and is not repeated by a process that must not act any more."""
    left = [None, RuntimeError("not the leader")]

    def fence() -> None:
        if (error := left.pop(0)) is not None:
            raise error

    client, sent, _ = fenced(in_turn(DOWN), fence)
    with pytest.raises(RuntimeError, match="not the leader"):
        await client.close_connection("c1")
    assert sent == ["DELETE"]
