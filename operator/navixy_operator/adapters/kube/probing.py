"""Whether the API server serves our kinds, and whether it would take a new object of one."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from navixy_operator.adapters.kube.answers import NotFound, RefusalError
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.paths import PLURALS, collection_path
from navixy_operator.core.vocabulary import API_VERSION, FIELD_MANAGER, GROUP, Kind
from navixy_operator.errors import ConfigurationError, KubernetesForbidden, KubernetesUnavailable

DISCOVERY_SECONDS: Final = 30.0
DISCOVERY_PAUSE: Final = 0.2
_DRY_RUN: Final = f"?dryRun=All&fieldManager={FIELD_MANAGER}"
_MINIMAL: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.CUSTOMER: {"customerRef": "probe", "sync": "probe", "source": "Database"},
}
_NAMESPACE_TERMINATES: Final = "because it is being terminated"
"""The words of the admission plugin NamespaceLifecycle in its 403, the same from Kubernetes 1.20 to 1.36."""
_CRD_TERMINATES: Final = "HTTP 405"
"""A CRD that is being deleted allows no `create` any more."""


async def assert_served(client: KubeClient, namespaces: Sequence[str]) -> None:
    """See that every kind is installed and may be listed in these namespaces ("" for all).

    Raises ConfigurationError that says which CRD is missing, KubernetesForbidden, KubernetesUnavailable.
    """
    for namespace in namespaces:
        for kind in Kind:
            await _assert_listed(client, kind, namespace)


async def _assert_listed(client: KubeClient, kind: Kind, namespace: str) -> None:
    try:
        await client.request("GET", collection_path(kind, namespace), query={"limit": "1"})
    except NotFound:
        message = (
            f"the CRD {PLURALS[kind]}.{GROUP} is not installed, or does not serve {API_VERSION}: kubectl apply -f crds/"
        )
        raise ConfigurationError(message) from None


async def until_discovered(client: KubeClient, *, stop: asyncio.Event, seconds: float = DISCOVERY_SECONDS) -> None:
    """Wait until the API server tells of our kinds where kopf looks for them, once, when it begins.

    One that has just started serves them before it tells of them; kopf would then watch nothing, for ever. Returns when
    ``stop`` is set, too. Raises ConfigurationError when it does not come to that in time.
    """
    deadline = time.monotonic() + seconds
    while not stop.is_set() and not await _is_discovered(client):
        if time.monotonic() > deadline:
            message = f"the API server does not tell of the CRDs of {API_VERSION}: kubectl api-resources"
            raise ConfigurationError(message)
        await asyncio.sleep(DISCOVERY_PAUSE)


async def _is_discovered(client: KubeClient) -> bool:
    """Whether the group is in the list of groups, and every kind in the group's own."""
    try:
        groups = await client.request("GET", "/apis")
        kinds = await client.request("GET", f"/apis/{API_VERSION}")
    except (NotFound, KubernetesForbidden, KubernetesUnavailable):
        return False
    told = {entry["name"] for entry in kinds.get("resources", ())}
    return GROUP in {entry["name"] for entry in groups.get("groups", ())} and set(PLURALS.values()) <= told


async def accepts(client: KubeClient, kind: Kind, namespace: str) -> bool:
    """Whether a new object would be taken, by a dry run; of NavixyCustomer only.

    False while the namespace or the CRD is being deleted, or where either is gone. Words that are not known raise, as
    a missing permission does (KubernetesForbidden): they are never taken for a yes. Raises KubernetesUnavailable.
    """
    body = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": f"probe-{secrets.token_hex(8)}", "namespace": namespace},
        "spec": _MINIMAL[kind],
    }
    try:
        await client.request("POST", collection_path(kind, namespace) + _DRY_RUN, body=body)
    except NotFound:
        return False
    except KubernetesForbidden as error:
        if _NAMESPACE_TERMINATES not in str(error):
            raise
        return False
    except RefusalError as error:
        if _CRD_TERMINATES not in str(error):
            raise
        return False
    return True
