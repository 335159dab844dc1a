"""The end of ``demo --keep``: how to use what runs, until a signal ends it."""

import asyncio
import shlex
import sys
from typing import Final

from navixy_operator.sandbox.demo.show import Show
from navixy_operator.sandbox.demo.stage import Stage
from navixy_operator.sandbox.deployment import NAMESPACE
from navixy_operator.sandbox.f11.admin import PREFIX

LOOK_SECONDS: Final = 1.0
CYCLE_NOW: Final = f"""\
printf 'apiVersion: dataforwarding.io/v1alpha1
kind: SyncCycle
metadata: {{generateName: now-, namespace: {NAMESPACE}}}
spec: {{sync: main}}
' | kubectl create -f -"""


async def keep_running(stage: Stage, show: Show, stop: asyncio.Event) -> None:
    """Say how to use what runs and wait for ``stop``. Raises ProcessError when a part dies meanwhile."""
    show.heading("Everything keeps running")
    for title, commands in _usage(stage):
        show.gap()
        show.say(f"{title}:")
        show.output("\n".join(f"  {line}" for command in commands for line in command.splitlines()))
    show.gap()
    show.say("Press Ctrl-C here to end it all; nothing stays behind.")
    while not stop.is_set():
        stage.check_alive()
        try:
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue


def _usage(stage: Stage) -> list[tuple[str, list[str]]]:
    kubeconfig, path = shlex.quote(str(stage.kubeconfig)), shlex.quote(str(stage.bin))
    database, f11 = shlex.quote(str(stage.database)), f"{stage.f11.url}{PREFIX}"
    suspend = "UPDATE customers SET state = 'suspended' WHERE customer_ref = 'C-10001'"
    change = f'import sqlite3; sqlite3.connect({str(stage.database)!r}, isolation_level=None).execute("{suspend}")'
    namespace = f"-n {NAMESPACE}"
    return [
        (
            "In another terminal, to be the cluster's administrator",
            [f"export KUBECONFIG={kubeconfig} PATH={path}:$PATH"],
        ),
        (
            "To look around",
            [
                f"kubectl get navixysyncs,synccycles {namespace}",
                f"kubectl get navixycustomers {namespace} -l dataforwarding.io/eligible=false -o wide",
                f"kubectl describe synccycle second {namespace}",
                f"kubectl get events {namespace}",
                f"kubectl navixy explain C-10001 {namespace}",
            ],
        ),
        (
            "To change the customer database",
            [f'sqlite3 {database} "{suspend}"', "# or", f"{shlex.quote(sys.executable)} -c {shlex.quote(change)}"],
        ),
        ("To see what a cycle would do, and to run one", [f"kubectl navixy plan {namespace}", CYCLE_NOW]),
        (
            "To see F1.1 from its own side, and to make it slow or unreliable",
            [
                f"curl -s {f11}/state",
                f'curl -s -X PATCH {f11}/settings -d \'{{"latency_seconds": 1, "error_rate": 0.2}}\'',
            ],
        ),
        ("The operator's log", [f"tail -f {shlex.quote(str(stage.operator.log))}"]),
    ]
