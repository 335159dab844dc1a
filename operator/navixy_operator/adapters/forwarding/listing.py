"""F1.1's lists of connections, page by page: whole and from one start, or an error."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from navixy_operator.adapters.forwarding import answers, parse
from navixy_operator.adapters.forwarding.pace import Clock
from navixy_operator.adapters.forwarding.settings import ForwardingSettings, shown
from navixy_operator.adapters.forwarding.wire import Answer, Call, NoAnswerError, TooLargeError, Wire
from navixy_operator.core.model import Connection
from navixy_operator.core.vocabulary import PROVIDER, Operation
from navixy_operator.errors import ForwardingProtocolError, ForwardingUnavailable
from navixy_operator.ports import Listing

# of RFC 9110, so that nothing else (`*` would match whatever there is) goes back as If-None-Match
_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,1000}"')


class _TokenExpiredError(Exception):
    """The list must start over."""


class Lister:
    """Reads lists from ``collection``, the URL of all connections."""

    def __init__(self, settings: ForwardingSettings, wire: Wire, clock: Clock, collection: httpx.URL) -> None:
        self._settings = settings
        self._wire = wire
        self._clock = clock
        self._collection = collection
        self._query = {"provider": PROVIDER, "page_size": str(settings.page_size)}

    async def everything(self, known: Listing | None = None) -> Listing:
        """All connections, each id once, the latest sight of it; ``known`` itself when F1.1 says it is still right.

        Raises ForwardingUnavailable, ForwardingUnauthorized, ForwardingProtocolError.
        """
        return await self._whole(self._query, known)

    async def of_customer(self, customer_ref: str) -> Sequence[Connection]:
        """The connections of one customer, whatever else F1.1 lists. Raises as ``everything``."""
        try:
            customer_ref.encode()
        except UnicodeEncodeError:
            return []  # no JSON can hold such a reference, so no connection has it
        listing = await self._whole({**self._query, "customer_ref": customer_ref}, None)
        return [one for one in listing.connections if one.customer_ref == customer_ref]

    async def _whole(self, query: Mapping[str, str], known: Listing | None) -> Listing:
        deadline = self._clock.monotonic() + self._settings.list_timeout_seconds
        for _ in range(1 + self._settings.restarts):
            try:
                return await self._from_one_start(query, known, deadline)
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

    async def _from_one_start(self, query: Mapping[str, str], known: Listing | None, deadline: float) -> Listing:
        """The pages from the first to the last. Raises _TokenExpiredError, NoAnswerError, ForwardingProtocolError."""
        settings = self._settings
        call = self._call(query, deadline, _unless(known))
        answer = await self._wire.call(call)
        if known is not None and call.headers and answer.status == answers.NOT_MODIFIED:
            return known
        # the first page's: what changes while the others are read makes this tag an old one
        etag = answer.headers.get("etag", "")
        found: dict[str, Connection] = {}
        tokens: set[str] = set()
        size = 0
        for number in range(1, settings.max_pages + 1):
            page = _page(call, number, answer)
            _take(page.items, found)
            size += page.size
            if page.token is None:
                return Listing(tuple(found.values()), etag if _ETAG.fullmatch(etag) else None)
            if page.token in tokens:
                what = f"page {number}: its next_page_token was given before: the list never ends"
                raise answers.outside(call, what)
            if size > settings.max_items:
                what = f"page {number}: more than {settings.max_items} items: the list never ends"
                raise answers.outside(call, what)
            tokens.add(page.token)
            if number < settings.max_pages:
                call = self._call({**query, "page_token": page.token}, deadline)
                answer = await self._wire.call(call)
        raise answers.outside(call, f"more than {settings.max_pages} pages: the list never ends")

    def _call(self, query: Mapping[str, str], deadline: float, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Call:
        """The request for one page within what is left of the time. Raises NoAnswerError: nothing is."""
        within = deadline - self._clock.monotonic()
        if within <= 0:
            message = f"GET {shown(self._collection)} took longer than {self._settings.list_timeout_seconds:g} s in all"
            raise NoAnswerError(message, "timeout")
        operation = Operation.LIST_OF_CUSTOMER if "customer_ref" in query else Operation.LIST
        address = self._collection.copy_with(params=query)
        return Call("GET", address, headers, self._settings.attempts, within, operation)


def _unless(known: Listing | None) -> tuple[tuple[bytes, bytes], ...]:
    if known is None or known.etag is None or not _ETAG.fullmatch(known.etag):
        return ()
    return ((b"if-none-match", known.etag.encode()),)


def _page(call: Call, number: int, answer: Answer) -> parse.Page:
    if answers.token_expired(answer):
        raise _TokenExpiredError
    try:
        return parse.page(answers.document(answer))
    except parse.MalformedError as error:
        raise answers.outside(call, f"page {number}: {error}") from None


def _take(items: Sequence[Connection], found: dict[str, Connection]) -> None:
    """Add a page's connections: of two sights of one id the later counts."""
    for one in items:
        known = found.get(one.id)
        if known is None or one.updated_at >= known.updated_at:
            found[one.id] = one
