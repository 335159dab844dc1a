"""The one place that constructs adapters and puts them together (design section 6)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import kopf

from navixy_operator.adapters.clock import SystemClock
from navixy_operator.adapters.customer_database import SqlCustomerDatabase
from navixy_operator.adapters.forwarding import ForwardingSettings, HttpForwarding
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.events import KubeRecorder
from navixy_operator.adapters.kube.resources import KubeResources
from navixy_operator.adapters.kube.secrets import KubeSecrets
from navixy_operator.adapters.kube.session import connect as open_session
from navixy_operator.api.common import SecretKeyRef
from navixy_operator.api.sync import Forwarding as ForwardingSpec
from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.ports import Cluster, Outside, Resource, Secrets
from navixy_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class World:
    """The cluster and the ways to everything else, ready for use. ``namespace``: the credentials' own."""

    cluster: Cluster
    secrets: Secrets
    namespace: str
    login: Callable[[], kopf.AiohttpSession]
    resources: KubeResources

    def namespaces(self, settings: Settings) -> tuple[str, ...]:
        """The namespaces to serve; ("",) stands for all."""
        return ("",) if settings.everywhere else settings.namespaces or (self.namespace,)

    @asynccontextmanager
    async def connect(self, sync: Resource, spec: NavixySyncSpec) -> AsyncIterator[Outside]:
        """What one cycle talks to; the Secrets are read now and forgotten with it. Raises OperatorError."""
        url = await self._value(sync, spec.database.url_secret_ref)
        seconds = float(spec.database.timeout_seconds)
        database = SqlCustomerDatabase(url, query=spec.database.query, timeout_seconds=seconds)
        forwarding = HttpForwarding(_forwarding_settings(spec.forwarding), self._token(sync, spec.forwarding))
        try:
            yield Outside(database, forwarding, self.cluster.resources, self.cluster.clock)
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
) -> AsyncIterator[World]:
    """Open the API server with the pod's or the kubeconfig's credentials. Raises ConfigurationError.

    ``mask`` is told every Secret's value that is read, so that the log never shows it.
    """
    async with await open_session(kubeconfig, context=context) as session:
        client = KubeClient(session.http, session.server)
        resources = KubeResources(client)
        cluster = Cluster(resources, KubeRecorder(client, instance=identity), SystemClock())
        secrets = KubeSecrets(client, seen=mask)
        yield World(cluster, secrets, session.namespace or "default", session.kopf_login, resources)


def _forwarding_settings(spec: ForwardingSpec) -> ForwardingSettings:
    return ForwardingSettings(
        url=spec.url,
        concurrency=spec.concurrency,
        rate_per_second=float(spec.rate_per_second),
        timeout_seconds=float(spec.timeout_seconds),
        establish_timeout_seconds=float(spec.establish_timeout_seconds),
    )
