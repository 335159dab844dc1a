"""The four operations of the contract on the truth: no faults, no waiting, no HTTP beyond reading the request."""

import base64
import hashlib
import itertools
import re
import uuid
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiohttp import web

from navixy_operator.core.model import fingerprint
from navixy_operator.core.vocabulary import PROVIDER, ConnectionState, Origin
from navixy_operator.sandbox.f11.behaviour import Route
from navixy_operator.sandbox.f11.records import Connection, Query
from navixy_operator.sandbox.f11.replies import ProblemError, Reply, document, invalid, not_found
from navixy_operator.sandbox.f11.shared import Shared
from navixy_operator.sandbox.f11.state import World

STATES: Final = frozenset(state.value for state in ConnectionState)
ORIGINS: Final = frozenset(origin.value for origin in Origin)
MAX_PAGE: Final = 1000
MAX_KEY: Final = 64
TOKEN_MARK: Final = "p/+"  # noqa: S105 - makes every page token need quoting in a query


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks. Of the hash there is the fingerprint and whether it has the right form."""

    route: Route
    subject: str
    """The customer_ref it is about, or nothing."""
    identity: str = ""
    key: str = ""
    origin: str = Origin.AUTOMATIC.value
    hash_print: str = ""
    well_formed: bool = True
    query: Query = field(default_factory=Query)
    page_token: str = ""
    unless: str = ""

    @property
    def digest(self) -> str:
        """What must be the same when the key is."""
        return hashlib.sha256(orjson.dumps((self.subject, self.hash_print, self.origin))).hexdigest()[:32]


class Operations:
    """List, get, establish, close."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._keys_in_use: set[str] = set()
        self._instance = uuid.uuid4().hex[:8]
        self._nonce = itertools.count()

    @property
    def _world(self) -> World:
        return self._shared.world

    async def ask(self, request: web.BaseRequest, route: Route, identity: str | None) -> Ask:
        """Read the request; a key that is used by another one right now is refused. Raises ProblemError."""
        if route is Route.LIST:
            return self._ask_list(request)
        if route is Route.ESTABLISH:
            ask = self._ask_establish(
                request.headers.get("Idempotency-Key"), request.content_type, await _read(request)
            )
            if ask.key in self._keys_in_use:
                detail = "this key is in use by another request; send the same key later"
                raise ProblemError(409, "in-progress", detail)
            self._keys_in_use.add(ask.key)
            return ask
        known = self._world.connections.get(identity or "")
        return Ask(route, (known and known.customer_ref) or "", identity or "")

    def done(self, ask: Ask) -> None:
        """The request is over, whatever came of it."""
        if ask.route is Route.ESTABLISH:
            self._keys_in_use.discard(ask.key)

    def work(self, ask: Ask) -> Reply:
        """Do what is asked. Raises ProblemError."""
        match ask.route:
            case Route.LIST:
                return self._list(ask)
            case Route.ESTABLISH:
                return self._establish(ask)
            case Route.GET:
                return Reply(200, self._known(ask).json())
            case Route.CLOSE:
                one = self._known(ask)
                return Reply(204) if self._world.close(one, self._shared.now()) else Reply(202, one.json())

    def _known(self, ask: Ask) -> Connection:
        one = self._world.connections.get(ask.identity)
        if one is None:
            detail = "there is no connection of this id"
            raise not_found(detail)
        return one

    @staticmethod
    def _ask_list(request: web.BaseRequest) -> Ask:
        query = request.rel_url.query
        provider = query.get("provider")
        states = frozenset(query.getall("state", []))
        size = query.get("page_size", "100")
        if provider not in {None, PROVIDER}:
            detail = f"provider must be {PROVIDER}"
            raise invalid(detail)
        if not states <= STATES:
            detail = f"state must be of {', '.join(sorted(STATES))}"
            raise invalid(detail)
        if not re.fullmatch("[0-9]{1,4}", size) or not 1 <= int(size) <= MAX_PAGE:
            detail = f"page_size must be from 1 to {MAX_PAGE}"
            raise invalid(detail)
        wanted = Query(provider, states, query.get("customer_ref"), int(size))
        return Ask(
            Route.LIST,
            "",
            query=wanted,
            page_token=query.get("page_token", ""),
            unless=request.headers.get("If-None-Match", ""),
        )

    def _ask_establish(self, key: str | None, content_type: str, body: bytes) -> Ask:
        if key is None or len(key) > MAX_KEY:
            detail = f"the header Idempotency-Key is needed, with at most {MAX_KEY} characters"
            raise invalid(detail)
        if content_type != "application/json":
            detail = "the body must be application/json"
            raise ProblemError(415, "unsupported-media-type", detail)
        asked = document(body)
        customer_ref, hash_, origin = asked.get("customer_ref"), asked.get("hash"), asked.get("origin", "automatic")
        if asked.get("provider") != PROVIDER:
            detail = f"provider must be {PROVIDER}"
            raise invalid(detail)
        if not isinstance(customer_ref, str) or not isinstance(hash_, str):
            detail = "customer_ref and hash must be strings"
            raise invalid(detail)
        if not isinstance(origin, str) or origin not in ORIGINS:
            detail = f"origin must be of {', '.join(sorted(ORIGINS))}"
            raise invalid(detail)
        well_formed = re.fullmatch(self._world.behaviour.hash_pattern, hash_) is not None
        return Ask(Route.ESTABLISH, customer_ref, "", key, origin, fingerprint(hash_), well_formed)

    def _establish(self, ask: Ask) -> Reply:
        """The first answer to this key, or the work; what is final is remembered."""
        first = self._world.keys.get(ask.key)
        if first is not None:
            if first.digest != ask.digest:
                detail = "this key was used with another body"
                raise ProblemError(409, "idempotency-key-reused", detail)
            kind = "application/json" if first.status < 400 else "application/problem+json"  # noqa: PLR2004 - HTTP
            return Reply(first.status, first.body, kind)
        try:
            reply = self._open(ask)
        except ProblemError as problem:
            reply = problem.reply
        self._world.remember(ask.key, ask.digest, reply.status, reply.body, self._shared.now())
        return reply

    def _open(self, ask: Ask) -> Reply:
        refusal = "hash-malformed" if not ask.well_formed else self._world.behaviour.refusals.get(ask.hash_print)
        if refusal:
            detail = "this hash is not accepted, now and later"
            raise ProblemError(422, refusal, detail)
        held = self._world.open_of(ask.subject)
        if held is None:
            return Reply(202, self._world.establish(ask.subject, ask.hash_print, ask.origin, self._shared.now()).json())
        if held.fingerprint not in {None, ask.hash_print}:
            detail = "this customer has an open connection with another hash; close it first"
            raise ProblemError(409, "open-with-other-hash", detail)
        return Reply(200, held.json())

    def _list(self, ask: Ask) -> Reply:
        behaviour, query = self._world.behaviour, ask.query
        mark = hashlib.sha256(repr((query.provider, sorted(query.states), query.customer_ref)).encode()).hexdigest()[:8]
        tag = f'"{self._instance}-{self._world.version}-{mark}-{query.size}"'
        headers = {"ETag": tag} if behaviour.etags and not ask.page_token else {}
        if headers and tag in {part.strip().removeprefix("W/") for part in ask.unless.split(",")}:
            return Reply(304, headers=headers)
        after = self._after(ask.page_token, mark) if ask.page_token else 0
        size = query.size
        drawn = self._shared.faults.chance("page", str(after)) if behaviour.short_page_rate else 1.0
        if drawn < behaviour.short_page_rate:
            size = int(size * drawn / behaviour.short_page_rate)
        items, follow = self._items(query, after, size)
        if behaviour.endless == "same-token":
            follow, token = after, ask.page_token or self._token(after, mark)
        else:
            if behaviour.endless == "new-tokens" and follow is None:
                follow = 0
            token = "" if follow is None else self._token(follow, mark)
        tail = b"" if follow is None else b',"next_page_token":' + orjson.dumps(token)
        body = b'{"items":[' + b",".join([one.json() for one in items]) + b"]" + tail + b"}"
        return Reply(200, body, headers=headers)

    def _items(self, query: Query, after: int, size: int) -> tuple[list[Connection], int | None]:
        if size == 0:
            return [], after
        overlap = min(self._world.behaviour.page_overlap, size - 1)
        return self._world.page(Query(query.provider, query.states, query.customer_ref, size), after, overlap)

    def _token(self, after: int, mark: str) -> str:
        """A page token; no two are the same."""
        content = (after, self._shared.token_generation, self._shared.now(), mark, next(self._nonce))
        return TOKEN_MARK + base64.b64encode(orjson.dumps(content)).decode()

    def _after(self, token: str, mark: str) -> int:
        """The number to go on from. Raises ProblemError."""
        try:
            after, generation, issued, meant, _ = orjson.loads(base64.b64decode(token.removeprefix(TOKEN_MARK)))
            good = (
                meant == mark
                and generation == self._shared.token_generation
                and self._shared.now() - issued <= self._world.behaviour.page_token_seconds
            )
        except (ValueError, TypeError):
            good, after = False, 0
        if not good:
            detail = "this page token has expired; start over"
            raise ProblemError(400, "page-token-expired", detail)
        return int(after)


async def _read(request: web.BaseRequest) -> bytes:
    """The body. Raises ProblemError when it is too long."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        detail = "the body is too long"
        raise ProblemError(413, "too-large", detail) from None
