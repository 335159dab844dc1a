"""``demo`` and ``simulate-f11``: the sandbox's commands."""

import io
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any, Final

import click
import pydantic

from navixy_operator.sandbox.errors import SandboxError
from navixy_operator.sandbox.f11 import Settings
from navixy_operator.sandbox.f11 import run as run_simulator
from navixy_operator.sandbox.f11.behaviour import Behaviour
from navixy_operator.sandbox.f11.server import TOKEN_VARIABLE

DEMO_EPILOG: Final = """\b
Environment:
  KUBEBUILDER_ASSETS  a directory with kube-apiserver, etcd and kubectl to use
  NAVIXY_CACHE_DIR    where downloaded or built programs are kept
                      (navixy-operator below XDG_CACHE_HOME or ~/.cache)
"""
EXAMPLE: Final = f"""\b
Example:
  export {TOKEN_VARIABLE}=any-word
  navixy-operator simulate-f11 --port 8011 --set settle_seconds=2 --set error_rate=0.05
"""


@click.command(epilog=DEMO_EPILOG, short_help="Show the operator at work on a cluster of its own.")
@click.option("--keep", is_flag=True, help="Leave everything running at the end, and say how to use it.")
def demo(*, keep: bool) -> None:
    """Show the operator at work on a control plane of its own; ends by itself.

    Starts a real kube-apiserver and etcd, an F1.1 simulator and a database of 200 customers on this machine, runs the
    operator under exactly its own RBAC, shows two cycles live, and verifies what they did. Takes about a minute; the
    first time some minutes more where the API server must be built. Everything is below one temporary directory and
    gone at the end, however it ends. Exit code 1: something was not as it should be.
    """
    try:
        from navixy_operator.sandbox.demo import perform  # noqa: PLC0415 - the operator's image is without its libraries
    except ModuleNotFoundError as error:
        message = (
            f"{error.name} is missing; install the sandbox with the operator: pip install 'navixy-operator[sandbox]'"
        )
        raise SandboxError(message) from None
    if isinstance(sys.stdout, io.TextIOWrapper):
        # customers' names are of all scripts; a terminal that cannot show one shows a question mark
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    if code := perform(sys.stdout, keep=keep):
        raise click.exceptions.Exit(code)


def _settings_help() -> str:
    """All that ``--set`` knows, with its default, from the simulator's own model."""
    fields = Behaviour.model_fields.items()
    width = max(len(name) for name, _ in fields)
    lines = [
        f"  {name:<{width}}  {field.description or ''} [{json.dumps(field.get_default(call_default_factory=True))}]"
        for name, field in fields
    ]
    return f"{EXAMPLE}\n\b\nSettings for --set, with their defaults:\n" + "\n".join(lines)


@click.command("simulate-f11", epilog=_settings_help(), short_help="Run the F1.1 simulator.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="any free one", help="TCP port.")
@click.option(
    "--database",
    type=click.Path(dir_okay=False),
    default=":memory:",
    show_default="memory alone",
    metavar="FILE",
    help="SQLite file that keeps connections, idempotency keys and history; made when it is missing.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"File with the bearer token that callers must show; else the variable {TOKEN_VARIABLE} holds it.",
)
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="How it behaves, below; may be repeated.")
def simulate_f11(host: str, port: int, database: str, token_file: Path | None, pairs: tuple[str, ...]) -> None:
    """Run the F1.1 simulator until it is told to stop (SIGTERM, SIGINT).

    Serves the contract of F1.1 under /v1/, and under /simulator/ what a person or a test sets and looks at: GET
    /simulator/state, PATCH /simulator/settings. Prints one line of JSON with its url when it is ready.
    """
    settings = Settings(host=host, port=port, database=database, token_file=token_file, behaviour=_behaviour(pairs))
    try:
        settings.token()
    except SandboxError as error:
        raise click.UsageError(str(error)) from None
    try:
        run_simulator(settings)
    except sqlite3.Error as error:
        message = f"the simulator's database cannot be used: {database}: {error}"
        raise SandboxError(message) from None
    except OSError as error:
        # asyncio's own text repeats the address; a name that does not resolve has no errno of the system
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        message = f"the simulator cannot listen on {host}, port {port}: {why}"
        raise SandboxError(message) from None


def _behaviour(pairs: tuple[str, ...]) -> Behaviour:
    """The settings of ``--set``; what is an object, such as refusals, is given as JSON."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            message = f"--set {pair}: give NAME=VALUE"
            raise click.UsageError(message)
        try:
            values[name] = json.loads(value) if value.startswith("{") else value
        except ValueError:
            message = f"--set {name}: this is no JSON object"
            raise click.UsageError(message) from None
    try:
        return Behaviour.model_validate(values)
    except pydantic.ValidationError as error:
        told = "; ".join(f"--set {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise click.UsageError(told) from None
