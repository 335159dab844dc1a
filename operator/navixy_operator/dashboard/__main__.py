"""Write the dashboard, or with ``--check`` compare it: 0 up to date, 1 stale (told on stderr)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from navixy_operator.dashboard.board import render


def main(argv: Sequence[str] | None = None) -> int:
    """Do as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m navixy_operator.dashboard", description=__doc__)
    parser.add_argument("file", type=Path, help="where the dashboard's JSON is")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is not up to date")
    options = parser.parse_args(argv)
    file: Path = options.file
    if not options.check:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render(), encoding="utf-8")
        return 0
    if file.is_file() and file.read_text(encoding="utf-8") == render():
        return 0
    sys.stderr.write(f"{file} is not what navixy_operator.dashboard says: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
