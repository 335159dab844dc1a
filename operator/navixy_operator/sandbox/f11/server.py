"""The simulator as a process: settings, ready line, signals."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

from navixy_operator.sandbox.errors import SandboxError
from navixy_operator.sandbox.f11.admin import PREFIX, Admin
from navixy_operator.sandbox.f11.behaviour import Behaviour
from navixy_operator.sandbox.f11.contract import Contract
from navixy_operator.sandbox.f11.faults import Faults
from navixy_operator.sandbox.f11.replies import ProblemError
from navixy_operator.sandbox.f11.shared import Shared
from navixy_operator.sandbox.f11.state import World
from navixy_operator.sandbox.f11.store import Store

TOKEN_VARIABLE: Final = "NAVIXY_F11_TOKEN"  # noqa: S105 - the name of a variable
BACKLOG: Final = 1024
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to start. The bearer token comes from ``token_file``, else from the environment, never from arguments."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    port_file: Path | None = None
    """The port is written into this file when the simulator is ready."""
    database: str = ":memory:"
    """SQLite file; made when it is missing."""
    token_file: Path | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)

    def token(self) -> str:
        """The token that callers must show. Raises SandboxError."""
        try:
            found = self.token_file.read_text("utf-8") if self.token_file else os.environ.get(TOKEN_VARIABLE, "")
        except OSError as error:
            message = f"the file of F1.1's token cannot be read: {error.strerror}: {self.token_file}"
            raise SandboxError(message) from None
        if not found.strip():
            message = f"the F1.1 simulator needs a bearer token: name a file that holds it, or set {TOKEN_VARIABLE}"
            raise SandboxError(message)
        return found.strip()


async def serve(settings: Settings, *, ready: Callable[[str], None], stop: asyncio.Event) -> None:
    """Serve until ``stop``; ``ready`` gets one JSON line with url, admin, port and pid.

    Raises SandboxError (token), OSError (port), sqlite3.Error (database).
    """
    behaviour = settings.behaviour.model_copy(deep=True)
    store = Store(settings.database)
    world = World(behaviour, store.put, lambda: f"cn-{os.urandom(12).hex()}")
    shared = Shared(world, Faults(behaviour), store, settings.token())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        world.restore(*await store.open())

        async def token() -> str:
            return await asyncio.to_thread(settings.token)

        contract, admin = Contract(shared), Admin(shared, settings.behaviour, token)

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            path = request.raw_path.partition("?")[0]
            side = admin if path.startswith(PREFIX + "/") else contract
            try:
                return await side.handle(request, path)
            except Exception:
                log.exception("%s %s failed", request.method, path)
                return ProblemError(500, "internal", "the simulator has a bug: see its log").reply.response()

        runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG).start()
        port = int(runner.addresses[0][1])
        if settings.port_file:
            await asyncio.to_thread(settings.port_file.write_text, f"{port}\n")
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{host}:{port}"
        ready(json.dumps({"url": url, "admin": url + PREFIX, "port": port, "pid": os.getpid()}))
        await stop.wait()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, with the ready line on the standard output. Raises as ``serve``."""

    def ready(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(settings, ready=ready, stop=stop)

    asyncio.run(main())
