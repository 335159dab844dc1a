"""The ports Resources, Secrets and Recorder against a real API server, under real RBAC and validation."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.events import KubeRecorder
from navixy_operator.adapters.kube.resources import KubeResources
from navixy_operator.adapters.kube.secrets import KubeSecrets
from navixy_operator.adapters.kube.session import KubeSession, connect
from navixy_operator.core.vocabulary import FINALIZER, Kind
from navixy_operator.errors import ConfigurationError, InvalidSpec, KubernetesForbidden, SecretNotFound
from navixy_operator.ports import Resource
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.errors import SandboxError

pytestmark = pytest.mark.server

CRDS = Path(__file__).parents[2] / "crds"
LABELS = {"dataforwarding.io/sync": "main"}


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with the CRDs of this checkout served."""
    for file in sorted(CRDS.glob("*.yaml")):
        crd = yaml.safe_load(file.read_text())
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        try:
            control_plane.request("POST", path, crd)
        except SandboxError as error:
            if " 409 " not in str(error):  # another module of this run installed it
                raise
    return control_plane


@pytest.fixture
async def session(installed: ControlPlane) -> AsyncIterator[KubeSession]:
    """The administrator's session."""
    async with await connect(str(installed.admin_kubeconfig)) as session:
        yield session


@pytest.fixture
async def client(session: KubeSession) -> KubeClient:
    """The administrator's client."""
    return KubeClient(session.http, session.server)


@pytest.fixture
async def resources(client: KubeClient) -> KubeResources:
    """The port, once the API server serves the kinds."""
    resources = KubeResources(client)
    async with asyncio.timeout(30):
        while True:
            try:
                await resources.assert_served([""])
            except ConfigurationError:
                await asyncio.sleep(0.1)  # a CRD is served a moment after it was accepted
            else:
                return resources


def spec(ref: str, **more: Any) -> dict[str, Any]:
    """A customer's spec."""
    return {"customerRef": ref, "sync": "main", "source": "Database", "state": "active", "gateways": 2} | more


async def made(resources: KubeResources, namespace: str, name: str = "cust-1") -> Resource:
    """A new customer."""
    resource = await resources.create(Kind.CUSTOMER, namespace, name, spec=spec(name), labels=LABELS)
    assert resource is not None
    return resource


async def test_one_object_through_its_life(resources: KubeResources, namespace: str) -> None:
    """Create, create again, status, update, list, delete: what is read is what was written."""
    first = await made(resources, namespace)
    assert (first.generation, first.labels, first.status) == (1, LABELS, {})
    assert await resources.create(Kind.CUSTOMER, namespace, "cust-1", spec=spec("cust-1"), labels={}) is None
    status = {"phase": "connected", "desired": "Connected", "failedCycles": 0}
    second = await resources.write_status(first, status)
    assert second is not None
    assert (second.status, second.generation) == (status, 1)
    third = await resources.update(second, spec=spec("cust-1", hashFingerprint="0" * 16), labels=LABELS)
    assert third is not None
    assert third.generation == 2
    shorter = spec("cust-1")
    del shorter["gateways"]
    fourth = await resources.update(third, spec=shorter, labels={})
    assert fourth is not None
    assert (fourth.spec, fourth.labels, fourth.status) == (shorter, {}, status)
    assert list(await resources.list(Kind.CUSTOMER, namespace)) == [fourth]
    assert await resources.get(Kind.CUSTOMER, namespace, "cust-1") == fourth
    assert fourth in await resources.list(Kind.CUSTOMER, "")
    await resources.delete(fourth)
    assert await resources.get(Kind.CUSTOMER, namespace, "cust-1") is None
    await resources.delete(fourth)
    assert await resources.write_status(fourth, {"phase": "x"}) is None
    assert await resources.update(fourth, spec=spec("other"), labels={}) is None


async def test_an_equal_status_is_not_written(resources: KubeResources, namespace: str) -> None:
    """The resourceVersion stays: an unchanged customer costs nothing."""
    first = await made(resources, namespace)
    second = await resources.write_status(first, {"phase": "connected"})
    assert second is not None
    again = await resources.write_status(second, {"phase": "connected"})
    assert again is second
    assert await resources.get(Kind.CUSTOMER, namespace, "cust-1") == second


async def test_a_stale_reading_still_ends_in_what_was_asked(resources: KubeResources, namespace: str) -> None:
    """Somebody annotates between our reading and our writing; both survive."""
    first = await made(resources, namespace)
    newer = await resources.write_status(first, {"phase": "one", "desired": "Connected"})
    assert newer is not None
    last = await resources.write_status(first, {"phase": "two"})
    assert last is not None
    assert last.status == {"phase": "two"}


async def test_an_object_made_anew_is_left_alone(resources: KubeResources, namespace: str) -> None:
    """Old knowledge neither deletes nor changes the new object of the same name."""
    old = await made(resources, namespace)
    await resources.delete(old)
    new = await made(resources, namespace)
    assert new.uid != old.uid
    await resources.delete(old)
    assert await resources.write_status(old, {"phase": "x"}) is None
    assert await resources.update(old, spec=spec("cust-1", gateways=9), labels={}) is None
    assert await resources.get(Kind.CUSTOMER, namespace, "cust-1") == new


async def test_annotations(resources: KubeResources, namespace: str) -> None:
    """At the creation and later, beside those of others; the generation stays."""
    pin = {"dataforwarding.io/pin": "hold"}
    first = await resources.create(
        Kind.CUSTOMER, namespace, "x", spec=spec("x"), labels=LABELS, annotations={**pin, "theirs": "1"}
    )
    assert first is not None
    second = await resources.annotate(first, {"dataforwarding.io/pin": None, "dataforwarding.io/pin-by": "eve"})
    assert second is not None
    assert second.annotations == {"theirs": "1", "dataforwarding.io/pin-by": "eve"}
    assert (second.generation, second.labels, second.spec) == (first.generation, LABELS, first.spec)
    third = await resources.annotate(first, {"dataforwarding.io/pin-until": "2030-01-01"})  # a stale reading
    assert third is not None
    assert third.annotations == {**second.annotations, "dataforwarding.io/pin-until": "2030-01-01"}
    assert await resources.annotate(third, second.annotations) is third
    await resources.delete(third)
    assert await resources.annotate(third, {"theirs": None}) is None


async def test_finalizers_hold_an_object_to_the_last(resources: KubeResources, namespace: str) -> None:
    """A deleted object stays until its last finalizer is taken; then it is gone, from a watched list as well."""
    watch = asyncio.create_task(resources.watch(Kind.CUSTOMER, namespace, lambda *_: None))
    first = await made(resources, namespace)
    held = await resources.set_finalizers(first, (FINALIZER, "example.com/theirs"))
    assert held is not None
    assert held.finalizers == (FINALIZER, "example.com/theirs")
    await resources.delete(held)
    dying = await resources.get(Kind.CUSTOMER, namespace, "cust-1")
    assert dying is not None
    assert dying.deleting
    left = await resources.set_finalizers(dying, ("example.com/theirs",))
    assert left is not None
    assert left.deleting
    assert await resources.set_finalizers(left, ()) is None
    assert await resources.get(Kind.CUSTOMER, namespace, "cust-1") is None
    assert resources.peek(Kind.CUSTOMER, namespace, "cust-1") is None
    assert list(await resources.list(Kind.CUSTOMER, namespace)) == []
    assert await resources.set_finalizers(left, (FINALIZER,)) is None
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)


async def test_content_that_the_schema_refuses(resources: KubeResources, namespace: str) -> None:
    """Refused by the server itself, with the field; a name that cannot be as well."""
    with pytest.raises(InvalidSpec, match=r"spec\.state"):
        await resources.create(Kind.CUSTOMER, namespace, "x", spec=spec("x", state="sleeping"), labels={})
    with pytest.raises(InvalidSpec, match=r"metadata\.name"):
        await resources.create(Kind.CUSTOMER, namespace, "No_Name", spec=spec("x"), labels={})
    first = await made(resources, namespace)
    with pytest.raises(InvalidSpec, match=r"status\.desired"):
        await resources.write_status(first, {"desired": "Perhaps"})


async def test_a_long_list_over_three_pages(resources: KubeResources, namespace: str) -> None:
    """1,200 objects, each once."""
    names = [f"cust-{number:04d}" for number in range(1200)]
    waiting = iter(names)

    async def worker() -> None:
        for name in waiting:
            await made(resources, namespace, name)

    await asyncio.gather(*(worker() for _ in range(16)))
    found = await resources.list(Kind.CUSTOMER, namespace)
    assert [resource.name for resource in found] == names


async def test_rbac_is_told_in_its_own_words(installed: ControlPlane, resources: KubeResources, namespace: str) -> None:
    """A ServiceAccount without a Role: list, create and Secret each say what is missing."""
    account = {"metadata": {"name": "weak"}}
    await asyncio.to_thread(installed.request, "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    kubeconfig = await installed.kubeconfig_for_service_account(namespace, "weak")
    about = await made(resources, namespace)
    async with await connect(str(kubeconfig)) as session:
        client = KubeClient(session.http, session.server)
        weak = KubeResources(client)
        with pytest.raises(KubernetesForbidden, match=f"list navixycustomers in namespace {namespace}"):
            await weak.list(Kind.CUSTOMER, namespace)
        with pytest.raises(KubernetesForbidden, match="create synccycles"):
            await weak.create(Kind.CYCLE, namespace, "x", spec={}, labels={})
        with pytest.raises(KubernetesForbidden, match="list "):
            await weak.assert_served([namespace])
        with pytest.raises(KubernetesForbidden, match="create navixycustomers"):
            await weak.accepts(Kind.CUSTOMER, namespace)
        with pytest.raises(SecretNotFound, match=r"not permitted to read Secret .*/db.*`get`"):
            await KubeSecrets(client).read(namespace, "db", "url")
        await KubeRecorder(client).record(about, warning=False, reason="Ignored", message="no right to post this")


async def test_secrets(installed: ControlPlane, client: KubeClient, namespace: str) -> None:
    """A value stripped; a missing Secret, a missing key, binary and blank content each named, never quoted."""
    data = {"url": b" postgresql://u:p@db/x \n", "binary": b"\xff\xfe\x00", "blank": b" \n"}
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    body = {"metadata": {"name": "db"}, "data": encoded}
    await asyncio.to_thread(installed.request, "POST", f"/api/v1/namespaces/{namespace}/secrets", body)
    seen: list[str] = []
    secrets = KubeSecrets(client, seen=seen.append)
    assert await secrets.read(namespace, "db", "url") == "postgresql://u:p@db/x"
    assert seen == ["postgresql://u:p@db/x"]
    for name, key, words in (
        ("nothing", "url", "nothing does not exist"),
        ("db", "token", "no key token"),
        ("db", "binary", "not UTF-8 text"),
        ("db", "blank", "is empty"),
        ("../db", "url", "cannot exist"),
    ):
        with pytest.raises(SecretNotFound, match=words) as caught:
            await secrets.read(namespace, name, key)
        assert "u:p@db" not in str(caught.value)


async def test_events(installed: ControlPlane, client: KubeClient, resources: KubeResources, namespace: str) -> None:
    """Seen by kubectl, about the object, long words cut."""
    about = await made(resources, namespace)
    recorder = KubeRecorder(client, instance="pod-1")
    await recorder.record(about, warning=True, reason="ConnectionCloseFailed", message="é" * 2000)
    await recorder.record(about, warning=False, reason="ConnectionClosed", message="closed: Suspended")
    told = await installed.kubectl("get", "events", "-n", namespace, "-o", "json")
    events = {event["reason"]: event for event in json.loads(told)["items"]}
    closed, failed = events["ConnectionClosed"], events["ConnectionCloseFailed"]
    assert (closed["type"], failed["type"]) == ("Normal", "Warning")
    assert closed["message"] == "closed: Suspended"
    assert closed["involvedObject"]["uid"] == about.uid
    assert closed["reportingComponent"] == closed["source"]["component"] == "navixy-operator"
    assert (closed["reportingInstance"], closed["count"]) == ("pod-1", 1)
    assert closed["firstTimestamp"] == closed["lastTimestamp"]
    assert len(failed["message"].encode()) <= 1024
    assert failed["message"].endswith("é…")


async def test_kopf_watches_with_our_session(
    session: KubeSession, resources: KubeResources, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The framework logs in with what we give it, sees an object made, and closes only its own session at the end."""
    monkeypatch.setenv("POD_ID", "test")  # without it the identity asks for the name of the user
    registry, seen, ready, stop = kopf.OperatorRegistry(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    @kopf.on.login(registry=registry)
    async def login(**_: object) -> kopf.AiohttpSession:
        return session.kopf_login()

    @kopf.on.event("navixycustomers", registry=registry)
    async def event(name: str, **_: object) -> None:
        if name == "watched":
            seen.set()

    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    operator = asyncio.create_task(
        kopf.operator(
            registry=registry,
            settings=settings,
            namespaces=[namespace],
            standalone=True,
            ready_flag=ready,
            stop_flag=stop,
        )
    )
    try:
        async with asyncio.timeout(30):
            await ready.wait()
            await made(resources, namespace, "watched")
            await seen.wait()
    finally:
        stop.set()
        await asyncio.wait_for(operator, 30)
    assert await resources.get(Kind.CUSTOMER, namespace, "watched") is not None
