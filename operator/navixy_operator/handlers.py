"""What the watches report: each handler translates an event into one word. Decisions are made elsewhere.

``on.event`` handlers make no patches of kopf's own, and kopf swallows their errors: they only pass on. The customers'
watch is our own: all of a cycle's writes come back through it, and kopf's work on each costs more than the write.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import kopf
import structlog

from navixy_operator.core.vocabulary import CYCLES, GROUP, SYNCS, VERSION
from navixy_operator.ports import Resource
from navixy_operator.supervisor import Supervisor

Login = Callable[[], kopf.AiohttpSession]


def registry_for(supervisor: Supervisor, login: Login, stop: asyncio.Event) -> kopf.OperatorRegistry:
    """The handlers of one operator, bound to its supervisor."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return login()

    @kopf.on.startup(registry=registry)
    async def set_up(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        await supervisor.stop()
        stop.set()  # else kopf waits five seconds for its own waiter on the flag

    @kopf.on.event(GROUP, VERSION, SYNCS, registry=registry)
    async def sync_event(type: str | None, namespace: str | None, name: str | None, **_: Any) -> None:  # noqa: A002 - kopf's name
        if type == "DELETED":
            supervisor.sync_gone()
        else:
            supervisor.sync_reported(namespace or "", name or "")

    @kopf.on.event(GROUP, VERSION, CYCLES, registry=registry)
    async def cycle_event(namespace: str | None, name: str | None, spec: Mapping[str, Any], **_: Any) -> None:
        supervisor.cycle_reported(namespace or "", name or "", str(spec.get("sync", "")))

    return registry


def customer_changed(change: str, customer: Resource) -> None:
    """A NavixyCustomer was created, changed or deleted, by us or by a person."""
    if change == "DELETED":
        log = structlog.get_logger("navixy_operator.handlers")
        log.info("CustomerResourceGone", namespace=customer.namespace, resource=customer.name)


def configure(settings: kopf.OperatorSettings) -> None:
    """Settings of kopf: no cluster-wide scanning, no events of its own, bounded pages, patient reconnects."""
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    settings.queueing.idle_timeout = 1.0
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = 300
    settings.networking.request_timeout = 60
