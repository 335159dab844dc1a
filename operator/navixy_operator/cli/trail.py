"""The audit trail as commands find it: by the process's own settings, with or without a cluster."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import click

from navixy_operator import bootstrap
from navixy_operator.adapters import logging_setup
from navixy_operator.cli.common import FORMS, Command, Place, place_options, working
from navixy_operator.core.audit import Entry
from navixy_operator.core.vocabulary import LEASE
from navixy_operator.errors import AuditUnavailable, AuditUrlInvalid, ConfigurationError, OperatorError
from navixy_operator.ports import AuditQuery, AuditReader
from navixy_operator.settings import Settings

ASKING_TRAIL: Final = "asking the audit trail"
SHARED: Final = frozenset({"namespace", "context", "kubeconfig", "output", "sync_name"})
"""Parameters of :func:`trail_options`."""
PAGE: Final = 1000
"""Entries that are in memory at once."""
ENVIRONMENT: Final = """\b
Environment:
  AUDIT_DATABASE_URL       the audit trail's database, SQLite or PostgreSQL
  AUDIT_DATABASE_URL_FILE  a file that holds this URL, which may bear a password
  DATA_DIRECTORY           without both, audit.db in this directory
                           (~/.local/state/navixy-operator)
The operator's own pod has them set:
  kubectl exec deploy/navixy-operator -- navixy-operator audit ...
"""

T = TypeVar("T")


def trail_options(*forms: str) -> Callable[[Command], Command]:
    """The options that say where to look, and the form of the answer; the command takes a Place."""
    option = click.option("--sync", "sync_name", metavar="NAME", help="Of this NavixySync; default: of all.")
    default = "the only one that the trail has, else the kubeconfig's"
    return lambda command: option(place_options(command, forms or FORMS, default))


@dataclass(frozen=True, slots=True)
class Trail:
    """The audit trail of one namespace."""

    reader: AuditReader
    namespace: str

    async def entries(self, query: AuditQuery) -> AsyncIterator[Entry]:
        """All entries that a query finds, page by page, whatever its limit."""
        page = replace(query, limit=PAGE)
        while True:
            found = await self.reader.page(page)
            for entry in found.entries:
                yield entry
            if found.next is None:
                return
            page = replace(page, after=found.next)


def read_trail(place: Place, work: Callable[[Trail], Awaitable[T]], doing: str | None = None) -> T:
    """Open the trail, do the work, close it. Only the worst is logged: the answer is the output. Raises OperatorError.

    ``doing``: what a terminal says meanwhile; None where the work itself prints.
    """
    masker = logging_setup.configure("CRITICAL", json=False)
    settings = Settings.from_environment(os.environ)

    async def opened() -> T:
        async with bootstrap.audit_reader(settings, mask=masker.add) as reader:
            return await work(Trail(reader, await _namespace(reader, place)))

    try:
        with nullcontext() if doing is None else working(doing):
            return asyncio.run(opened())
    except (AuditUnavailable, AuditUrlInvalid) as error:
        message = f"{error}{_elsewhere(place, error)}"
        raise type(error)(message) from None


async def _namespace(reader: AuditReader, place: Place) -> str:
    """The namespace that is meant: as told; else the only one that the trail has; else that of the credentials."""
    if place.namespace is not None:
        return place.namespace
    known = sorted({namespace for namespace, _ in await reader.scopes()})
    if len(known) == 1:
        return known[0]
    own = await asyncio.to_thread(bootstrap.own_namespace, place.kubeconfig, place.context)
    if own is not None and (own in known or not known):
        return own
    if not known:
        return "default"  # nothing is found there, which is the truth of every namespace
    message = f"the audit trail has entries of several namespaces ({', '.join(known)}): choose with --namespace"
    raise ConfigurationError(message)


def _elsewhere(place: Place, error: OperatorError) -> str:
    """Where else to ask: in the operator's own pod, or of its replicas in the one that works."""
    where = f" -n {place.namespace}" if place.namespace else ""
    if "KUBERNETES_SERVICE_HOST" not in os.environ:
        command = f"kubectl exec{where} deploy/navixy-operator -- navixy-operator audit ..."
        return f"; the operator's own pod knows where it is: {command}"
    if isinstance(error, AuditUrlInvalid):
        return f"; of replicas without a common database ask the one that works: kubectl get lease {LEASE}{where}"
    return ""
