"""The commands with which people decide, against a real cluster: pin, unpin, approve; plan and explain show it."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.deployment import secret
from navixy_operator.sandbox.sample_data import sample_hash
from support.operator import Site
from support.telling import customer, fleets, until_open

pytestmark = [pytest.mark.server, pytest.mark.e2e]
PATIENT = ("--wait", "40")
TIGHT = {"minCloses": 1, "maxClosePercent": 1}


async def deployed(site: Site, count: int = 3, **spec: Any) -> None:
    """A few fleets, connected."""
    site.fill(fleets(count))
    await site.deploy(**spec)
    await site.cycle("first")


async def run(site: Site, *line: str) -> tuple[int, str, str]:
    """A command of ours."""
    return await asyncio.to_thread(site.command, *line)


def at_a_terminal(site: Site, answer: str, *line: str) -> tuple[int, str, str]:
    """The same with a terminal on its standard input, at which somebody types."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        ended = subprocess.run(
            [sys.executable, "-m", "navixy_operator", *line, "-n", site.namespace],
            env={**os.environ, "KUBECONFIG": str(site.plane.admin_kubeconfig)},
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return ended.returncode, ended.stdout, ended.stderr


async def test_pin_and_unpin_tell_what_they_did_and_what_became_of_it(site: Site) -> None:
    """A pin closes at once, says what it overrules and how to take it back; unpin brings the connection back."""
    await deployed(site)
    words = ("--by", "anna", "--reason", "moves [house]", "--for", "2h")
    code, out, err = await run(site, "pin", "fleet-2", "disconnect", *words, *PATIENT)
    assert (code, err) == (0, "")
    await until_open(site, "fleet-1", "fleet-3")
    until = (await site.customers())["fleet-2"]["metadata"]["annotations"]["dataforwarding.io/pin-until"]
    first, overrules, undo, now = out.splitlines()
    assert first == f"fleet-2 is pinned: disconnect, by anna, until {until}: moves [house]"
    assert overrules.split() == ["Overrules", "Connected", "(Eligible)"]
    assert undo.endswith(f" unpin fleet-2 -n {site.namespace}")
    assert now.startswith("Now        disconnected since ")
    assert now.endswith("; Ready True (Pinned)")

    code, out, _ = await run(site, "explain", "fleet-2")
    assert "Pin         disconnect, by anna" in out
    assert "Without it  Connected, Eligible: " in out
    code, out, _ = await run(site, "plan", "--all")
    assert out.splitlines()[0].split()[-1] == "PIN"
    assert f"disconnect by anna until {until}" in out
    assert "3 Navixy customers, 3 eligible, 0 skipped, 1 pinned;" in out

    code, out, _ = await run(site, "pin", "fleet-2", "hold", "--by", "bob", *PATIENT)
    assert out.splitlines()[0].startswith("fleet-2 is pinned: hold, by bob (before: disconnect, by anna")
    annotations = (await site.customers())["fleet-2"]["metadata"]["annotations"]
    ours = {key for key in annotations if key.startswith("dataforwarding.io/pin")}
    assert ours == {"dataforwarding.io/pin", "dataforwarding.io/pin-by"}

    code, out, err = await run(site, "unpin", "fleet-2", *PATIENT)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "fleet-2 is no longer pinned (before: hold, by bob)"
    assert out.splitlines()[1].endswith("; Ready True (Connected)")
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")
    assert await run(site, "unpin", "fleet-2") == (0, "fleet-2 is not pinned\n", "")


async def test_a_declared_customer_can_be_pinned_and_is_explained(site: Site) -> None:
    """By its reference or by its name; explain says that no row of the database stands behind it."""
    await deployed(site, 1)
    spec = {"customerRef": "by-hand", "sync": "main", "source": "Manual", "state": "active"}
    await site.kubectl.apply(
        secret(site.namespace, "their-hash", value=sample_hash(7)),
        {
            "apiVersion": "dataforwarding.io/v1alpha1",
            "kind": "NavixyCustomer",
            "metadata": {"name": "declared", "namespace": site.namespace},
            "spec": {**spec, "hashSecretRef": {"name": "their-hash", "key": "value"}},
        },
    )
    await until_open(site, "fleet-1", "by-hand")
    code, out, err = await run(site, "pin", "declared", "disconnect", "-o", "json", *PATIENT)
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["customerRef"], told["name"], told["heeded"]) == ("by-hand", "declared", True)
    assert told["overrules"] == {"desired": "Connected", "reason": "Eligible"}
    assert told["connection"]["state"] == "disconnected"
    await until_open(site, "fleet-1")
    code, out, _ = await run(site, "explain", "declared")
    assert code == 0
    assert "Declared    by the NavixyCustomer declared (source Manual), hash from the Secret their-hash/value" in out
    code, out, _ = await run(site, "plan", "--all")
    assert out.splitlines()[0].split()[-2:] == ["PIN", "SOURCE"]
    assert ", 1 pinned, 1 declared;" in out


async def test_who_cannot_be_pinned_is_told_so(site: Site) -> None:
    """No such customer: 4, with the near ones. No operator: 1, and the pin stays. A pin that cannot decide: why."""
    site.fill([*fleets(2), customer(3, "no-hash", navixy_hash=None)])
    await site.deploy()
    await site.cycle("first")
    code, out, err = await run(site, "pin", "flet-2", "hold")
    assert (code, out) == (4, "")
    assert err.endswith("; did you mean fleet-2, fleet-1?\n")
    code, _, err = await run(site, "unpin", "fleet-1", "--sync", "other")
    assert code == 4
    assert "there is no NavixyCustomer of other in the namespace" in err
    code, out, _ = await run(site, "pin", "no-hash", "connect", *PATIENT)
    assert code == 0
    assert "But        it cannot be connected, for no hash is known" in out
    await site.operator.stop()
    code, out, err = await run(site, "pin", "fleet-1", "disconnect", "--wait", "0.5")
    assert code == 1
    assert out.startswith("fleet-1 is pinned: disconnect")
    assert err.startswith("error: no operator has heeded it within 0.5 s; the annotations stay")
    code, out, err = await run(site, "pin", "fleet-1", "disconnect", "--wait", "0")
    assert (code, err) == (0, "")
    assert out.startswith("fleet-1 is pinned already: disconnect")


async def test_held_closes_are_shown_and_approved(site: Site) -> None:
    """It asks for the number, closes nothing without it, and tells what the approval's cycle did; it counts once."""
    await deployed(site, 5, guards=TIGHT)
    sample_data.suspend(site.database_url, "fleet-1", "fleet-2")
    sample_data.remove(site.database_url, "fleet-3")
    digest = (await site.cycle("second"))["heldCloses"]["digest"]
    code, out, _ = await run(site, "plan")
    assert code == 0
    assert out.splitlines()[-1].startswith("3 closes would be held back. To let go what the cycle second lists: ")
    assert out.splitlines()[-1].endswith(f" approve second -n {site.namespace}")

    code, out, err = await run(site, "approve", "second")
    assert (code, out) == (2, "")
    assert "approve with --yes" in err
    code, out, err = await asyncio.to_thread(at_a_terminal, site, "yes", "approve", "second")
    assert code == 1
    assert err == "not approved; nothing was changed\n"
    assert "MassClose: more closes at once than spec.guards lets pass" in out
    assert [line.split()[::2] for line in out.splitlines() if line.startswith("fleet-")] == [
        ["fleet-1", "Suspended"],
        ["fleet-2", "Suspended"],
        ["fleet-3", "Removed"],
    ]
    assert "Close these 3 connections? Type the number to approve" in out
    assert len(await site.open_connections()) == 5
    second = await site.kubectl.get("synccycle", "second") or {}
    assert "dataforwarding.io/approve-closes" not in second["metadata"].get("annotations", {})

    code, out, err = await asyncio.to_thread(at_a_terminal, site, "3", "approve", "second", "--wait", "50")
    assert (code, err) == (0, "")
    assert f"approved: second, digest {digest}" in out
    assert "Cycle  second-approved-1 completed: 2 of 2 expected connections are connected; 3 closed" in out
    await until_open(site, "fleet-4", "fleet-5")
    code, _, err = await run(site, "approve", "second", "--yes")
    assert code == 3
    assert "an approval counts once" in err
    code, _, err = await run(site, "approve", "first", "--yes")
    assert (code, err) == (
        3,
        "error: ApprovalInvalid: the SyncCycle first cannot be approved: this cycle holds no closes\n",
    )
    code, _, err = await run(site, "approve", "secnd", "--yes", "-o", "json")
    assert code == 4
    assert "did you mean second" in err


async def test_who_decides_needs_no_right_to_secrets(site: Site) -> None:
    """Customer service may get, list and patch customers and cycles, and nothing else."""
    await deployed(site, guards=TIGHT)
    kubectl, where = site.plane.kubectl, ("-n", site.namespace)
    await kubectl("create", "serviceaccount", "service", *where)
    rights = ("--verb=get,list,patch", "--resource=navixycustomers.dataforwarding.io,synccycles.dataforwarding.io")
    await kubectl("create", "role", "service", *rights, *where)
    account = f"--serviceaccount={site.namespace}:service"
    await kubectl("create", "rolebinding", "service", "--role=service", account, *where)
    theirs = ("--kubeconfig", str(await site.plane.kubeconfig_for_service_account(site.namespace, "service")))

    code, out, err = await run(site, "pin", "fleet-1", "disconnect", *PATIENT, *theirs)
    assert (code, err) == (0, "")
    assert out.splitlines()[2].endswith(f" unpin fleet-1 -n {site.namespace} --kubeconfig {theirs[1]}")
    await until_open(site, "fleet-2", "fleet-3")
    code, _, err = await run(site, "unpin", "fleet-1", *PATIENT, *theirs)
    assert (code, err) == (0, "")
    sample_data.suspend(site.database_url, "fleet-1", "fleet-2")
    await site.cycle("second")
    code, out, err = await run(site, "approve", "second", "--yes", "--wait", "50", *theirs)
    assert (code, err) == (0, "")
    await until_open(site, "fleet-3")

    await kubectl("delete", "rolebinding", "service", *where)
    code, _, err = await run(site, "pin", "fleet-1", "hold", *theirs)
    assert code == 3
    assert err.startswith("error: KubernetesForbidden: not permitted to list navixycustomers")
