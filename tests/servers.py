"""Starting servers of our own: where, and until when to wait."""

import socket
import subprocess
import time
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

# The machine may be busy with other tests.
PATIENCE_SECONDS = 600


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until_ready(server: subprocess.Popen, address: str, log: Path) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        if server.poll() is not None:
            break
        with suppress(requests.RequestException):
            if requests.get(f"{address}/healthz/ready", timeout=5).status_code == HTTPStatus.OK:
                return
        time.sleep(0.3)
    pytest.fail(f"it isn't served: {log.read_text()}")
