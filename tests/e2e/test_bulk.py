"""The CRD is deleted, and every customer with it: nobody decided that for each. The control plane is its own."""

import asyncio
from collections.abc import Iterator

import pytest

from navixy_operator.sandbox.assets import Assets
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.deployment import apply_crds, secret
from navixy_operator.sandbox.sample_data import sample_hash
from support.operator import Site
from support.telling import declaration, fleets, told, until_open

pytestmark = [pytest.mark.server, pytest.mark.e2e]


@pytest.fixture(scope="module")
def control_plane(control_plane_assets: Assets) -> Iterator[ControlPlane]:
    """One whose CRDs may be deleted, in place of the one that all tests share."""
    with ControlPlane(control_plane_assets) as plane:
        yield plane


@pytest.fixture(scope="module")
def crds(control_plane: ControlPlane) -> None:
    """The CRDs, installed there."""
    asyncio.run(apply_crds(control_plane))


async def test_deleting_the_crd_closes_nothing_and_it_can_come_back(site: Site) -> None:
    """All NavixyCustomers go, a declaration among them; no close. With the CRD back, a cycle makes them anew."""
    site.fill(fleets(5))
    await site.deploy(drift={"intervalSeconds": 5})
    await site.cycle("first")
    await site.kubectl.apply(secret(site.namespace, "hash-extra", hash=sample_hash(50)))
    await site.kubectl.apply(declaration(site, "extra", "X-1"))
    refs = [f"fleet-{number}" for number in range(1, 6)]
    await until_open(site, *refs, "X-1")
    await site.plane.kubectl("delete", "crd", "navixycustomers.dataforwarding.io", "--timeout=60s")
    assert set(await site.open_connections()) == {*refs, "X-1"}
    await apply_crds(site.plane)
    await site.kubectl.apply(declaration(site, "extra", "X-1"))
    status = await site.cycle("second")
    assert (status["counts"]["created"], status["counts"]["closed"], status["counts"]["established"]) == (5, 0, 0)
    assert status["validation"]["passed"] is True
    assert await site.f11.count("DELETE /v1/connections/{id}") == 0
    assert told(site.log(), "DeclarationReleased", customer="X-1", closed=False)
    assert site.operator.process.poll() is None, "the same process goes on"
