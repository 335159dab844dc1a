"""The command line against a real cluster: plan, explain, their exit codes and their errors."""

import asyncio
import json

import pytest

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.sample_data import Association, SampleCustomer, eligible_customers, sample_hash
from support.operator import Site

pytestmark = [pytest.mark.server, pytest.mark.e2e]


async def test_plan_and_explain_tell_what_a_cycle_would_do_and_write_nothing(site: Site) -> None:
    """`plan` and `explain` agree with the cycle that follows, as a table and as JSON."""
    hashless = SampleCustomer(50, "No_Hash", "Hashless Ltd", "active", (Association("navixy"),), 3)
    site.fill([*eligible_customers(3), hashless])
    await site.deploy()
    await site.cycle("first")
    await site.f11.seed({"customer_ref": "ghost"})
    (first, second, *_) = sorted(await site.open_connections(), key=str)
    assert first is not None
    assert second is not None
    sample_data.suspend(site.database_url, first)
    sample_data.set_hash(site.database_url, second, sample_hash(77))
    before = await site.plane.request_counts()

    code, out, err = await asyncio.to_thread(site.command, "plan", "-o", "json")
    assert (code, err) == (0, "")
    planned = {row["customerRef"]: (row["action"], row["reason"]) for row in json.loads(out)["plan"]}
    assert planned == {
        first: ("Close", "Suspended"),
        second: ("Replace", "Eligible"),
        "ghost": ("Close", "NotInDatabase"),
    }
    code, out, _ = await asyncio.to_thread(site.command, "plan")
    assert code == 0
    assert out.splitlines()[0].split() == ["CUSTOMER", "CONNECTION", "DESIRED", "ACTION", "REASON", "HELD", "BY"]
    assert "3 actions due." in out

    code, out, _ = await asyncio.to_thread(site.command, "explain", "No_Hash")
    assert code == 0
    assert "Hashless Ltd" in out
    assert "MissingHash" in out
    name = (await site.customers())["No_Hash"]["metadata"]["name"]
    code, out, _ = await asyncio.to_thread(site.command, "explain", name, "-o", "json")
    assert json.loads(out)["customerRef"] == "No_Hash"
    code, out, err = await asyncio.to_thread(site.command, "explain", "No_Hsh")
    assert code == 4
    assert "did you mean No_Hash?" in err

    writes = {
        request: count
        for request, count in ((await site.plane.request_counts()) - before).items()
        if request.is_write and request.group == "dataforwarding.io"
    }
    assert writes == {}
    status = await site.cycle("second")
    done = {e.get("customerRef"): (e["action"], e["outcome"]) for e in status["actions"]}
    assert done == {ref: (action, "Succeeded") for ref, (action, _) in planned.items()}


async def test_errors_are_one_line_with_an_exit_code(site: Site) -> None:
    """No NavixySync, a Secret that is missing, no cluster: no traceback, and the code says whose turn it is."""
    code, _, err = await asyncio.to_thread(site.command, "plan")
    assert code == 3
    assert "there is no NavixySync" in err
    await site.deploy()
    await site.plane.kubectl("delete", "secret", "f11-token", "-n", site.namespace)
    code, _, err = await asyncio.to_thread(site.command, "plan")
    assert code == 3
    assert "SecretNotFound" in err
    assert "f11-token" in err
    code, _, err = await asyncio.to_thread(site.command, "plan", "--kubeconfig", "/nonexistent")
    assert code == 3
    assert "/nonexistent" in err
    code, _, err = await asyncio.to_thread(site.command, "plan", "--no-such-option")
    assert code == 2
    assert "Traceback" not in err
