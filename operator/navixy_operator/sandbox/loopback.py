"""The loopback address, where every server of the sandbox listens: free ports, and whether a server is there."""

import http.client
import random
import socket
from typing import Final

from navixy_operator.sandbox.errors import ProcessError

LOOPBACK: Final = "127.0.0.1"
PORT_RANGE: Final = (20_000, 32_000)
PORT_ATTEMPTS: Final = 200
LOOK_SECONDS: Final = 1.0


def free_ports(count: int) -> list[int]:
    """Distinct free TCP ports on the loopback address.

    They lie below the range from which the kernel gives ports to outgoing connections, so that hardly anyone takes
    one before the server binds it.
    """
    found: dict[int, socket.socket] = {}
    try:
        for _ in range(PORT_ATTEMPTS):
            if len(found) == count:
                return list(found)
            port = random.randint(*PORT_RANGE)  # noqa: S311 - not a secret
            if port in found:
                continue
            candidate = socket.socket()
            try:
                candidate.bind((LOOPBACK, port))
            except OSError:
                candidate.close()
            else:
                found[port] = candidate
    finally:
        for held in found.values():
            held.close()
    message = f"no {count} free ports between {PORT_RANGE[0]} and {PORT_RANGE[1]}"
    raise ProcessError(message)


def http_ok(port: int, path: str, host: str = LOOPBACK) -> bool:
    """Whether an HTTP server answers 200 at ``path``; for ``Process.wait_ready``, surer than an open port."""
    connection = http.client.HTTPConnection(host, port, timeout=LOOK_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
