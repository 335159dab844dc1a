"""F1.1's client: the port ``Forwarding`` over HTTP."""

from collections.abc import Callable, Sequence
from urllib.parse import quote

import httpx
import orjson

from navixy_operator.adapters.forwarding import answers, parse
from navixy_operator.adapters.forwarding.listing import Lister
from navixy_operator.adapters.forwarding.pace import Clock
from navixy_operator.adapters.forwarding.settings import ForwardingSettings, TokenProvider, base_url
from navixy_operator.adapters.forwarding.timing import Timed, untimed
from navixy_operator.adapters.forwarding.transport import aiohttp_transport
from navixy_operator.adapters.forwarding.wire import Call, NoAnswerError, Wire
from navixy_operator.core.model import Connection, NavixyHash
from navixy_operator.core.vocabulary import PROVIDER, Operation, Origin
from navixy_operator.errors import CloseFailed, EstablishFailed, ForwardingUnavailable
from navixy_operator.ports import Listing


class HttpForwarding:
    """F1.1 over HTTP, for one pass. Safe for many calls at once: they share the limits, the token and the connections.

    ``fence`` is called right before each attempt of an establish or a close goes out. What it raises, to say that
    this process must not act any more, ends the call as it is, and nothing is sent. ``timed`` hears of each request,
    repeats and pages for themselves.
    """

    def __init__(
        self,
        settings: ForwardingSettings,
        token: TokenProvider,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        fence: Callable[[], None] | None = None,
        timed: Timed = untimed,
    ) -> None:
        self._settings = settings
        clock = clock or Clock()
        base = base_url(settings.url)
        self._collection = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + b"/v1/connections")
        self._wire = Wire(settings, token, transport or aiohttp_transport(settings.concurrency), clock, fence, timed)
        self._lister = Lister(settings, self._wire, clock, self._collection)

    async def connections(self) -> Sequence[Connection]:
        """All connections, each id once, the latest sight of it: the whole list or an error.

        Raises ForwardingUnavailable, ForwardingUnauthorized, ForwardingProtocolError.
        """
        return list((await self.listing()).connections)

    async def listing(self, known: Listing | None = None) -> Listing:
        """The same with its ETag, or ``known`` itself when nothing has changed since. Raises as ``connections``."""
        return await self._lister.everything(known)

    async def connections_of(self, customer_ref: str) -> Sequence[Connection]:
        """All connections of one customer, none of another's. Raises as ``connections``."""
        return await self._lister.of_customer(customer_ref)

    async def connection(self, connection_id: str) -> Connection | None:
        """One connection; None: not known, or another provider's.

        Raises ForwardingUnavailable, ForwardingUnauthorized, ForwardingProtocolError.
        """
        call = Call("GET", self._one(connection_id), (), self._settings.attempts, self._settings.list_timeout_seconds)
        try:
            answer = await self._wire.call(call)
        except NoAnswerError as error:
            message = f"F1.1 did not show a connection: {error}; the next cycle tries again"
            raise ForwardingUnavailable(message) from None
        if answer.status == answers.NOT_FOUND:
            return None
        try:
            return parse.connection(answers.document(answer))
        except parse.MalformedError as error:
            raise answers.outside(call, str(error)) from None

    async def establish(self, customer_ref: str, navixy_hash: NavixyHash, *, key: str) -> Connection:
        """Ask for a connection, repeating with the same key; the answer may be pending.

        Raises EstablishRefused, EstablishFailed, ForwardingUnauthorized, ForwardingUnavailable.
        """
        settings = self._settings
        call = Call(
            "POST",
            self._collection,
            ((b"idempotency-key", key.encode()), (b"content-type", b"application/json")),
            settings.attempts,
            settings.establish_timeout_seconds,
            Operation.ESTABLISH,
        )
        content = _body(customer_ref, navixy_hash)
        try:
            answer = await self._wire.call(call, content, answers.unsettled)
        except NoAnswerError as error:
            message = f"F1.1 did not establish the connection: {error}; the next cycle tries again"
            raise EstablishFailed(message, code=error.code) from None
        return answers.established(call, answer, customer_ref)

    async def close_connection(self, connection_id: str) -> bool:
        """Ask to close; True when it is closed for certain, False when it is closing.

        Raises CloseFailed, ForwardingUnauthorized, ForwardingUnavailable.
        """
        if connection_id in {"", ".", ".."}:
            message = "F1.1 cannot be asked to close a connection whose id is empty or only dots: ask F1.1's owner"
            raise CloseFailed(message, code="invalid-id")
        settings = self._settings
        attempts, within = 1 + settings.close_retries, settings.establish_timeout_seconds
        call = Call("DELETE", self._one(connection_id), (), attempts, within, Operation.CLOSE)
        try:
            answer = await self._wire.call(call)
        except NoAnswerError as error:
            message = f"F1.1 did not close the connection: {error}; the next cycle tries again"
            raise CloseFailed(message, code=error.code) from None
        if answer.status not in {answers.NO_CONTENT, answers.NOT_FOUND, answers.ACCEPTED}:
            message = f"F1.1 did not close the connection: {call} was answered {answer.status}, outside its contract"
            raise CloseFailed(message, code=f"http-{answer.status}")
        return answer.status != answers.ACCEPTED

    async def close(self) -> None:
        """Let go of all connections."""
        await self._wire.close()

    def _one(self, connection_id: str) -> httpx.URL:
        path = self._collection.raw_path + b"/" + quote(connection_id, safe="").encode()
        return self._collection.copy_with(raw_path=path)


def _body(customer_ref: str, navixy_hash: NavixyHash) -> bytes:
    """What an establish sends. Raises EstablishFailed for text that is no Unicode."""
    asked = {"provider": PROVIDER, "customer_ref": customer_ref, "hash": navixy_hash.reveal()}
    try:
        return orjson.dumps({**asked, "origin": Origin.AUTOMATIC.value})
    except orjson.JSONEncodeError:
        message = "the customer reference or the hash is not valid Unicode: mend it in the customer database"
        raise EstablishFailed(message, code="not-unicode") from None
