"""The suite's own control plane, and which seeds to run."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from faults.schedule import schedule
from faults.world import LEASE_SECONDS
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.assets import Assets
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.deployment import Kubectl, Operator, apply_crds, apply_manifests
from navixy_operator.sandbox.f11.launch import Simulator
from support.databases import new_database
from support.operator import Site

BOUNDED: Final = 3
"""Seeds of a run that asks for no number."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--seeds`` and ``--seed``; known where the suite is named on the command line, as ``make test-faults`` does."""
    group = parser.getgroup("faults")
    group.addoption("--seeds", type=int, default=BOUNDED, help="how many seeds to run, from 1 on")
    group.addoption("--seed", type=int, action="append", help="replay this seed; may be repeated")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed."""
    if "seed" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("seed", None)
        seeds = chosen or range(1, 1 + metafunc.config.getoption("seeds", BOUNDED))
        metafunc.parametrize("seed", seeds)


@pytest.fixture(scope="session")
def faulty_plane(control_plane_assets: Assets) -> Iterator[ControlPlane]:
    """A control plane whose API server may be restarted: no other test has to live through that."""
    with ControlPlane(control_plane_assets) as plane:
        asyncio.run(apply_crds(plane))
        yield plane


@pytest.fixture
async def faulty_site(
    request: pytest.FixtureRequest, faulty_plane: ControlPlane, tmp_path: Path, seed: int
) -> AsyncIterator[Site]:
    """A site in a namespace of its own, with all but a running operator; F1.1 and the database are its own, too."""
    namespace = f"faults-{seed}-{secrets.token_hex(3)}"
    await asyncio.to_thread(faulty_plane.request, "POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    await apply_manifests(faulty_plane, namespace)
    database = new_database(request, tmp_path, schedule(seed).database)
    await asyncio.to_thread(sample_data.create_schema, database.url)
    lease = {"LEADER_ELECTION_SECONDS": str(LEASE_SECONDS)}
    operator = Operator(faulty_plane, tmp_path, namespace, environment=lease)
    f11 = Simulator(tmp_path / "f11")
    await asyncio.to_thread(f11.start)
    try:
        yield Site(faulty_plane, namespace, Kubectl(faulty_plane, namespace), f11, database.url, operator)
    finally:
        await asyncio.to_thread(f11.stop)
