"""F1.1's client and the simulator over real HTTP: the contract from both sides."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from navixy_operator.adapters.forwarding import ForwardingSettings, HttpForwarding
from navixy_operator.core.model import NavixyHash
from navixy_operator.core.vocabulary import ConnectionState, Origin
from navixy_operator.errors import (
    CloseFailed,
    EstablishFailed,
    EstablishRefused,
    ForwardingProtocolError,
    ForwardingUnauthorized,
    ForwardingUnavailable,
)
from navixy_operator.sandbox.f11.launch import Simulator
from support.f11 import TOKEN

pytestmark = pytest.mark.server
Make = Callable[..., HttpForwarding]


def hash_of(name: str) -> NavixyHash:
    """A believable hash."""
    return NavixyHash(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())


@pytest.fixture
async def make(f11: Simulator) -> AsyncIterator[Make]:
    """Makes clients of the simulator, quick to repeat; closes them."""
    async with AsyncExitStack() as stack:

        def build(*, token_file: Path | None = None, url: str = f11.url, **settings: Any) -> HttpForwarding:
            async def token(_: bool) -> str:  # noqa: FBT001 - the provider's signature
                return await asyncio.to_thread(token_file.read_text) if token_file else TOKEN

            values: dict[str, Any] = {"rate_per_second": 1e6, "backoff_seconds": 0.01, "backoff_cap_seconds": 0.05}
            values |= {"timeout_seconds": 5.0} | settings
            client = HttpForwarding(ForwardingSettings(url=url, **values), token)
            stack.push_async_callback(client.close)
            return client

        yield build


async def test_two_and_a_half_thousand_connections(f11: Simulator, make: Make) -> None:
    """Three pages, each connection once, with all that was put there."""
    seeds = [{"id": f"id {n}", "customer_ref": f"A-{n}" if n % 5 else None, "origin": "manual"} for n in range(2500)]
    await f11.seed(*seeds, {"provider": "other", "customer_ref": "A-1"})
    found = await make().connections()
    assert [one.id for one in found] == [f"id {n}" for n in range(2500)]
    assert found[0].customer_ref is None
    assert found[1].customer_ref == "A-1"
    assert {(one.state, one.origin) for one in found} == {(ConnectionState.CONNECTED, Origin.MANUAL)}
    assert await f11.requests() == {"GET /v1/connections": {"200": 3}}


async def test_short_empty_and_overlapping_pages(f11: Simulator, make: Make) -> None:
    """However the list is cut, it is whole, and each connection is in it once."""
    await f11.seed(*({"id": str(n)} for n in range(300)))
    await f11.settings(short_page_rate=0.5, page_overlap=7, seed=3)
    found = await make(page_size=40).connections()
    assert [one.id for one in found] == [str(n) for n in range(300)]
    assert await f11.count("GET /v1/connections") > 9


async def test_a_page_token_that_expires_starts_over(f11: Simulator, make: Make) -> None:
    """Once: the list is whole. Always: the error is mended by time."""
    await f11.seed(*({"id": str(n)} for n in range(30)))
    await f11.fault("expire", route="list", skip=2)
    assert len(await make(page_size=10).connections()) == 30
    assert await f11.requests(reset=True) == {"GET /v1/connections": {"200": 5, "400": 1}}
    await f11.fault("expire", route="list", times=100)
    with pytest.raises(ForwardingUnavailable, match="expire"):
        await make(page_size=10).connections()


@pytest.mark.parametrize("kind", ["same-token", "new-tokens"])
async def test_a_list_that_never_ends(f11: Simulator, make: Make, kind: str) -> None:
    """Given up as outside the contract."""
    await f11.seed(*({"id": str(n)} for n in range(30)))
    await f11.settings(endless=kind)
    with pytest.raises(ForwardingProtocolError, match="never ends"):
        await make(page_size=10, max_pages=20).connections()


async def test_html_instead_of_the_list(f11: Simulator, make: Make) -> None:
    """A wrong address often answers with a web page."""
    await f11.fault("answer", status=200)
    with pytest.raises(ForwardingProtocolError, match="text/html"):
        await make().connections()


async def test_a_server_that_hangs(f11: Simulator, make: Make) -> None:
    """Each attempt ends with its timeout; one that hangs once does no harm."""
    await f11.fault("hang", times=2)
    with pytest.raises(ForwardingUnavailable, match=r"not answered within 0\.2 s"):
        await make(timeout_seconds=0.2, attempts=2).connections()
    await f11.fault("hang")
    assert await make(timeout_seconds=0.5).connections() == []


async def test_a_page_that_drips(f11: Simulator, make: Make) -> None:
    """The timeout is for the whole answer, not for its first byte."""
    await f11.seed(*({"id": str(n)} for n in range(30)))
    await f11.fault("drip", seconds=30.0)
    began = time.monotonic()
    assert len(await make(timeout_seconds=1.0).connections()) == 30
    assert time.monotonic() - began < 10


async def test_nothing_listens(make: Make) -> None:
    """Said in words, with the address."""
    with pytest.raises(ForwardingUnavailable, match=r"127\.0\.0\.1:1/v1/connections was refused: nothing listens"):
        await make(url="http://127.0.0.1:1", attempts=2).connections()


async def test_establish_and_settle(f11: Simulator, make: Make) -> None:
    """Accepted as pending, connected later, with the fingerprint and never the hash."""
    client, secret = make(), hash_of("A-1")
    made = await client.establish("A-1", secret, key="k1")
    assert (made.state, made.customer_ref) == (ConnectionState.PENDING, "A-1")
    (listed,) = await client.connections()
    assert (listed.id, listed.state, listed.fingerprint) == (made.id, ConnectionState.CONNECTED, secret.fingerprint)
    assert (await client.establish("A-1", secret, key="k2")).id == made.id
    assert (await client.establish("A-1", secret, key="k1")).state is ConnectionState.PENDING  # the first answer
    with pytest.raises(EstablishFailed) as caught:
        await client.establish("A-1", hash_of("other"), key="k3")
    assert caught.value.code == "open-with-other-hash"
    assert await client.close_connection(made.id)
    seen = await client.connection(made.id)
    assert seen is not None
    assert not seen.is_open
    assert secret.reveal() not in str(await f11.state()) + f11.log.read_text()
    assert secret.reveal().encode() not in b"".join(path.read_bytes() for path in f11.directory.glob("f11.sqlite*"))


async def test_lost_answers_never_make_two_connections(f11: Simulator, make: Make) -> None:
    """Half of all answers get lost, others are cut, late or refused: one connection a customer."""
    await f11.settings(lost_rate=0.4, drop_rate=0.1, error_rate=0.1, throttle_rate=0.05, retry_after_seconds=0, seed=11)
    client = make(attempts=20)
    made = await asyncio.gather(*[client.establish(f"A-{n}", hash_of(str(n)), key=f"k{n}") for n in range(100)])
    begun = Counter(one["customer_ref"] for one in await f11.history() if one["before"] is None)
    assert begun == {f"A-{n}": 1 for n in range(100)}
    assert {one.id for one in made} == {one["id"] for one in await f11.connections()}
    assert (await f11.state())["struck"]["lost"] > 20


async def test_a_late_answer_is_the_same_connection(f11: Simulator, make: Make) -> None:
    """Timed out, repeated with the same key, answered."""
    await f11.fault("late", route="establish", seconds=30.0)
    made = await make(timeout_seconds=0.5).establish("A-1", hash_of("A-1"), key="k1")
    (listed,) = await f11.connections()
    assert listed["id"] == made.id


async def test_429_with_retry_after_is_waited_for(f11: Simulator, make: Make) -> None:
    """The repeat comes no sooner than F1.1 wants."""
    await f11.fault("throttle", route="establish", retry_after="1")
    began = time.monotonic()
    await make().establish("A-1", hash_of("A-1"), key="k1")
    assert time.monotonic() - began >= 1
    assert await f11.requests() == {"POST /v1/connections": {"202": 1, "429": 1}}


@pytest.mark.parametrize("code", ["hash-malformed", "hash-rejected", "account-blocked"])
async def test_refused_hashes(f11: Simulator, make: Make, code: str) -> None:
    """422 is this customer's, permanent, and the others go on."""
    bad = hash_of("A-1")
    await f11.settings(refusals={bad.fingerprint: code})
    client = make()
    with pytest.raises(EstablishRefused) as caught:
        await client.establish("A-1", bad, key="k1")
    assert caught.value.code == code
    await client.establish("A-2", hash_of("A-2"), key="k2")


async def test_a_hash_of_the_wrong_form(make: Make) -> None:
    """What is no hash is refused without being told to."""
    with pytest.raises(EstablishRefused) as caught:
        await make().establish("A-1", NavixyHash("xyz"), key="k1")
    assert caught.value.code == "hash-malformed"


async def test_failing_once(f11: Simulator, make: Make) -> None:
    """The first connection fails, and is open; closed and asked for anew, the next one stands."""
    await f11.settings(failures={"A-1": {"code": "x-down", "message": "no", "times": 1}})
    client = make()
    first = await client.establish("A-1", hash_of("A-1"), key="k1")
    (failed,) = await client.connections()
    assert failed.error
    assert (failed.state, failed.error.code, failed.error.permanent) == (ConnectionState.FAILED, "x-down", False)
    again = await client.establish("A-1", hash_of("A-1"), key="k2")
    assert (again.id, again.state) == (first.id, ConnectionState.FAILED)  # open: it has the customer's place
    assert await client.close_connection(first.id)
    second = await client.establish("A-1", hash_of("A-1"), key="k3")
    assert {one.id: one.state for one in await client.connections()} == {
        first.id: ConnectionState.DISCONNECTED,
        second.id: ConnectionState.CONNECTED,
    }


async def test_close_at_once_later_or_never_known(f11: Simulator, make: Make) -> None:
    """204, 202 and 404."""
    client = make()
    await f11.seed({"id": "a/ b"}, {"id": "c?"})
    assert await client.close_connection("a/ b") is True
    await f11.settings(close_seconds=0.2)
    assert await client.close_connection("c?") is False
    async with asyncio.timeout(10):
        while not await client.close_connection("c?"):  # noqa: ASYNC110 - the event is another process's
            await asyncio.sleep(0.02)
    assert await client.close_connection("unknown") is True
    assert [one.state.value for one in await client.connections()] == ["disconnected"] * 2


async def test_close_that_keeps_failing(f11: Simulator, make: Make) -> None:
    """Once, three repeats, then given up; one less is mended."""
    (identity,) = await f11.seed({"customer_ref": "A-1"})
    await f11.fault("error", route="close", subject="A-1", times=4)
    with pytest.raises(CloseFailed):
        await make().close_connection(identity)
    assert await f11.requests() == {"DELETE /v1/connections/{id}": {"503": 4}}
    await f11.fault("lost", route="close", times=3)
    assert await make().close_connection(identity) is True


async def test_a_token_that_is_replaced(f11: Simulator, make: Make) -> None:
    """Refused, read again, accepted; and when it is not, the operator's token is to blame."""
    client = make(token_file=f11.token_file)
    await client.connections()
    f11.write_token("the-next-one")
    await f11.reload_token()
    assert await client.connections() == []
    assert await f11.requests(reset=True) == {"GET /v1/connections": {"200": 2, "401": 1}}
    with pytest.raises(ForwardingUnauthorized):
        await make().establish("A-1", hash_of("A-1"), key="k1")


async def test_hostile_tokens_and_ids_survive_the_real_transport(f11: Simulator, make: Make) -> None:
    """What is quoted once is unquoted once."""
    ids = ["a/b", "a%2Fb", "%", "?x", "#", "ü ß", "a+b", "a;b", "'\"", "\\", "..a", "%2e%2e"]
    await f11.seed(*({"id": identity} for identity in ids))
    client = make(page_size=5)
    assert [one.id for one in await client.connections()] == ids
    for identity in ids:
        assert await client.close_connection(identity)
    assert {one.state.value for one in await client.connections()} == {"disconnected"}


async def test_ten_thousand_connections_are_listed_quickly(f11: Simulator, make: Make) -> None:
    """Ten pages, well under a second of CPU."""
    await f11.seed(*({"id": str(n), "customer_ref": f"A-{n}", "hash_fingerprint": "0" * 16} for n in range(10_000)))
    client = make()
    began = time.process_time()
    assert len(await client.connections()) == 10_000
    assert time.process_time() - began < 1.0
    assert await f11.count("GET /v1/connections") == 10


async def test_an_unchanged_list_is_not_sent_again(f11: Simulator, make: Make) -> None:
    """304 until anything changes, for any number of pages; then the whole list with its new ETag."""
    await f11.seed(*({"id": str(n), "customer_ref": f"A-{n}"} for n in range(25)))
    client = make(page_size=10)
    known = await client.listing()
    assert len(known.connections) == 25
    assert await client.listing(known) is known
    assert await make(page_size=10).listing(known) is known  # of another pass
    assert await f11.requests(reset=True) == {"GET /v1/connections": {"200": 3, "304": 2}}
    await client.close_connection("24")
    changed = await client.listing(known)
    assert changed.connections[-1].state is ConnectionState.DISCONNECTED
    assert changed.etag not in {None, known.etag}
    assert await client.listing(changed) is changed


async def test_one_customers_connections(f11: Simulator, make: Make) -> None:
    """Of every state, in pages, without reading the others."""
    refs = ["A 1/ü&x=%+", "A-2", None, "a-2", "A-2 "]
    await f11.seed(
        *({"id": f"{n}/{ref}", "customer_ref": ref, "state": "disconnected"} for n in range(5) for ref in refs)
    )
    client = make(page_size=2)
    for ref in refs:
        if ref is not None:
            found = await client.connections_of(ref)
            assert [one.id for one in found] == [f"{n}/{ref}" for n in range(5)]
    assert await client.connections_of("nobody") == []
    assert await f11.count("GET /v1/connections") == 4 * 3 + 1
