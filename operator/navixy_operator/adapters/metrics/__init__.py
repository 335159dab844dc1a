"""Metrics for Prometheus (design section 5), in a registry of our own: the only home of prometheus_client."""

from navixy_operator.adapters.metrics.catalogue import CATALOGUE, Described, Row, Sort
from navixy_operator.adapters.metrics.metrics import Metrics

__all__ = ["CATALOGUE", "Described", "Metrics", "Row", "Sort"]
