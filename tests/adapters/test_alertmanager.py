"""The port Alerting over HTTP: what is posted, what is tried again, and what is told when it does not arrive."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import orjson
import pytest

from navixy_operator.adapters import alertmanager
from navixy_operator.adapters.alertmanager import ATTEMPTS, HttpAlerting
from navixy_operator.errors import AlertmanagerUnavailable, LeadershipLost
from navixy_operator.ports import Alert

URL = "http://alertmanager:9093/prefix/"
ALERT = Alert(
    {"alertname": "NavixyClosesHeld", "severity": "high"},
    {"summary": "Closes wait — für jemanden"},
    datetime(2026, 3, 1, 4, 0, tzinfo=timezone(timedelta(hours=1))),
    datetime(2026, 3, 1, 3, 4, 5, 678_912, tzinfo=UTC),
)


class Server:
    """Answers in turn, the last one again and again; keeps what it was asked."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """The next of its answers."""
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, text="a body that nobody reads")

    async def sleep(self, seconds: float) -> None:
        """No time passes."""
        self.pauses.append(seconds)

    async def push(self, url: str = URL, **options: Any) -> None:
        """One push to it."""
        alerting = HttpAlerting(transport=httpx.MockTransport(self.answer), sleep=self.sleep, **options)
        await alerting.push(url, [ALERT])


async def test_what_is_posted() -> None:
    """As API v2 has it: times in UTC; no generatorURL, for nothing here generates it."""
    server = Server(200)
    await server.push()
    (request,) = server.requests
    assert (request.method, str(request.url)) == ("POST", "http://alertmanager:9093/prefix/api/v2/alerts")
    assert request.headers["content-type"] == "application/json"
    assert orjson.loads(request.content) == [
        {
            "labels": {"alertname": "NavixyClosesHeld", "severity": "high"},
            "annotations": {"summary": "Closes wait — für jemanden"},
            "startsAt": "2026-03-01T03:00:00.000Z",
            "endsAt": "2026-03-01T03:04:05.678Z",
        }
    ]


@pytest.mark.parametrize("first", [500, 503, 429, 408, httpx.ConnectError("x"), httpx.ReadTimeout("x")], ids=repr)
async def test_what_may_pass_is_tried_again(first: int | Exception) -> None:
    """With a pause that is never long."""
    server = Server(first, 200)
    await server.push()
    assert len(server.requests) == 2
    assert [0 <= pause <= 1 for pause in server.pauses] == [True]


@pytest.mark.parametrize(
    ("answer", "why"),
    [(503, "it answered 503"), (httpx.ConnectError("no route to 10.0.0.1"), r"no answer \(ConnectError\)")],
    ids=repr,
)
async def test_it_gives_up_after_a_few_attempts(answer: int | Exception, why: str) -> None:
    """The next repeat is never far; the message says where, and why."""
    server = Server(answer)
    with pytest.raises(AlertmanagerUnavailable, match=rf"^the Alertmanager at http://alertmanager:9093/prefix/.*{why}"):
        await server.push()
    assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 404, 302, 413])
async def test_a_refusal_is_not_tried_again(status: int) -> None:
    """Whoever answers so is no Alertmanager, or wants something else: a person must look."""
    server = Server(status)
    with pytest.raises(AlertmanagerUnavailable, match=f"{status}; is it an Alertmanager's base URL"):
        await server.push()
    assert len(server.requests) == 1


async def test_a_push_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an Alertmanager does that takes what is sent and never answers."""
    monkeypatch.setattr(alertmanager, "PUSH_SECONDS", 0.05)

    async def hang(_: httpx.Request) -> httpx.Response:
        return await asyncio.Event().wait()  # type: ignore[return-value]  # it never comes to that

    alerting = HttpAlerting(transport=httpx.MockTransport(hang))
    with pytest.raises(AlertmanagerUnavailable, match="no answer within"):
        await alerting.push(URL, [ALERT])


async def test_pushes_at_once_leave_no_client_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each push with all its attempts, closed with it, whether it is taken or not."""
    made: list[httpx.AsyncClient] = []

    class Kept(httpx.AsyncClient):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self)

    monkeypatch.setattr(httpx, "AsyncClient", Kept)
    server = Server(503, 503, 200, 404)
    alerting = HttpAlerting(transport=httpx.MockTransport(server.answer), sleep=server.sleep)
    ends = await asyncio.gather(*(alerting.push(URL, [ALERT]) for _ in range(2)), return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [AlertmanagerUnavailable]
    assert (len(server.requests), [client.is_closed for client in made]) == (4, [True, True])


@pytest.mark.parametrize(
    "url", ["http://user:secret@alertmanager:9093?token=secret#secret", "http://alertmanager:secret"]
)
async def test_no_secret_of_the_url_is_told(url: str) -> None:
    """The CRD refuses such a URL; a message does not show it either."""
    with pytest.raises(AlertmanagerUnavailable) as raised:
        await Server(500).push(url)
    assert "secret" not in str(raised.value)


async def test_a_process_that_has_lost_the_lease_tells_nobody() -> None:
    """Asked before each attempt: another process knows better by now what is over."""
    calls = 0

    def fence() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            message = "the lease is another's"
            raise LeadershipLost(message)

    server = Server(503, 200)
    with pytest.raises(LeadershipLost):
        await server.push(fence=fence)
    assert len(server.requests) == 1


async def test_certificates_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE is the operator's own trouble: no traceback, a sentence."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(AlertmanagerUnavailable, match="SSL_CERT_FILE"):
        await Server(200).push()
