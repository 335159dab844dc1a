"""The API server, etcd and the token go and come back: the same process goes on by itself.

The control plane is this module's own. The lease is long: with production's the operator gives its place up, and ends,
when it could not renew it for some seconds, which is another matter.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from navixy_operator.sandbox.assets import Assets
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.credentials import write_private
from navixy_operator.sandbox.deployment import SERVICE_ACCOUNT, apply_crds
from navixy_operator.sandbox.errors import CommandError
from navixy_operator.sandbox.sample_data import eligible_customers
from support.operator import Site
from support.telling import in_mid_cycle

pytestmark = [pytest.mark.server, pytest.mark.e2e]

AWAY_SECONDS = 20.0
NOTICED_SECONDS = 15.0
"""kopf's longest pause between two tries is 8 s; the rest is for a busy machine."""


class TokenFiles(ControlPlane):
    """A control plane whose kubeconfigs name a file with the token, as a pod has its ServiceAccount's."""

    def write_kubeconfig(self, token: str, path: Path, namespace: str = "default") -> Path:
        """Write both; the token lies beside the kubeconfig."""
        written = super().write_kubeconfig("", path, namespace)
        config = yaml.safe_load(written.read_text())
        config["users"][0]["user"] = {"tokenFile": token_file(path).name}
        write_private(token_file(path), token.encode())
        write_private(written, yaml.safe_dump(config).encode())
        return written


def token_file(kubeconfig: Path) -> Path:
    """Where the token of a kubeconfig lies."""
    return kubeconfig.with_suffix(".token")


@pytest.fixture(scope="module")
def control_plane(control_plane_assets: Assets) -> Iterator[ControlPlane]:
    """One that may be taken away, in place of the one that all tests share."""
    with TokenFiles(control_plane_assets) as plane:
        yield plane


@pytest.fixture(scope="module")
def crds(control_plane: ControlPlane) -> None:
    """The CRDs, installed there."""
    asyncio.run(apply_crds(control_plane))


@pytest.fixture
def lease_seconds() -> int:
    """Longer than every outage here."""
    return 600


@asynccontextmanager
async def same_process(site: Site) -> AsyncIterator[None]:
    """What happens inside, the operator that was there before is there afterwards."""
    pid = site.operator.process.pid
    yield
    assert site.operator.process.poll() is None, site.log()[-2000:]
    assert site.operator.process.pid == pid


async def noticed(site: Site, name: str) -> None:
    """Create a SyncCycle; it is taken up soon, and completed."""
    await site.kubectl.start_cycle(name, sync="main")
    await site.kubectl.in_phase(name, "in_progress", "completed", "failed", seconds=NOTICED_SECONDS)
    assert (await site.kubectl.ended(name))["status"]["phase"] == "completed"


@pytest.mark.parametrize("what", ["apiserver", "etcd"])
async def test_an_outage_in_mid_cycle(site: Site, what: str) -> None:
    """The cycle under way ends with a word; the next one puts all right, each customer opened once."""
    async with same_process(site):
        await in_mid_cycle(site)
        await asyncio.to_thread(getattr(site.plane, f"stop_{what}"))
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(getattr(site.plane, f"start_{what}"))
        await site.f11.settings(latency_seconds=0)
        cut = (await site.kubectl.ended("cut"))["status"]
        assert cut["phase"] in {"completed", "failed"}
        await noticed(site, "after")
        assert len(await site.customers()) == 40
        assert {len(found) for found in (await site.open_connections()).values()} == {1}
        opened = [change["customer_ref"] for change in await site.f11.history() if change["after"] == "pending"]
        assert len(opened) == len(set(opened)) == 40


@pytest.mark.parametrize("what", ["apiserver", "etcd"])
async def test_watches_that_were_cut_see_what_happens_afterwards(site: Site, what: str) -> None:
    """A SyncCycle made after a restart is run soon, and a customer deleted before the watches were back is missed."""
    site.fill(list(eligible_customers(3)))
    await site.deploy()
    await site.cycle("first")
    before = {ref: item["metadata"]["uid"] for ref, item in (await site.customers()).items()}
    victim = min(before)
    async with same_process(site):
        await asyncio.to_thread(getattr(site.plane, f"restart_{what}"))
        name = (await site.customers())[victim]["metadata"]["name"]
        await site.plane.kubectl("delete", "navixycustomer", name, "-n", site.namespace)
        await noticed(site, "second")
        after = {ref: item["metadata"]["uid"] for ref, item in (await site.customers()).items()}
        assert after.keys() == before.keys()
        assert {ref for ref in before if before[ref] != after[ref]} == {victim}
        assert await site.f11.count("DELETE /v1/connections/{id}") == 0


async def test_a_token_is_replaced_when_the_old_one_is_refused_already(site: Site, tmp_path: Path) -> None:
    """The ServiceAccount is made anew, the watches are cut: all is refused until the file has the new token."""
    site.fill(list(eligible_customers(3)))
    await site.deploy()
    await site.cycle("first")
    kubeconfig = tmp_path / "operator.kubeconfig"
    accounts = f"/api/v1/namespaces/{site.namespace}/serviceaccounts"
    async with same_process(site):
        await asyncio.to_thread(site.plane.request, "DELETE", f"{accounts}/{SERVICE_ACCOUNT}")
        await asyncio.to_thread(site.plane.request, "POST", accounts, {"metadata": {"name": SERVICE_ACCOUNT}})
        await asyncio.to_thread(site.plane.restart_apiserver)
        async with site.waiting():
            while not await is_refused(site.plane, kubeconfig):
                await site.pause()
            while "HTTP 401" not in site.log():  # kopf's watches
                await site.pause()
        renewed = tmp_path / "renewed"
        write_private(renewed, (await site.plane.service_account_token(site.namespace, SERVICE_ACCOUNT)).encode())
        await asyncio.to_thread(renewed.replace, token_file(kubeconfig))
        await noticed(site, "second")


async def is_refused(plane: ControlPlane, kubeconfig: Path) -> bool:
    """Whether the API server does not know the token of this kubeconfig."""
    try:
        await plane.kubectl("get", "--raw", "/api", kubeconfig=kubeconfig)
    except CommandError as error:
        return "Unauthorized" in str(error)
    return False
