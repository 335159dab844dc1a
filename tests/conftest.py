"""Fixtures of all tests: each outside system has its module in ``support``."""

import os

# what commands print goes into pipes here, and is as wide as there; workers are given the width of a terminal
os.environ.pop("COLUMNS", None)

pytest_plugins = [
    "support.commands",
    "support.control_plane",
    "support.databases",
    "support.audit_database",
    "support.f11",
    "support.monitoring",
    "support.operator",
]
