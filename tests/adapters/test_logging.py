"""The log: one JSON line for whatever speaks, and no secret in any."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from navixy_operator.adapters.logging_setup import configure
from navixy_operator.adapters.masking import Masker
from navixy_operator.core.model import NavixyHash

HASH = "0123456789abcdef0123456789abcdef"
URL = "postgresql+psycopg://reader:pa%2Fss@word@db:5432/customers"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was, whatever a test sets up."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    names = ("sqlalchemy", "httpx", "httpcore", "kubernetes", "aiohttp.access", "urllib3", "asyncio")
    levels = {name: logging.getLogger(name).level for name in (*names, "kopf.objects", "kopf.activities")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def stream() -> io.StringIO:
    """Where the log goes."""
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Every line, each of which must be JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_ours(stream: io.StringIO) -> None:
    """The four keys first, the facts after them, bound ones included."""
    configure(stream=stream)
    with structlog.contextvars.bound_contextvars(cycle="main-1"):
        structlog.get_logger("navixy.cycle").bind(customer="C-1").info("a connection was closed", attempts=2)
    (line,) = lines(stream)
    assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
    assert line["timestamp"][-5:-4] == "."
    assert line["timestamp"].endswith("Z")
    del line["timestamp"]
    assert line == {
        "level": "info",
        "logger": "navixy.cycle",
        "event": "a connection was closed",
        "cycle": "main-1",
        "customer": "C-1",
        "attempts": 2,
    }


def test_a_line_of_a_library(stream: io.StringIO) -> None:
    """Standard logging comes out the same, with the context of our cycle."""
    configure(stream=stream)
    with structlog.contextvars.bound_contextvars(cycle="main-1"):
        logging.getLogger("kopf.engine").warning("stopped %s after %d s", "watching", 3)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("stopped watching after 3 s", "warning", "kopf.engine")
    assert line["cycle"] == "main-1"


def test_an_object_of_kopf(stream: io.StringIO) -> None:
    """Which resource a record is about."""
    configure(stream=stream)
    about = {"apiVersion": "v", "kind": "NavixySync", "namespace": "n", "name": "main", "uid": "u"}
    logging.getLogger("kopf.objects").error("failed", extra={"k8s_ref": about, "more": object()})
    (line,) = lines(stream)
    assert (line["kind"], line["object"]) == ("NavixySync", "n/main")
    assert "more" not in line


@pytest.mark.parametrize(("verbose", "count"), [(False, 0), (True, 1)])
def test_kopf_is_quiet_unless_asked(stream: io.StringIO, *, verbose: bool, count: int) -> None:
    """A line for each object of 10,000 helps nobody."""
    configure(stream=stream, verbose=verbose)
    logging.getLogger("kopf.objects").info("Handler 'x' succeeded.")
    assert len(lines(stream)) == count


@pytest.mark.parametrize("name", ["sqlalchemy.engine.Engine", "httpx", "httpcore.http11", "kubernetes.aio"])
def test_what_logs_content_is_quiet_at_every_level(stream: io.StringIO, name: str) -> None:
    """Rows of the customer database and headers with tokens are debug output of libraries."""
    configure("DEBUG", stream=stream, verbose=True)
    logging.getLogger(name).debug("Row %r", ("C-1", HASH))
    assert stream.getvalue() == ""


def test_levels(stream: io.StringIO) -> None:
    """Below the level nothing, for both kinds of logger; a level that does not exist is an error."""
    configure("WARNING", stream=stream)
    structlog.get_logger("a").info("no")
    logging.getLogger("b").info("no")
    assert stream.getvalue() == ""
    with pytest.raises(ValueError, match="LOUD"):
        configure("LOUD")


def test_configuring_twice_logs_once(stream: io.StringIO) -> None:
    """The second call replaces the first."""
    configure(stream=io.StringIO())
    configure(stream=stream)
    logging.getLogger("a").warning("once")
    structlog.get_logger("a").warning("once")
    assert len(lines(stream)) == 2


def test_warnings_are_lines(stream: io.StringIO) -> None:
    """Python's own warnings do not break the JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure(stream=stream)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "old thing" in lines(stream)[0]["event"]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_shows_no_locals_and_no_secret(stream: io.StringIO, *, as_json: bool) -> None:
    """Of an exception whose text and frames hold a hash, a URL with a password and a token."""
    masker = configure(stream=stream, json=as_json)
    masker.add("registered-token")

    def fail(secret: str) -> None:
        message = f"{secret} {URL} registered-token"
        raise ValueError(message)

    try:
        fail(HASH)
    except ValueError:
        structlog.get_logger("a").exception("it failed")
        logging.getLogger("b").exception("it failed")
    text = stream.getvalue()
    assert text.count("Traceback") == 2
    assert text.count("ValueError:") == 2
    assert HASH not in text
    assert "word" not in text
    assert "registered-token" not in text


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("navixy_hash", HASH, "***"),
        ("token", "abc", "***"),
        ("f11_token", "abc", "***"),
        ("Authorization", "Bearer abc", "***"),
        ("database_password", "abc", "***"),
        ("url", f"https://h/{HASH}/x", "https://h/***/x"),
        ("error", f"refused {HASH.upper()}", "refused ***"),
        ("error", "sent Bearer abcdefgh.ijkl", "sent Bearer ***"),
        ("error", "host=db password=hunter22 user=x", "host=db password=*** user=x"),
        ("where", URL, "postgresql+psycopg://reader:***@db:5432/customers"),
        ("where", "say registered-secret!", "say ***!"),
        ("cycle", "main-20250101", "main-20250101"),
        ("connection", HASH, HASH),
        ("hashFingerprint", "0123456789abcdef", "0123456789abcdef"),
        ("tokenSecretRef", {"name": "f11", "key": "token-file"}, {"name": "f11", "key": "token-file"}),
        ("facts", {"inner": [{"token": "abc"}, URL]}, None),
        ("count", 3, 3),
        ("nothing", None, None),
        ("hash", NavixyHash(HASH), "***"),
        ("customer", NavixyHash(HASH), "NavixyHash(fingerprint='b9f0a8fa9a6f8e1f')"),
    ],
    ids=repr,
)
def test_masking(key: str, value: object, shown: object) -> None:
    """By the key's name, by the look of the value, by registration; identifiers stay readable."""
    masker = Masker()
    masker.add("registered-secret")
    result = masker(None, "", {key: value})[key]
    if key == "facts":
        assert "abc" not in str(result)
        assert "word" not in str(result)
    elif key == "customer":
        assert HASH not in str(result)
        assert "fingerprint" in str(result)
    else:
        assert result == shown


def test_masking_remembers_a_bounded_number_and_no_short_words() -> None:
    """Rotated tokens push out the oldest; a short value would eat ordinary words."""
    masker = Masker()
    masker.add("a")
    for number in range(300):
        masker.add(f"secret-{number:04d}")
    assert masker.text("a secret-0000 secret-0299") == "a secret-0000 ***"


def test_masking_keeps_what_the_process_itself_needs() -> None:
    """It is registered once, at the start, and not pushed out by what is rotated."""
    masker = Masker()
    masker.add("audit-password", keep=True)
    for number in range(300):
        masker.add(f"secret-{number:04d}")
    assert masker.text("audit-password secret-0000") == "*** secret-0000"


def test_console(stream: io.StringIO) -> None:
    """For a person: no JSON, no colours where there is no terminal, masked all the same."""
    configure(stream=stream, json=False)
    structlog.get_logger("a").info("hello", token="abcdef", customer="C-1")
    text = stream.getvalue()
    assert "hello" in text
    assert "customer=C-1" in text
    assert "abcdef" not in text
    assert "\x1b" not in text


def test_a_line_that_cannot_be_written_is_lost_quietly(stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """A format error must not print its arguments to standard error."""
    configure(stream=stream)
    root = logging.getLogger()
    root.handlers[:] = root.handlers[-1:]  # pytest's own handlers raise what ours must swallow
    root.warning("%d", HASH)
    assert lines(stream) == []
    assert HASH not in "".join(capsys.readouterr())
