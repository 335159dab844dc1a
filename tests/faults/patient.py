"""The API server as the administrator, with the patience to live through its restarts."""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final

from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.errors import SandboxError

PATIENCE_SECONDS: Final = 90.0
GROUP: Final = "/apis/dataforwarding.io/v1alpha1"
Change = Callable[[dict[str, Any]], bool]
"""Changes an object as it was read; False: there is nothing to change."""


class Refused(Exception):
    """The API server answered with this code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Patient:
    """Requests in one namespace, repeated until the API server answers them. Raises Refused, TimeoutError."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._plane = plane
        self.namespace = namespace

    def path(self, plural: str, name: str = "", *, group: str = GROUP) -> str:
        """Where objects of a kind are, or one of them."""
        return f"{group}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def once(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request. Raises Refused, OSError."""
        try:
            return await asyncio.to_thread(self._plane.request, method, path, body)
        except SandboxError as error:
            found = re.match(r"\S+ \S+: (\d{3}) ", str(error))
            raise Refused(int(found[1]) if found else 0, str(error)) from None

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request, until it is answered by something else than 429 and 5xx."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await self.once(method, path, body)
                except OSError:
                    await asyncio.sleep(0.2)
                except Refused as refused:
                    if refused.code not in {0, 401, 403, 429} and refused.code < 500:
                        raise
                    await asyncio.sleep(0.2)  # also while it still loads who may do what

    async def get(self, plural: str, name: str) -> dict[str, Any] | None:
        """One object, or None."""
        try:
            return dict(await self.ask("GET", self.path(plural, name)))
        except Refused as refused:
            _let_pass(refused, 404)
            return None

    async def list(self, plural: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        return list((await self.ask("GET", self.path(plural)))["items"])

    async def create(self, path: str, body: dict[str, Any]) -> None:
        """Create an object; one that is there, from an answer that was lost, is as good."""
        try:
            await self.ask("POST", path, body)
        except Refused as refused:
            _let_pass(refused, 409)

    async def delete(self, plural: str, name: str) -> bool:
        """Delete an object; False: there was none."""
        try:
            await self.ask("DELETE", self.path(plural, name))
        except Refused as refused:
            _let_pass(refused, 404)
            return False
        return True

    async def change(self, plural: str, name: str, change: Change) -> bool:
        """Read, change and write back an object until nobody came in between; False: there is nothing to change."""
        while True:
            found = await self.get(plural, name)
            if found is None or not change(found):
                return False
            try:
                await self.ask("PUT", self.path(plural, name), found)
            except Refused as refused:
                if refused.code == 404:
                    return False
                _let_pass(refused, 409)
            else:
                return True


def _let_pass(refused: Refused, code: int) -> None:
    if refused.code != code:
        raise refused
