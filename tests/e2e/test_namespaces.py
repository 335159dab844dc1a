"""Which namespaces are served: all of them with the cluster-wide manifests, and none that the Role does not give."""

from pathlib import Path

import pytest

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.assets import Assets
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.deployment import (
    Kubectl,
    Operator,
    apply_cluster_wide,
    apply_crds,
    navixy_sync,
    secret,
)
from navixy_operator.sandbox.errors import ProcessError
from navixy_operator.sandbox.f11.launch import Simulator
from support.operator import Site

pytestmark = [pytest.mark.server, pytest.mark.e2e]


async def test_every_namespace_is_served_with_the_cluster_wide_manifests(
    control_plane_assets: Assets, f11: Simulator, tmp_path: Path
) -> None:
    """Two NavixySyncs in two namespaces; of one F1.1, the older owns it, wherever it is."""
    url = f"sqlite:///{tmp_path / 'customers.db'}"
    sample_data.fill(url, sample_data.eligible_customers(3))
    # a control plane of its own: rights in every namespace must not leak into other tests
    async with ControlPlane(control_plane_assets) as plane:
        await apply_crds(plane)
        await apply_cluster_wide(plane)
        async with Operator(plane, tmp_path, watch="*"):
            north = await deploy(plane, "north", url, f11)
            ended = await north.run_cycle("now", sync="main")
            assert ended["status"]["counts"]["established"] == 3
            assert len(await north.list("navixycustomers")) == 3
            # made after that cycle, so that the younger is told by the second that creation times have
            south = await deploy(plane, "south", url, f11)
            await south.start_cycle("now", sync="main")
            cycle = await south.in_phase("now", "pending")
            assert cycle["status"]["reason"] == "ForwardingShared"
            assert "north/main" in cycle["status"]["message"]
            assert await south.list("navixycustomers") == []


async def deploy(plane: ControlPlane, namespace: str, url: str, f11: Simulator) -> Kubectl:
    """A namespace with a NavixySync ``main`` and its Secrets."""
    await plane.kubectl("create", "namespace", namespace)
    kubectl = Kubectl(plane, namespace)
    await kubectl.apply(
        secret(namespace, "customer-database", url=url),
        secret(namespace, "f11-token", token=f11.token),
        navixy_sync(namespace, "main", f11_url=f11.url),
    )
    return kubectl


async def test_a_namespace_without_the_role_is_refused_at_the_start(site: Site, tmp_path: Path) -> None:
    """The operator ends at once, and its last line names the right and the namespace that are missing."""
    other = Operator(site.plane, tmp_path / "other", site.namespace, watch=f"{site.namespace},kube-system")
    with pytest.raises(ProcessError, match="exit code 3") as caught:
        await other.start()
    assert "KubernetesForbidden" in str(caught.value)
    assert "kube-system" in str(caught.value)
