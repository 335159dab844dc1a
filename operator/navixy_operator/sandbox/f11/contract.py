"""The contract over HTTP: who may ask, what befalls the request, the work, the answer after its commit."""

import asyncio
import hmac
import math
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from navixy_operator.sandbox.f11.behaviour import Fault, FaultKind, Route
from navixy_operator.sandbox.f11.operations import Operations
from navixy_operator.sandbox.f11.replies import CutError, ProblemError, Reply, not_allowed, not_found
from navixy_operator.sandbox.f11.shared import Shared
from navixy_operator.sandbox.f11.store import StoreError

COLLECTION: Final = "/v1/connections"
METHODS: Final = {
    False: {"GET": Route.LIST, "POST": Route.ESTABLISH},
    True: {"GET": Route.GET, "DELETE": Route.CLOSE},
}
POLL_SECONDS: Final = 0.05
DRIP_PIECES: Final = 20


class Contract:
    """Handles every request outside ``/simulator``."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._operations = Operations(shared)

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer, or cut the connection; every request is counted."""
        template, outcome = "other", ""
        try:
            identity = self._identity(path)
            template = COLLECTION if identity is None else COLLECTION + "/{id}"
            methods = METHODS[identity is not None]
            if request.method not in methods:
                raise not_allowed(list(methods))
            response = await self._admitted(request, methods[request.method], identity)
        except ProblemError as problem:
            response = problem.reply.response()
        except CutError:
            outcome = "cut"
            response = web.Response()  # goes nowhere
            if request.transport is not None:
                request.transport.abort()
        self._shared.requests[request.method, template, outcome or str(response.status)] += 1
        return response

    @staticmethod
    def _identity(path: str) -> str | None:
        """The id in the path, None for the collection. Raises ProblemError for any other path."""
        if path == COLLECTION:
            return None
        identity = path.removeprefix(COLLECTION + "/")
        if not path.startswith(COLLECTION + "/") or not identity or "/" in identity:
            detail = "there is nothing at this path"
            raise not_found(detail)
        return unquote(identity, errors="replace")

    async def _admitted(self, request: web.BaseRequest, route: Route, identity: str | None) -> web.StreamResponse:
        """Check the token, find out what is asked, and let its fault strike."""
        shared = self._shared
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode("utf-8", "replace"), shared.token.encode())
        if scheme.lower() != "bearer" or not right:
            detail = "the bearer token is missing or not accepted"
            raise ProblemError(401, "unauthorized", detail, {"WWW-Authenticate": "Bearer"})
        shared.world.advance(shared.now())
        ask = await self._operations.ask(request, route, identity)
        try:
            fault = shared.faults.next(route, ask.subject)
            reply = await self._before(request, fault)
            shared.world.advance(shared.now())
            try:
                reply = reply or self._operations.work(ask)
            except ProblemError as problem:
                reply = problem.reply
            try:
                await shared.store.settled()
            except StoreError as error:
                raise ProblemError(503, "unavailable", str(error)) from None
        finally:
            self._operations.done(ask)
        return await self._after(request, reply, fault)

    async def _before(self, request: web.BaseRequest, fault: Fault | None) -> Reply | None:
        """Latency, and the faults that come instead of work: None when there is work to do."""
        behaviour = self._shared.world.behaviour
        latency = behaviour.latency_seconds
        if behaviour.latency_jitter_seconds:
            latency += behaviour.latency_jitter_seconds * self._shared.faults.chance("latency", request.method)
        if latency:
            await asyncio.sleep(latency)
        if fault is None:
            return None
        after = {"Retry-After": fault.retry_after or str(behaviour.retry_after_seconds)}
        match fault.kind:
            case FaultKind.ERROR:
                detail = "the simulator was told to fail"
                raise ProblemError(fault.status, "unavailable", detail, after if fault.retry_after else None)
            case FaultKind.THROTTLE:
                detail = "the simulator was told to slow its callers down"
                raise ProblemError(429, "too-many-requests", detail, after)
            case FaultKind.DROP:
                raise CutError
            case FaultKind.HANG:
                await _pause(request, fault.seconds)
                raise CutError
            case FaultKind.ANSWER:
                return Reply(fault.status, fault.body.encode(), fault.content_type)
            case FaultKind.EXPIRE:
                self._shared.token_generation += 1
            case _:
                pass
        return None

    async def _after(self, request: web.BaseRequest, reply: Reply, fault: Fault | None) -> web.StreamResponse:
        """The answer, unless it gets lost."""
        if fault is None:
            return reply.response()
        match fault.kind:
            case FaultKind.LOST:
                raise CutError
            case FaultKind.LATE:
                await _pause(request, fault.seconds)
            case FaultKind.DRIP:
                return await _drip(request, reply, fault.seconds)
            case _:
                pass
        return reply.response()


async def _pause(request: web.BaseRequest, seconds: float) -> None:
    """Wait, but no longer than the caller does."""
    for _ in range(math.ceil(seconds / POLL_SECONDS)):
        if request.transport is None or request.transport.is_closing():
            return
        await asyncio.sleep(min(POLL_SECONDS, seconds))


async def _drip(request: web.BaseRequest, reply: Reply, seconds: float) -> web.StreamResponse:
    """Send the answer in small pieces."""
    response = web.StreamResponse(status=reply.status, headers={**reply.headers, "Content-Type": reply.content_type})
    await response.prepare(request)
    size = max(1, -(-len(reply.body) // DRIP_PIECES))
    for start in range(0, len(reply.body), size):
        await _pause(request, seconds / DRIP_PIECES)
        await response.write(reply.body[start : start + size])
    await response.write_eof()
    return response
