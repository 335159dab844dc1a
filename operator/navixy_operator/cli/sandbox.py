"""``demo`` and ``simulate-f11``: the sandbox's commands."""

import click


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything running at the end, and say how to use it.")
def demo(*, keep: bool) -> None:
    """Show the operator at work on a control plane of its own; ends by itself."""


@click.command("simulate-f11")
def simulate_f11() -> None:
    """Run the F1.1 simulator."""
