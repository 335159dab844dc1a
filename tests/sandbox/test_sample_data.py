"""The sample customers: the same for the same seed, of every sort, and what can be done to them."""

import re
from collections import Counter
from itertools import islice

import pytest

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.sample_data import NAVIXY, SampleCustomer, Sort, demo_customers, eligible_customers
from support.databases import CustomerDatabaseCase

HASH = re.compile(r"[0-9a-f]{32}")


def navixy_hashes(customers: list[SampleCustomer]) -> list[str | None]:
    """The Navixy hashes, as they are."""
    return [each.navixy_hash for one in customers for each in one.associations if each.provider == NAVIXY]


def test_same_seed_gives_the_same_customers() -> None:
    """A second call gives equal customers, another seed others."""
    assert demo_customers(50) == demo_customers(50)
    assert demo_customers(50) != demo_customers(50, seed=1)
    assert list(eligible_customers(20)) == list(islice(eligible_customers(100), 20))


def test_demo_has_every_sort_and_mostly_eligible() -> None:
    """Two hundred customers: all sorts, most of them eligible, references apart."""
    customers = demo_customers()
    sorts = Counter(one.sort for one in customers)
    assert set(sorts) == set(Sort)
    assert sorts[Sort.ELIGIBLE] > 100
    assert len({one.customer_ref for one in customers}) == len(customers) == 200
    assert "C-10017" in {one.customer_ref for one in customers}


@pytest.mark.parametrize("one", demo_customers(), ids=lambda one: str(one.customer_ref))
def test_each_customer_is_what_its_sort_says(one: SampleCustomer) -> None:
    """State, gateways, providers and hash fit the sort."""
    hashes = navixy_hashes([one])
    assert one.state == {Sort.SUSPENDED: "suspended", Sort.REMOVED: "removed"}.get(one.sort, "active")
    assert (one.gateways == 0) is (one.sort is Sort.WITHOUT_GATEWAYS)
    assert len(hashes) == (0 if one.sort is Sort.OTHER_PROVIDER else 1)
    assert len(one.associations) == (2 if one.sort is Sort.TWO_PROVIDERS else 1)
    good = one.sort not in {Sort.WITHOUT_HASH, Sort.MALFORMED_HASH}
    assert all((HASH.fullmatch(each or "") is not None) is good for each in hashes)
    assert not any(each and each.strip() and each in repr(one) for each in hashes)


def test_eligible_customers_do_not_collide() -> None:
    """Many customers, and those added later, have hashes and references of their own; gateways have a long tail."""
    customers = [*eligible_customers(10_000), *eligible_customers(100, first_id=10_001)]
    assert len(set(navixy_hashes(customers))) == len({one.customer_ref for one in customers}) == 10_100
    gateways = sorted(one.gateways for one in customers)
    assert gateways[0] == 1
    assert gateways[len(gateways) // 2] <= 2
    assert gateways[-1] == sample_data.MOST_GATEWAYS


async def test_changes_reach_the_database(customer_database: CustomerDatabaseCase) -> None:
    """Suspend, remove, delete, another hash, no gateways, add: each changes its customers alone."""
    customer_database.fill(eligible_customers(8))
    before = await customer_database.rows()
    url, fresh = customer_database.url, sample_data.sample_hash(7)

    sample_data.suspend(url, "C-10001", "C-10002")
    sample_data.remove(url, "C-10003")
    sample_data.delete(url, "C-10004")
    sample_data.set_hash(url, "C-10005", fresh)
    sample_data.remove_gateways(url, "C-10006")
    customer_database.fill(eligible_customers(1, first_id=100))
    sample_data.suspend(url)  # nobody

    rows = {str(row.customer_ref): row for row in await customer_database.rows()}
    states = {ref: row.state for ref, row in rows.items() if row.state != "active"}
    assert states == {"C-10001": "suspended", "C-10002": "suspended", "C-10003": "removed"}
    assert set(rows) == {f"C-1000{n}" for n in (1, 2, 3, 5, 6, 7, 8)} | {"C-10100"}
    assert (rows["C-10005"].navixy_hash, rows["C-10006"].gateway_count) == (fresh, 0)
    untouched = [row for row in before if row.customer_ref in {"C-10007", "C-10008"}]
    assert [(row.navixy_hash, row.gateway_count) for row in untouched] == [
        (rows[ref].navixy_hash, rows[ref].gateway_count) for ref in ("C-10007", "C-10008")
    ]
