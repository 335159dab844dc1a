"""The CRDs on a real API server."""

import asyncio
from pathlib import Path

import pytest

from navixy_operator.sandbox.control_plane import ControlPlane

CRDS = Path(__file__).parents[2] / "crds"


@pytest.fixture(scope="session")
def crds(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with the CRDs applied and served."""

    async def apply() -> None:
        # Debian's kubectl is older than CEL rules and refuses a CRD that has some; its server drops them.
        await control_plane.kubectl("apply", "--validate=false", "-f", str(CRDS))
        await control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))

    asyncio.run(apply())
    return control_plane
