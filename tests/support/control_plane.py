"""A real control plane for the whole run, and a fresh namespace for each test."""

import os
import secrets
from collections.abc import Iterator
from typing import Final, NoReturn

import pytest

from navixy_operator.sandbox import assets
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import progress_for

FOUND: Final = pytest.StashKey[assets.Assets | ProvisioningError]()


def unavailable(what: str, error: Exception) -> NoReturn:
    """Fail under CI, where everything must be there; skip elsewhere, saying why."""
    message = f"{what} cannot be had here: {error}"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Get the programs before workers begin: these have no terminal to say so on, and find them then."""
    _get_assets(config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Get the programs before the first test: a build may take longer than a test may."""
    if not session.config.option.collectonly and any(map(_needs_assets, session.items)):
        session.stash[FOUND] = _get_assets(session.config)


def _get_assets(config: pytest.Config) -> assets.Assets | ProvisioningError:
    capture = config.pluginmanager.getplugin("capturemanager")
    # minutes of silence look like a hang
    with capture.global_and_fixture_disabled():
        try:
            return assets.find(progress_for())
        except ProvisioningError as error:
            return error


@pytest.fixture(scope="session")
def control_plane_assets(request: pytest.FixtureRequest) -> assets.Assets:
    """The programs of a control plane."""
    found = request.session.stash[FOUND]
    if isinstance(found, ProvisioningError):
        unavailable("A control plane", found)
    return found


@pytest.fixture(scope="session")
def control_plane(control_plane_assets: assets.Assets) -> Iterator[ControlPlane]:
    """A running control plane, bound to no event loop."""
    with ControlPlane(control_plane_assets) as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A new namespace ``t-<random>``; its deletion is asked for but, without a controller manager, never ends."""
    name = f"t-{secrets.token_hex(4)}"
    control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    control_plane.request("DELETE", f"/api/v1/namespaces/{name}")


def _needs_assets(item: pytest.Item) -> bool:
    return "control_plane_assets" in getattr(item, "fixturenames", ())
