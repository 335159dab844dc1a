"""``/simulator/…``: what tests and demos set and look at. No part of F1.1's contract, open to whoever reaches the port.

GET    /simulator/state               settings, one-shot faults, connections, requests, open ones by customer
PATCH  /simulator/settings            change some settings (``behaviour.Behaviour``)
POST   /simulator/faults              add one-shot faults, a list (``behaviour.Fault``)
DELETE /simulator/faults              forget the one-shot faults that have not struck
POST   /simulator/connections         put connections there, a list (``behaviour.Seed``)
PATCH  /simulator/connections/{id}    change one past the contract (``behaviour.Alteration``)
GET    /simulator/requests            counts of the contract's requests, by "METHOD path" and outcome
DELETE /simulator/requests            start counting anew
GET    /simulator/history             every change of state or origin since the database file was made
POST   /simulator/token               read the token's file anew
POST   /simulator/reset               forget everything, settings as at the start
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote

import orjson
import pydantic
from aiohttp import web

from navixy_operator.sandbox.f11.behaviour import Alteration, Behaviour, Fault, Seed
from navixy_operator.sandbox.f11.replies import ProblemError, Reply, invalid, not_allowed, not_found
from navixy_operator.sandbox.f11.shared import Shared

PREFIX: Final = "/simulator"
Handler = Callable[[bytes, str], Awaitable[Any]]


class Admin:
    """Handles every request under ``/simulator``."""

    def __init__(self, shared: Shared, start: Behaviour, read_token: Callable[[], Awaitable[str]]) -> None:
        self._shared = shared
        self._start = start
        self._read_token = read_token
        self._handlers: dict[str, dict[str, Handler]] = {
            "/state": {"GET": self._state},
            "/settings": {"PATCH": self._settings},
            "/faults": {"POST": self._add_faults, "DELETE": self._clear_faults},
            "/connections": {"POST": self._seed},
            "/connections/{id}": {"PATCH": self._alter},
            "/requests": {"GET": self._requests, "DELETE": self._clear_requests},
            "/history": {"GET": self._history},
            "/token": {"POST": self._token},
            "/reset": {"POST": self._reset},
        }

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer with JSON, or a problem."""
        try:
            route, _, identity = path.removeprefix(PREFIX).partition("/connections/")
            methods = self._handlers.get("/connections/{id}" if identity else route)
            if methods is None:
                detail = "there is nothing at this path"
                raise not_found(detail)
            if request.method not in methods:
                raise not_allowed(list(methods))
            shared = self._shared
            shared.world.advance(shared.now())
            answer = await methods[request.method](await request.read(), unquote(identity))
            await shared.store.settled()
        except pydantic.ValidationError as error:
            return invalid(str(error)).reply.response()
        except ProblemError as problem:
            return problem.reply.response()
        return Reply(200, orjson.dumps(answer)).response()

    async def _state(self, _: bytes, __: str) -> Any:
        shared = self._shared
        return {
            "settings": shared.world.behaviour.model_dump(),
            "faults": [fault.model_dump() for fault in shared.faults.one_shot],
            "struck": {str(kind): count for kind, count in shared.faults.struck.items()},
            "connections": [orjson.Fragment(one.json()) for one in shared.world.connections.values()],
            "keys": len(shared.world.keys),
            "requests": self._counts(),
        }

    async def _settings(self, body: bytes, _: str) -> Any:
        behaviour = self._shared.world.behaviour
        patch = pydantic.TypeAdapter(dict[str, Any]).validate_json(body)
        wanted = Behaviour.model_validate({**behaviour.model_dump(), **patch})
        for name in patch:
            setattr(behaviour, name, getattr(wanted, name))
        self._shared.world.replan()
        return behaviour.model_dump()

    async def _add_faults(self, body: bytes, _: str) -> Any:
        self._shared.faults.one_shot += pydantic.TypeAdapter(list[Fault]).validate_json(body)
        return [fault.model_dump() for fault in self._shared.faults.one_shot]

    async def _clear_faults(self, _: bytes, __: str) -> Any:
        self._shared.faults.one_shot.clear()
        return []

    async def _seed(self, body: bytes, _: str) -> Any:
        world, now = self._shared.world, self._shared.now()
        seeds = pydantic.TypeAdapter(list[Seed]).validate_json(body)
        if taken := [seed.id for seed in seeds if seed.id in world.connections]:
            detail = f"ids are in use: {taken[:10]}"
            raise invalid(detail)
        refs = [seed.customer_ref for seed in seeds if seed.exclusive and seed.customer_ref is not None]
        if held := [ref for ref in refs if world.open_of(ref) is not None]:
            detail = f"these customers have an open connection: {held[:10]}"
            raise invalid(detail)
        return [world.seed(seed, now).id for seed in seeds]

    async def _alter(self, body: bytes, identity: str) -> Any:
        world = self._shared.world
        if (one := world.connections.get(identity)) is None:
            detail = "there is no connection of this id"
            raise not_found(detail)
        world.alter(one, Alteration.model_validate_json(body), self._shared.now())
        return orjson.Fragment(one.json())

    async def _requests(self, _: bytes, __: str) -> Any:
        return self._counts()

    async def _clear_requests(self, _: bytes, __: str) -> Any:
        counts = self._counts()
        self._shared.requests.clear()
        return counts

    async def _history(self, _: bytes, __: str) -> Any:
        return [change._asdict() for change in self._shared.world.history]

    async def _token(self, _: bytes, __: str) -> Any:
        self._shared.token = await self._read_token()
        return {}

    async def _reset(self, _: bytes, __: str) -> Any:
        shared = self._shared
        await shared.store.clear()
        shared.world.clear()
        shared.faults.clear()
        shared.requests.clear()
        fresh = self._start.model_copy(deep=True)
        for name in Behaviour.model_fields:
            setattr(shared.world.behaviour, name, getattr(fresh, name))
        return {}

    def _counts(self) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        for (method, template, outcome), count in sorted(self._shared.requests.items()):
            counts[f"{method} {template}"][outcome] = count
        return counts
