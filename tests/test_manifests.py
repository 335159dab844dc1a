"""The manifests: least privilege, the restricted profile, and a real API server that takes them."""

import asyncio
import json
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.core.vocabulary import CUSTOMERS, CYCLES, GROUP, INVESTIGATIONS, LEASE, SYNCS
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.errors import CommandError
from navixy_operator.settings import Settings

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "manifests"
NAME = "navixy-operator"
DATA = "/var/lib/navixy-operator"


def documents(directory: str) -> dict[str, dict[str, Any]]:
    """The documents of a directory, by kind (and name where a kind comes twice)."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((MANIFESTS / directory).glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            kind = document["kind"]
            found[f"{kind}/{document['metadata'].get('name')}" if kind in found else kind] = document
    return found


BASE, CLUSTER_WIDE, SAMPLE = documents("base"), documents("cluster-wide"), documents("sample")
POD = BASE["Deployment"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]

# The restricted profile of the Pod Security Standards, rule by rule, for a pod of one container.
RESTRICTED: dict[str, Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    "no host namespaces": lambda pod, _: not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
    "no privileged container": lambda _, container: not container["securityContext"].get("privileged"),
    "no privilege escalation": lambda _, container: container["securityContext"]["allowPrivilegeEscalation"] is False,
    "all capabilities dropped": lambda _, container: container["securityContext"]["capabilities"] == {"drop": ["ALL"]},
    "not root": lambda pod, _: (
        pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0
    ),
    "seccomp": lambda pod, _: pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"},
    "volumes of allowed types": lambda pod, _: all(
        volume.keys() - {"name"} <= {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "projected", "secret"}
        for volume in pod["volumes"]
    ),
    "no host ports": lambda _, container: not any(port.get("hostPort") for port in container["ports"]),
    "no host probes": lambda _, container: (
        not any("host" in container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe"))
    ),
    "no SELinux, sysctls, procMount, AppArmor override": lambda pod, container: (
        not {"seLinuxOptions", "sysctls", "procMount", "appArmorProfile"}
        & (pod["securityContext"].keys() | container["securityContext"].keys())
    ),
}


@pytest.mark.parametrize("rule", RESTRICTED)
def test_pod_is_restricted(rule: str) -> None:
    """The pod keeps every rule of the restricted profile, which its namespace enforces."""
    assert len(POD["containers"]) == 1
    assert not POD.get("initContainers")
    assert RESTRICTED[rule](POD, CONTAINER)
    assert BASE["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_pod_writes_only_where_it_must() -> None:
    """The image is read only; /tmp and the data directory are volumes of the pod's own, of a bounded size."""
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in CONTAINER["volumeMounts"]}
    assert {mount["name"] for mount in mounts.values()} == set(volumes)
    writable = {path: volumes[mount["name"]] for path, mount in mounts.items() if not mount.get("readOnly")}
    assert set(writable) == {"/tmp", DATA}  # noqa: S108 - the pod's
    assert all(volume["emptyDir"]["sizeLimit"] for volume in writable.values())


def test_the_data_directory_holds_the_spool_and_is_the_images() -> None:
    """DATA_DIRECTORY is the volume, in the image as in the pod, and has room for the spool and as much again."""
    env = {entry["name"]: entry.get("value") for entry in CONTAINER["env"]}
    assert env["DATA_DIRECTORY"] == DATA
    assert f"DATA_DIRECTORY={DATA}\n" in (ROOT / "Dockerfile").read_text()
    (data,) = (volume["emptyDir"]["sizeLimit"] for volume in POD["volumes"] if volume["name"] == "data")
    assert data == "1Gi"
    assert 2 * Settings().audit_spool_megabytes * 10**6 < 2**30


def test_the_audit_databases_secret_is_optional() -> None:
    """Its key `url` is the file that AUDIT_DATABASE_URL_FILE names; the pod starts without it, too."""
    env = {entry["name"]: entry.get("value") for entry in CONTAINER["env"]}
    (mount,) = (mount for mount in CONTAINER["volumeMounts"] if mount["name"] == "audit-database")
    assert env["AUDIT_DATABASE_URL_FILE"] == f"{mount['mountPath']}/url"
    assert mount["readOnly"] is True
    (volume,) = (volume for volume in POD["volumes"] if volume["name"] == "audit-database")
    assert volume["secret"] == {"secretName": "audit-database", "optional": True}


def test_deployment_has_a_replica_that_stands_by() -> None:
    """Two replicas, on two nodes where there are two, with names of their own; each asked where it answers."""
    spec = BASE["Deployment"]["spec"]
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert (spec["replicas"], spec["strategy"]) == (2, rolling)
    (apart,) = POD["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert apart["podAffinityTerm"] == {"topologyKey": "kubernetes.io/hostname", "labelSelector": spec["selector"]}
    env = {entry["name"]: entry for entry in CONTAINER["env"]}
    assert env["POD_NAME"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert CONTAINER["args"] == ["run"]
    paths = {probe: CONTAINER[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}
    assert paths == {"livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert [port["containerPort"] for port in CONTAINER["ports"]] == [8080]


def test_user_is_the_images() -> None:
    """The pod's user is the one that the image has in its passwd."""
    user = POD["securityContext"]["runAsUser"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"useradd --uid {user} " in dockerfile
    assert f"USER {user}:{POD['securityContext']['runAsGroup']}" in dockerfile


def test_cluster_wide_permissions_are_the_namespaced_ones() -> None:
    """The ClusterRole permits in every namespace what the Role permits in one, no more and no less."""
    assert CLUSTER_WIDE["ClusterRole"]["rules"] == BASE["Role"]["rules"]
    assert BASE["Role"]["metadata"]["name"] == CLUSTER_WIDE["ClusterRole"]["metadata"]["name"] == NAME
    assert CLUSTER_WIDE["ClusterRoleBinding"]["subjects"] == BASE["RoleBinding"]["subjects"]
    env = {entry["name"]: entry for entry in CONTAINER["env"]}
    assert env["WATCH_NAMESPACES"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.namespace"
    patched = CLUSTER_WIDE["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert patched == [{"name": "WATCH_NAMESPACES", "value": "*", "valueFrom": None}]


def test_the_lease_is_in_the_operators_own_namespace_alone() -> None:
    """One object by its name, except that `create` knows no names; bound to the same ServiceAccount as all else."""
    lease = f"{NAME}-lease"
    create, use = BASE[f"Role/{lease}"]["rules"]
    kind = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    assert create == {**kind, "verbs": ["create"]}
    assert use == {**kind, "verbs": ["get", "update"], "resourceNames": [LEASE]}
    binding = BASE[f"RoleBinding/{lease}"]
    assert binding["roleRef"]["name"] == lease
    assert binding["subjects"] == BASE["RoleBinding"]["subjects"]


def test_sample_hangs_together() -> None:
    """The sample's NavixySync is valid, names the sample's Secrets, and the cycles name it."""
    spec = NavixySyncSpec.model_validate(SAMPLE["NavixySync"]["spec"])
    secrets = {
        document["metadata"]["name"]: document["stringData"]
        for document in SAMPLE.values()
        if document["kind"] == "Secret"
    }
    for ref in (spec.database.url_secret_ref, spec.forwarding.token_secret_ref):
        assert "CHANGE_ME" in secrets[ref.name][ref.key]
    cycles = [document["spec"] for document in SAMPLE.values() if document["kind"] == "SyncCycle"]
    assert {cycle["sync"] for cycle in cycles} == {SAMPLE["NavixySync"]["metadata"]["name"]}
    assert sorted(cycle.get("dryRun", False) for cycle in cycles) == [False, True]


def test_kustomizations_list_every_manifest() -> None:
    """No manifest is forgotten; SyncCycles stand apart, since `apply` cannot generate names."""
    for directory in ("base", "cluster-wide", "sample"):
        kustomization = yaml.safe_load((MANIFESTS / directory / "kustomization.yaml").read_text())
        listed = {*kustomization["resources"], *kustomization.get("patchesStrategicMerge", ())}
        files = {path.name for path in (MANIFESTS / directory).glob("*.yaml")} - {"kustomization.yaml"}
        assert {name for name in files - listed if not name.startswith("cycle-")} == set()
        assert listed <= files


def test_image_version_is_the_projects() -> None:
    """The image's tag is the project's version."""
    kustomization = yaml.safe_load((MANIFESTS / "base" / "kustomization.yaml").read_text())
    assert f'version = "{kustomization["images"][0]["newTag"]}"' in (ROOT / "pyproject.toml").read_text()


@pytest.fixture(scope="module")
def deployed(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with CRDs and manifests/base applied, as the README says."""

    async def deploy() -> None:
        await control_plane.kubectl("apply", "--validate=false", "-f", str(ROOT / "crds"))
        await control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(ROOT / "crds"))
        await control_plane.kubectl("apply", "-k", str(MANIFESTS / "base"))

    asyncio.run(deploy())
    return control_plane


@pytest.mark.server
async def test_base_is_applied(deployed: ControlPlane) -> None:
    """`kubectl apply -k manifests/base` makes the Deployment, with the image's tag set; again it changes nothing."""
    wanted = "jsonpath={.spec.template.spec.containers[0].image}"
    assert await deployed.kubectl("get", "deployment", NAME, "-n", NAME, "-o", wanted) == "navixy-operator:0.1.0"
    again = await deployed.kubectl("apply", "-k", str(MANIFESTS / "base"))
    assert all(line.endswith("unchanged") for line in again.splitlines())


@pytest.mark.server
async def test_others_would_be_applied(deployed: ControlPlane, tmp_path: Path) -> None:
    """The API server takes the cluster-wide overlay, the sample and the cycles (asked without doing it)."""
    dry = "--dry-run=server", f"--cache-dir={tmp_path}"
    overlay = await deployed.kubectl("apply", *dry, "-k", str(MANIFESTS / "cluster-wide"))
    assert "clusterrolebinding.rbac.authorization.k8s.io/navixy-operator" in overlay
    sample = await deployed.kubectl("apply", *dry, "-k", str(MANIFESTS / "sample"))
    assert f"navixysync.{GROUP}/main" in sample
    for cycle in ("cycle-now", "cycle-dry-run"):
        created = await deployed.kubectl("create", *dry, "-f", str(MANIFESTS / "sample" / f"{cycle}.yaml"))
        assert created.startswith(f"synccycle.{GROUP}/main-")


@pytest.mark.server
async def test_overlay_serves_every_namespace(deployed: ControlPlane) -> None:
    """Kustomize 2.0 replaces the field reference by `*`."""
    built = await deployed.kubectl("kustomize", str(MANIFESTS / "cluster-wide"))
    deployment = next(found for found in yaml.safe_load_all(built) if found["kind"] == "Deployment")
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env[0] == {"name": "WATCH_NAMESPACES", "value": "*"}
    assert env[1:] == CONTAINER["env"][1:]


def _rights() -> Iterator[tuple[str, str, str, str, bool]]:
    """Verb, group, resource (with /subresource or =name), namespace, permitted."""
    for resource in (CUSTOMERS, CYCLES, INVESTIGATIONS):
        yield from (
            (verb, GROUP, resource, NAME, True) for verb in ("get", "list", "watch", "create", "patch", "delete")
        )
    yield from ((verb, GROUP, SYNCS, NAME, True) for verb in ("get", "list", "watch"))
    yield from ((verb, GROUP, SYNCS, NAME, False) for verb in ("create", "patch", "update", "delete"))
    for resource in (CUSTOMERS, SYNCS, CYCLES, INVESTIGATIONS):
        yield "patch", GROUP, f"{resource}/status", NAME, True
        yield "deletecollection", GROUP, resource, NAME, False
        yield "list", GROUP, resource, "default", False
    yield "get", "", "secrets", NAME, True
    yield from ((verb, "", "secrets", NAME, False) for verb in ("list", "watch", "create", "patch", "update", "delete"))
    yield "get", "", "secrets", "default", False
    yield "create", "", "events", NAME, True
    yield "create", "", "events", "default", False
    lease = "coordination.k8s.io", f"leases={LEASE}"
    yield from ((verb, *lease, NAME, True) for verb in ("create", "get", "update"))
    yield from ((verb, *lease, NAME, False) for verb in ("patch", "delete", "list", "watch"))
    yield from ((verb, *lease, "default", False) for verb in ("create", "get", "update"))
    yield from ((verb, "coordination.k8s.io", "leases=another", NAME, False) for verb in ("get", "update"))
    yield "create", "", "pods", NAME, False
    yield "get", "", "configmaps", NAME, False
    yield "create", "", "serviceaccounts/token", NAME, False
    yield "patch", "apps", "deployments", NAME, False
    yield "create", "rbac.authorization.k8s.io", "rolebindings", NAME, False
    yield "list", "", "namespaces", "", False
    yield "list", "apiextensions.k8s.io", "customresourcedefinitions", "", False


@pytest.mark.server
async def test_service_account_may_do_just_this(deployed: ControlPlane) -> None:
    """With its own token, the ServiceAccount may do what the operator needs and nothing else."""
    token = await deployed.service_account_token(NAME, NAME)
    context = ssl.create_default_context(cafile=str(deployed.ca_file))

    def may(verb: str, group: str, resource: str, namespace: str) -> bool:
        path, _, name = resource.partition("=")
        plural, _, sub = path.partition("/")
        asked = {"verb": verb, "group": group, "resource": plural, "subresource": sub, "namespace": namespace}
        asked |= {"name": name}
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        request = urllib.request.Request(  # noqa: S310 - the control plane's own https URL
            f"{deployed.url}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            data=json.dumps({**kind, "spec": {"resourceAttributes": asked}}).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # noqa: S310 - as above
            return bool(json.load(answer)["status"]["allowed"])

    rights = list(_rights())
    answers = [(*right[:4], await asyncio.to_thread(may, *right[:4])) for right in rights]
    assert answers == rights


@pytest.mark.server
async def test_service_account_at_work(deployed: ControlPlane, tmp_path: Path) -> None:
    """Kubectl with the ServiceAccount's token: the operator's lists are served, a list of Secrets is refused."""
    kubeconfig = await deployed.kubeconfig_for_service_account(NAME, NAME)
    ask = "get", "-n", NAME, f"--cache-dir={tmp_path}"
    await deployed.kubectl(*ask, f"{CUSTOMERS},{SYNCS},{CYCLES},{INVESTIGATIONS}", kubeconfig=kubeconfig)
    with pytest.raises(CommandError, match="forbidden"):
        await deployed.kubectl(*ask, "secrets", kubeconfig=kubeconfig)
