"""What the API server was asked, out of its own metrics: for the budgets of requests and writes."""

import re
from collections import Counter
from typing import Final, NamedTuple

METRIC: Final = "apiserver_request_total"
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"})

_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Request(NamedTuple):
    """A kind of request. ``verb``: LIST, GET, WATCH, POST, PUT, PATCH, APPLY, DELETE; a watch counts when it ends."""

    verb: str
    group: str
    resource: str
    subresource: str
    code: int

    @property
    def is_write(self) -> bool:
        """Whether it would change something."""
        return self.verb in WRITES


def parse_request_counts(metrics: str) -> Counter[Request]:
    """Count the requests in the text of ``/metrics``; the difference of two counters is what happened between them."""
    counts: Counter[Request] = Counter()
    for line in metrics.splitlines():
        if not line.startswith(METRIC + "{"):
            continue
        labels, _, value = line.removeprefix(METRIC).rpartition(" ")
        found = dict(_LABEL.findall(labels))
        request = Request(
            found.get("verb", ""),
            found.get("group", ""),
            found.get("resource", ""),
            found.get("subresource", ""),
            int(found.get("code", "0")),
        )
        counts[request] += int(float(value))
    return counts
