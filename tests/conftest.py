"""Fixtures of all tests: each outside system has its module in ``support``."""

pytest_plugins = [
    "support.commands",
    "support.control_plane",
    "support.databases",
    "support.audit_database",
    "support.f11",
    "support.monitoring",
    "support.operator",
]
