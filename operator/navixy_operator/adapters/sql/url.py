"""A database's URL, read: how to name it to a person, and what of it must never be shown."""

import re
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

MAX_TEXT: Final = 300
SECRET_NAME: Final = re.compile(r"pass|pwd|secret|token|odbc_connect", re.IGNORECASE)
HASH_LIKE: Final = re.compile(r"[0-9a-fA-F]{32,}")
MEMORY: Final = frozenset({None, "", ":memory:"})
"""SQLite's names of a database that is no file."""


@dataclass(frozen=True, slots=True)
class Source:
    """A database's URL that can be used. Its representation holds no password; ``place`` names it to a person."""

    url: URL = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    place: str

    @property
    def backend(self) -> str:
        """The dialect's name: ``postgresql``, ``mysql``, ``mariadb``, ``sqlite`` or another one."""
        return self.url.get_backend_name()

    @property
    def user(self) -> str:
        """Whom the URL logs in, as a person is told."""
        return f"user {self.url.username!r}" if self.url.username else "the default user"

    def safe(self, text: str) -> str:
        """One line of ``text`` without anything like a hash, cut to 300 characters; nothing if it holds a secret."""
        if any(secret in text for secret in self.secrets):
            return ""
        line = " ".join(text.split())
        return HASH_LIKE.sub("…", line)[:MAX_TEXT]


def parsed(raw: str) -> URL | None:
    """The URL; None: it is none."""
    try:
        return make_url(raw)
    except (ArgumentError, ValueError):  # the texts of these quote the URL
        return None


def has_bare_at_sign(raw: str, url: URL) -> bool:
    """Whether a password's ``@`` is not percent-encoded: parts of it would count as the host, and be shown."""
    before_options = raw.partition("://")[2].partition("?")[0]
    return before_options.count("@") > 1 or "@" in (url.host or "")


def secrets_of(raw: str, url: URL) -> tuple[str, ...]:
    """All that is secret in a URL, in whichever spelling."""
    found = {str(url.password or "")}
    # the same password as it is written in the URL, where it may be percent-encoded
    found.add(raw.partition("://")[2].rpartition("@")[0].partition(":")[2])
    for name, value in url.query.items():
        if SECRET_NAME.search(name):
            found.update((value,) if isinstance(value, str) else value)
    return tuple(sorted(found - {""}))


def place_of(url: URL) -> str:
    """Database, host and port of a server's URL, as a person is told."""
    query_host = url.query.get("host", "")
    host = url.host or (query_host if isinstance(query_host, str) else ",".join(query_host)) or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"{url.database!r} at {host}{port}" if url.database else f"at {host}{port}"
