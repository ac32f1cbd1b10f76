"""Real brokers, and real Celery workers beside the tests on the tests' own database."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from kombu import Connection
from redis import Redis

from tests.wechat import wait_until

BROKERS = {"redis": "redis://127.0.0.1:6379/0", "rabbitmq": "amqp://guest:guest@127.0.0.1:5672//"}
# The machine may be busy with other tests.
PATIENCE_SECONDS = 60
# Sends a tick of each job that it reads, with the options that the schedule gives it.
TICKER = """
import sys
from config.celery import app
app.loader.import_default_modules()
print("ready", flush=True)
for line in sys.stdin:
    for name in line.split():
        app.tasks[name].apply_async(**app.conf.beat_schedule[name]["options"])
    print("sent", flush=True)
"""


def require(is_there: bool, missing: str) -> None:
    """Skip where somebody develops without it; in CI nothing is skipped."""
    if not is_there and os.environ.get("REQUIRE_BROKERS"):
        pytest.fail(missing)
    if not is_there:
        pytest.skip(missing)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def database_url() -> str:
    """The tests' database as a setting for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


class Celeries:
    """Workers, beat and the embedded loop over one broker; what they leave on it bears a name of its own and is removed."""

    def __init__(self, broker: str, folder: Path, **environment: str) -> None:
        self.broker, self.folder = broker, folder
        self.queue = f"xiantuan-test-{uuid.uuid4().hex}"
        own = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": database_url()}
        self.environment = os.environ | own | {"CELERY_BROKER_URL": broker, "CELERY_QUEUE": self.queue} | environment
        self.running: list[subprocess.Popen[str]] = []
        self.sender: subprocess.Popen[str] | None = None

    def start(self, *command: str, **streams: int) -> subprocess.Popen[str]:
        log = self.folder / f"{len(self.running)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=settings.BASE_DIR,
                env=self.environment,
                text=True,
                start_new_session=True,
                **{"stdout": output, "stderr": output} | streams,
            )
        self.running.append(process)
        return process

    def worker(self, concurrency: int = 1) -> subprocess.Popen[str]:
        """A worker that is ready; its log may be read by ``log_of``."""
        name = f"w{len(self.running)}"
        options = ["--concurrency", str(concurrency), "--hostname", f"{name}@%h", "--without-gossip", "--without-mingle"]
        process = self.start("-m", "celery", "-A", "config", "worker", *options)
        wait_until(lambda: " ready." in self.log_of(process) or process.poll() is not None, PATIENCE_SECONDS)
        assert process.poll() is None, self.log_of(process)
        return process

    def beat(self) -> subprocess.Popen[str]:
        return self.start("-m", "celery", "-A", "config", "beat")

    def embedded(self) -> subprocess.Popen[str]:
        return self.start("manage.py", "work")

    def ticker(self) -> subprocess.Popen[str]:
        ticker = self.start("-c", TICKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert ticker.stdout.readline() == "ready\n"
        return ticker

    def tick(self, *names: str) -> None:
        """One tick of each job, as beat sends it."""
        self.sender = self.sender or self.ticker()
        self.sender.stdin.write(" ".join(names) + "\n")
        self.sender.stdin.flush()
        assert self.sender.stdout.readline() == "sent\n"

    def tick_until(self, condition: Callable[[], bool], *names: str) -> None:
        """Tick again and again, as beat does: on a busy machine a tick may be over before its turn comes."""

        def is_met() -> bool:
            self.tick(*names)
            end = time.monotonic() + 1
            while not condition() and time.monotonic() < end:
                time.sleep(0.02)
            return condition()

        wait_until(is_met, PATIENCE_SECONDS)

    def log_of(self, process: subprocess.Popen[str]) -> str:
        return (self.folder / f"{self.running.index(process)}.log").read_text()

    def waiting(self) -> int:
        """How many ticks lie on the broker."""
        if self.broker.startswith("redis"):
            return Redis.from_url(self.broker).llen(f"{self.queue}:{self.queue}")
        with Connection(self.broker) as broker:
            return broker.default_channel.queue_declare(self.queue, passive=True).message_count

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(PATIENCE_SECONDS)
            finally:
                kill(process)
        self.clean()

    def clean(self) -> None:
        if self.broker.startswith("redis"):
            broker = Redis.from_url(self.broker)
            for key in broker.scan_iter(f"{self.queue}:*", count=1000):
                broker.delete(key)
            return
        with Connection(self.broker) as broker:
            broker.default_channel.queue_delete(self.queue)
            for exchange in (self.queue, f"{self.queue}.events", f"{self.queue}.pidbox", f"reply.{self.queue}.pidbox"):
                broker.default_channel.exchange_delete(exchange)


def kill(process: subprocess.Popen[str]) -> None:
    """A worker and its children, as when the machine goes down."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
