"""Ending a call to a database that another thread waits for."""

import contextlib
import os
import socket
import sqlite3


def interrupt(driver_connection: object) -> None:
    """Make a call that another thread waits for on this connection end now; never waits itself.

    Shutting the socket down works on every driver that shows its socket, and needs no second connection as a
    cancel request would. Drivers that do not show theirs end by their own time limits.
    """
    if isinstance(driver_connection, sqlite3.Connection):
        driver_connection.interrupt()
        return
    holder = getattr(driver_connection, "_sock", None) or driver_connection  # PyMySQL keeps it there
    fileno = getattr(holder, "fileno", None)
    if fileno is None:
        return
    # a driver may close the socket on its own at this moment, and say so in an error of its own kind
    with contextlib.suppress(Exception), socket.socket(fileno=os.dup(fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)
