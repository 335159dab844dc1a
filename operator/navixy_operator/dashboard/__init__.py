"""The Grafana dashboard, written from the vocabulary's names: ``python -m navixy_operator.dashboard [--check] FILE``.

``promql`` makes expressions, ``panels`` what Grafana draws, ``layout`` places them; the other modules are the rows.
"""

from navixy_operator.dashboard.board import expressions, render

__all__ = ["expressions", "render"]
