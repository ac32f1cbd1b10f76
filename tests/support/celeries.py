"""Real brokers, and real Celery processes beside the tests, on the tests' database."""

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from celery import Celery
from django.conf import settings
from django.db import connection
from django.test import override_settings
from kombu import Connection
from redis import Redis

from tests.support.wechat import wait_until

BROKERS = {"redis": "redis://127.0.0.1:6379/0", "rabbitmq": "amqp://guest:guest@127.0.0.1:5672//"}
# The machine may be busy with other tests.
PATIENCE_SECONDS = 120


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


def tasks_app() -> Celery:
    """The application with its tasks, as beat and the workers load it."""
    with override_settings(CELERY_BROKER_URL=BROKERS["redis"]):
        app: Celery = importlib.import_module("config.tasks").app
    return app


class Celeries:
    """Workers, beat and others over one broker. What they leave on it bears the name of the tests' queue, and is removed."""

    def __init__(self, broker: str, folder: Path) -> None:
        self.broker, self.folder = broker, folder
        own = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": database_url(), "CELERY_BROKER_URL": broker}
        self.environment = os.environ | own
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{len(self.running)}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def workers(self, count: int = 1, *, concurrency: int = 1) -> list[subprocess.Popen[bytes]]:
        """So many, when all are ready."""
        options = ["--concurrency", str(concurrency), "--without-gossip", "--without-mingle"]
        numbers = range(len(self.running), len(self.running) + count)
        started = [self.start("-m", "celery", "-A", "config", "worker", "-n", f"{number}@%h", *options) for number in numbers]
        for process in started:
            wait_until(lambda process=process: " ready." in self.log_of(process) or process.poll() is not None, PATIENCE_SECONDS)
            assert process.poll() is None, self.log_of(process)
        return started

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start("-m", "celery", "-A", "config", "beat")

    def log_of(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"{self.running.index(process)}.log").read_text()

    def tick(self, *names: str) -> None:
        """One tick of each job, as beat sends it."""
        app = tasks_app()
        prefix = {"global_keyprefix": f"{settings.CELERY_QUEUE}:"} if self.broker.startswith("redis") else {}
        with Connection(self.broker, transport_options=prefix) as broker:
            for name in names:
                app.tasks[name].apply_async(connection=broker, **app.conf.beat_schedule[name]["options"])

    def tick_until(self, condition: Callable[[], bool], *names: str) -> None:
        """Tick again and again, as beat does: on a busy machine a tick may be over before its turn comes."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < give_up_at, "nothing happened"
            self.tick(*names)
            again_at = time.monotonic() + 1
            while not condition() and time.monotonic() < again_at:
                time.sleep(0.02)

    def waiting(self) -> int:
        """How many ticks lie on the broker."""
        if self.broker.startswith("redis"):
            return Redis.from_url(self.broker).llen(f"{settings.CELERY_QUEUE}:{settings.CELERY_QUEUE}")
        with Connection(self.broker) as broker:
            return broker.default_channel.queue_declare(settings.CELERY_QUEUE, passive=True).message_count

    def stop(self) -> None:
        for process in self.running:
            kill(process)

    def clean(self) -> None:
        """Remove from the broker what is ours."""
        name = settings.CELERY_QUEUE
        if self.broker.startswith("redis"):
            broker = Redis.from_url(self.broker)
            for key in broker.scan_iter(f"{name}:*", count=1000):
                broker.delete(key)
            return
        with Connection(self.broker) as broker:
            broker.default_channel.queue_delete(name)
            for exchange in (name, f"{name}.events", f"{name}.pidbox", f"reply.{name}.pidbox"):
                broker.default_channel.exchange_delete(exchange)


def kill(process: subprocess.Popen[bytes]) -> None:
    """A process and its children, as when the machine goes down."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
