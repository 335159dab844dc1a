"""What F1.1's answers mean: the statuses of the contract, and the errors for what is outside of it."""

from typing import Any, Final

from navixy_operator.adapters.forwarding import parse
from navixy_operator.adapters.forwarding.wire import Answer, Call, passing
from navixy_operator.core.model import Connection
from navixy_operator.errors import EstablishFailed, EstablishRefused, ForwardingProtocolError

OK: Final = 200
ACCEPTED: Final = 202
NO_CONTENT: Final = 204
NOT_MODIFIED: Final = 304
BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422
TOKEN_EXPIRED: Final = "page-token-expired"  # noqa: S105 - a problem type, not a secret
IN_PROGRESS: Final = "in-progress"
OTHER_HASH: Final = "open-with-other-hash"
REFUSALS: Final = frozenset({"hash-malformed", "hash-rejected", "account-blocked"})


def document(answer: Answer) -> dict[str, Any]:
    """The object of a 200. Raises MalformedError."""
    if answer.status == OK:
        return parse.document(answer.body, answer.content_type)
    message = f"the answer has status {answer.status}"
    raise parse.MalformedError(message)


def outside(call: Call, what: str) -> ForwardingProtocolError:
    """The error for an answer that breaks the contract."""
    message = f"F1.1 answered {call} outside its contract: {what}; check forwarding.url and F1.1's version"
    return ForwardingProtocolError(message)


def token_expired(answer: Answer) -> bool:
    """Whether a page token is too old: the list must start over."""
    return answer.status == BAD_REQUEST and parse.problem_type(answer.body) == TOKEN_EXPIRED


def unsettled(answer: Answer) -> bool:
    """Whether the same key may be answered better later: 429, 5xx, or the key is in use."""
    return passing(answer) or (answer.status == CONFLICT and parse.problem_type(answer.body) == IN_PROGRESS)


def established(call: Call, answer: Answer, customer_ref: str) -> Connection:
    """The connection that an establish was answered with. Raises EstablishRefused, EstablishFailed."""
    kind = parse.problem_type(answer.body) if answer.status >= BAD_REQUEST else ""
    if answer.status == UNPROCESSABLE and kind in REFUSALS:
        message = f"F1.1 refused the customer's hash ({kind}): correct it in the customer database"
        raise EstablishRefused(message, code=kind)
    if answer.status == CONFLICT and kind == OTHER_HASH:
        message = "F1.1 holds an open connection of this customer with another hash: it must be closed first"
        raise EstablishFailed(message, code=kind)
    if answer.status not in {OK, ACCEPTED}:
        message = f"F1.1 did not establish the connection: {call} was answered {answer.status}, outside its contract"
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
