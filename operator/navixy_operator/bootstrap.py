"""The one place that constructs adapters and puts them together (design section 6)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import kopf

from navixy_operator.adapters.alertmanager import HttpAlerting
from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.adapters.audit.source import parse as parse_audit_url
from navixy_operator.adapters.audit.source import secrets_in as audit_secrets
from navixy_operator.adapters.audit.spool import FileSpool
from navixy_operator.adapters.clock import SystemClock
from navixy_operator.adapters.customer_database import SqlCustomerDatabase
from navixy_operator.adapters.deferred import DeferredDatabase
from navixy_operator.adapters.forwarding import ForwardingSettings, HttpForwarding
from navixy_operator.adapters.kube import credentials
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.events import KubeRecorder
from navixy_operator.adapters.kube.lease import Elector
from navixy_operator.adapters.kube.resources import KubeResources
from navixy_operator.adapters.kube.secrets import KubeSecrets
from navixy_operator.adapters.kube.session import connect as open_session
from navixy_operator.adapters.kube.tenure import Tenure
from navixy_operator.adapters.masking import Masker
from navixy_operator.adapters.metrics import Metrics
from navixy_operator.adapters.timed_database import TimedDatabase
from navixy_operator.api.common import SecretKeyRef
from navixy_operator.api.sync import Forwarding as ForwardingSpec
from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.core.vocabulary import Kind
from navixy_operator.errors import AuditSpoolFull, AuditUrlInvalid
from navixy_operator.ports import AuditReader, Cluster, Observer, Outside, Resource, Secrets
from navixy_operator.settings import Settings
from navixy_operator.trail import Manner, Trail


@dataclass(frozen=True, slots=True)
class World:
    """The cluster and the ways to everything else, ready for use. ``namespace``: the credentials' own.

    ``fence``: asked right before each act in F1.1 (the cluster's side has it already); None lets everything through.
    """

    cluster: Cluster
    secrets: Secrets
    namespace: str
    login: Callable[[], kopf.AiohttpSession]
    resources: KubeResources
    fence: Callable[[], None] | None
    candidate: KubeClient
    metrics: Metrics
    trail: Trail | None = None

    def elector(self, settings: Settings, tenure: Tenure) -> Elector:
        """This process as a candidate for the lease."""
        namespace = settings.lease_namespace or self.namespace
        return Elector(self.candidate, namespace, settings.identity, tenure, settings.leader_election_seconds)

    def namespaces(self, settings: Settings) -> tuple[str, ...]:
        """The namespaces to serve; ("",) stands for all."""
        return ("",) if settings.everywhere else settings.namespaces or (self.namespace,)

    @asynccontextmanager
    async def connect(self, sync: Resource, spec: NavixySyncSpec) -> AsyncIterator[Outside]:
        """What one pass talks to; Secrets are read when they are needed and forgotten with it. Raises OperatorError."""

        async def open_database() -> TimedDatabase:
            url = await self._value(sync, spec.database.url_secret_ref)
            seconds = float(spec.database.timeout_seconds)
            opened = SqlCustomerDatabase(url, query=spec.database.query, timeout_seconds=seconds)
            return TimedDatabase(opened, partial(self.metrics.query_made, sync))

        database = DeferredDatabase(open_database)
        token = self._token(sync, spec.forwarding)
        timed = partial(self.metrics.request_made, sync)
        forwarding = HttpForwarding(_forwarding_settings(spec.forwarding), token, fence=self.fence, timed=timed)
        try:
            yield Outside(database, forwarding, self.cluster.resources, self.secrets, self.cluster.clock)
        finally:
            await database.close()
            await forwarding.close()

    def _token(self, sync: Resource, spec: ForwardingSpec) -> Callable[[bool], Awaitable[str]]:
        known: list[str] = []

        async def token(fresh: bool) -> str:  # noqa: FBT001 - the client's protocol
            if fresh or not known:
                known[:] = [await self._value(sync, spec.token_secret_ref)]
            return known[0]

        return token

    async def _value(self, sync: Resource, ref: SecretKeyRef) -> str:
        return await self.secrets.read(sync.namespace, ref.name, ref.key)


@asynccontextmanager
async def world(
    kubeconfig: str | None = None,
    *,
    context: str | None = None,
    settings: Settings | None = None,
    masker: Masker | None = None,
    fence: Callable[[], None] | None = None,
    leading: Callable[[], bool] = lambda: False,
) -> AsyncIterator[World]:
    """Open the API server with the pod's or the kubeconfig's credentials. Raises ConfigurationError.

    ``settings``: those of the operator's own process; without them nothing is audited. ``masker`` is told every
    Secret's value that is read, so that neither log nor audit trail ever shows it. ``fence`` is asked right before
    every request that changes something, in the cluster, in F1.1 or in Alertmanager: it raises LeadershipLost to hold
    it back. ``leading``: whether this process holds the lease, for the metrics.
    """
    masker = masker or Masker()
    async with (
        await open_session(kubeconfig, context=context) as session,
        _audit(settings, masker, session.namespace) as (trail, audit),
    ):
        client = KubeClient(session.http, session.server, fence=fence, streams=session.unlimited)
        resources = KubeResources(client)
        metrics = Metrics(lambda: resources.told_of(Kind.CUSTOMER), leading, lambda: trail.state if trail else None)
        observers: tuple[Observer, ...] = (metrics.heard,)
        if trail is not None:
            trail.tell(*observers, board=metrics)
            observers = (trail.heard, *observers)
        recorder = KubeRecorder(client, instance=settings.identity if settings else None)
        alerting = HttpAlerting(fence=fence)
        cluster = Cluster(resources, recorder, SystemClock(), observers, trail, audit, metrics, alerting)
        secrets = KubeSecrets(client, seen=masker.add)
        candidate = KubeClient(session.unlimited, session.server)  # the lease is what the fence rests on
        namespace = session.namespace or "default"
        yield World(cluster, secrets, namespace, session.kopf_login, resources, fence, candidate, metrics, trail)


@asynccontextmanager
async def _audit(
    settings: Settings | None, masker: Masker, namespace: str | None
) -> AsyncIterator[tuple[Trail, AuditReader] | tuple[None, None]]:
    """The audit trail's delivery, and its reader. A URL that cannot be used is told by the trail, and ends nothing.

    What it tells of itself is told of a namespace that is served; of the credentials' own where all are.
    """
    if settings is None:
        yield None, None
        return
    url = settings.audit_database_url
    for secret in (settings.audit_url, *audit_secrets(url)):
        masker.add(secret, keep=True)
    store = SqlAuditStore(url)
    spool = FileSpool(settings.spool_directory, settings.audit_spool_megabytes * 1_000_000)
    served = settings.namespaces[0] if settings.namespaces and not settings.everywhere else namespace or "default"
    try:
        yield Trail(store, spool, SystemClock(), served, Manner(masked=masker.values)), store
    finally:
        await store.close()
        with suppress(AuditSpoolFull):
            await spool.close()


@asynccontextmanager
async def audit_reader(settings: Settings, *, mask: Callable[[str], None]) -> AsyncIterator[AuditReader]:
    """The audit trail, to be read alone: nothing is made or changed there. ``mask`` is told what no output may show.

    Raises AuditUrlInvalid, also for a file that is not there; what else may be wrong is told by the questions.
    """
    url = settings.audit_database_url
    source = parse_audit_url(url)
    for secret in (settings.audit_url, *source.secrets):
        mask(secret)
    if source.file is not None and not await asyncio.to_thread(source.file.exists):
        told = "AUDIT_DATABASE_URL" if settings.audit_url else f"DATA_DIRECTORY ({settings.data_directory})"
        message = f"there is no audit trail at {source.file}, where {told} says it is"
        raise AuditUrlInvalid(message)
    store = SqlAuditStore(url)
    try:
        yield store
    finally:
        await store.close()


def own_namespace(kubeconfig: str | None = None, context: str | None = None) -> str | None:
    """The namespace of the credentials, without a word to a cluster; None: none is said. Blocking.

    Raises ConfigurationError for a kubeconfig or context that is named and cannot be used.
    """
    return credentials.own_namespace(kubeconfig, context)


def _forwarding_settings(spec: ForwardingSpec) -> ForwardingSettings:
    return ForwardingSettings(
        url=spec.url,
        concurrency=spec.concurrency,
        rate_per_second=float(spec.rate_per_second),
        timeout_seconds=float(spec.timeout_seconds),
        establish_timeout_seconds=float(spec.establish_timeout_seconds),
    )
