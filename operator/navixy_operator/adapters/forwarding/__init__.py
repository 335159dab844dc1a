"""F1.1 over HTTP (f11.openapi.yaml): the only home of httpx."""

from navixy_operator.adapters.forwarding.client import HttpForwarding
from navixy_operator.adapters.forwarding.pace import Clock
from navixy_operator.adapters.forwarding.settings import ForwardingSettings, TokenProvider
from navixy_operator.adapters.forwarding.timing import Timed

__all__ = ["Clock", "ForwardingSettings", "HttpForwarding", "Timed", "TokenProvider"]
