"""Alertmanager in a directory of its own: one route, to one webhook."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from navixy_operator.sandbox.monitoring import programs
from navixy_operator.sandbox.monitoring.answers import HeldAlert
from navixy_operator.sandbox.monitoring.server import Flags, MonitoringServer, duration
from navixy_operator.sandbox.progress import Progress


class Alertmanager(MonitoringServer):
    """A lone Alertmanager that sends every alert, and its end, to ``webhook_url`` without delay.

    What still fires is sent again after ``repeat_interval`` seconds; changes of a group are sent at most every
    ``group_interval``. What it has sent it knows even after a stop, but alerts it must hear of anew.
    """

    name = programs.ALERTMANAGER

    def __init__(
        self,
        directory: Path,
        webhook_url: str,
        *,
        repeat_interval: float = 3600.0,
        group_interval: float = 1.0,
        group_by: Sequence[str] = ("alertname",),
        progress: Progress | None = None,
    ) -> None:
        super().__init__(directory, progress=progress)
        self._webhook_url = webhook_url
        self._repeat_interval = repeat_interval
        self._group_interval = group_interval
        self._group_by = group_by

    async def alerts(self) -> list[HeldAlert]:
        """The alerts it holds. Raises MonitoringError."""
        return [HeldAlert.model_validate(one) for one in await self.ask_json("/api/v2/alerts")]

    @property
    def _configuration_file(self) -> Path:
        return self.directory / "alertmanager.yml"

    def _write_configuration(self) -> None:
        receiver = "webhook"
        configuration = {
            "route": {
                "receiver": receiver,
                "group_by": list(self._group_by),
                "group_wait": duration(0),
                "group_interval": duration(self._group_interval),
                "repeat_interval": duration(self._repeat_interval),
            },
            "receivers": [
                {"name": receiver, "webhook_configs": [{"url": self._webhook_url, "send_resolved": True}]},
            ],
        }
        self._configuration_file.write_text(yaml.safe_dump(configuration, sort_keys=False), "utf-8")

    def _working_directory(self, binary: Path) -> Path:
        return programs.templates(binary) or self.directory

    def _flags(self) -> Flags:
        return {
            "config.file": self._configuration_file,
            "storage.path": self.directory / "data",
            # no gossip: it would listen beyond the loopback address, and wait for others before it sends
            "cluster.listen-address": "",
        }
