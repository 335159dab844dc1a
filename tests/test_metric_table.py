"""The specification's table "Key Metrics Tracked", row by row: cycles are run to their end, and /metrics is read."""

from navixy_operator.core.vocabulary import Metric
from navixy_operator.errors import DatabaseUnavailable
from support.builders import connection, row
from support.exposition import PLACE, Measured
from support.fakes import refusal


async def test_metric_synchronization_success_rate() -> None:
    """Percentage of successful sync cycles, at a cycle's end: 2 of 3; neither a dry run nor an empty past counts."""
    stage = Measured(suspend=True)
    await stage.runner.turn()
    assert await stage.value(Metric.SUCCESS_RATIO) is None, "a share of nothing"
    assert (await stage.run("one")).value(Metric.SUCCESS_RATIO, **PLACE) == 1.0
    assert (await stage.run("two")).value(Metric.SUCCESS_RATIO, **PLACE) == 1.0
    stage.world.database.error = DatabaseUnavailable("the customer database did not answer")
    shown = await stage.run("three")
    assert shown.value(Metric.SUCCESS_RATIO, **PLACE) == 2 / 3
    assert shown.value(Metric.LAST_CYCLE_SUCCESS, **PLACE) == 0.0
    assert shown.by("result", Metric.CYCLES, **PLACE) == {"completed": 2, "failed": 1}
    stage.world.database.error = None
    shown = await stage.run("dry", dry_run=True)
    await stage.runner.turn()
    assert shown.value(Metric.SUCCESS_RATIO, **PLACE) == await stage.value(Metric.SUCCESS_RATIO) == 2 / 3
    assert (await stage.scrape()).by("result", Metric.CYCLES, **PLACE) == {"completed": 2, "failed": 1}


async def test_metric_discrepancy_count() -> None:
    """Number of discrepancies found per sync, by type; the next cycle, which finds none, shows 0 for every type."""
    stage = Measured(suspend=True)
    stage.world.database.rows = [row("acme"), row("beta", number=2), row("off", number=3, state="suspended")]
    stage.world.connect(connection("c-off", "off"), connection("c-left", "left"), connection("c-a", "acme"))
    shown = await stage.run("one")
    found = {"MissingConnection": 1, "ExtraConnection": 1, "SuspendedConnected": 1}
    assert shown.by("type", Metric.DISCREPANCIES, **PLACE) == found
    shown = await stage.run("two")
    assert shown.by("type", Metric.DISCREPANCIES, **PLACE) == {}
    assert shown.value(Metric.DISCREPANCIES, **PLACE, type="MissingConnection") == 0.0


async def test_metric_missing_connections() -> None:
    """Count of eligible customers without connections, as the comparison found them: 2, then 0."""
    stage = Measured(suspend=True)
    assert (await stage.run("one")).value(Metric.MISSING_CONNECTIONS, **PLACE) == 2.0
    assert (await stage.run("two")).value(Metric.MISSING_CONNECTIONS, **PLACE) == 0.0


async def test_metric_extra_connections() -> None:
    """Count of connections without matching customers: two of nobody that the database knows."""
    stage = Measured(suspend=True)
    stage.world.connect(connection("c-left", "left"), connection("c-none", None))
    assert (await stage.run("one")).value(Metric.EXTRA_CONNECTIONS, **PLACE) == 2.0
    assert (await stage.run("two")).value(Metric.EXTRA_CONNECTIONS, **PLACE) == 0.0


async def test_metric_suspended_customers_with_connections() -> None:
    """Count of suspended customers with active connections: shown before the first of them is closed."""
    stage = Measured(suspend=True)
    await stage.run("one")
    stage.world.database.rows = [row("acme", state="suspended"), row("beta", number=2, state="removed")]
    seen: list[float | None] = []
    close = stage.world.forwarding.close_connection

    async def close_connection(connection_id: str) -> bool:
        seen.append(await stage.value(Metric.SUSPENDED_CONNECTED))
        return await close(connection_id)

    stage.world.forwarding.close_connection = close_connection  # type: ignore[method-assign]  # looks before it acts
    assert (await stage.run("two")).value(Metric.SUSPENDED_CONNECTED, **PLACE) == 2.0
    assert seen == [2.0, 2.0]
    shown = await stage.run("three")
    assert shown.value(Metric.SUSPENDED_CONNECTED, **PLACE) == 0.0
    assert shown.value(Metric.SUSPENDED_REMAINING, **PLACE) == 0.0


async def test_metric_connection_count_accuracy() -> None:
    """Difference between expected and actual count after validation: too many above 0, too few below."""
    stage = Measured(suspend=True)
    stage.world.connect(connection("c-left", "left"))
    stage.world.forwarding.stuck = {"c-left"}
    shown = await stage.run("one")
    assert shown.value(Metric.COUNT_DIFFERENCE, **PLACE) == 1.0
    assert (shown.value(Metric.EXPECTED_CONNECTIONS), shown.value(Metric.ACTUAL_CONNECTIONS)) == (2.0, 3.0)
    stage.world.forwarding.stuck = set()
    assert (await stage.run("two")).value(Metric.COUNT_DIFFERENCE, **PLACE) == 0.0
    stage.world.database.rows = [*stage.world.database.rows, row("gamma", number=3)]
    stage.world.forwarding.refused = {"gamma": refusal()}
    shown = await stage.run("three")
    assert shown.value(Metric.COUNT_DIFFERENCE, **PLACE) == -1.0
    assert shown.value(Metric.UNRESOLVED_DISCREPANCIES, **PLACE) == 1.0


async def test_metric_customers_skipped() -> None:
    """Count of customers skipped for missing requirements, by reason, with the number of all to compare it to."""
    stage = Measured(suspend=True)
    bare = [row("bare", number=3, gateway_count=0), row("poor", number=4, gateway_count=0)]
    stage.world.database.rows = [*stage.world.database.rows, *bare, row("keyless", number=5, navixy_hash=None)]
    shown = await stage.run("one")
    assert shown.by("reason", Metric.SKIPPED_CUSTOMERS, **PLACE) == {"NoGateways": 2, "MissingHash": 1}
    assert shown.value(Metric.SKIPPED_CUSTOMERS, **PLACE, reason="InvalidHash") == 0.0
    assert shown.value(Metric.POLLED_CUSTOMERS, **PLACE) == 5.0


async def test_metric_sync_duration() -> None:
    """Time to complete synchronization: in a bucket of its own below the threshold of five minutes, and one above."""
    stage = Measured(suspend=True, forwarding={**_FORWARDING, "establishTimeoutSeconds": 600})
    stage.world.forwarding.settle_seconds = 250.0
    shown = await stage.run("one")

    def within(seconds: float) -> float | None:
        return shown.value(f"{Metric.DURATION}_bucket", **PLACE, le=f"{seconds:.1f}")

    assert (within(240), within(300)) == (0.0, 1.0)
    assert shown.value(f"{Metric.DURATION}_count", **PLACE) == 1.0
    stage.world.database.rows = [*stage.world.database.rows, row("gamma", number=3)]
    stage.world.forwarding.settle_seconds = 310.0
    shown = await stage.run("two")
    assert (within(300), within(600)) == (1.0, 2.0)
    assert (shown.value(Metric.LAST_DURATION, **PLACE) or 0) > 300


async def test_metric_connection_establishment_success_rate() -> None:
    """Percentage of successful establishments, in F1.1: one of two; absent where a cycle had nothing to establish."""
    stage = Measured(suspend=True)
    stage.world.forwarding.refused = {"beta": refusal()}
    shown = await stage.run("one")
    assert shown.value(Metric.ESTABLISH_SUCCESS_RATIO, **PLACE) == 0.5
    assert shown.by("result", Metric.ESTABLISHES, **PLACE) == {"succeeded": 1, "failed": 1}
    assert (await stage.run("two")).value(Metric.ESTABLISH_SUCCESS_RATIO, **PLACE) is None


async def test_metric_connection_closure_success_rate() -> None:
    """Percentage of successful closures, in F1.1: three of four; absent where a cycle had nothing to close."""
    stage = Measured(suspend=True)
    assert (await stage.run("one")).value(Metric.CLOSE_SUCCESS_RATIO, **PLACE) is None
    stage.world.connect(*(connection(f"c-{number}", f"left-{number}") for number in range(4)))
    stage.world.forwarding.stuck = {"c-2"}
    shown = await stage.run("two")
    assert shown.value(Metric.CLOSE_SUCCESS_RATIO, **PLACE) == 0.75
    assert shown.by("result", Metric.CLOSES, **PLACE) == {"succeeded": 3, "failed": 1}


_FORWARDING = {"url": "http://f11", "tokenSecretRef": {"name": "f11", "key": "token"}}
