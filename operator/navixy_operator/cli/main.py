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
from navixy_operator.sandbox.errors import SandboxError

FAILED: Final = 1
MISCONFIGURED: Final = 3
STOPPED: Final = 130

EPILOG: Final = """\b
Exit codes:
  0    done
  1    failed, and time may mend it: something did not answer;
       demo: something was not as it should be
  2    wrong usage
  3    a person must mend what the message names
  4    no such customer (explain)
  130  stopped by Ctrl-C
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
        # not standalone, click gives the code of an Exit back instead of raising it
        code = commands.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return STOPPED
    except OperatorError as error:
        click.echo(f"error: {error.reason}: {error}", err=True)
        return MISCONFIGURED if isinstance(error, ConfigurationError) else FAILED
    except SandboxError as error:
        click.echo(f"error: {error}", err=True)
        return FAILED
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
