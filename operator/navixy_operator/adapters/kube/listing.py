"""A whole collection in pages."""

from typing import Final

from navixy_operator.adapters.kube.answers import Expired
from navixy_operator.adapters.kube.client import LIST_SECONDS, KubeClient
from navixy_operator.adapters.kube.parse import Shared, resources_of
from navixy_operator.core.vocabulary import Kind
from navixy_operator.errors import KubernetesUnavailable
from navixy_operator.ports import Resource

PAGE: Final = 500
RESTARTS: Final = 3  # a list that expires that often is longer than etcd remembers


async def list_pages(client: KubeClient, kind: Kind, path: str) -> tuple[list[Resource], str]:
    """Every object of one snapshot, and its version; read anew when a page expires. Raises KubernetesUnavailable."""
    for _ in range(RESTARTS):
        try:
            return await _once(client, kind, path)
        except Expired:
            continue
    message = f"the list of {path} expired {RESTARTS} times before its end: the API server is overloaded"
    raise KubernetesUnavailable(message)


async def _once(client: KubeClient, kind: Kind, path: str) -> tuple[list[Resource], str]:
    found: list[Resource] = []
    shared: Shared = {}
    query = {"limit": str(PAGE)}
    while True:
        page = await client.request("GET", path, query=query, seconds=LIST_SECONDS)
        found.extend(resources_of(kind, page["items"], shared))
        token = page["metadata"].get("continue")
        if not token:
            return found, page["metadata"].get("resourceVersion", "")
        query["continue"] = token
