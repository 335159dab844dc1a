"""promtool: checks rule files and metrics, and runs the tests of rules."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from navixy_operator.sandbox.errors import CommandError
from navixy_operator.sandbox.monitoring import programs
from navixy_operator.sandbox.progress import Progress

RUN_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What promtool found: its exit code, and all that it wrote."""

    code: int
    output: str

    @property
    def ok(self) -> bool:
        """Whether it found nothing wrong."""
        return self.code == 0


class Promtool:
    """Runs promtool, which is got first if need be. Every method raises ProvisioningError or CommandError."""

    def __init__(self, *, progress: Progress | None = None) -> None:
        self._progress = progress

    async def check_rules(self, *files: Path) -> Verdict:
        """Whether Prometheus would take these rule files."""
        return await self.run("check", "rules", *map(str, files))

    async def test_rules(self, *files: Path) -> Verdict:
        """Run test files; the rule files that they name are looked for from the directory of each."""
        return await self.run("test", "rules", *map(str, files))

    async def check_metrics(self, exposition: str) -> Verdict:
        """Whether what a target exposes is valid, and named as Prometheus' conventions want it."""
        return await self.run("check", "metrics", given=exposition)

    async def run(self, *arguments: str, given: str | None = None) -> Verdict:
        """Run it with ``given`` as its standard input; killed when cancelled, or after a minute."""
        binary = await asyncio.to_thread(programs.find, programs.PROMTOOL, self._progress)
        process = await asyncio.create_subprocess_exec(
            binary,
            *arguments,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(RUN_SECONDS):
                output, _ = await process.communicate(None if given is None else given.encode())
        except TimeoutError:
            message = f"promtool {' '.join(arguments)} took longer than {RUN_SECONDS:.0f} s"
            raise CommandError(message) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Verdict(await process.wait(), output.decode(errors="replace"))
