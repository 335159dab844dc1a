"""The simulator's process: what survives a kill, idempotency keys, faults that can be replayed, start and stop."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from navixy_operator.core.model import fingerprint
from navixy_operator.sandbox.f11.launch import SOURCE_ROOT, Admin, AdminError, Simulator

pytestmark = pytest.mark.server
HASH = "0123456789abcdef0123456789abcdef"


class Caller:
    """Bare HTTP: what the contract says, without the client's patience. Answers are status, JSON and headers."""

    def __init__(self, session: aiohttp.ClientSession, simulator: Simulator) -> None:
        self._session = session
        self._simulator = simulator

    async def ask(self, method: str, path: str = "", body: object = None, **headers: str) -> tuple[int, Any, Any]:
        """One request."""
        url = f"{self._simulator.url}/v1/connections{path}"
        allowed = {"Authorization": f"Bearer {self._simulator.token}", **headers}
        async with self._session.request(method, url, json=body, headers=allowed) as answer:
            text = await answer.read()
            return answer.status, json.loads(text) if text else None, answer.headers

    async def establish(self, customer: str, key: str, hash_: str = HASH) -> tuple[int, Any]:
        """POST; status and JSON."""
        body = {"provider": "navixy", "customer_ref": customer, "hash": hash_}
        status, answer, _ = await self.ask("POST", "", body, **{"Idempotency-Key": key})
        return status, answer


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP session."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as opened:
        yield opened


@pytest.fixture
def caller(f11: Simulator, session: aiohttp.ClientSession) -> Caller:
    """Bare HTTP to the session's simulator."""
    return Caller(session, f11)


async def test_a_key_gives_its_first_answer_again(f11: Simulator, caller: Caller) -> None:
    """202, 422 and 409 alike; with another body the key is refused, with 409 since 422 speaks of hashes."""
    await f11.settings(refusals={fingerprint("f" * 32): "account-blocked"})
    first = await caller.establish("A-1", "k1")
    assert (first[0], first[1]["state"]) == (202, "pending")
    assert (await caller.ask("GET", f"/{first[1]['id']}"))[1]["state"] == "connected"
    assert await caller.establish("A-1", "k1") == first
    other = await caller.establish("A-1", "k2", "1" * 32)
    assert (other[0], other[1]["type"]) == (409, "open-with-other-hash")
    refused = await caller.establish("A-2", "k3", "f" * 32)
    assert (refused[0], refused[1]["type"]) == (422, "account-blocked")
    await caller.ask("DELETE", f"/{first[1]['id']}")
    await f11.settings(refusals={})
    assert await caller.establish("A-1", "k2", "1" * 32) == other
    assert await caller.establish("A-2", "k3", "f" * 32) == refused
    reused = await caller.establish("A-3", "k1")
    assert (reused[0], reused[1]["type"]) == (409, "idempotency-key-reused")


async def test_a_key_in_use_is_told_so(f11: Simulator, caller: Caller) -> None:
    """Two at once with one key: one works, the other shall come later."""
    await f11.settings(latency_seconds=0.3)
    answers = await asyncio.gather(*[caller.establish("A-1", "k1") for _ in range(3)])
    assert sorted(status for status, _ in answers) == [202, 409, 409]
    assert {answer["type"] for status, answer in answers if status == 409} == {"in-progress"}
    assert (await caller.establish("A-1", "k1"))[0] == 202


async def test_nothing_answered_is_lost_when_it_is_killed(own_f11: Simulator, session: aiohttp.ClientSession) -> None:
    """SIGKILL under load: every answered connection is there after the restart, none twice, keys still known."""
    own_f11.start()
    caller = Caller(session, own_f11)
    answered: dict[str, str] = {}

    async def load(worker: int) -> None:
        for number in range(1000):
            customer = f"{worker}-{number}"
            status, answer = await caller.establish(customer, f"k{customer}")
            assert status == 202
            answered[customer] = answer["id"]

    workers = [asyncio.create_task(load(worker)) for worker in range(8)]
    async with asyncio.timeout(30):
        while len(answered) < 200:  # noqa: ASYNC110 - a condition of this test's own workers
            await asyncio.sleep(0.01)
    port = own_f11.port
    await asyncio.to_thread(own_f11.kill)
    ends = await asyncio.gather(*workers, return_exceptions=True)
    assert all(isinstance(end, aiohttp.ClientError) for end in ends)
    before = dict(answered)
    await asyncio.to_thread(own_f11.start)
    assert own_f11.port == port
    kept = {one["customer_ref"]: one["id"] for one in await own_f11.connections()}
    assert before.items() <= kept.items()
    assert len(kept) <= len(before) + 8  # what was under way may have been done
    customer, identity = next(iter(before.items()))
    assert (await caller.establish(customer, f"k{customer}"))[1]["id"] == identity
    history = await own_f11.history()
    assert Counter(one["customer_ref"] for one in history if one["before"] is None) == dict.fromkeys(kept, 1)
    assert [one["number"] for one in history] == list(range(1, len(history) + 1))


async def test_settling_goes_on_after_a_restart(own_f11: Simulator, session: aiohttp.ClientSession) -> None:
    """A pending connection is still going to be what it was going to be."""
    own_f11.start()
    caller = Caller(session, own_f11)
    await own_f11.settings(settle_seconds=0.5, failures={"A-2": {"code": "x"}})
    for customer in ("A-1", "A-2"):
        assert (await caller.establish(customer, customer))[1]["state"] == "pending"
    await asyncio.to_thread(own_f11.kill)
    await asyncio.to_thread(own_f11.start)
    async with asyncio.timeout(10):
        while "pending" in {one["state"] for one in await own_f11.connections()}:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    found = {one["customer_ref"]: (one["state"], one.get("error")) for one in await own_f11.connections()}
    assert found["A-1"] == ("connected", None)
    assert found["A-2"][0] == "failed"


async def test_the_first_page_can_be_unchanged(f11: Simulator, caller: Caller) -> None:
    """ETag and If-None-Match: 304 until anything changes, for this query alone."""
    (identity,) = await f11.seed({"customer_ref": "A-1"})
    status, _, headers = await caller.ask("GET")
    tag = headers["ETag"]
    assert status == 200
    assert (await caller.ask("GET", **{"If-None-Match": tag}))[0] == 304
    assert (await caller.ask("GET", **{"If-None-Match": f'"other", W/{tag}'}))[0] == 304
    assert (await caller.ask("GET", "?state=connected", **{"If-None-Match": tag}))[0] == 200
    await caller.ask("DELETE", f"/{identity}")
    assert (await caller.ask("GET", **{"If-None-Match": tag}))[0] == 200


async def test_etags_can_be_turned_off(f11: Simulator, caller: Caller) -> None:
    """An F1.1 without them: no tag is given, and one of before is not heeded."""
    tag = (await caller.ask("GET"))[2]["ETag"]
    await f11.settings(etags=False)
    status, _, headers = await caller.ask("GET", **{"If-None-Match": tag})
    assert (status, "ETag" in headers) == (200, False)


async def test_filters(f11: Simulator, caller: Caller) -> None:
    """By state, repeated, by customer and by provider."""
    await f11.seed(
        {"id": "1", "customer_ref": "A"},
        {"id": "2", "customer_ref": "A", "state": "disconnected"},
        {"id": "3", "customer_ref": "B", "state": "failed", "provider": "other"},
        {"id": "4"},
    )
    for query, ids in {
        "": "1234",
        "?provider=navixy": "124",
        "?state=failed&state=disconnected": "23",
        "?customer_ref=A": "12",
        "?customer_ref=A&state=connected": "1",
        "?page_size=2": "12",
    }.items():
        assert "".join(one["id"] for one in (await caller.ask("GET", query))[1]["items"]) == ids, query


async def test_faults_can_be_replayed(f11: Simulator, caller: Caller) -> None:
    """The same seed gives each customer the same faults, in whatever order the requests arrive; another one others."""

    async def outcomes(seed: int, *, backwards: bool) -> dict[str, int]:
        await f11.reset()
        await f11.settings(seed=seed, error_rate=0.2, throttle_rate=0.2)
        names = sorted((f"A-{number}" for number in range(40)), reverse=backwards)
        answers = await asyncio.gather(*[caller.establish(name, name) for name in names])
        return {name: status for name, (status, _) in zip(names, answers, strict=True)}

    first = await outcomes(1, backwards=False)
    assert await outcomes(1, backwards=True) == first
    assert await outcomes(2, backwards=False) != first
    assert set(first.values()) == {202, 429, 503}


async def test_one_shot_faults_strike_whom_they_are_for(f11: Simulator, caller: Caller) -> None:
    """By route, customer, with some let pass first; counted, and those left can be forgotten."""
    await f11.fault("error", route="establish", subject="A-1", skip=1, times=2, status=502)
    await f11.fault("throttle", route="close")
    statuses = [(await caller.establish(customer, f"{n}"))[0] for n, customer in enumerate(("A-1", "A-2") * 4)]
    assert statuses == [202, 202, 502, 200, 502, 200, 200, 200]
    await f11.clear_faults()
    assert (await caller.ask("DELETE", "/x"))[0] == 404
    assert (await f11.state())["struck"] == {"error": 2}


async def test_requests_are_counted_by_outcome(f11: Simulator, caller: Caller) -> None:
    """By method, path and status, lost ones as cut; the admin side does not count."""
    await f11.fault("lost", route="establish")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.establish("A-1", "k")
    await caller.establish("A-1", "k")
    await caller.ask("GET", "/nobody")
    assert await f11.requests(reset=True) == {
        "GET /v1/connections/{id}": {"404": 1},
        "POST /v1/connections": {"202": 1, "cut": 1},
    }
    assert await f11.requests() == {}


async def test_f13_opens_and_closes_past_the_contract(f11: Simulator, caller: Caller) -> None:
    """Origin manual, open or closed, as F1.3 leaves it; and it is in the history."""
    (identity,) = await f11.seed({"customer_ref": "A-1", "origin": "manual"})
    await f11.alter(identity, state="disconnected", origin="manual")
    found = (await caller.ask("GET", f"/{identity}"))[1]
    assert (found["state"], found["origin"]) == ("disconnected", "manual")
    assert [(one["before"], one["after"], one["by"]) for one in await f11.history()] == [
        (None, "connected", "seed"),
        ("connected", "disconnected", "alter"),
    ]


async def test_f13_may_be_refused_a_second_connection(f11: Simulator) -> None:
    """A seed that is exclusive finds its customer's place free, or nothing of the list is put there."""
    await f11.seed({"customer_ref": "A-1", "exclusive": True})
    with pytest.raises(AdminError, match="A-1"):
        await f11.seed({"customer_ref": "A-2"}, {"customer_ref": "A-1", "exclusive": True})
    assert [one["customer_ref"] for one in await f11.connections()] == ["A-1"]


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("PATCH", "/settings", {"latncy": 1}, "latncy"),
        ("PATCH", "/settings", {"error_rate": 2}, "error_rate"),
        ("POST", "/faults", [{"kind": "quake"}], "kind"),
        ("POST", "/connections", [{"state": "closing"}], "state"),
        ("POST", "/connections", {}, "list"),
        ("PATCH", "/connections/nobody", {}, "no connection"),
        ("GET", "/nothing", None, "nothing at this path"),
        ("POST", "/state", None, "method"),
    ],
)
async def test_the_admin_side_says_what_is_wrong(
    f11: Simulator, method: str, path: str, body: object, says: str
) -> None:
    """A mistyped setting never passes unnoticed."""
    with pytest.raises(AdminError, match=says):
        await f11.ask(method, path, body)


def start(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command line, for starts that fail."""
    return subprocess.run(
        [sys.executable, "-m", "navixy_operator.sandbox.f11", *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_starts_that_fail_say_why(tmp_path: Path) -> None:
    """No token, a wrong setting, a file that is no database: one line, no traceback."""
    (tmp_path / "text").write_text("this is not SQLite, whatever its name is; it is long enough to be looked at" * 20)
    for arguments, environment, code, says in (
        ((), {}, 1, "needs a bearer token"),
        (("--token-file", str(tmp_path / "none")), {}, 1, "No such file"),
        (("--set", "latncy=1"), {"NAVIXY_F11_TOKEN": "t"}, 2, "latncy"),
        (("--database", str(tmp_path / "text")), {"NAVIXY_F11_TOKEN": "t"}, 1, "not a database"),
    ):
        ended = start(*arguments, **environment)
        assert (ended.returncode, "Traceback" in ended.stderr) == (code, False)
        assert says in ended.stderr


def test_ready_line_settings_and_a_clean_stop(tmp_path: Path) -> None:
    """One JSON line with the url; the settings of the command line count; SIGTERM ends it with 0."""
    command = [sys.executable, "-m", "navixy_operator.sandbox.f11", "--port-file", str(tmp_path / "port")]
    with subprocess.Popen(
        [*command, "--set", "settle_seconds=2"],
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT), "NAVIXY_F11_TOKEN": "t"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        assert ready["url"] == f"http://127.0.0.1:{(tmp_path / 'port').read_text().strip()}"
        assert ready["pid"] == process.pid
        assert asyncio.run(Admin(ready["url"]).state())["settings"]["settle_seconds"] == 2
        process.terminate()
        assert process.wait(timeout=20) == 0


def test_fingerprints_are_those_of_the_contract() -> None:
    """First 16 hex characters of SHA-256."""
    assert fingerprint(HASH) == hashlib.sha256(HASH.encode()).hexdigest()[:16]
