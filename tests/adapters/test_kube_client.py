"""The client on the wire: what is repeated, what is an error and which."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from navixy_operator.adapters.kube.answers import AlreadyExists, Conflict, Expired, NotFound, RefusalError, describe
from navixy_operator.adapters.kube.client import ATTEMPTS, KubeClient
from navixy_operator.errors import (
    ConfigurationError,
    InvalidSpec,
    KubernetesForbidden,
    KubernetesUnavailable,
    OperatorError,
)
from support.kube_wire import Say, Wire, scripted, status

ONE = "/apis/dataforwarding.io/v1alpha1/namespaces/n/navixycustomers/x"
ALL = "/apis/dataforwarding.io/v1alpha1/namespaces/n/navixycustomers"
DROP = Say(drop=True)


@pytest.mark.parametrize("first", [Say(429), Say(500), Say(502), Say(503), Say(504), DROP], ids=repr)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_what_passes_is_repeated(method: str, first: Say) -> None:
    """One failure of the server or the connection is not seen by the caller."""
    async with scripted(first, Say(200, {"ok": True})) as wire:
        body = None if method == "GET" else {"a": 1}
        assert await wire.client.request(method, ONE, body=body) == {"ok": True}
        assert [(asked.method, asked.body) for asked in wire.asked] == [(method, body)] * 2


async def test_gives_up_after_its_attempts() -> None:
    """A server that is down for good costs a known number of tries, with growing pauses."""
    async with scripted(Say(503)) as wire:
        with pytest.raises(KubernetesUnavailable, match=r"get navixycustomers x in namespace n.*HTTP 503"):
            await wire.client.request("GET", ONE)
        assert len(wire.asked) == ATTEMPTS
        assert wire.pauses == [0.25, 0.5, 1.0, 2.0, 4.0]


async def test_a_server_that_hangs_is_not_waited_for() -> None:
    """Each try has its own time."""
    async with scripted(Say(hang=True), Say(200, {}), try_seconds=0.05) as wire:
        assert await wire.client.request("GET", ONE) == {}
        assert len(wire.asked) == 2


async def test_retry_after_is_waited_for() -> None:
    """The server's wish comes on top of the jitter."""
    async with scripted(Say(429, headers={"Retry-After": "7"}), Say(200, {})) as wire:
        await wire.client.request("POST", ALL, body={}, idempotent=False)
        assert wire.pauses == [7.25]


async def test_a_long_retry_after_is_an_error_at_once() -> None:
    """Nobody is kept waiting for minutes: the next cycle comes."""
    async with scripted(Say(503, headers={"Retry-After": "3600"})) as wire:
        with pytest.raises(KubernetesUnavailable):
            await wire.client.request("GET", ONE)
        assert wire.pauses == []


@pytest.mark.parametrize("first", [Say(500), DROP], ids=repr)
async def test_what_may_not_be_repeated_is_not(first: Say) -> None:
    """A post that is not idempotent is sent once when it may have been carried out."""
    async with scripted(first) as wire:
        with pytest.raises(KubernetesUnavailable):
            await wire.client.request("POST", ALL, body={}, idempotent=False)
        assert len(wire.asked) == 1


async def test_no_server_at_all() -> None:
    """Nothing listens: the error names the server and what the system says."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with aiohttp.ClientSession() as session:
        client = KubeClient(session, "http://127.0.0.1:1", sleep=sleep)
        with pytest.raises(KubernetesUnavailable, match=r"http://127\.0\.0\.1:1 .*refused"):
            await client.request("POST", ALL, body={}, idempotent=False)
    assert len(pauses) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (status(400, "BadRequest", "strict decoding"), InvalidSpec),
        (status(401, "Unauthorized"), KubernetesForbidden),
        (status(403, "Forbidden"), KubernetesForbidden),
        (status(404, "NotFound", "Conflict"), NotFound),
        (status(409, "AlreadyExists", "the object has been modified"), AlreadyExists),
        (status(409, "Conflict", "already exists"), Conflict),
        (status(410, "Expired"), Expired),
        (status(413, "RequestEntityTooLarge"), InvalidSpec),
        (status(422, "Invalid", "spec.state: Unsupported value"), InvalidSpec),
        (Say(418, b"<html>teapot</html>"), RefusalError),
        (Say(302, b"", {"Location": "http://127.0.0.1:1/"}), RefusalError),
    ],
)
async def test_refusals_are_told_apart(said: Say, expected: type[OperatorError]) -> None:
    """By status and reason, whatever the words say; none is repeated."""
    async with scripted(said) as wire:
        with pytest.raises(OperatorError) as caught:
            await wire.client.request("POST", ALL, body={})
        assert type(caught.value) is expected
        assert len(wire.asked) == 1


async def test_forbidden_says_what_is_not_permitted() -> None:
    """The message names verb, resource and namespace, and passes the server's words on, cut."""
    async with scripted(status(403, "Forbidden", "User cannot " + "x" * 2000)) as wire:
        with pytest.raises(KubernetesForbidden, match=r"create navixycustomers in namespace n.*User cannot") as caught:
            await wire.client.request("POST", ALL, body={})
        assert len(str(caught.value)) < 800


async def test_invalid_passes_the_servers_words_on_without_passwords() -> None:
    """A person needs the field; a URL's userinfo is not part of that."""
    words = 'spec.url: Invalid value: "postgresql://u:topsecret@db/x"'
    async with scripted(status(422, "Invalid", words)) as wire:
        with pytest.raises(InvalidSpec, match=r"spec\.url") as caught:
            await wire.client.request("POST", ALL, body={})
        assert "topsecret" not in str(caught.value)


async def test_html_with_200_is_no_api_server() -> None:
    """A captive portal or a wrong URL."""
    async with scripted(Say(200, b"<html>hello</html>")) as wire:
        with pytest.raises(ConfigurationError, match="API server's URL"):
            await wire.client.request("GET", ONE)


async def test_cancellation_ends_the_waiting() -> None:
    """A stop does not wait for the server."""
    async with scripted(Say(hang=True)) as wire:
        task = asyncio.create_task(wire.client.request("GET", ONE))
        await asyncio.wait_for(wire.arrived.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(wire.asked) == 1


async def test_a_server_below_a_path() -> None:
    """The kubeconfig of a proxying platform has a path in its URL."""
    async with scripted(Say(200, {"gitVersion": "v1.36.0"})) as wire, _below(wire, "/k8s/clusters/c-1") as client:
        assert await client.version() == "v1.36.0"
        assert wire.asked[0].path == "/k8s/clusters/c-1/version"


async def test_a_closed_session_is_unavailable() -> None:
    """A call that is late at the stop gets an error of ours."""
    async with scripted(Say(200, {})) as wire:
        async with aiohttp.ClientSession() as session:
            client = KubeClient(session, wire.url)
        with pytest.raises(KubernetesUnavailable, match="closed"):
            await client.version()


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", ALL, "list navixycustomers in namespace n"),
        ("PATCH", f"{ONE}/status", "patch navixycustomers/status x in namespace n"),
        ("GET", "/apis/dataforwarding.io/v1alpha1/synccycles", "list synccycles"),
        ("GET", "/api/v1/namespaces/n/secrets/s", "get secrets s in namespace n"),
        ("GET", "/version", "GET /version"),
    ],
)
def test_describe(method: str, path: str, words: str) -> None:
    """A request in the words of RBAC."""
    assert describe(method, path) == words


@asynccontextmanager
async def _below(wire: Wire, path: str) -> AsyncIterator[KubeClient]:
    async with aiohttp.ClientSession() as session:
        yield KubeClient(session, wire.url + path)
