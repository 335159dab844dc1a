"""F1.1's client: the port ``Forwarding`` over HTTP."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import httpx
import orjson

from navixy_operator.adapters.forwarding import parse
from navixy_operator.adapters.forwarding.pace import Clock
from navixy_operator.adapters.forwarding.settings import ForwardingSettings, TokenProvider, base_url, shown
from navixy_operator.adapters.forwarding.transport import aiohttp_transport
from navixy_operator.adapters.forwarding.wire import Answer, Call, NoAnswerError, TooLargeError, Wire, passing
from navixy_operator.core.model import Connection, NavixyHash
from navixy_operator.core.vocabulary import PROVIDER, Origin
from navixy_operator.errors import (
    CloseFailed,
    EstablishFailed,
    EstablishRefused,
    ForwardingProtocolError,
    ForwardingUnavailable,
)

OK: Final = 200
ACCEPTED: Final = 202
NO_CONTENT: Final = 204
BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422
TOKEN_EXPIRED: Final = "page-token-expired"  # noqa: S105 - a problem type, not a secret
IN_PROGRESS: Final = "in-progress"
OTHER_HASH: Final = "open-with-other-hash"
REFUSALS: Final = frozenset({"hash-malformed", "hash-rejected", "account-blocked"})


class _TokenExpiredError(Exception):
    """The listing must start over."""


class HttpForwarding:
    """F1.1 over HTTP. Safe for many calls at once: they share the limits, the token and the connections."""

    def __init__(
        self,
        settings: ForwardingSettings,
        token: TokenProvider,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or Clock()
        base = base_url(settings.url)
        self._collection = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + b"/v1/connections")
        self._wire = Wire(settings, token, transport or aiohttp_transport(settings.concurrency), self._clock)

    async def connections(self) -> Sequence[Connection]:
        """All connections, each id once, the latest sight of it: the whole list or an error.

        A later ``unless=etag`` would send If-None-Match with the first page and end at its 304: ``_listing`` asks
        for the first page apart from the others' tokens.
        Raises ForwardingUnavailable, ForwardingUnauthorized, ForwardingProtocolError.
        """
        deadline = self._clock.monotonic() + self._settings.list_timeout_seconds
        for _ in range(1 + self._settings.restarts):
            try:
                return await self._listing(deadline)
            except _TokenExpiredError:
                continue
            except TooLargeError as error:
                message = f"F1.1 answered outside its contract: {error}; check forwarding.url"
                raise ForwardingProtocolError(message) from None
            except NoAnswerError as error:
                message = f"F1.1 gave no whole list of connections: {error}; the next cycle tries again"
                raise ForwardingUnavailable(message) from None
        message = (
            f"F1.1 gave no whole list of connections: GET {shown(self._collection)} let its page tokens expire "
            f"{1 + self._settings.restarts} times; the next cycle tries again"
        )
        raise ForwardingUnavailable(message)

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
        if answer.status == NOT_FOUND:
            return None
        try:
            return parse.connection(self._document(answer))
        except parse.MalformedError as error:
            raise self._outside(call, str(error)) from None

    async def establish(self, customer_ref: str, navixy_hash: NavixyHash, *, key: str) -> Connection:
        """Ask for a connection, repeating with the same key; the answer may be pending.

        Raises EstablishRefused, EstablishFailed, ForwardingUnauthorized.
        """
        settings = self._settings
        call = Call(
            "POST",
            self._collection,
            ((b"idempotency-key", key.encode()), (b"content-type", b"application/json")),
            settings.attempts,
            settings.establish_timeout_seconds,
        )
        try:
            content = orjson.dumps(
                {
                    "provider": PROVIDER,
                    "customer_ref": customer_ref,
                    "hash": navixy_hash.reveal(),
                    "origin": Origin.AUTOMATIC.value,
                }
            )
            answer = await self._wire.call(call, content, _unsettled)
        except NoAnswerError as error:
            message = f"F1.1 did not establish the connection: {error}; the next cycle tries again"
            raise EstablishFailed(message, code=error.code) from None
        except orjson.JSONEncodeError:
            message = "the customer reference or the hash is not valid Unicode: mend it in the customer database"
            raise EstablishFailed(message, code="not-unicode") from None
        return self._established(call, answer, customer_ref)

    async def close_connection(self, connection_id: str) -> bool:
        """Ask to close; True when it is closed for certain, False when it is closing.

        Raises CloseFailed, ForwardingUnauthorized.
        """
        if connection_id in {"", ".", ".."}:
            message = "F1.1 cannot be asked to close a connection whose id is empty or only dots: ask F1.1's owner"
            raise CloseFailed(message, code="invalid-id")
        settings = self._settings
        call = Call(
            "DELETE", self._one(connection_id), (), 1 + settings.close_retries, settings.establish_timeout_seconds
        )
        try:
            answer = await self._wire.call(call)
        except NoAnswerError as error:
            message = f"F1.1 did not close the connection: {error}; the next cycle tries again"
            raise CloseFailed(message, code=error.code) from None
        if answer.status not in {NO_CONTENT, NOT_FOUND, ACCEPTED}:
            message = f"F1.1 did not close the connection: {call} was answered {answer.status}, outside its contract"
            raise CloseFailed(message, code=f"http-{answer.status}")
        return answer.status != ACCEPTED

    async def close(self) -> None:
        """Let go of all connections."""
        await self._wire.close()

    async def _listing(self, deadline: float) -> Sequence[Connection]:
        """The pages from the first to the last. Raises _TokenExpiredError, NoAnswerError, ForwardingProtocolError."""
        settings = self._settings
        first = {"provider": PROVIDER, "page_size": str(settings.page_size)}
        found: dict[str, Connection] = {}
        tokens: set[str] = set()
        token: str | None = None
        size = 0
        for number in range(1, settings.max_pages + 1):
            url = self._collection.copy_with(params=first if token is None else {**first, "page_token": token})
            within = deadline - self._clock.monotonic()
            if within <= 0:
                message = f"GET {shown(url)} took longer than {settings.list_timeout_seconds:g} s in all"
                raise NoAnswerError(message, "timeout")
            call = Call("GET", url, (), settings.attempts, within)
            page = self._page(call, number, await self._wire.call(call))
            for one in page.items:
                known = found.get(one.id)
                if known is None or one.updated_at >= known.updated_at:
                    found[one.id] = one
            size += page.size
            token = page.token
            if token is None:
                return list(found.values())
            if token in tokens:
                raise self._outside(call, f"page {number}: its next_page_token was given before: the list never ends")
            if size > settings.max_items:
                raise self._outside(call, f"page {number}: more than {settings.max_items} items: the list never ends")
            tokens.add(token)
        raise self._outside(Call("GET", self._collection), f"more than {settings.max_pages} pages: the list never ends")

    def _page(self, call: Call, number: int, answer: Answer) -> parse.Page:
        if answer.status == BAD_REQUEST and parse.problem_type(answer.body) == TOKEN_EXPIRED:
            raise _TokenExpiredError
        try:
            if answer.status != OK:
                self._document(answer)
            return parse.page(answer.body, answer.content_type)
        except parse.MalformedError as error:
            raise self._outside(call, f"page {number}: {error}") from None

    @staticmethod
    def _document(answer: Answer) -> dict[str, object]:
        """The object of a 200. Raises MalformedError."""
        if answer.status == OK:
            return parse.document(answer.body, answer.content_type)
        message = f"the answer has status {answer.status}"
        raise parse.MalformedError(message)

    @staticmethod
    def _established(call: Call, answer: Answer, customer_ref: str) -> Connection:
        kind = parse.problem_type(answer.body) if answer.status >= BAD_REQUEST else ""
        if answer.status == UNPROCESSABLE and kind in REFUSALS:
            message = f"F1.1 refused the customer's hash ({kind}): correct it in the customer database"
            raise EstablishRefused(message, code=kind)
        if answer.status == CONFLICT and kind == OTHER_HASH:
            message = "F1.1 holds an open connection of this customer with another hash: it must be closed first"
            raise EstablishFailed(message, code=kind)
        if answer.status not in {OK, ACCEPTED}:
            message = (
                f"F1.1 did not establish the connection: {call} was answered {answer.status}, outside its contract"
            )
            raise EstablishFailed(message, code=f"http-{answer.status}")
        try:
            made = parse.connection(parse.document(answer.body, answer.content_type))
        except parse.MalformedError as error:
            message = f"F1.1 answered {call} outside its contract: {error}"
            raise EstablishFailed(message, code="protocol-error") from None
        if made is None or made.customer_ref != customer_ref:
            message = f"F1.1 answered {call} outside its contract: with another customer's or provider's connection"
            raise EstablishFailed(message, code="protocol-error")
        return made

    def _one(self, connection_id: str) -> httpx.URL:
        path = self._collection.raw_path + b"/" + quote(connection_id, safe="").encode()
        return self._collection.copy_with(raw_path=path)

    @staticmethod
    def _outside(call: Call, what: str) -> ForwardingProtocolError:
        message = f"F1.1 answered {call} outside its contract: {what}; check forwarding.url and F1.1's version"
        return ForwardingProtocolError(message)


def _unsettled(answer: Answer) -> bool:
    """Whether the same key may be answered better later: 429, 5xx, or the key is in use."""
    return passing(answer) or (answer.status == CONFLICT and parse.problem_type(answer.body) == IN_PROGRESS)
