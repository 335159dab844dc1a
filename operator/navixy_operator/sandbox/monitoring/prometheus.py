"""Prometheus in a directory of its own: scrapes what it is told to, evaluates rules, answers queries."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from navixy_operator.sandbox.errors import SandboxError
from navixy_operator.sandbox.monitoring import programs
from navixy_operator.sandbox.monitoring.answers import Alert, Sample, Series, Target
from navixy_operator.sandbox.monitoring.server import Flags, MonitoringError, MonitoringServer, duration
from navixy_operator.sandbox.progress import Progress

# Prometheus looks for changed files itself; this is for a file system that tells nobody of changes
REFRESH_SECONDS: Final = 1.0
DISCOVERY_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How often Prometheus works, in seconds, and what it calls its targets."""

    scrape_interval: float = 1.0
    evaluation_interval: float = 1.0
    """Of rule groups without an interval of their own."""
    resend_delay: float = 3.0
    """Alertmanager is told again of what still fires; it takes an alert for resolved after four times that silence."""
    job: str = "sandbox"
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of every target, beside ``job`` and ``instance``."""
    honor_labels: bool = False
    """Whether a label that a target exposes goes before one of the target's own of that name."""


class Prometheus(MonitoringServer):
    """Scrapes ``/metrics`` of ``targets`` (host:port), evaluates ``rules``, tells ``alertmanager`` (host:port).

    Each of ``rules`` is the content of a rule file, a mapping with ``groups``. The first scrape, and the first one of a
    target that is new, takes up to five seconds: so long Prometheus collects changes.
    """

    name = programs.PROMETHEUS

    def __init__(
        self,
        directory: Path,
        targets: Sequence[str] = (),
        *,
        rules: Sequence[Mapping[str, Any]] = (),
        alertmanager: str | None = None,
        setup: Setup | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(directory, progress=progress)
        self._scraped = tuple(targets)
        self._rules = tuple(rules)
        self._alertmanager = alertmanager
        self._setup = setup or Setup()

    async def query(self, expression: str, *, at: float | None = None) -> list[Sample]:
        """The values of an expression now, or ``at`` a time in seconds since the epoch; a scalar has no labels.

        Raises:
            MonitoringError: the expression is wrong or gives no numbers at one time, or Prometheus did not answer.
        """
        moment = {} if at is None else {"time": str(at)}
        data = await self._data("query", {"query": expression, **moment})
        match data:
            case {"resultType": "vector", "result": found}:
                return [_sample(one["metric"], one["value"]) for one in found]
            case {"resultType": "scalar", "result": value}:
                return [_sample({}, value)]
        message = f"{expression} gives a {data['resultType']}, not numbers at one time"
        raise MonitoringError(message)

    async def query_range(self, expression: str, *, start: float, end: float, step: float = 1.0) -> list[Series]:
        """The values from ``start`` to ``end``, in seconds since the epoch, every ``step`` seconds.

        Raises:
            MonitoringError: the expression is wrong, or Prometheus did not answer.
        """
        asked = {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        found = (await self._data("query_range", asked))["result"]
        return [Series(one["metric"], tuple((float(at), float(value)) for at, value in one["values"])) for one in found]

    async def alerts(self) -> list[Alert]:
        """The alerts that are pending or fire. Raises MonitoringError."""
        return [Alert.model_validate(one) for one in (await self._data("alerts"))["alerts"]]

    async def targets(self) -> list[Target]:
        """What is scraped. Raises MonitoringError."""
        return [Target.model_validate(one) for one in (await self._data("targets"))["activeTargets"]]

    async def set_targets(self, targets: Sequence[str]) -> None:
        """Scrape these from now on; Prometheus takes up to five seconds to follow."""
        self._scraped = tuple(targets)
        await asyncio.to_thread(self._write_targets)

    async def set_rules(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Evaluate these from now on.

        Raises:
            MonitoringError: a rule is wrong, and the last ones stay in force; or Prometheus did not answer.
            ProcessError: it does not run.
        """
        before, self._rules = self._rules, tuple(rules)
        try:
            await self.reload()
        except SandboxError:
            self._rules = before
            await asyncio.to_thread(self._write_configuration)
            raise

    @property
    def rule_files(self) -> list[Path]:
        """Where the rules stand, for ``Promtool.check_rules``."""
        return [self._rules_directory / f"{number}.yml" for number, _ in enumerate(self._rules, 1)]

    @property
    def _configuration_file(self) -> Path:
        return self.directory / "prometheus.yml"

    @property
    def _targets_file(self) -> Path:
        return self.directory / "targets.json"

    @property
    def _rules_directory(self) -> Path:
        return self.directory / "rules"

    async def _data(self, what: str, parameters: Mapping[str, str] | None = None) -> Any:
        return (await self.ask_json(f"/api/v1/{what}", parameters))["data"]

    def _write_configuration(self) -> None:
        self._write_targets()
        self._write_rules()
        found = {"files": [str(self._targets_file)], "refresh_interval": duration(REFRESH_SECONDS)}
        scraped = {"job_name": self._setup.job, "honor_labels": self._setup.honor_labels, "file_sd_configs": [found]}
        configuration: dict[str, Any] = {
            "global": {
                "scrape_interval": duration(self._setup.scrape_interval),
                "evaluation_interval": duration(self._setup.evaluation_interval),
            },
            "rule_files": [str(path) for path in self.rule_files],
            "scrape_configs": [scraped],
        }
        if self._alertmanager:
            told = {"static_configs": [{"targets": [self._alertmanager]}]}
            configuration["alerting"] = {"alertmanagers": [told]}
        self._configuration_file.write_text(_yaml(configuration), "utf-8")

    def _write_rules(self) -> None:
        shutil.rmtree(self._rules_directory, ignore_errors=True)
        self._rules_directory.mkdir(parents=True)
        for path, document in zip(self.rule_files, self._rules, strict=True):
            path.write_text(_yaml(document), "utf-8")

    def _write_targets(self) -> None:
        """Replace the file: Prometheus reads it whenever it changes, and must not find half of it."""
        group = {"targets": list(self._scraped), "labels": dict(self._setup.labels)}
        self.directory.mkdir(parents=True, exist_ok=True)
        new = self._targets_file.with_suffix(".new")
        new.write_bytes(orjson.dumps([group]))
        new.replace(self._targets_file)

    def _flags(self) -> Flags:
        return {
            "config.file": self._configuration_file,
            "storage.tsdb.path": self.directory / "data",
            "web.enable-lifecycle": None,
            "rules.alert.resend-delay": duration(self._setup.resend_delay),
            "scrape.discovery-reload-interval": duration(DISCOVERY_SECONDS),
        }


def _sample(labels: Mapping[str, str], value: tuple[float, str]) -> Sample:
    at, number = value
    return Sample(labels, float(number), float(at))


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
