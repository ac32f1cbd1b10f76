"""Starting servers of our own: where, and until when to wait."""

import os
import re
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import requests

# The machine may be busy with other tests.
PATIENCE_SECONDS = 600
ROOT = Path(__file__).parents[2]


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


@contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """The address of an empty database of the kind that is tested."""
    tested = os.environ.get("TEST_DATABASE_URL")
    if not tested:
        yield f"sqlite:///{folder}/demo.sqlite3"
        return
    # One process of tests may serve several at once.
    server, name = urlsplit(tested), f"demo_{uuid4().hex}"
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


# An installation without demo: nobody logs in or pays there.
NO_DEMO = {
    "DEMO": "off",
    "SECRET_KEY": "x" * 50,
    "ENCRYPTION_KEYS": urlsafe_b64encode(b"k" * 32).decode(),
    "LOGIN_PROVIDER": "wechat",
    "PAYMENT_GATEWAY": "wechat",
}


@contextmanager
def serving(folder: Path, *words: str, **own: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """``manage.py serve`` on an empty database, with the settings that users have and ``own``: its address, and its process.

    What it prints is in ``folder / "log"``.
    """
    port, log = free_port(), folder / "log"
    address = f"http://127.0.0.1:{port}"
    with own_database(folder) as database, log.open("w") as output:
        # Throttles too, and nothing of the tests'.
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database,
            "MEDIA_ROOT": str(folder / "media"),
            "STATIC_ROOT": str(folder / "static"),
            "PUBLIC_BASE_URL": address,
            "API_THROTTLES": "on",
            **own,
        }
        command = [sys.executable, "manage.py", "serve", "--port", str(port), *words]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until_ready(server, address, log)
            yield address, server
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment of a reader beside whom ``make run`` serves the demo: its address, and the keys that it printed."""
    folder = tmp_path_factory.mktemp("demo")
    with serving(folder) as (address, _server):
        printed = re.search(r"appKey=(\S+) appSecret=(\S+)", (folder / "log").read_text())
        assert printed is not None
        yield {"ADDRESS": address, "APP_KEY": printed[1], "APP_SECRET": printed[2]}
