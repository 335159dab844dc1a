"""Start the simulator as a child process, and talk to its admin side: for the demo and the tests."""

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final, Self

import aiohttp
import orjson

from navixy_operator.sandbox.f11.admin import PREFIX
from navixy_operator.sandbox.process import Process, Program

SOURCE_ROOT: Final = Path(__file__).parents[3]
ADMIN_SECONDS: Final = 30.0
START_SECONDS: Final = 30.0


class AdminError(Exception):
    """The admin side refused; the text is its problem."""


class Admin:
    """The admin side of one simulator (``admin.py`` lists what it answers). Raises AdminError."""

    def __init__(self, url: str) -> None:
        self._url = url + PREFIX

    async def settings(self, **changes: Any) -> dict[str, Any]:
        """Change some settings (fields of ``behaviour.Behaviour``) and give all."""
        return dict(await self.ask("PATCH", "/settings", changes))

    async def fault(self, kind: str, **fields: Any) -> None:
        """Add a one-shot fault (fields of ``behaviour.Fault``)."""
        await self.ask("POST", "/faults", [{"kind": kind, **fields}])

    async def clear_faults(self) -> None:
        """Forget the one-shot faults that have not struck."""
        await self.ask("DELETE", "/faults")

    async def seed(self, *seeds: Mapping[str, Any]) -> list[str]:
        """Put connections there (fields of ``behaviour.Seed``) and give their ids."""
        return list(await self.ask("POST", "/connections", seeds))

    async def alter(self, connection_id: str, **changes: Any) -> dict[str, Any]:
        """Change one connection past the contract (fields of ``behaviour.Alteration``)."""
        return dict(await self.ask("PATCH", f"/connections/{connection_id}", changes))

    async def state(self) -> dict[str, Any]:
        """Everything there is to see."""
        return dict(await self.ask("GET", "/state"))

    async def connections(self, customer_ref: str | None = None) -> list[dict[str, Any]]:
        """All connections, or one customer's, as the contract shows them."""
        found = (await self.state())["connections"]
        return [one for one in found if customer_ref is None or one["customer_ref"] == customer_ref]

    async def history(self) -> list[dict[str, Any]]:
        """Every change of state or origin, oldest first: the fields of ``records.Change``."""
        return list(await self.ask("GET", "/history"))

    async def requests(self, *, reset: bool = False) -> dict[str, dict[str, int]]:
        """Counts of the contract's requests since the last reset, by "METHOD path" and status or ``cut``."""
        return dict(await self.ask("DELETE" if reset else "GET", "/requests"))

    async def count(self, method_and_path: str) -> int:
        """How many requests there were, such as ``POST /v1/connections``, whatever their outcome."""
        return sum((await self.requests()).get(method_and_path, {}).values())

    async def reload_token(self) -> None:
        """Let the simulator read its token's file anew."""
        await self.ask("POST", "/token")

    async def reset(self) -> None:
        """Forget everything; settings as at the start."""
        await self.ask("POST", "/reset")

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request of the admin side, its answer as plain JSON."""
        content = None if body is None else orjson.dumps(body)
        timeout = aiohttp.ClientTimeout(total=ADMIN_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, self._url + path, data=content) as answer,
        ):
            text = await answer.read()
            if not answer.ok:
                message = f"{method} {path}: {answer.status} {text.decode('utf-8', 'replace')}"
                raise AdminError(message)
            return orjson.loads(text)


class Simulator(Admin):
    """A simulator in ``directory``: database, token and log are files there. A synchronous context manager.

    Stopped and started again it keeps its port and what it has answered. ``settings``: ``NAME=VALUE`` of
    ``behaviour.Behaviour``. ``port`` 0: any free one.
    """

    def __init__(self, directory: Path, *, port: int = 0, settings: Sequence[str] = ()) -> None:
        self.directory = directory
        self.port = port
        self.token = secrets.token_urlsafe(24)
        self._options = [part for one in settings for part in ("--set", one)]
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Base URL of the contract."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_file(self) -> Path:
        """Where the accepted bearer token stands, readable by its owner alone."""
        return self.directory / "f11.token"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.directory / "f11.sqlite"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.directory / "f11.log"

    @property
    def pid(self) -> int:
        """The simulator's process id."""
        if self._process is None:
            message = "the simulator does not run"
            raise RuntimeError(message)
        return self._process.pid

    def start(self) -> Self:
        """Start it and wait until it serves. Raises ProcessError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.write_token(self.token)
        port_file = self.directory / "f11.port"
        port_file.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "navixy_operator.sandbox.f11", "--port", str(self.port)]
        argv += ["--port-file", str(port_file), "--database", str(self.database), "--token-file", str(self.token_file)]
        path = os.pathsep.join(filter(None, (str(SOURCE_ROOT), os.environ.get("PYTHONPATH"))))
        program = Program(
            name="F1.1 simulator", argv=argv + self._options, log=self.log, env={**os.environ, "PYTHONPATH": path}
        )
        self._process = Process(program).start()
        try:
            self._process.wait_ready(
                lambda: port_file.exists() and port_file.read_text("utf-8").endswith("\n"), timeout=START_SECONDS
            )
        except BaseException:
            self.stop()
            raise
        self.port = int(port_file.read_text("utf-8"))
        super().__init__(self.url)
        return self

    def ensure(self) -> None:
        """Start it if it does not run."""
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self.start()

    def stop(self) -> None:
        """Stop it in good order."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End it by SIGKILL, in the middle of whatever it does."""
        if self._process is not None:
            self._process.send(SIGKILL)
            self._process.wait(timeout=10)
            self.stop()

    def write_token(self, token: str) -> None:
        """Put a token into the file; ``reload_token`` makes the simulator accept it instead of the last."""
        self.token = token
        with os.fdopen(os.open(self.token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(token)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
