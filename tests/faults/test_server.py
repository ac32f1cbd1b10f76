"""The server as ``serve`` runs it: what never comes to its end costs others nothing, and a process that dies takes none along."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from config.serving import processes
from config.serving.unread import UNREAD_SECONDS
from tests.support.servers import NO_DEMO, serving

pytestmark = pytest.mark.slow

SECONDS = 60
NEVER_ENDING = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
ASKED_ONCE = b"GET /healthz/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
P99_SECONDS = 1.0
# On a machine that is busy with other tests a quiet server is slow too.
P99_OF_QUIET = 10
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[tuple[str, int]]:
    with serving(tmp_path_factory.mktemp("site"), "--workers", "2", **NO_DEMO) as (address, server):
        yield address, server.pid


class Crowd:
    """Connections that are made anew as the server ends them."""

    def __init__(self, address: str, held: ExitStack, first: bytes, size: int, *, answered: bool = False) -> None:
        self.parts, self.held, self.first, self.answered = urlsplit(address), held, first, answered
        self.connections = [self.connect() for _ in range(size)]
        self.ended = 0

    def connect(self) -> socket.socket:
        connection = self.held.enter_context(socket.create_connection((self.parts.hostname, self.parts.port), timeout=30))
        connection.sendall(self.first)
        if self.answered:
            assert b" 200 " in connection.recv(4096)
        connection.setblocking(False)
        return connection

    def renew(self) -> None:
        for number, connection in enumerate(self.connections):
            try:
                connection.recv(4096)
            except BlockingIOError:
                continue
            except ConnectionError:
                pass
            self.ended += 1
            connection.close()
            self.connections[number] = self.connect()


def p99_of(address: str, *, seconds: float, crowds: list[Crowd]) -> float:
    """Of a visitor's calls, each on a connection of its own."""
    taken, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        for crowd in crowds:
            crowd.renew()
        answer = requests.get(f"{address}/healthz/live", timeout=30)
        assert answer.status_code == 200
        taken.append(answer.elapsed.total_seconds())
    return sorted(taken)[int(len(taken) * 0.99)]


def test_unfinished_requests_and_silent_connections_cost_others_nothing(site):
    address, _serve = site
    quiet = p99_of(address, seconds=5, crowds=[])
    with ExitStack() as held:
        crowds = [
            Crowd(address, held, NEVER_ENDING % b"/api/auth/login", 32),
            Crowd(address, held, NEVER_ENDING % b"/orders/", 32),
            Crowd(address, held, b"", 300),
            Crowd(address, held, b"GET / HT", 50),
            Crowd(address, held, ASKED_ONCE, 300, answered=True),
        ]
        p99 = p99_of(address, seconds=SECONDS, crowds=crowds)
        assert all(crowd.ended for crowd in crowds), "the server ended none"
    assert p99 < max(P99_SECONDS, P99_OF_QUIET * quiet)


LARGE = b"GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
ANSWERS = 20


def test_a_connection_whose_answers_are_not_read_is_ended(site):
    """Else as many of them as the server may hold shut the door for as long as they like."""
    address = urlsplit(site[0])
    assert requests.get(f"{site[0]}/healthz/live", timeout=30).ok
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        connection.sendall(LARGE * ANSWERS)
        time.sleep(UNREAD_SECONDS * 1.5)
        connection.settimeout(PATIENCE_SECONDS)
        with pytest.raises(ConnectionResetError):
            while connection.recv(1024 * 1024):
                pass


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int, word: str) -> bool:
    return word in Path(f"/proc/{pid}/cmdline").read_text()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not come back"
        time.sleep(0.1)


def answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthz/live", timeout=5).ok
    except requests.RequestException:
        return False


def server_of(pid: int) -> int | None:
    return next((child for child in children_of(pid) if runs(child, "granian")), None)


def worker_of(pid: int) -> int | None:
    return next((child for child in children_of(pid) if runs(child, "manage.py\0work")), None)


def test_whatever_is_killed_is_started_again_and_the_others_stay(site):
    address, serve = site
    server, worker = server_of(serve), worker_of(serve)
    one, other = children_of(server)[:2]
    os.kill(one, signal.SIGKILL)
    wait_until(lambda: len(children_of(server)) == 2 and one not in children_of(server))
    assert other in children_of(server)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: worker_of(serve) not in (None, worker))
    assert server_of(serve) == server
    assert answers(address)
    second = worker_of(serve)
    orphans = children_of(server)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: server_of(serve) not in (None, server) and answers(address))
    assert worker_of(serve) == second
    assert not any(Path(f"/proc/{orphan}").exists() for orphan in orphans)


def test_what_never_starts_is_given_up():
    """A person sees why it ends, instead of a log that fills up."""
    ends, stays = [sys.executable, "-c", "print(1)"], [sys.executable, "-c", "import time; time.sleep(600)"]
    code = f"import sys; from config.serving.processes import keep_running; sys.exit(keep_running([{ends}, {stays}], folder='.'))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert (ended.returncode, ended.stdout.count("1")) == (1, processes.ATTEMPTS)


STAYS = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]
# Whoever runs the tests under `nohup` has SIGHUP ignored, and with it their processes.
HEARS = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
KEEPS = f"{HEARS}; import sys; from config.serving.processes import keep_running; sys.exit(keep_running([{STAYS}, *{{more}}], folder='.'))"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_whoever_ends_it_ends_what_it_keeps(number):
    """SIGHUP: the terminal is closed. Left alone, its processes would hold the port against the next start."""
    code = KEEPS.format(more=[])
    keeper = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert keeper.stdout is not None
    assert keeper.stdout.readline() == "begun\n"
    kept = children_of(keeper.pid)
    keeper.send_signal(number)
    keeper.wait(PATIENCE_SECONDS)
    left = [pid for pid in kept if Path(f"/proc/{pid}").exists()]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert (keeper.returncode, left) == (0, [])


def test_what_can_not_be_started_leaves_nothing_behind():
    """Its output is the kept one's too: it ends when both have."""
    ended = subprocess.run(
        [sys.executable, "-c", KEEPS.format(more=[["/missing"]])], capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert (ended.returncode, "FileNotFoundError" in ended.stderr) == (1, True)
