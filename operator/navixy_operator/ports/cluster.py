"""The API server: resources, Secrets, Events; and time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from navixy_operator.core.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of the API server, cut to what the operator uses. ``spec`` and ``status`` are plain JSON."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    created_at: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    finalizers: tuple[str, ...]
    deleting: bool
    spec: Mapping[str, Any]
    status: Mapping[str, Any]


class Resources(Protocol):
    """Objects of this group, in any namespace the operator serves.

    Reads and idempotent writes are retried on 429, 5xx and broken connections, with backoff and full jitter. Raises
    KubernetesUnavailable when the retries are used up, InvalidSpec when the API server refuses the content.
    """

    async def list(self, kind: Kind, namespace: str) -> Sequence[Resource]:
        """Every object of the kind, read in pages; an expired page starts the list over."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """One object; None: there is none."""

    def peek(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """What a watch last told of one object, without a request; None: nothing is known. May lag behind."""

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
        """Create; None when one of that name exists already (a lost answer, or another's)."""

    async def accepts(self, kind: Kind, namespace: str) -> bool:
        """Whether an object of this kind could be created here now; asked by a dry run, nothing is written.

        False while the namespace or the CRD is being deleted, or is gone: what is deleted then is deleted in bulk.
        """

    async def update(
        self, resource: Resource, *, spec: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Resource | None:
        """Change spec and labels to these by one merge patch of the differences; None: it is gone."""

    async def annotate(self, resource: Resource, annotations: Mapping[str, str | None]) -> Resource | None:
        """Set these annotations, remove those that are None, leave all others; no request without a difference.

        None: it is gone.
        """

    async def set_finalizers(self, resource: Resource, finalizers: Sequence[str]) -> Resource | None:
        """Change the finalizers to these; no request when they are. None: it is gone, or gone by this."""

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource | None:
        """Change the status to this by one merge patch of the differences, no request when there are none.

        None: it is gone.
        """

    async def delete(self, resource: Resource) -> None:
        """Delete exactly this object (uid as precondition); one that is gone or replaced is left."""


class Secrets(Protocol):
    """Kubernetes Secrets, read at the moment they are needed, never kept."""

    async def read(self, namespace: str, name: str, key: str) -> str:
        """One value as text, stripped.

        Raises SecretNotFound (missing, empty, not text, not permitted), KubernetesUnavailable.
        """


class Recorder(Protocol):
    """Kubernetes Events about a resource."""

    async def record(self, about: Resource, *, warning: bool, reason: str, message: str) -> None:
        """Post one Event, at most 1,024 characters of message; a failure to post is logged, never raised."""


class Clock(Protocol):
    """Time, so that tests can hold it."""

    def now(self) -> datetime:
        """The moment, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever go forward, for durations and deadlines."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
