"""Requests counted out of the API server's metrics."""

from navixy_operator.sandbox.request_counts import Request, parse_request_counts

METRICS = """\
# TYPE apiserver_request_total counter
apiserver_request_total{code="201",component="apiserver",dry_run="",group="x.io",resource="things",scope="resource",\
subresource="",verb="POST",version="v1"} 3
apiserver_request_total{code="201",component="apiserver",dry_run="",group="x.io",resource="things",scope="resource",\
subresource="",verb="POST",version="v2"} 1e+01
apiserver_request_total{code="200",component="apiserver",group="",resource="pods",subresource="status",verb="PATCH"} 2
apiserver_request_total_of_another{code="200"} 7
apiserver_request_duration_seconds_count{verb="LIST"} 9
"""


def test_counts_by_kind_of_request() -> None:
    """Series that differ only in what nobody asks for are added up; other metrics are left out."""
    assert parse_request_counts(METRICS) == {
        Request("POST", "x.io", "things", "", 201): 13,
        Request("PATCH", "", "pods", "status", 200): 2,
    }


def test_writes() -> None:
    """What would change something counts as a write."""
    verbs = ("LIST", "GET", "WATCH", "POST", "PUT", "PATCH", "APPLY", "DELETE")
    writes = [verb for verb in verbs if Request(verb, "", "pods", "", 200).is_write]
    assert writes == ["POST", "PUT", "PATCH", "APPLY", "DELETE"]
