"""manifests/monitoring: it hangs together with manifests/base, and kustomize builds it, also in another namespace."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.rules import MANIFESTS, ROOT
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.deployment import NAMESPACE, shipped

BASE = ROOT / "manifests" / "base"
MONITORING = "monitoring.coreos.com/v1"
KINDS = {"ConfigMap", "PrometheusRule", "Service", "ServiceMonitor"}


def document(path: Path) -> dict[str, Any]:
    """The only document of a file."""
    return dict(yaml.safe_load(path.read_text("utf-8")))


SERVICE = document(MANIFESTS / "service.yaml")
MONITOR = document(MANIFESTS / "servicemonitor.yaml")
RULE = document(MANIFESTS / "prometheusrule.yaml")
KUSTOMIZATION = document(MANIFESTS / "kustomization.yaml")
DEPLOYMENT = document(BASE / "deployment.yaml")


def test_the_service_finds_every_replica() -> None:
    """Headless; its selector is the Deployment's, its port leads to the one that the probes use."""
    pod = DEPLOYMENT["spec"]["template"]
    assert SERVICE["spec"]["clusterIP"] == "None"
    assert SERVICE["spec"]["selector"] == DEPLOYMENT["spec"]["selector"]["matchLabels"]
    assert SERVICE["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    (port,) = SERVICE["spec"]["ports"]
    (container,) = pod["spec"]["containers"]
    assert {"name": port["targetPort"], "containerPort": port["port"]} in container["ports"]
    assert container["livenessProbe"]["httpGet"]["port"] == port["targetPort"]


def test_the_service_monitor_finds_the_service() -> None:
    """By its labels, port and namespace; the labels of our metrics are kept, and each scrape fits its interval."""
    assert MONITOR["apiVersion"] == MONITORING
    assert MONITOR["spec"]["selector"]["matchLabels"].items() <= SERVICE["metadata"]["labels"].items()
    assert "namespaceSelector" not in MONITOR["spec"]
    (endpoint,) = MONITOR["spec"]["endpoints"]
    assert endpoint["port"] == SERVICE["spec"]["ports"][0]["name"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["honorLabels"] is True
    assert int(endpoint["scrapeTimeout"].removesuffix("s")) < int(endpoint["interval"].removesuffix("s"))


def test_nothing_is_forgotten_and_base_stands_alone() -> None:
    """All files are listed; a cluster without the Prometheus operator gets none of it."""
    (dashboard,) = KUSTOMIZATION["configMapGenerator"]
    files = {entry.partition("=")[2] for entry in dashboard["files"]}
    assert {path.name for path in MANIFESTS.iterdir()} == {*KUSTOMIZATION["resources"], *files, "kustomization.yaml"}
    assert (
        {item["metadata"]["namespace"] for item in (SERVICE, MONITOR, RULE)} == {dashboard["namespace"]} == {NAMESPACE}
    )
    assert RULE["apiVersion"] == MONITORING
    for directory in ("base", "cluster-wide", "sample"):
        for path in (ROOT / "manifests" / directory).glob("*.yaml"):
            assert MONITORING not in path.read_text("utf-8")


def test_the_wheel_carries_it() -> None:
    """What pip installs has manifests/monitoring, too."""
    assert (shipped("manifests") / "monitoring" / "kustomization.yaml").is_file()


def built(text: str) -> dict[str, dict[str, Any]]:
    """The documents of `kubectl kustomize`, by kind."""
    documents = list(yaml.safe_load_all(text))
    found = {item["kind"]: item for item in documents}
    assert len(found) == len(documents)
    return found


@pytest.mark.server
async def test_kustomize_builds_it(control_plane: ControlPlane) -> None:
    """The dashboard comes as a ConfigMap that Grafana's sidecar finds, by a name that stays."""
    found = built(await control_plane.kubectl("kustomize", str(MANIFESTS)))
    assert found.keys() == KINDS
    assert {item["metadata"]["namespace"] for item in found.values()} == {NAMESPACE}
    assert found["ServiceMonitor"] == MONITOR
    assert found["PrometheusRule"] == RULE
    dashboard = found["ConfigMap"]
    assert dashboard["metadata"]["name"] == "navixy-operator-dashboard"
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    ((name, content),) = dashboard["data"].items()
    assert name.endswith(".json")
    assert json.loads(content) == json.loads((MANIFESTS / "grafana-dashboard.json").read_text("utf-8"))


@pytest.mark.server
async def test_an_overlay_moves_it(control_plane: ControlPlane, tmp_path: Path) -> None:
    """Another namespace, and the label that a Prometheus asks for, without a word about pods that lack it."""
    shutil.copytree(MANIFESTS, tmp_path / "monitoring")
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    metadata = {"name": "navixy-operator", "namespace": NAMESPACE, "labels": {"release": "prometheus"}}
    patches = [
        {"apiVersion": MONITORING, "kind": kind, "metadata": metadata} for kind in ("PrometheusRule", "ServiceMonitor")
    ]
    (overlay / "release.yaml").write_text(yaml.safe_dump_all(patches))
    kustomization = {"namespace": "elsewhere", "bases": ["../monitoring"], "patchesStrategicMerge": ["release.yaml"]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    found = built(await control_plane.kubectl("kustomize", str(overlay)))
    assert found.keys() == KINDS
    assert {item["metadata"]["namespace"] for item in found.values()} == {"elsewhere"}
    for kind in ("PrometheusRule", "ServiceMonitor"):
        assert found[kind]["metadata"]["labels"]["release"] == "prometheus"
    assert found["Service"]["spec"]["selector"] == SERVICE["spec"]["selector"]
    assert found["PrometheusRule"]["spec"] == RULE["spec"]


@pytest.mark.server
async def test_the_api_server_takes_it(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    """Service and ConfigMap are applied as they are, and again: kubectl's annotation has room for the dashboard."""
    shutil.copytree(MANIFESTS, tmp_path / "monitoring")
    kustomization = yaml.safe_load((tmp_path / "monitoring" / "kustomization.yaml").read_text("utf-8"))
    # the other two kinds are the Prometheus operator's
    kustomization |= {"resources": ["service.yaml"], "namespace": namespace}
    (tmp_path / "monitoring" / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    for expected in ("created", "unchanged"):
        applied = await control_plane.kubectl("apply", "-k", str(tmp_path / "monitoring"))
        assert [line.rsplit(" ", 1)[1] for line in applied.splitlines()] == [expected, expected]
