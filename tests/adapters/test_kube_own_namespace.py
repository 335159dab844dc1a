"""The credentials' own namespace, as files say it: no plugin runs, no cluster is asked."""

from pathlib import Path

import pytest
import yaml

from navixy_operator.adapters.kube.credentials import own_namespace
from navixy_operator.errors import ConfigurationError

NOWHERE = Path("/nonexistent/serviceaccount")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A kubeconfig with two contexts, whose user has a plugin that does not exist."""
    contexts = [
        {"name": "team", "context": {"cluster": "c", "user": "u", "namespace": "team"}},
        {"name": "bare", "context": {"cluster": "c", "user": "u"}},
    ]
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/nonexistent/plugin"}
    path = tmp_path / "config"
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {"exec": plugin}}],
                "contexts": contexts,
                "current-context": "team",
            }
        )
    )
    return path


def test_a_kubeconfigs(config: Path) -> None:
    """Of the current context, or of the one that is named; one that says none has none."""
    environ = {"KUBECONFIG": str(config)}
    assert own_namespace(environ=environ, service_account=NOWHERE) == "team"
    assert own_namespace(str(config), environ={}, service_account=NOWHERE) == "team"
    assert own_namespace(None, "bare", environ=environ, service_account=NOWHERE) is None


def test_a_pods(config: Path, tmp_path: Path) -> None:
    """The service account's file goes before a kubeconfig that is not named."""
    (tmp_path / "namespace").write_text("pods\n")
    environ = {"KUBECONFIG": str(config)}
    assert own_namespace(environ=environ, service_account=tmp_path) == "pods"
    assert own_namespace(str(config), environ={}, service_account=tmp_path) == "team"


def test_what_cannot_be_read(config: Path, tmp_path: Path) -> None:
    """Nothing is said; of what was named, what is wrong with it."""
    missing = str(tmp_path / "missing")
    assert own_namespace(environ={"KUBECONFIG": missing}, service_account=NOWHERE) is None
    with pytest.raises(ConfigurationError, match="no kubeconfig at"):
        own_namespace(missing, environ={}, service_account=NOWHERE)
    with pytest.raises(ConfigurationError, match="no context other"):
        own_namespace(str(config), "other", environ={}, service_account=NOWHERE)
