"""The server's command line: granian with the limits that ``config/asgi.py`` counts on."""

import os
import resource
import socket
import sys
from argparse import ArgumentParser

from django.core.management.base import CommandError
from django.db import connection

# A request's head has so long, and a connection that asks nothing is closed after it.
HEAD_MILLISECONDS = 10_000
HEAD_BYTES = 64 * 1024
# Of one process. Connections cost little: a crowd of browsers that keep theirs open must not shut the door.
CONNECTIONS = 8192
OPEN_FILES = 65_536


def add_arguments(parser: ArgumentParser) -> None:
    """What ``command`` takes, as options of a management command."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=0, help="server processes (default: 1 on SQLite, else one per core)")


def open_files() -> int:
    """How many files the server may hold open, and so connections: what the system lets it, within reason."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)


def check_port(host: str, port: int) -> None:
    """The server itself would share a port that another one has. Raises CommandError."""
    with socket.socket() as probe:
        # As the server will: a port that merely lingers from an earlier run is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"Port {port} on {host} can't be used ({error.strerror}). Choose another one: make run PORT=8001") from error


def command(*, host: str, port: int, workers: int) -> list[str]:
    """The server's command line; ``workers`` 0: one process on SQLite, which has one writer, else one for each core."""
    workers = workers or (1 if connection.vendor == "sqlite" else os.cpu_count() or 2)
    options = {
        "interface": "asginl",
        # With `auto` the first bytes of a connection, which tell the versions apart, have no limit in time.
        "http": "1",
        "host": host,
        "port": port,
        "workers": workers,
        "backlog": 2048,
        # Each is a file, and the database and pictures need some too.
        "backpressure": min(CONNECTIONS, open_files() // 2),
        "http1-header-read-timeout": HEAD_MILLISECONDS,
        "http1-buffer-size": HEAD_BYTES,
        "respawn-interval": 1,
        "workers-kill-timeout": 10,
        "log-level": "warning",
    }
    named = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return [sys.executable, "-m", "granian", "--no-ws", "--respawn-failed-workers", *named, "config.asgi:application"]
