"""Commands that end by themselves, run from a coroutine."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from navixy_operator.sandbox.errors import CommandError


async def run_command(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    given: str | None = None,
    check: bool = True,
    timeout: float = 60.0,  # noqa: ASYNC109 - the process must be killed when it is over
) -> str:
    """Run ``command`` with ``given`` as its standard input and give its standard output; killed when cancelled.

    Secrets go through ``given`` or ``env``, never into ``command``.

    Raises:
        CommandError: it failed (with ``check``), or took longer than ``timeout`` seconds.
    """
    shown = " ".join([Path(command[0]).name, *command[1:]])
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, told = await asyncio.wait_for(process.communicate(None if given is None else given.encode()), timeout)
    except TimeoutError:
        message = f"{shown} took longer than {timeout:.0f} s"
        raise CommandError(message) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if check and process.returncode:
        message = f"{shown} failed ({process.returncode}): {told.decode(errors='replace').strip()}"
        raise CommandError(message)
    return out.decode()
