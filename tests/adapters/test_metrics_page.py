"""/metrics over HTTP, as Prometheus asks for it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from navixy_operator.adapters.health import HealthServer
from navixy_operator.adapters.metrics import Metrics, page
from navixy_operator.core.vocabulary import Kind, Metric, Operation, Result
from navixy_operator.ports import Resource
from support.builders import resource

PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
SYNC = resource(Kind.SYNC, "main", status={"expected": 3, "actual": 2})


@asynccontextmanager
async def served(customers: list[Resource]) -> AsyncIterator[tuple[Metrics, HealthServer]]:
    """Metrics of one NavixySync behind the port of the probes."""
    metrics = Metrics(lambda: customers, lambda: True, lambda: None)
    metrics.sync_seen(SYNC)
    async with HealthServer(list, list, host="127.0.0.1", port=0, routes=[metrics.route()]) as server:
        yield metrics, server


async def get(server: HealthServer, query: str = "", **headers: str) -> tuple[str, Mapping[str, str]]:
    """Text and headers of an answer that is 200."""
    address = f"http://127.0.0.1:{server.port}/metrics{query}"
    async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as answer:
        assert answer.status == 200
        return await answer.text(), answer.headers


async def test_the_text_format() -> None:
    """Without a wish: Prometheus' text format. No series of a moment of creation."""
    async with served([]) as (_, server):
        text, headers = await get(server)
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'navixy_sync_connection_count_difference{namespace="default",sync="main"} -1.0' in text
    assert 'navixy_sync_cycles_total{namespace="default",result="failed",sync="main"} 0.0' in text
    assert "_created" not in text
    assert list(text_families(text))


async def test_openmetrics_where_it_is_accepted() -> None:
    """As Prometheus itself asks; the counters keep their names."""
    async with served([]) as (_, server):
        text, headers = await get(server, Accept=PROMETHEUS)
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert text.endswith("# EOF\n")
    parsed = open_families(text)  # type: ignore[no-untyped-call]  # the library's parser has no types
    names = {sample.name for family in parsed for sample in family.samples}
    assert {Metric.CYCLES, Metric.BUILD_INFO, Metric.COUNT_DIFFERENCE} <= names


async def test_gzip_and_names() -> None:
    """Compressed where that is accepted; ``name[]`` asks for some metrics only."""
    async with served([]) as (_, server):
        _, headers = await get(server, **{"Accept-Encoding": "gzip"})
        assert headers["Content-Encoding"] == "gzip"
        asked = f"?name[]={Metric.LEADER}&name[]={Metric.CYCLES}"
        text, headers = await get(server, asked, **{"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in headers
    shown = {line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert shown == {Metric.LEADER, Metric.CYCLES}


async def test_many_series_are_written_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text, from one moment: what happens while it is written is in the next scrape."""
    async with served([]) as (metrics, server):
        metrics.request_made(SYNC, Operation.LIST, Result.SUCCEEDED, 0.2)
        inline, _ = await get(server)
        monkeypatch.setattr(page, "INLINE_SAMPLES", 10)
        to_thread, threads = asyncio.to_thread, 0

        async def counting(function: object, *arguments: object) -> object:
            nonlocal threads
            threads += 1
            metrics.sync_gone("default", "main")  # after the snapshot, before the text
            return await to_thread(function, *arguments)  # type: ignore[arg-type]  # passed on as it came

        monkeypatch.setattr(asyncio, "to_thread", counting)
        threaded, _ = await get(server)
        assert threads == 1
        assert threaded == inline
        assert "sync=" not in (await get(server))[0]


async def test_customers_are_counted_anew_at_each_scrape() -> None:
    """In pieces, between which others run; two scrapes at once do not disturb each other."""
    customers = [
        resource(Kind.CUSTOMER, f"c-{number}", uid=str(number), spec={"sync": "main"}) for number in range(1_200)
    ]
    async with served(customers) as (_, server):
        for text, _ in await asyncio.gather(get(server), get(server), get(server)):
            assert 'reason="NotYetJudged",status="Unknown",sync="main"} 1200.0' in text
        del customers[200:]
        assert 'reason="NotYetJudged",status="Unknown",sync="main"} 200.0' in (await get(server))[0]
