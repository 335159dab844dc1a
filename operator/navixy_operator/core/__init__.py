"""Decisions: pure functions over frozen values, standard library only.

Nothing in here reads a clock, logs, or does I/O; time enters as a value (import-linter and a test hold it).
"""
