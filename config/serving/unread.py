"""Answers that nobody reads: the kernel ends their connections, which would be held for ever, as many as a process may have."""

import os
import socket
from contextlib import suppress

# With nothing of an answer taken. Whoever takes a little has so long again.
UNREAD_SECONDS = 30
INTERNET = (socket.AF_INET, socket.AF_INET6)


def end_unread() -> None:
    """Tell the sockets that this process listens at; each connection has it from them. The server has no option for it.

    Only Linux can. Not those to the database, which have limits of their own.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    for name in os.listdir("/proc/self/fd"):
        # Not a socket, or closed meanwhile.
        with suppress(OSError):
            tell(int(name))


def tell(number: int) -> None:
    known = socket.socket(fileno=number)
    try:
        if known.family in INTERNET and known.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            known.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
    finally:
        known.detach()
