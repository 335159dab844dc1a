"""Real Prometheus and Alertmanager for the demo and the tests: on the loopback address, never installed."""

from navixy_operator.sandbox.monitoring.alertmanager import Alertmanager
from navixy_operator.sandbox.monitoring.answers import (
    Alert,
    HeldAlert,
    Notification,
    NotifiedAlert,
    Sample,
    Series,
    Target,
)
from navixy_operator.sandbox.monitoring.prometheus import Prometheus, Setup
from navixy_operator.sandbox.monitoring.promtool import Promtool, Verdict
from navixy_operator.sandbox.monitoring.server import MonitoringError
from navixy_operator.sandbox.monitoring.waiting import until
from navixy_operator.sandbox.monitoring.webhook import WebhookReceiver

__all__ = [
    "Alert",
    "Alertmanager",
    "HeldAlert",
    "MonitoringError",
    "Notification",
    "NotifiedAlert",
    "Prometheus",
    "Promtool",
    "Sample",
    "Series",
    "Setup",
    "Target",
    "Verdict",
    "WebhookReceiver",
    "until",
]
