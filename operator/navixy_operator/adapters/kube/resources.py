"""The port Resources on the API server."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from navixy_operator.adapters.kube.answers import AlreadyExists, Conflict, NotFound
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.listing import list_pages
from navixy_operator.adapters.kube.merge import merge_patch
from navixy_operator.adapters.kube.mirror import Following, Mirror
from navixy_operator.adapters.kube.parse import resource_of
from navixy_operator.adapters.kube.watch import KubeWatch
from navixy_operator.core.vocabulary import (
    API_VERSION,
    CUSTOMERS,
    CYCLES,
    FIELD_MANAGER,
    GROUP,
    SYNCS,
    Kind,
)
from navixy_operator.errors import ConfigurationError, KubernetesUnavailable
from navixy_operator.ports import Resource

CONFLICTS: Final = 5  # another writer that often between our reading and our writing
PLURALS: Final[Mapping[Kind, str]] = {Kind.CUSTOMER: CUSTOMERS, Kind.SYNC: SYNCS, Kind.CYCLE: CYCLES}
_WRITER: Final = f"?fieldManager={FIELD_MANAGER}"
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class KubeResources:
    """Objects of this group; implements :class:`navixy_operator.ports.Resources`. Stateless over its client."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._mirrors: dict[tuple[Kind, str], Mirror] = {}

    async def list(self, kind: Kind, namespace: str) -> Sequence[Resource]:
        """Every object of the kind; ``namespace`` "" means all.

        From the mirror where a watch keeps one that can be trusted; else in pages of 500, read anew when one expires.
        """
        mirror = self._mirrors.get((kind, namespace))
        if mirror is not None and (found := mirror.current()) is not None:
            return found
        found, _ = await list_pages(self._client, kind, _collection(kind, namespace))
        return found

    async def get(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """One object; None: there is none, or can be none of that name."""
        if _NAME.fullmatch(name) is None:
            return None
        try:
            return resource_of(kind, await self._client.request("GET", _path(kind, namespace, name)))
        except NotFound:
            return None

    async def create(
        self, kind: Kind, namespace: str, name: str, *, spec: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Resource | None:
        """Create; None when one of that name exists already. Raises InvalidSpec for a name or spec that is refused."""
        body = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": spec,
        }
        try:
            answer = await self._client.request("POST", _collection(kind, namespace) + _WRITER, body=body)
        except AlreadyExists:
            return None
        return self._mirrored(resource_of(kind, answer))

    async def update(
        self, resource: Resource, *, spec: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Resource | None:
        """Change spec and labels by one merge patch of the differences, no request when there are none; None: gone.

        Labels of other groups are their owners' and stay.
        """

        def difference(now: Resource) -> dict[str, Any]:
            body: dict[str, Any] = {}
            if changed := merge_patch(now.spec, spec):
                body["spec"] = changed
            ours = {key: value for key, value in now.labels.items() if key in labels or _is_ours(key)}
            if changed := merge_patch(ours, labels):
                body["metadata"] = {"labels": changed}
            return body

        return await self._patch(resource, difference)

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource | None:
        """Change the status by one merge patch of the differences, no request when there are none; None: gone."""

        def difference(now: Resource) -> dict[str, Any]:
            changed = merge_patch(now.status, status)
            return {"status": changed} if changed else {}

        return await self._patch(resource, difference, "/status")

    async def _patch(
        self, resource: Resource, difference: Callable[[Resource], dict[str, Any]], subresource: str = ""
    ) -> Resource | None:
        """Send the differences to exactly the version that they were taken from.

        The resourceVersion keeps a patch off an object made anew under the same name, which `/status` would not notice
        by uid; when it does not match, what is there now is read and compared again.
        """
        path = _path(resource.kind, resource.namespace, resource.name)
        now = resource
        for _ in range(CONFLICTS):
            body = difference(now)
            if not body:
                return now
            body.setdefault("metadata", {})["resourceVersion"] = now.resource_version
            try:
                answer = await self._client.request("PATCH", path + subresource + _WRITER, body=body)
            except NotFound:
                return None
            except Conflict:
                fresh = await self.get(resource.kind, resource.namespace, resource.name)
                if fresh is None or fresh.uid != resource.uid:
                    return None
                now = fresh
            else:
                return self._mirrored(resource_of(resource.kind, answer))
        message = f"{resource.kind} {resource.namespace}/{resource.name} is being changed by others all the time"
        raise KubernetesUnavailable(message)

    async def delete(self, resource: Resource) -> None:
        """Delete exactly this object (uid as precondition); one that is gone or replaced is left."""
        path = _path(resource.kind, resource.namespace, resource.name)
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": resource.uid}}
        for _ in range(CONFLICTS):
            try:
                await self._client.request("DELETE", path, body=options)
            except NotFound:
                self._forget(resource)
                return
            except Conflict:
                now = await self.get(resource.kind, resource.namespace, resource.name)
                if now is None or now.uid != resource.uid:
                    return
            else:
                if not resource.finalizers:
                    self._forget(resource)
                return
        message = f"{resource.kind} {resource.namespace}/{resource.name} is being changed by others all the time"
        raise KubernetesUnavailable(message)

    async def watch(self, kind: Kind, namespace: str, seen: Callable[[str, Resource], None]) -> None:
        """Tell ``seen`` of every change from now on, with ``ADDED``, ``MODIFIED`` or ``DELETED``; until cancelled.

        ``seen`` is cheap and never raises. What happens while the API server cannot be reached may be missed. Meanwhile
        :meth:`list` of the same kind and namespace is answered from what the watch tells.
        """
        mirror = self._mirrors[kind, namespace] = Mirror()
        path = _collection(kind, namespace)
        try:
            await KubeWatch(self._client, path, Following(self._client, kind, path, mirror, seen)).run()
        finally:
            del self._mirrors[kind, namespace]

    def _forget(self, resource: Resource) -> None:
        for namespace in (resource.namespace, ""):
            if (mirror := self._mirrors.get((resource.kind, namespace))) is not None:
                mirror.gone(resource)

    def _mirrored(self, resource: Resource) -> Resource:
        """Tell the mirrors of our own write, so that the next list has it."""
        for namespace in (resource.namespace, ""):
            if (mirror := self._mirrors.get((resource.kind, namespace))) is not None:
                mirror.put(resource)
        return resource

    async def assert_served(self, namespaces: Sequence[str]) -> None:
        """See that every kind is installed and may be listed in these namespaces ("" for all).

        Raises ConfigurationError that says which CRD is missing, KubernetesForbidden, KubernetesUnavailable.
        """
        for namespace in namespaces:
            for kind in Kind:
                await self._probe(kind, namespace)

    async def _probe(self, kind: Kind, namespace: str) -> None:
        try:
            await self._client.request("GET", _collection(kind, namespace), query={"limit": "1"})
        except NotFound:
            message = (
                f"the CRD {PLURALS[kind]}.{GROUP} is not installed, or does not serve {API_VERSION}: "
                "kubectl apply -f crds/"
            )
            raise ConfigurationError(message) from None


def _is_ours(label: str) -> bool:
    return label.startswith(f"{GROUP}/")


def _collection(kind: Kind, namespace: str) -> str:
    prefix = f"/apis/{API_VERSION}"
    return f"{prefix}/namespaces/{_quoted(namespace)}/{PLURALS[kind]}" if namespace else f"{prefix}/{PLURALS[kind]}"


def _path(kind: Kind, namespace: str, name: str) -> str:
    return f"{_collection(kind, namespace)}/{_quoted(name)}"


def _quoted(segment: str) -> str:
    """One segment of a path: nothing that a caller gives can reach another path."""
    if _NAME.fullmatch(segment):
        return segment
    return "%2E" * len(segment) if segment in {".", ".."} else quote(segment, safe="")
