"""The CA certificates that HTTP clients of the outside trust."""

import os
import ssl
import time
from functools import lru_cache
from typing import Final

import httpx

BUNDLE_SECONDS: Final = 600.0
"""How long a CA bundle that was read counts: reading it takes 20 ms of CPU, and each pass has a pool of its own."""


def trusted() -> ssl.SSLContext:
    """The CA bundle of httpx, or SSL_CERT_FILE's / SSL_CERT_DIR's where the environment names one.

    Another bundle at the same place counts after ten minutes. Raises OSError or SSLError when it cannot be read.
    """
    named = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return _read(named, int(time.monotonic() // BUNDLE_SECONDS))


@lru_cache(maxsize=1)
def _read(_named: tuple[str | None, str | None], _period: int) -> ssl.SSLContext:
    return httpx.create_ssl_context()
