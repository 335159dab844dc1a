"""``python -m navixy_operator.sandbox.f11``: the simulator from the command line."""

import argparse
import sqlite3
import sys
from pathlib import Path

import pydantic

from navixy_operator.sandbox.errors import SandboxError
from navixy_operator.sandbox.f11.behaviour import Behaviour
from navixy_operator.sandbox.f11.server import TOKEN_VARIABLE, Settings, run


def parse(arguments: list[str] | None = None) -> Settings:
    """The settings from the arguments; exits with 2 when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m navixy_operator.sandbox.f11",
        description="Simulate F1.1, the service that holds the data forwarding connections.",
        epilog=f"The bearer token comes from --token-file, or from the variable {TOKEN_VARIABLE}. "
        "Prints one JSON line with its url when it is ready. More can be set at /simulator/ while it runs.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--port-file", type=Path, help="file to write the port into")
    parser.add_argument("--database", default=":memory:", help="SQLite file that keeps the state (default: memory)")
    parser.add_argument("--token-file", type=Path, help="file with the bearer token that callers must show")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of behaviour.py, such as settle_seconds=2 or error_rate=0.05; may be repeated",
    )
    given = parser.parse_args(arguments)
    values = dict(pair.partition("=")[::2] for pair in given.set)
    try:
        behaviour = Behaviour.model_validate(values)
    except pydantic.ValidationError as error:
        parser.error("; ".join(f"--set {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()))
    return Settings(
        host=given.host,
        port=given.port,
        port_file=given.port_file,
        database=given.database,
        token_file=given.token_file,
        behaviour=behaviour,
    )


def main() -> int:
    """Run; 1 and one line on the standard error when it cannot start."""
    try:
        run(parse())
    except (SandboxError, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
