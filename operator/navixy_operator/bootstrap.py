"""The one place that constructs adapters and puts them together (design section 6)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import kopf

from navixy_operator.adapters.clock import SystemClock
from navixy_operator.adapters.customer_database import SqlCustomerDatabase
from navixy_operator.adapters.deferred import DeferredDatabase
from navixy_operator.adapters.forwarding import ForwardingSettings, HttpForwarding
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.events import KubeRecorder
from navixy_operator.adapters.kube.lease import Elector
from navixy_operator.adapters.kube.resources import KubeResources
from navixy_operator.adapters.kube.secrets import KubeSecrets
from navixy_operator.adapters.kube.session import connect as open_session
from navixy_operator.adapters.kube.tenure import Tenure
from navixy_operator.api.common import SecretKeyRef
from navixy_operator.api.sync import Forwarding as ForwardingSpec
from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.ports import Cluster, Outside, Resource, Secrets
from navixy_operator.settings import Settings


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

        async def open_database() -> SqlCustomerDatabase:
            url = await self._value(sync, spec.database.url_secret_ref)
            seconds = float(spec.database.timeout_seconds)
            return SqlCustomerDatabase(url, query=spec.database.query, timeout_seconds=seconds)

        database = DeferredDatabase(open_database)
        token = self._token(sync, spec.forwarding)
        forwarding = HttpForwarding(_forwarding_settings(spec.forwarding), token, fence=self.fence)
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
    identity: str | None = None,
    mask: Callable[[str], None] | None = None,
    fence: Callable[[], None] | None = None,
) -> AsyncIterator[World]:
    """Open the API server with the pod's or the kubeconfig's credentials. Raises ConfigurationError.

    ``mask`` is told every Secret's value that is read, so that the log never shows it. ``fence`` is asked right before
    every request that changes something, in the cluster or in F1.1: it raises LeadershipLost to hold it back.
    """
    async with await open_session(kubeconfig, context=context) as session:
        client = KubeClient(session.http, session.server, fence=fence, streams=session.unlimited)
        resources = KubeResources(client)
        cluster = Cluster(resources, KubeRecorder(client, instance=identity), SystemClock())
        secrets = KubeSecrets(client, seen=mask)
        candidate = KubeClient(session.unlimited, session.server)  # the lease is what the fence rests on
        namespace = session.namespace or "default"
        yield World(cluster, secrets, namespace, session.kopf_login, resources, fence, candidate)


def _forwarding_settings(spec: ForwardingSpec) -> ForwardingSettings:
    return ForwardingSettings(
        url=spec.url,
        concurrency=spec.concurrency,
        rate_per_second=float(spec.rate_per_second),
        timeout_seconds=float(spec.timeout_seconds),
        establish_timeout_seconds=float(spec.establish_timeout_seconds),
    )
