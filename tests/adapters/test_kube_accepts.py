"""Whether a new object would be taken: what a scripted and what a real API server answers while something ends."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.resources import KubeResources
from navixy_operator.adapters.kube.session import connect
from navixy_operator.core.vocabulary import FINALIZER, Kind
from navixy_operator.errors import ConfigurationError, InvalidSpec, KubernetesForbidden, KubernetesUnavailable
from navixy_operator.ports import Resource
from navixy_operator.sandbox.assets import Assets
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.deployment import apply_crds
from support.kube_wire import Say, scripted, status

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/navixycustomers.dataforwarding.io"
CREATED = Say(201, {"kind": Kind.CUSTOMER})


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        (CREATED, True),
        (status(404, "NotFound", 'namespaces "n" not found'), False),
        (Say(404, b"404 page not found"), False),
        (status(403, "Forbidden", "unable to create new content in namespace n because it is being terminated"), False),
        (status(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating"), False),
    ],
    ids=["yes", "no namespace", "no CRD", "the namespace ends", "the CRD ends"],
)
async def test_whether_a_new_object_is_accepted(answer: Say, accepted: bool) -> None:  # noqa: FBT001 - a table
    """Asked by a dry run, under a name that is nobody's."""
    async with scripted(answer) as wire:
        resources = KubeResources(wire.client)
        assert await resources.accepts(Kind.CUSTOMER, "n") is accepted
        await resources.accepts(Kind.CUSTOMER, "n")
        assert {(asked.method, asked.query["dryRun"]) for asked in wire.asked} == {("POST", "All")}
        assert len({asked.body["metadata"]["name"] for asked in wire.asked}) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(403, "Forbidden", "cannot create resource"), KubernetesForbidden),
        (status(401, "Unauthorized"), KubernetesForbidden),
        (status(422, "Invalid", "spec.state"), InvalidSpec),
        (status(503), KubernetesUnavailable),
        (status(415, "UnsupportedMediaType"), ConfigurationError),
    ],
)
async def test_what_is_no_answer_to_it_is_an_error(answer: Say, error: type[Exception]) -> None:
    """Never taken for a yes."""
    async with scripted(answer) as wire:
        with pytest.raises(error):
            await KubeResources(wire.client).accepts(Kind.CUSTOMER, "n")


@pytest.fixture(scope="module")
def own_plane(control_plane_assets: Assets) -> Iterator[ControlPlane]:
    """A control plane of this module's own, with the CRDs: the last test deletes one."""
    with ControlPlane(control_plane_assets) as plane:
        asyncio.run(apply_crds(plane))
        yield plane


@pytest.fixture
async def resources(own_plane: ControlPlane) -> AsyncIterator[KubeResources]:
    """The port, as the administrator."""
    async with await connect(str(own_plane.admin_kubeconfig)) as session:
        yield KubeResources(KubeClient(session.http, session.server))


async def held(resources: KubeResources, namespace: str) -> Resource:
    """A new customer with a finalizer."""
    spec = {"customerRef": "C-1", "sync": "main", "source": "Database"}
    made = await resources.create(Kind.CUSTOMER, namespace, "c-1", spec=spec, labels={})
    assert made is not None
    kept = await resources.set_finalizers(made, (FINALIZER,))
    assert kept is not None
    return kept


@pytest.mark.server
async def test_a_namespace_that_ends_accepts_nothing(own_plane: ControlPlane, resources: KubeResources) -> None:
    """Nor does one that there is none of; asking leaves nothing behind."""
    await asyncio.to_thread(own_plane.request, "POST", "/api/v1/namespaces", {"metadata": {"name": "ends"}})
    assert await resources.accepts(Kind.CUSTOMER, "ends")
    assert list(await resources.list(Kind.CUSTOMER, "ends")) == []
    assert not await resources.accepts(Kind.CUSTOMER, "nowhere")
    customer = await held(resources, "ends")
    await asyncio.to_thread(own_plane.request, "DELETE", "/api/v1/namespaces/ends")
    async with asyncio.timeout(30):
        # the server's own admission hears of it a moment later
        while await resources.accepts(Kind.CUSTOMER, "ends"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    assert await resources.accepts(Kind.CUSTOMER, "default")
    await resources.set_finalizers(customer, ())


@pytest.mark.server
async def test_a_crd_that_ends_accepts_nothing(own_plane: ControlPlane, resources: KubeResources) -> None:
    """While a finalizer holds the last object, and when all is gone."""
    customer: Resource | None = await held(resources, "default")
    await asyncio.to_thread(own_plane.request, "DELETE", CRD)
    async with asyncio.timeout(60):
        while customer is not None and not customer.deleting:  # the server deletes what there is a moment later
            await asyncio.sleep(0.05)
            customer = await resources.get(Kind.CUSTOMER, "default", "c-1")
        assert customer is not None
        assert not await resources.accepts(Kind.CUSTOMER, "default")
        assert await resources.set_finalizers(customer, ()) is None
        assert not await resources.accepts(Kind.CUSTOMER, "default")
