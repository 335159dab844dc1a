"""Every error the operator raises, sorted by what mends it.

OperatorError                       message and reason are safe to show: no hash, token, password or URL with one
├── TemporaryError                  nobody needs to act: the next cycle or pass tries again
│   ├── DatabaseUnavailable         cannot connect, connection lost, timed out
│   ├── ForwardingUnavailable       F1.1: no answer, 5xx, 429 beyond the retries, an incomplete list
│   ├── KubernetesUnavailable       the API server: no answer, 5xx, 429 beyond the retries
│   ├── AuditUnavailable            the audit trail's database: no answer, full, read only
│   ├── AuditSpoolFull              the local disk takes no more entries of the audit trail
│   ├── AlertmanagerUnavailable     Alertmanager: no answer, or it refuses
│   └── LeadershipLost              this process does not hold the lease: another replica does the work
├── ConfigurationError              a person must mend what the message names
│   ├── DatabaseUrlInvalid          not a URL of SQLAlchemy, or no driver for it
│   ├── AuditUrlInvalid             the audit trail's URL: not one of SQLite or PostgreSQL
│   ├── DatabaseQueryFailed         columns missing, no such table, not allowed, not a query
│   ├── ForwardingUnauthorized      401 or 403: our token, never a customer's hash
│   ├── ForwardingProtocolError     an answer outside the contract: HTML, wrong types, a list that never ends
│   ├── KubernetesForbidden         401 or 403 of the API server: the verb and resource that is not permitted
│   ├── ApprovalInvalid             an approval of held closes that does not count
│   ├── SecretNotFound              a Secret or its key is missing
│   └── InvalidSpec                 a resource that does not say what it must
└── CustomerError                   about one customer: marked on it, the others go on
    ├── EstablishRefused            422: permanent until the hash changes
    ├── EstablishFailed             this one did not come about; the next cycle tries again
    └── CloseFailed                 still open after the retries
"""

from typing import ClassVar

from navixy_operator.core.vocabulary import Reason


class OperatorError(Exception):
    """Base: ``str(error)`` is one sentence that says what, where and how to mend it."""

    reason: ClassVar[Reason] = Reason.INTERNAL_ERROR


class TemporaryError(OperatorError):
    """Mended by time."""


class ConfigurationError(OperatorError):
    """Mended by a person."""


class CustomerError(OperatorError):
    """About one customer. ``code`` is F1.1's, for status and report."""

    def __init__(self, message: str, *, code: str, permanent: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.permanent = permanent


class DatabaseUnavailable(TemporaryError):
    """The customer database did not answer (spec: Customer Database Unavailable)."""

    reason = Reason.DATABASE_UNAVAILABLE


class ForwardingUnavailable(TemporaryError):
    """F1.1 did not answer, or not wholly."""

    reason = Reason.FORWARDING_UNAVAILABLE


class KubernetesUnavailable(TemporaryError):
    """The API server did not answer within the retries."""

    reason = Reason.KUBERNETES_UNAVAILABLE


class AuditUnavailable(TemporaryError):
    """The audit trail's database did not answer, or could not store."""

    reason = Reason.AUDIT_UNAVAILABLE


class AuditSpoolFull(TemporaryError):
    """Entries that cannot be stored cannot be kept on the local disk either: its bound is reached, or it fails."""

    reason = Reason.AUDIT_SPOOL_FULL


class AlertmanagerUnavailable(TemporaryError):
    """Alertmanager did not take the alerts."""

    reason = Reason.ALERTMANAGER_UNAVAILABLE


class LeadershipLost(TemporaryError):
    """This process may not act: the lease is not its own, or was not renewed in time."""

    reason = Reason.LEADERSHIP_LOST


class DatabaseUrlInvalid(ConfigurationError):
    """The database URL cannot be used."""

    reason = Reason.DATABASE_URL_INVALID


class AuditUrlInvalid(ConfigurationError):
    """The audit trail's URL cannot be used."""

    reason = Reason.AUDIT_URL_INVALID


class DatabaseQueryFailed(ConfigurationError):
    """The database answered, but not with what the operator needs."""

    reason = Reason.DATABASE_QUERY_FAILED


class ForwardingUnauthorized(ConfigurationError):
    """F1.1 refused the operator's own token."""

    reason = Reason.FORWARDING_UNAUTHORIZED


class ForwardingProtocolError(ConfigurationError):
    """F1.1 answered outside its contract."""

    reason = Reason.FORWARDING_PROTOCOL_ERROR


class KubernetesForbidden(ConfigurationError):
    """The API server refuses our credentials, or what we asked with them."""

    reason = Reason.KUBERNETES_FORBIDDEN


class SecretNotFound(ConfigurationError):
    """A Secret that a NavixySync names is not there."""

    reason = Reason.SECRET_NOT_FOUND


class ApprovalInvalid(ConfigurationError):
    """A SyncCycle is to carry out held closes that nobody has approved."""

    reason = Reason.APPROVAL_INVALID


class InvalidSpec(ConfigurationError):
    """A resource's spec breaks a rule."""

    reason = Reason.INVALID_SPEC


class EstablishRefused(CustomerError):
    """F1.1 refused this customer's hash (422)."""

    reason = Reason.HASH_REJECTED

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code, permanent=True)


class EstablishFailed(CustomerError):
    """The connection did not come about this time."""

    reason = Reason.ESTABLISH_FAILED


class CloseFailed(CustomerError):
    """The connection could not be closed, or was still open afterwards."""

    reason = Reason.CLOSE_FAILED
