"""What goes wrong with a request to F1.1, in words and codes that quote nothing of it."""

import socket
import ssl

import httpx

from navixy_operator.adapters.forwarding import timing


def plain(error: BaseException, seconds: float) -> tuple[str, str]:
    """What went wrong in a person's words, and a code, from the innermost cause; without the library's own text."""
    known: tuple[tuple[type[BaseException], str, str], ...] = (
        (ssl.SSLCertVerificationError, "met a TLS certificate that is not trusted (SSL_CERT_FILE names the CA)", "tls"),
        (ssl.SSLError, "failed in the TLS handshake", "tls"),
        (socket.gaierror, "failed: the host name is not known", "unreachable"),
        (ConnectionRefusedError, "was refused: nothing listens at this address", "unreachable"),
        (TimeoutError, f"was not answered within {seconds:g} s", timing.TIMEOUT),
        (httpx.TimeoutException, f"was not answered within {seconds:g} s", timing.TIMEOUT),
        (httpx.DecodingError, "was answered in an encoding that cannot be read", "encoding"),
    )
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 8:  # noqa: PLR2004 - only to end a chain that bites its tail
        chain.append(link)
        link = link.__cause__ or link.__context__
    for kind, what, code in known:
        if any(isinstance(one, kind) for one in chain):
            return what, code
    return f"failed: the connection broke ({type(error).__name__})", "connection"
