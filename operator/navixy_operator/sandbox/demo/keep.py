"""The end of ``demo --keep``: how to use what runs, until a signal ends it."""

import asyncio
import shlex
from typing import Final

from navixy_operator.sandbox.demo.show import Show
from navixy_operator.sandbox.demo.stage import SQL_COMMAND, Stage
from navixy_operator.sandbox.deployment import NAMESPACE, shipped
from navixy_operator.sandbox.f11.admin import PREFIX
from navixy_operator.sandbox.loopback import LOOPBACK

LOOK_SECONDS: Final = 1.0
SUSPEND: Final = "UPDATE customers SET state = 'suspended' WHERE customer_ref = 'C-10001'"
SELECT: Final = "SELECT customer_ref, name, state FROM customers LIMIT 5"


async def keep_running(stage: Stage, show: Show, stop: asyncio.Event) -> None:
    """Say how to use what runs and wait for ``stop``. Raises ProcessError when a part dies meanwhile."""
    show.heading("Everything keeps running")
    for title, commands in _usage(stage):
        show.gap()
        show.say(f"{title}:")
        show.output("\n".join(f"  {command}" for command in commands))
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
    now = shlex.quote(str(shipped("manifests") / "sample" / "cycle-now.yaml"))
    f11, namespace = f"{stage.f11.url}{PREFIX}", f"-n {NAMESPACE}"
    slow = '{"latency_seconds": 1, "error_rate": 0.2}'
    return [
        (
            "In another terminal, to be the cluster's administrator",
            [
                f"export KUBECONFIG={kubeconfig}",
                f"export PATH={path}:$PATH",
                f"export DATA_DIRECTORY={shlex.quote(str(stage.operator.data))}",
            ],
        ),
        (
            "To look around",
            [
                f"kubectl get navixysyncs,synccycles {namespace}",
                f"kubectl get navixycustomers {namespace} -l dataforwarding.io/eligible=false -o wide",
                f"kubectl describe synccycle second {namespace}",
                f"kubectl get events {namespace}",
                f"kubectl navixy explain C-10001 {namespace}",
                f"kubectl navixy status {namespace}",
                f"kubectl get investigations {namespace}",
                f"kubectl navixy audit --event ConnectionClosed {namespace}",
                f"curl -s http://{LOOPBACK}:{stage.operator.port}/metrics",
            ],
        ),
        (
            f"To change the customer database (SQLite: {stage.database})",
            [
                f'{SQL_COMMAND} "{SUSPEND}"',
                f'{SQL_COMMAND} "{SELECT}"',
            ],
        ),
        (
            "To see what a cycle would do, and to run one",
            [f"kubectl navixy plan {namespace}", f"kubectl create -f {now}"],
        ),
        (
            "To see F1.1 from its own side, and to make it slow and unreliable",
            [f"curl -s {f11}/state", f"curl -s -X PATCH {f11}/settings -d '{slow}'"],
        ),
        ("To follow the operator's log", [f"tail -f {shlex.quote(str(stage.operator.log))}"]),
    ]
