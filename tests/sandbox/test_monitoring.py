"""Prometheus, Alertmanager and their webhook: an alert goes all the way, and nothing is left behind."""

import asyncio
import contextlib
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from navixy_operator.sandbox import debian
from navixy_operator.sandbox.errors import ProcessError, ProvisioningError
from navixy_operator.sandbox.monitoring import (
    Alertmanager,
    MonitoringError,
    Prometheus,
    Promtool,
    Series,
    Setup,
    WebhookReceiver,
    programs,
    until,
)
from navixy_operator.sandbox.monitoring.server import MonitoringServer
from support.monitoring import Exposed, StartPrometheus, alert, came

# nothing is asked for there
NOWHERE = "http://127.0.0.1:9/"
LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


@pytest.mark.server
async def test_an_alert_fires_and_is_resolved(
    exposed: Exposed, start_prometheus: StartPrometheus, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """A scraped value makes a rule hold; Alertmanager hears of it, then the webhook, of its end as well."""
    rules = [alert("Failed", "jobs_failed > 0")]
    setup = Setup(job="office", labels={"site": "north"})
    prometheus = await start_prometheus([exposed.address], rules=rules, alertmanager=alertmanager.address, setup=setup)
    (target,) = await until(prometheus.targets, lambda found: [one.health for one in found] == ["up"])
    labels = {"job": "office", "site": "north", "instance": exposed.address}
    assert target.labels == labels
    assert await prometheus.alerts() == []

    exposed.gauges["jobs_failed"] = 3
    (notification,) = await webhook.until(came("Failed", "firing"))
    (fired,) = notification.alerts
    assert fired.labels == {"alertname": "Failed", **labels}
    assert fired.annotations == {"summary": "3 of north"}
    assert [(one.state, one.value) for one in await prometheus.alerts()] == [("firing", 3)]
    (held,) = await alertmanager.alerts()
    assert (held.state, held.labels) == ("active", fired.labels)

    exposed.gauges["jobs_failed"] = 0
    last = (await webhook.until(came("Failed", "resolved")))[-1]
    assert last.status == "resolved"
    assert last.alerts[0].fingerprint == fired.fingerprint
    assert await until(alertmanager.alerts, lambda found: not found) == []


@pytest.mark.server
async def test_alertmanager_knows_after_a_restart_what_it_has_sent(
    exposed: Exposed, start_prometheus: StartPrometheus, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """It comes back at its address with its data: what still fires is not sent again, what is new is."""
    rules = [alert("Failed", "jobs_failed > 0"), alert("Late", "jobs_late > 0")]
    exposed.gauges["jobs_failed"] = 1
    await start_prometheus([exposed.address], rules=rules, alertmanager=alertmanager.address)
    await webhook.until(came("Failed", "firing"))
    # it notes what it has sent a moment after that, but surely before it looks at its notes again
    await until(lambda: alertmanager.ask("GET", "/metrics"), lambda text: count(text, "nflog_queries_total") > 1)
    address = alertmanager.address
    await asyncio.to_thread(alertmanager.stop)
    with pytest.raises(MonitoringError, match="did not answer"):
        await alertmanager.alerts()
    await asyncio.to_thread(alertmanager.start)
    assert alertmanager.address == address
    await until(alertmanager.alerts, bool)
    exposed.gauges["jobs_late"] = 1
    notifications = await webhook.until(came("Late", "firing"))
    assert [one.names("firing") for one in notifications] == [{"Failed"}, {"Late"}]


@pytest.mark.server
async def test_targets_and_rules_change_while_it_runs(exposed: Exposed, start_prometheus: StartPrometheus) -> None:
    """Prometheus follows new targets and rules; wrong rules are refused, saying why, and leave the last ones."""
    prometheus = await start_prometheus()
    assert await prometheus.targets() == []
    with pytest.raises(MonitoringError, match="unclosed left parenthesis"):
        await prometheus.set_rules([alert("Wrong", "(")])
    await prometheus.set_rules([{"groups": [{"name": "sums", "rules": [{"record": "jobs:sum", "expr": "sum(up)"}]}]}])
    with pytest.raises(MonitoringError, match="rules"):
        await prometheus.set_rules([{"groups": "none"}])
    await prometheus.set_targets([exposed.address, "127.0.0.1:9"])
    found = await until(prometheus.targets, lambda found: len({one.health for one in found} - {"unknown"}) == 2)
    assert {one.labels["instance"]: one.health for one in found} == {exposed.address: "up", "127.0.0.1:9": "down"}
    await until(lambda: prometheus.query("jobs:sum"), lambda found: [one.value for one in found] == [1])
    await prometheus.set_targets([])
    await until(prometheus.targets, lambda found: not found)


@pytest.mark.server
async def test_answers_of_queries(start_prometheus: StartPrometheus) -> None:
    """Vectors, scalars and ranges are parsed; what is wrong, or no number, is an error."""
    prometheus = await start_prometheus()
    (one,) = await prometheus.query('label_replace(vector(2), "a", "b", "", "")', at=1000)
    assert (one.labels, one.value, one.at) == ({"a": "b"}, 2, 1000)
    assert [one.value for one in await prometheus.query("1 / 0")] == [math.inf]
    assert await prometheus.query("missing") == []
    series = await prometheus.query_range("vector(time())", start=1000, end=1004, step=2)
    assert series == [Series({}, ((1000, 1000), (1002, 1002), (1004, 1004)))]
    for wrong in ("(", "up[1m]", '"text"'):
        with pytest.raises(MonitoringError):
            await prometheus.query(wrong)
    with pytest.raises(MonitoringError, match="parse error"):
        await prometheus.query_range("(", start=0, end=1)


@pytest.mark.server
@pytest.mark.usefixtures("monitoring_programs")
@pytest.mark.parametrize("kind", [Prometheus, lambda directory: Alertmanager(directory, NOWHERE)])
def test_server_comes_and_goes(kind: Callable[[Path], MonitoringServer], tmp_path: Path) -> None:
    """It listens on the loopback address alone, stops without a trace, and starts again at the same address."""
    server = kind(tmp_path / "server")
    with pytest.raises(ProcessError, match="was not started"):
        _ = server.url
    with server:
        first, pid = server.url, server.process.pid
        assert listening(pid) <= LOOPBACK
        with pytest.raises(ProcessError, match="runs already"):
            server.start()
    server.stop()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(ProcessError, match="does not run"):
        _ = server.process
    with server:
        assert server.url == first


@pytest.mark.server
async def test_verdicts_of_promtool(promtool: Promtool, tmp_path: Path) -> None:
    """Right and wrong rules, tests of rules, and metrics are told apart, with promtool's words."""
    rules, wrong, tests = tmp_path / "rules.yml", tmp_path / "wrong.yml", tmp_path / "tests.yml"
    rules.write_text(yaml.safe_dump(alert("Failed", "jobs_failed > 0")))
    wrong.write_text(yaml.safe_dump(alert("Failed", "(")))
    assert (await promtool.check_rules(rules)).ok
    verdict = await promtool.check_rules(rules, wrong)
    assert verdict.code == 1
    assert "unclosed left parenthesis" in verdict.output
    for expected, code in (("2 of south", 0), ("4 of south", 1)):
        alerts = [{"exp_labels": {"site": "south"}, "exp_annotations": {"summary": expected}}]
        case: dict[str, Any] = {
            "interval": "1m",
            "input_series": [{"series": 'jobs_failed{site="south"}', "values": "0 2"}],
            "alert_rule_test": [{"eval_time": "1m", "alertname": "Failed", "exp_alerts": alerts}],
        }
        tests.write_text(yaml.safe_dump({"rule_files": [rules.name], "tests": [case]}))
        assert (await promtool.test_rules(tests)).code == code
    assert (await promtool.check_metrics("# HELP jobs_failed Failed.\n# TYPE jobs_failed gauge\njobs_failed 1\n")).ok
    verdict = await promtool.check_metrics("# TYPE jobsFailed counter\njobsFailed 1\n")
    assert verdict.code == 3
    assert "jobsFailed" in verdict.output


async def test_waiting_in_vain_tells_what_there_was() -> None:
    """A condition that never holds ends the wait; the error shows what came, or was seen last."""
    sent: dict[str, Any] = {"labels": {"alertname": "Failed"}, "annotations": {}, "status": "firing"}
    sent |= {"startsAt": "2026-01-01T00:00:00.123456789Z", "endsAt": "0001-01-01T00:00:00Z"}
    sent |= {"fingerprint": "f", "generatorURL": ""}
    body: dict[str, Any] = {"receiver": "webhook", "status": "firing", "groupKey": "", "groupLabels": {}}
    body |= {"commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "version": "4", "alerts": [sent]}
    async with WebhookReceiver() as receiver, aiohttp.ClientSession() as session:
        with pytest.raises(TimeoutError, match="notifications: none"):
            await receiver.until(bool, seconds=0.01)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(receiver.until(came("Failed", "firing"), seconds=10))
            async with session.post(receiver.url, json=body) as answer:
                assert answer.ok
        assert waiting.result() == receiver.notifications
        with pytest.raises(TimeoutError, match="Failed firing"):
            await receiver.until(came("Failed", "resolved"), seconds=0.01)
    with pytest.raises(ProcessError, match="does not run"):
        _ = receiver.url

    async def look() -> str:
        await asyncio.sleep(0)
        return "something"

    with pytest.raises(TimeoutError, match="seen last: something"):
        await until(look, lambda seen: not seen, seconds=0.01)


def test_installed_programs_are_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is installed is taken, also by upstream's name."""
    monkeypatch.setattr(debian, "unpack_into", lambda *_: pytest.fail("must not be reached"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, installed in ((programs.PROMETHEUS, "prometheus"), (programs.ALERTMANAGER, "alertmanager")):
        (tmp_path / installed).touch(mode=0o755)
        assert programs.find(name) == tmp_path / installed


def test_only_what_the_programs_need_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The rest of the packages goes; Alertmanager is told to find its templates beside it."""
    texts = "/usr/share/prometheus/alertmanager", "/usr/share/prometheus/alertmanager/ui/"

    def unpack(directory: Path, *_: object) -> None:
        for name in ("bin/prometheus-alertmanager", "share/prometheus/alertmanager/default.tmpl", "share/doc/much"):
            path = directory / "usr" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("|".join(texts))

    monkeypatch.setattr(debian, "unpack_into", unpack)
    monkeypatch.setenv("NAVIXY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = programs.find(programs.ALERTMANAGER)
    kept = programs.templates(found)
    assert kept
    assert {path.name for path in found.parents[2].rglob("*") if path.is_file()} == {found.name, "default.tmpl"}
    here, other = found.read_text().split("|")
    assert (len(here), (kept / here / "default.tmpl").exists(), other) == (len(texts[0]), True, texts[1])
    with pytest.raises(ProvisioningError, match="holds no usr/bin/prometheus"):
        programs.find(programs.PROMETHEUS)


def count(metrics: bytes, name: str) -> float:
    """The value of one of Alertmanager's counters."""
    (value,) = re.findall(rf"^alertmanager_{name} (\S+)$", metrics.decode(), re.MULTILINE)
    return float(value)


def listening(pid: int) -> set[str]:
    """The addresses, as the kernel writes them, on which a process listens."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            held.add(str(descriptor.readlink()))
    tables = (Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6", "udp", "udp6"))
    sockets = [line.split() for table in tables for line in table]
    # 0A: a listening TCP socket, 07: a UDP socket
    found = {part[1].partition(":")[0] for part in sockets if part[3] in {"0A", "07"} and f"socket:[{part[9]}]" in held}
    assert found
    return found
