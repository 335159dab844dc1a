"""The port Recorder: Kubernetes Events, posted as they come, never in the way of the work."""

import asyncio
import platform
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.core.vocabulary import API_VERSION, FIELD_MANAGER, LogEvent
from navixy_operator.errors import OperatorError
from navixy_operator.ports import Resource

MESSAGE_LIMIT: Final = 1024  # bytes, which keeps it under 1,024 characters too
NAME_LIMIT: Final = 253
INSTANCE_LIMIT: Final = 128
SECONDS: Final = 10.0  # for one Event with all its tries

logger = structlog.stdlib.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class KubeRecorder:
    """Posts core/v1 Events; implements the port Recorder. ``instance``: the pod's name, else the host's."""

    def __init__(
        self,
        client: KubeClient,
        *,
        instance: str | None = None,
        now: Callable[[], datetime] = _utc_now,
        seconds: float = SECONDS,
    ) -> None:
        self._client = client
        self._instance = (instance or platform.node() or FIELD_MANAGER)[:INSTANCE_LIMIT]
        self._now = now
        self._seconds = seconds

    async def record(self, about: Resource, *, warning: bool, reason: str, message: str) -> None:
        """Post one Event; a failure is logged and forgotten."""
        body = self._event(about, warning=warning, reason=reason, message=message)
        path = f"/api/v1/namespaces/{about.namespace}/events"
        try:
            async with asyncio.timeout(self._seconds):
                await self._client.request("POST", path, body=body)
        except (OperatorError, TimeoutError) as error:
            logger.warning(
                LogEvent.EVENT_NOT_POSTED,
                kind=about.kind,
                object=f"{about.namespace}/{about.name}",
                reason=reason,
                error=str(error) or type(error).__name__,
            )

    def _event(self, about: Resource, *, warning: bool, reason: str, message: str) -> dict[str, Any]:
        now = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        suffix = f".{uuid.uuid4().hex[:16]}"  # a name of our own, not generateName: so a repeated post makes no second
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": about.name[: NAME_LIMIT - len(suffix)] + suffix, "namespace": about.namespace},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": about.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
                "resourceVersion": about.resource_version,
            },
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "message": _cut(message),
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER,
            "reportingInstance": self._instance,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }


def _cut(message: str) -> str:
    if len(message.encode()) <= MESSAGE_LIMIT:
        return message
    return message.encode()[: MESSAGE_LIMIT - len("…".encode())].decode(errors="ignore") + "…"
