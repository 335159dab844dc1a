"""The port Resources on the API server."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from navixy_operator.adapters.kube import probing
from navixy_operator.adapters.kube.answers import AlreadyExists, Conflict, NotFound
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.differences import (
    Body,
    annotations_difference,
    content_difference,
    finalizers_difference,
    status_difference,
)
from navixy_operator.adapters.kube.listing import list_pages
from navixy_operator.adapters.kube.mirror import Following, Mirror
from navixy_operator.adapters.kube.parse import resource_of
from navixy_operator.adapters.kube.paths import collection_path, is_name, object_path
from navixy_operator.adapters.kube.watch import KubeWatch
from navixy_operator.core.vocabulary import API_VERSION, FIELD_MANAGER, Kind
from navixy_operator.errors import KubernetesUnavailable
from navixy_operator.ports import Resource

CONFLICTS: Final = 5  # another writer that often between our reading and our writing
_WRITER: Final = f"?fieldManager={FIELD_MANAGER}"


class KubeResources:
    """Objects of this group; implements :class:`navixy_operator.ports.Resources`. Stateless over its client."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._mirrors: dict[tuple[Kind, str], Mirror] = {}

    async def list(self, kind: Kind, namespace: str) -> Sequence[Resource]:
        """Every object of the kind; ``namespace`` "" means all.

        From the mirror where a watch of the namespace, or of all, keeps one that can be trusted; else in pages of 500,
        read anew when one expires. A watch's first list is waited for.
        """
        for mirror in self._mirrors_of(kind, namespace):
            await mirror.tried()
            if (found := mirror.current(namespace)) is not None:
                return found
        found, _ = await list_pages(self._client, kind, collection_path(kind, namespace))
        return found

    async def get(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """One object; None: there is none, or can be none of that name."""
        if not is_name(name):
            return None
        try:
            return resource_of(kind, await self._client.request("GET", object_path(kind, namespace, name)))
        except NotFound:
            return None

    def peek(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """What a watch last told of one object, whether it is to be trusted now or not; None: nothing is known."""
        for mirror in self._mirrors_of(kind, namespace):
            if (found := mirror.get(namespace, name)) is not None:
                return found
        return None

    def told_of(self, kind: Kind) -> Sequence[Resource] | None:
        """Every object that watches of this kind have told of, in any namespace, trusted or not; without a request.

        None: there is no such watch, or not all of them have had their list yet.
        """
        found = [mirror.items() for (of, _), mirror in self._mirrors.items() if of is kind]
        lists = [items for items in found if items is not None]
        if not found or len(lists) < len(found):
            return None
        return lists[0] if len(lists) == 1 else [item for items in lists for item in items]

    async def create(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        spec: Mapping[str, Any],
        labels: Mapping[str, str],
        annotations: Mapping[str, str] | None = None,
    ) -> Resource | None:
        """Create; None when one of that name exists already. Raises InvalidSpec for a name or spec that is refused."""
        metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels}
        if annotations:
            metadata["annotations"] = annotations
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
        try:
            answer = await self._client.request("POST", collection_path(kind, namespace) + _WRITER, body=body)
        except AlreadyExists:
            return None
        return self._written(resource_of(kind, answer))

    async def update(
        self, resource: Resource, *, spec: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Resource | None:
        """Change spec and labels by one merge patch of the differences, no request when there are none; None: gone."""
        return await self._patch(resource, lambda now: content_difference(now, spec, labels))

    async def annotate(self, resource: Resource, annotations: Mapping[str, str | None]) -> Resource | None:
        """Set these annotations, remove those that are None, leave all others; no request without a difference.

        None: it is gone.
        """
        return await self._patch(resource, lambda now: annotations_difference(now, annotations))

    async def set_finalizers(self, resource: Resource, finalizers: Sequence[str]) -> Resource | None:
        """Change the finalizers to these; those that others added since ``resource`` was read stay.

        No request when there is nothing to change. None: it is gone, or gone by this.
        """
        seen = resource.finalizers
        return await self._patch(resource, lambda now: finalizers_difference(now, seen, finalizers))

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource | None:
        """Change the status by one merge patch of the differences, no request when there are none; None: gone."""
        return await self._patch(resource, lambda now: status_difference(now, status), "/status")

    async def _patch(
        self, resource: Resource, difference: Callable[[Resource], Body], subresource: str = ""
    ) -> Resource | None:
        """Send the differences to exactly the version that they were taken from.

        The resourceVersion keeps a patch off an object made anew under the same name, which `/status` would not notice
        by uid; when it does not match, what is there now is read and compared again.
        """
        path = object_path(resource.kind, resource.namespace, resource.name)
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
                return self._written(resource_of(resource.kind, answer))
        message = f"{resource.kind} {resource.namespace}/{resource.name} is being changed by others all the time"
        raise KubernetesUnavailable(message)

    async def delete(self, resource: Resource) -> None:
        """Delete exactly this object (uid as precondition); one that is gone or replaced is left."""
        path = object_path(resource.kind, resource.namespace, resource.name)
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

        ``seen`` is cheap and never raises. What happens while the API server cannot be reached is told afterwards, as
        far as it can still be seen. Meanwhile :meth:`list` of the same kind and namespace is answered from what the
        watch tells.
        """
        mirror = self._mirrors[kind, namespace] = Mirror()
        path = collection_path(kind, namespace)
        try:
            await KubeWatch(self._client, path, Following(self._client, kind, path, mirror, seen)).run()
        finally:
            del self._mirrors[kind, namespace]
            mirror.lost()

    async def accepts(self, kind: Kind, namespace: str) -> bool:
        """As :func:`probing.accepts`."""
        return await probing.accepts(self._client, kind, namespace)

    async def assert_served(self, namespaces: Sequence[str]) -> None:
        """As :func:`probing.assert_served`."""
        await probing.assert_served(self._client, namespaces)

    async def until_discovered(self, stop: asyncio.Event) -> None:
        """As :func:`probing.until_discovered`."""
        await probing.until_discovered(self._client, stop=stop)

    def _mirrors_of(self, kind: Kind, namespace: str) -> Iterator[Mirror]:
        for place in dict.fromkeys((namespace, "")):
            if (mirror := self._mirrors.get((kind, place))) is not None:
                yield mirror

    def _written(self, resource: Resource) -> Resource | None:
        """Tell the mirrors of our own write, so that the next list has it; None when it was the object's end."""
        if resource.deleting and not resource.finalizers:  # the last finalizer held it
            self._forget(resource)
            return None
        for mirror in self._mirrors_of(resource.kind, resource.namespace):
            mirror.put(resource)
        return resource

    def _forget(self, resource: Resource) -> None:
        for mirror in self._mirrors_of(resource.kind, resource.namespace):
            mirror.gone(resource)
