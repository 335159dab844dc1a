"""The group of commands, and what errors look like to a person: one line, no traceback."""

import sys
from collections.abc import Sequence
from typing import Final

import click

from navixy_operator.cli.approve import approve
from navixy_operator.cli.audit import audit
from navixy_operator.cli.common import FAILED
from navixy_operator.cli.explain import explain
from navixy_operator.cli.pin import pin, unpin
from navixy_operator.cli.plan import plan
from navixy_operator.cli.run import run
from navixy_operator.cli.sandbox import demo, simulate_f11
from navixy_operator.cli.status import status
from navixy_operator.core.vocabulary import Reason
from navixy_operator.errors import ConfigurationError, OperatorError
from navixy_operator.sandbox.errors import SandboxError

MISCONFIGURED: Final = 3
STOPPED: Final = 130

EPILOG: Final = """\b
Exit codes:
  0    done
  1    failed, and time may mend it: something did not answer;
       pin, unpin, approve: nothing has heeded it yet, or you said no;
       audit verify: the trail is not as it was written;
       demo: something was not as it should be
  2    wrong usage
  3    a person must mend what the message names
  4    no such customer (explain, pin, unpin), SyncCycle (approve)
       or cycle in the trail (audit cycle, audit verify)
  130  stopped by Ctrl-C
"""
SECTIONS: Final = {
    "Look": (status, plan, explain, audit),
    "Decide": (pin, unpin, approve),
    "Run": (run, demo, simulate_f11),
}


class Sections(click.Group):
    """A group whose help lists its commands by what they are for."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each section with its commands, in the order of use; all summaries in one column."""
        del ctx
        width = max(len(command.name or "") for members in SECTIONS.values() for command in members)
        room = formatter.width - width - 6
        for title, members in SECTIONS.items():
            with formatter.section(title):
                rows = [(f"{command.name:<{width}}", command.get_short_help_str(room)) for command in members]
                formatter.write_dl(rows)


@click.group(
    cls=Sections, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="navixy-operator")
def commands() -> None:
    """Keeps Navixy data forwarding connections in step with the customer database.

    Installed as kubectl-navixy, too: `kubectl navixy explain REF` works. Commands that look at a cluster use
    KUBECONFIG as kubectl does.
    """


for section in SECTIONS.values():
    for command in section:
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
        # the reason of an error that has none of its own would only mislead
        reason = "" if error.reason is Reason.INTERNAL_ERROR else f"{error.reason}: "
        click.echo(f"error: {reason}{error}", err=True)
        return MISCONFIGURED if isinstance(error, ConfigurationError) else FAILED
    except SandboxError as error:
        click.echo(f"error: {error}", err=True)
        return FAILED
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
