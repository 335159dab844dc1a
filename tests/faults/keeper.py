"""Keeps the operator running as Kubernetes does: whatever ends it, it is started again."""

import asyncio
from signal import SIGKILL
from typing import Final, Self

from navixy_operator.sandbox.deployment import Operator
from navixy_operator.sandbox.errors import SandboxError

LOOK_SECONDS: Final = 0.1
DYING_SECONDS: Final = 10.0


class Keeper:
    """The operator's process and its restarts."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self._starting = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.operator.start()
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            (ended,) = await asyncio.gather(self._task, return_exceptions=True)
            assert isinstance(ended, asyncio.CancelledError), ended
        await self.operator.stop()

    async def kill(self) -> None:
        """SIGKILL to one that runs, and wait for its end; it is started again by itself."""
        process = self.operator.process
        process.send(SIGKILL)
        async with asyncio.timeout(DYING_SECONDS):
            while not self._starting and process.poll() is None:  # noqa: ASYNC110 - another process's end
                await asyncio.sleep(LOOK_SECONDS / 10)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.operator.process.poll() is not None:
                self._starting = True
                await self._start_again()
                self._starting = False

    async def _start_again(self) -> None:
        await self.operator.stop()
        while True:
            try:
                await self.operator.start()
            except (SandboxError, OSError):  # the API server may be away, too
                await self.operator.stop()
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return
