"""Events and Secrets on the wire: what a real API server cannot be made to do."""

import base64
import contextlib
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from navixy_operator.adapters.kube.events import KubeRecorder
from navixy_operator.adapters.kube.secrets import KubeSecrets
from navixy_operator.core.vocabulary import Kind
from navixy_operator.errors import KubernetesUnavailable, SecretNotFound
from navixy_operator.ports import Resource
from support.kube_wire import Say, scripted, status

SECRET = "s3cr3t-value"
ABOUT = Resource(
    kind=Kind.CUSTOMER, namespace="n", name="x" * 250, uid="u-1", resource_version="5", generation=1, created_at="",
    labels={}, annotations={}, finalizers=(), deleting=False, spec={}, status={},
)  # fmt: skip


async def test_the_whole_event() -> None:
    """What is posted, and that a repeated post is the same Event."""
    async with scripted(Say(drop=True), Say(201, {})) as wire:
        recorder = KubeRecorder(wire.client, instance="pod", now=lambda: datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))
        await recorder.record(ABOUT, warning=True, reason="R", message="m")
        first, second = wire.asked
        assert first.body == second.body
        name = first.body.pop("metadata")["name"]
        assert len(name) <= 253
        assert first.path == "/api/v1/namespaces/n/events"
        assert first.body == {
            "apiVersion": "v1",
            "kind": "Event",
            "involvedObject": {
                "apiVersion": "dataforwarding.io/v1alpha1",
                "kind": "NavixyCustomer",
                "namespace": "n",
                "name": ABOUT.name,
                "uid": "u-1",
                "resourceVersion": "5",
            },
            "type": "Warning",
            "reason": "R",
            "message": "m",
            "source": {"component": "navixy-operator"},
            "reportingComponent": "navixy-operator",
            "reportingInstance": "pod",
            "firstTimestamp": "2025-01-02T03:04:05Z",
            "lastTimestamp": "2025-01-02T03:04:05Z",
            "count": 1,
        }


@pytest.mark.parametrize("say", [Say(500), status(403, "Forbidden"), Say(200, b"<html>"), Say(hang=True)], ids=repr)
async def test_a_failure_to_post_is_logged_and_forgotten(say: Say) -> None:
    """The work goes on, within the time an Event may take."""
    async with scripted(say) as wire:
        with capture_logs() as logs:
            await KubeRecorder(wire.client, seconds=0.2).record(ABOUT, warning=False, reason="R", message="m")
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["EventNotPosted"]


async def test_a_secret_is_read_through_failures() -> None:
    """A try that fails is repeated, as a reading may be."""
    data = {"k": base64.b64encode(SECRET.encode()).decode()}
    async with scripted(Say(503), Say(drop=True), Say(200, {"data": data})) as wire:
        assert await KubeSecrets(wire.client).read("n", "s", "k") == SECRET
        assert wire.asked[0].path == "/api/v1/namespaces/n/secrets/s"


@pytest.mark.parametrize("content", [{}, {"data": None}, {"data": {"k": "!!" + SECRET}}, {"data": {"k": 5}}], ids=repr)
async def test_an_odd_secret_is_named_not_quoted(content: object) -> None:
    """No data at all, data that is no base64."""
    async with scripted(Say(200, content)) as wire:
        with pytest.raises(SecretNotFound, match="Secret n/s") as caught:
            await KubeSecrets(wire.client).read("n", "s", "k")
        assert SECRET not in str(caught.value)


async def test_no_value_of_a_secret_reaches_the_log() -> None:
    """Not when it is read, nor when reading fails."""
    data = {"k": base64.b64encode(SECRET.encode()).decode()}
    with capture_logs() as logs:
        async with scripted(Say(503), Say(200, {"data": data}), Say(503)) as wire:
            await KubeSecrets(wire.client).read("n", "s", "k")
            with contextlib.suppress(KubernetesUnavailable):
                await KubeSecrets(wire.client).read("n", "s", "k")
    assert logs
    assert SECRET not in str(logs)
    assert data["k"] not in str(logs)
