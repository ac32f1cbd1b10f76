"""PostgreSQL crashes and starts again while people order: no order that was acknowledged is lost, and nobody sees a 500."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.db import connection

from tests.support.servers import free_port, wait_until_ready

ROOT = settings.BASE_DIR
PG_CTL = shutil.which("pg_ctl") or next(iter(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")), reverse=True)), "")
needs_server = pytest.mark.skipif(
    connection.vendor != "postgresql" or not PG_CTL, reason="crashes a PostgreSQL of its own, which needs the server's programs"
)
pytestmark = [needs_server, pytest.mark.slow]
THREADS, BUYERS = 8, 800
# In seconds.
BEFORE, SERVING_WITHIN = 2, 2
PEOPLE = f"""
import json, django
django.setup()
from knox.models import AuthToken
from tests.support import factories
group_buying = factories.GroupBuyingFactory(quota=10**6)
buyers = factories.BuyerFactory.create_batch({BUYERS}, tenant=group_buying.tenant)
print(json.dumps([group_buying.pk, [AuthToken.objects.create(user=buyer)[1] for buyer in buyers]]))
"""
ORDERS = """
import json, django
django.setup()
from groupbuy.models import Order
print(json.dumps(list(Order.objects.values_list("pk", flat=True))))
"""


class Answer(NamedTuple):
    """When it came, HTTP's status, and the order's id or 0."""

    at: float
    status: int
    order: int


class Cluster:
    """A PostgreSQL server that is ours to crash."""

    def __init__(self, folder: str) -> None:
        self.port, self.files = free_port(), f"{folder}/cluster"
        # It refuses to be run by root.
        self.user = "postgres" if os.getuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        self.control("initdb", "-o", "--auth=trust --username=postgres")

    def control(self, action: str, *options: str) -> None:
        command = [PG_CTL, action, "-D", self.files, "-s", *options]
        subprocess.run(command, check=True, user=self.user, cwd="/", stdout=subprocess.DEVNULL)

    def start(self, action: str, *options: str) -> None:
        server = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.files}"
        self.control(action, "-w", "-l", f"{self.files}/log", "-o", server, *options)

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(folder)
        cluster.start("start")
        yield cluster
        cluster.control("stop", "-m", "immediate")


@pytest.fixture
def environment(cluster, tmp_path) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": cluster.url,
        "MEDIA_ROOT": str(tmp_path / "media"),
        "STATIC_ROOT": str(tmp_path / "static"),
        "API_THROTTLES": "off",
    }


def run(environment: dict[str, str], *arguments: str) -> Any:
    """What our Python prints."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    return done.stdout


@pytest.fixture
def served(environment, tmp_path) -> Iterator[int]:
    """The port of the server."""
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "manage.py", "serve", "--workers", "1", "--port", str(port)]
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_ready(server, f"http://127.0.0.1:{port}", log)
        yield port
        assert server.poll() is None
    finally:
        server.terminate()
        server.wait()


def order_until(over: threading.Event, port: int, group_buying: int, tokens: list[str]) -> list[Answer]:
    """Order again and again, each time as the next buyer."""
    server, answers = http.client.HTTPConnection("127.0.0.1", port, timeout=20), []
    wish = json.dumps({"groupBuyingId": group_buying, "qty": 1})
    for token in cycle(tokens):
        if over.is_set():
            return answers
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        server.request("POST", "/api/marketing/groupbuy/createorder", wish, headers)
        answer = server.getresponse()
        body = json.loads(answer.read())
        answers.append(Answer(time.monotonic(), answer.status, body["data"] if body["status"] == 200 else 0))
    raise AssertionError("nobody orders")


def test_no_acknowledged_order_is_lost_when_the_database_crashes(cluster, environment, served):
    group_buying, tokens = json.loads(run(environment, "-c", PEOPLE))
    share, moments, over = BUYERS // THREADS, [], threading.Event()

    def take_part(number: int) -> list[Answer]:
        if number < THREADS:
            return order_until(over, served, group_buying, tokens[number * share : (number + 1) * share])
        try:
            time.sleep(BEFORE)
            moments.append(time.monotonic())
            cluster.start("restart", "-m", "immediate")
            moments.append(time.monotonic())
            time.sleep(SERVING_WITHIN)
        finally:
            over.set()
        return []

    with ThreadPoolExecutor(THREADS + 1) as people:
        answers = [answer for some in people.map(take_part, range(THREADS + 1)) for answer in some]
    crash_at, back_at = moments
    assert {answer.status for answer in answers} == {200, 503}
    placed = [answer for answer in answers if answer.order]
    assert any(answer.at < crash_at for answer in placed)
    assert any(back_at < answer.at < back_at + SERVING_WITHIN for answer in placed)
    assert {answer.order for answer in placed} <= set(json.loads(run(environment, "-c", ORDERS)))
    run(environment, "manage.py", "doctor")
