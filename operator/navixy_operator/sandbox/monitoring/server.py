"""What the monitoring servers have in common: a directory and a port that they keep, a process, an HTTP API."""

import asyncio
import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
import orjson

from navixy_operator.sandbox.errors import ProcessError, SandboxError
from navixy_operator.sandbox.lifespan import Lifespan
from navixy_operator.sandbox.loopback import LOOPBACK, free_ports, http_ok
from navixy_operator.sandbox.monitoring import programs
from navixy_operator.sandbox.process import Process, Program
from navixy_operator.sandbox.progress import Progress

READY_SECONDS: Final = 60.0
ASK_SECONDS: Final = 30.0
LOG_LINES: Final = 5
READY_PATH: Final = "/-/ready"

Flags = Mapping[str, str | Path | None]
"""None: a switch, which takes no value."""


class MonitoringError(SandboxError):
    """A monitoring server refused, or did not answer; the text holds what it said."""


class MonitoringServer(Lifespan):
    """A server that lives as long as the context; start and stop block, the asynchronous context uses a thread.

    Configuration, data and log are files in ``directory``, which stays when it stops: started again, it goes on with
    the same data at the same address.
    """

    name: str
    """Also the program's."""

    def __init__(self, directory: Path, *, progress: Progress | None = None) -> None:
        self.directory = directory.absolute()
        self.port = 0
        self._progress = progress
        self._process: Process | None = None

    @property
    def address(self) -> str:
        """Its host and port, known once it was started."""
        if not self.port:
            message = f"{self.name} was not started"
            raise ProcessError(message)
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """The base of its URLs, without a slash at the end."""
        return f"http://{self.address}"

    @property
    def process(self) -> Process:
        """The running server, for tests which freeze or kill it."""
        if self._process is None:
            message = f"{self.name} does not run"
            raise ProcessError(message)
        return self._process

    @property
    def log(self) -> Path:
        """What the server printed."""
        return self.directory / "server.log"

    def start(self) -> Self:
        """Start the server and wait until it is ready.

        Raises:
            ProvisioningError: its program cannot be had here.
            ProcessError: it runs already, or does not start: the text ends with its log.
        """
        if self._process is not None and self._process.poll() is None:
            message = f"{self.name} runs already"
            raise ProcessError(message)
        self.stop()
        binary = programs.find(self.name, self._progress)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_ports(1)[0]
        try:
            self._write_configuration()
            self._process = Process(self._program(binary)).start()
            self._process.wait_ready(lambda: http_ok(self.port, READY_PATH), timeout=READY_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server in good order; its data stay. Nothing if it does not run."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    async def ask(self, method: str, path: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """One request of its HTTP API; gives the answer's body.

        Raises:
            MonitoringError: it refused, or did not answer.
        """
        timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(method, self.url + path, params=parameters) as answer,
            ):
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            message = f"{self.name} did not answer {method} {path}: {str(error) or type(error).__name__}"
            raise MonitoringError(message) from None
        if not answer.ok:
            message = f"{self.name}: {method} {path}: {answer.status} {body.decode(errors='replace').strip()}"
            raise MonitoringError(message)
        return body

    async def ask_json(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """What it answers to a GET, as JSON; raises as ``ask``."""
        return orjson.loads(await self.ask("GET", path, parameters))

    async def reload(self) -> None:
        """Write its configuration anew and let it read it.

        Raises:
            MonitoringError: the configuration is wrong, and the last one stays in force; or it did not answer.
            ProcessError: it does not run.
        """
        process = self.process
        await asyncio.to_thread(self._write_configuration)
        try:
            await self.ask("POST", "/-/reload")
        except MonitoringError as error:
            # only the log says what is wrong
            told = await asyncio.to_thread(process.log_tail, LOG_LINES)
            message = f"{error}; the end of its log:\n{told}"
            raise MonitoringError(message) from None

    @abstractmethod
    def _write_configuration(self) -> None:
        """Write its files into the directory."""

    def _working_directory(self, binary: Path) -> Path:
        """Where the program runs."""
        del binary
        return self.directory

    @abstractmethod
    def _flags(self) -> Flags:
        """The flags of its own."""

    def _program(self, binary: Path) -> Program:
        # its own URL would else be made of this machine's name
        flags: Flags = {"web.listen-address": self.address, "web.external-url": self.url, **self._flags()}
        argv = [f"--{flag}" if value is None else f"--{flag}={value}" for flag, value in flags.items()]
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        cwd = self._working_directory(binary)
        return Program(name=self.name, argv=[str(binary), *argv], log=self.log, env=environment, cwd=cwd)


def duration(seconds: float) -> str:
    """Seconds as the configuration files want them: they know no fractions."""
    return f"{round(seconds * 1000)}ms"
