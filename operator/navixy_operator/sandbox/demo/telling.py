"""What the acts share: where they play, where they are told, and what was found wrong so far."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.demo.show import Show
from navixy_operator.sandbox.demo.stage import Stage
from navixy_operator.sandbox.sample_data import SampleCustomer

CUSTOMERS_IN_ALL: Final = 200


@dataclass(slots=True)
class Telling:
    """One run of the story. ``cycles``: the finished SyncCycles by name; ``hashes``: all that the database ever had."""

    stage: Stage
    show: Show
    customers: Sequence[SampleCustomer] = field(default_factory=lambda: sample_data.demo_customers(CUSTOMERS_IN_ALL))
    begun: float = field(default_factory=time.monotonic)
    hashes: set[str] = field(default_factory=set, repr=False)
    cycles: dict[str, dict[str, Any]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list, repr=False)
    """What other parts have shown: to be searched for hashes at the end."""

    async def run(self, line: str) -> str:
        """Show a command line, run it, and give its output. Raises CommandError."""
        self.show.gap()
        self.show.command(line)
        return await self.stage.run(line, width=self.show.width)

    async def run_and_show(self, line: str) -> None:
        """Show a command line and all of its output. Raises CommandError."""
        self.show.output(await self.run(line))

    def check(self, words: str, problems: Sequence[str]) -> None:
        """Show the outcome of one check and keep what is wrong."""
        if not problems:
            self.show.done(words)
            return
        self.wrong += problems
        self.show.wrong(f"NOT as expected: {words}")
        self.show.output("\n".join(f"    {problem}" for problem in problems))
