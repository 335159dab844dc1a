"""What runs as long as a context: started and stopped by blocking calls, for synchronous and asynchronous code."""

import asyncio
from abc import ABC, abstractmethod
from typing import Self


class Lifespan(ABC):
    """A context manager of both kinds; the asynchronous one blocks a thread instead of the loop."""

    @abstractmethod
    def start(self) -> Self:
        """Start, and wait until it is ready."""

    @abstractmethod
    def stop(self) -> None:
        """Stop, and let nothing behind; nothing to do where it does not run."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)
