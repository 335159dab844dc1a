"""The group of commands, and what errors look like to a person: one line, no traceback."""

import sys
from collections.abc import Sequence
from typing import Final

import click

from navixy_operator.cli.explain import explain
from navixy_operator.cli.plan import plan
from navixy_operator.cli.run import run
from navixy_operator.cli.sandbox import demo, simulate_f11
from navixy_operator.errors import ConfigurationError, OperatorError

FAILED: Final = 1
MISCONFIGURED: Final = 3

EPILOG: Final = """\b
Exit codes:
  0  done
  1  failed, and time may mend it: something did not answer
  2  wrong usage
  3  a person must mend what the message names
  4  no such customer (explain)
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="navixy-operator")
def commands() -> None:
    """Keeps Navixy data forwarding connections in step with the customer database.

    Installed as kubectl-navixy, too: `kubectl navixy explain REF` works. Commands that look at a cluster use
    KUBECONFIG as kubectl does.
    """


for command in (run, plan, explain, demo, simulate_f11):
    commands.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    try:
        commands.main(arguments, standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    except OperatorError as error:
        click.echo(f"error: {error.reason}: {error}", err=True)
        return MISCONFIGURED if isinstance(error, ConfigurationError) else FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
