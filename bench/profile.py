"""The operator under cProfile: where its time goes."""

import pstats
import sys
from pathlib import Path
from typing import Final

SHOWN: Final = 45


def command(directory: Path, name: str) -> tuple[str, ...]:
    """The operator's command line; the profile is written when it stops."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory.resolve() / f"{name}.prof"
    return (sys.executable, "-m", "cProfile", "-o", str(file), "-m", "navixy_operator", "run")


def show(directory: Path) -> None:
    """Print the costliest functions of each profile, by their own time."""
    for file in sorted(directory.glob("*.prof")):
        pstats.Stats(str(file)).sort_stats("tottime").print_stats(SHOWN)
