"""Whether the API server serves our kinds, and whether it would take a new object of one."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from navixy_operator.adapters.kube.answers import NotFound, RefusalError
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.paths import PLURALS, collection_path
from navixy_operator.core.vocabulary import API_VERSION, FIELD_MANAGER, GROUP, Kind
from navixy_operator.errors import ConfigurationError, KubernetesForbidden

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
