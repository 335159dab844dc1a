"""An operator's log, read as it grows: its lines say when something happened, whatever the reader was doing."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

LOOK_SECONDS: Final = 0.02
PATIENCE_SECONDS: Final = 120.0


class Lines:
    """The lines from now on; each is given once."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._rest = b""
        self._offset = 0
        self.skip()

    def skip(self) -> None:
        """Pass over what has been written so far."""
        self._offset, self._rest = (self._log.stat().st_size if self._log.exists() else 0), b""

    async def next(self, event: str, *, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next line of this event; those before it are passed over. Raises RuntimeError when it does not come."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for line in self._new():
                        if line.get("event") == event:
                            return line
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            message = f"no {event} within {seconds:g} s: see {self._log}"
            raise RuntimeError(message) from None

    def _new(self) -> Iterator[dict[str, Any]]:
        """Whole lines that are ours, one by one: what is not asked for stays for the next time."""
        while True:
            line, end, rest = self._rest.partition(b"\n")
            if not end:
                more = self._read()
                if not more:
                    return
                self._rest += more
                continue
            self._rest = rest
            if line.startswith(b"{") and line.endswith(b"}"):
                yield orjson.loads(line)

    def _read(self) -> bytes:
        if not self._log.exists():
            return b""
        with self._log.open("rb") as log:
            log.seek(self._offset)
            more = log.read()
        self._offset += len(more)
        return more


def moment(line: dict[str, Any]) -> float:
    """When a line was written, in seconds since the epoch, to the millisecond."""
    return datetime.fromisoformat(line["timestamp"]).timestamp()
