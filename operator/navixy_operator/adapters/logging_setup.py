"""One log for everything: structlog, kopf, aiohttp, SQLAlchemy and warnings, as JSON lines on standard error."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from navixy_operator.adapters.masking import Masker

FIRST_KEYS: Final = ("timestamp", "level", "logger", "event")

# what would log rows, headers or a line per request; not even --verbose turns these on, as some of it is secret
_SILENCED: Final = ("alembic", "sqlalchemy", "httpx", "httpcore", "kubernetes", "aiohttp.access", "urllib3", "asyncio")
_NOISY: Final = ("kopf.objects", "kopf.activities")  # kopf's line per object and handler


class _Handler(logging.StreamHandler[TextIO]):
    """Our handler: a type of its own, so that a second ``configure`` finds and replaces it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A line that cannot be written is lost: logging's own report would print the arguments unmasked."""


def configure(
    level: str = "INFO",
    *,
    json: bool = True,
    verbose: bool = False,
    masker: Masker | None = None,
    stream: TextIO | None = None,
) -> Masker:
    """Set logging up, or anew; returns the masker, to register secrets with.

    ``json``: False for lines that a person reads in a terminal. ``verbose``: also kopf's line per object.
    Raises ValueError for a level that logging does not know.
    """
    masker = masker or Masker()
    target = stream or sys.stderr
    handler = _Handler(target)
    handler.setFormatter(_formatter(masker, json=json, colors=target.isatty()))
    root = logging.getLogger()
    root.setLevel(level)  # raises before anything is changed
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.NOTSET if verbose else logging.WARNING)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a test, or a second call, may set it up anew
    )
    return masker


def _formatter(masker: Masker, *, json: bool, colors: bool) -> structlog.stdlib.ProcessorFormatter:
    common: list[Processor] = [
        _stamp,
        structlog.processors.format_exc_info,  # a plain traceback: never the values of local variables
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _in_order,
        masker,
    ]
    renderer: Processor = (
        _render_json
        if json
        else structlog.dev.ConsoleRenderer(
            colors=colors, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        )
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars, _kopf_object], processors=[*common, renderer]
    )


def _stamp(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Time, level and logger, all from the record; RFC 3339 in UTC with milliseconds."""
    record: logging.LogRecord = event["_record"]
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    event["timestamp"] = at.replace("+00:00", "Z")
    event["level"] = record.levelname.lower()
    event["logger"] = record.name
    if record.exc_info and "exc_info" not in event:
        event["exc_info"] = record.exc_info
    return event


def _kopf_object(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """The object that a record of kopf's is about."""
    about = getattr(event["_record"], "k8s_ref", None)
    if isinstance(about, Mapping):
        event["kind"] = about.get("kind")
        event["object"] = f"{about.get('namespace') or ''}/{about.get('name') or ''}"
    return event


def _in_order(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: event[key] for key in FIRST_KEYS if key in event} | {
        key: value for key, value in event.items() if key not in FIRST_KEYS
    }


def _render_json(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    return orjson.dumps(event, default=_text, option=orjson.OPT_NON_STR_KEYS).decode()


def _text(value: Any) -> str:
    return str(type(value).__name__)  # the masker has left nothing of other types
