"""Commands of the command line against a cluster of fakes."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import click
import pytest

from navixy_operator import bootstrap, cli
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.core.pins import read_pin
from navixy_operator.core.vocabulary import Kind
from navixy_operator.errors import KubernetesForbidden
from navixy_operator.ports import Cluster, Resource
from support.audit import FakeAuditReader
from support.builders import NOW, resource
from support.fakes import FakeResources, World


class HeedingResources(FakeResources):
    """The API server with an operator at work: what is annotated is heeded at once. ``heeds``: whether there is one."""

    heeds: bool = True

    async def annotate(self, resource: Resource, annotations: Mapping[str, str | None]) -> Resource | None:
        """Annotate, and answer as the API server does: before anybody has heeded it."""
        after = await super().annotate(resource, annotations)
        if self.heeds and after is not None and after.kind is Kind.CUSTOMER:
            pin = read_pin(after.annotations, NOW).pin
            status = {key: value for key, value in after.status.items() if key != "pin"}
            if pin is not None:
                instead = {"desired": "Connected", "reason": "Eligible"}
                status["pin"] = {**pin.to_status(), "insteadOf": instead}
            self.objects[after.kind, after.name] = replace(self.objects[after.kind, after.name], status=status)
        return after


@dataclass
class FakeClient:
    """The API server's word on who we are; None: it may not tell."""

    name: str | None = "anna@example.com"

    async def request(self, method: str, path: str, *, body: object) -> Any:
        """A review of ourselves."""
        assert (method, "selfsubjectreviews" in path, bool(body)) == ("POST", True, True)
        if self.name is None:
            message = "not permitted"
            raise KubernetesForbidden(message)
        return {"status": {"userInfo": {"username": self.name}}}


@dataclass
class Desk:
    """A person at a terminal without a terminal: runs commands against the fakes."""

    capsys: pytest.CaptureFixture[str]
    world: World = field(default_factory=World)
    client: FakeClient = field(default_factory=FakeClient)
    trail: FakeAuditReader = field(default_factory=FakeAuditReader)
    own_namespace: str | None = "default"
    """As the kubeconfig has it."""

    def __post_init__(self) -> None:
        self.resources = HeedingResources(self.world.journal)
        self.world.resources = self.resources

    @property
    def program(self) -> str:
        """The name that click finds for this process: pytest's."""
        return click.utils._detect_program_name()

    def put(self, *items: Resource) -> None:
        """Objects that there are."""
        self.resources.objects |= {(item.kind, item.name): item for item in items}

    def get(self, name: str, kind: Kind = Kind.CUSTOMER) -> Resource:
        """An object as it now is."""
        return self.resources.objects[kind, name]

    def run(self, *line: str) -> tuple[int, str, str]:
        """A command: exit code, standard output, standard error."""
        code = cli.main(line)
        return (code, *self.capsys.readouterr())

    @asynccontextmanager
    async def opened(self, kubeconfig: str | None = None, *, context: str | None = None) -> AsyncIterator[Any]:
        """As ``bootstrap.world``."""
        del kubeconfig, context
        cluster = Cluster(self.resources, self.world.recorder, self.world.clock)
        yield bootstrap.World(
            cluster=cluster,
            secrets=self.world.secrets,
            namespace="default",
            login=cast("Any", None),
            resources=cast("Any", self.resources),
            fence=None,
            candidate=cast("KubeClient", self.client),
            metrics=cast("Any", None),
        )


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A desk with an empty cluster, and an operator that heeds what is annotated."""
    made = Desk(capsys)
    monkeypatch.setattr(bootstrap, "world", made.opened)
    monkeypatch.setattr(bootstrap, "audit_reader", made.trail.opened)
    monkeypatch.setattr(bootstrap, "own_namespace", lambda *_: made.own_namespace)
    monkeypatch.setenv("COLUMNS", "200")
    yield made
    assert "Traceback" not in capsys.readouterr().err


def customer(
    ref: str,
    name: str = "",
    *,
    sync: str = "main",
    source: str = "Database",
    status: Mapping[str, Any] | None = None,
    **more: Any,
) -> Resource:
    """A NavixyCustomer, connected and well."""
    conditions = [
        {"type": "Ready", "status": "True", "reason": "Connected", "message": "connected"},
        {"type": "Eligible", "status": "True", "reason": "Eligible", "message": "all is there"},
    ]
    spec = {"customerRef": ref, "sync": sync, "source": source, "state": "active"}
    told = {
        "desired": "Connected",
        "connection": {"id": "cn-1", "state": "connected", "since": "2026-01-01T00:00:00Z"},
        "conditions": conditions,
    }
    return resource(Kind.CUSTOMER, name or ref, spec=spec, status=told if status is None else status, **more)


def pinned(ref: str, mode: str = "hold", **more: str) -> Resource:
    """The same with a pin that was heeded; ``more``: by, reason, until."""
    annotations = {
        f"dataforwarding.io/pin{f'-{key}' if key else ''}": value for key, value in {"": mode, **more}.items()
    }
    item = customer(ref, annotations=annotations)
    instead = {"insteadOf": {"desired": "Connected", "reason": "Eligible"}}
    return replace(item, status={**item.status, "pin": {"mode": mode, **more, **instead}})
