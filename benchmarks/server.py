"""The product as it runs in production, on a database of its own, and wrk against it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import urlsafe_b64encode
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from config.serving.server import command as command_line

HERE = Path(__file__).parent
# On one hot row many connections are slower than few.
CONNECTIONS = 8
START_SECONDS = 120
ANSWER_SECONDS = 2
BASE = {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": secrets.token_urlsafe(48),
    "ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "DEMO": "off",
    "DEBUG": "off",
    "API_THROTTLES": "off",
    "LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True)
class Load:
    """What one round of wrk saw; times in milliseconds."""

    good: int
    bad: int
    seconds: float
    median_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.good / self.seconds


class Served(AbstractContextManager["Served"]):
    """A process that answers on a port of its own."""

    ready = "/"
    environment: dict[str, str]

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def command(self) -> list[str]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self.command(), cwd=HERE.parent, env=self.environment, stdout=subprocess.DEVNULL)
        started = time.monotonic()
        while self.process.poll() is None and not self.is_ready() and time.monotonic() - started < START_SECONDS:
            time.sleep(0.05)
        self.ready_after = time.monotonic() - started
        if not self.is_ready():
            self.__exit__(None, None, None)
            raise SystemExit(f"{type(self).__name__} did not start")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait()

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.ready}", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def load(self, path: str, *words: str, seconds: int, connections: int = CONNECTIONS, patience: int = ANSWER_SECONDS) -> Load:
        """One round of wrk on ``path``; ``words`` are told to ``load.lua``. Who waits longer than ``patience`` has no answer."""
        address = f"http://127.0.0.1:{self.port}{path}"
        threads = min(2, connections)
        flags = [f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{patience}s"]
        command = ["wrk", *flags, "-s", str(HERE / "load.lua"), address, "--", *words]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        return Load(**json.loads(printed.partition("RESULT ")[2]))

    def memory_mb(self) -> float:
        """Of all its processes, what they share counted once (PSS)."""
        return sum(pss_kb(pid) for pid in family(self.process.pid)) / 1024


class Bare(Served):
    """Y: the project ``benchmarks.bare`` with as many processes as the product."""

    ready = "/bare"

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.workers = workers
        self.environment = os.environ | BASE | {"DJANGO_SETTINGS_MODULE": "benchmarks.bare.settings"}

    def command(self) -> list[str]:
        *options, _product = command_line(host="127.0.0.1", port=self.port, workers=self.workers)
        return [*options, "benchmarks.bare.asgi:application"]


class Product(Served):
    """``manage.py serve`` on an empty database: a SQLite file, or a new database beside ``postgres_url``."""

    ready = "/healthz/ready"

    def __init__(self, postgres_url: str = "") -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="xiantuan-bench-"))
        self.postgres_url = postgres_url
        self.workers = (os.cpu_count() or 2) if postgres_url else 1
        self.database = f"xiantuan_bench_{os.getpid()}"
        url = f"{postgres_url.rsplit('/', 1)[0]}/{self.database}" if postgres_url else f"sqlite:///{self.folder}/bench.sqlite3"
        own = {"DATABASE_URL": url, "MEDIA_ROOT": str(self.folder / "media"), "PUBLIC_BASE_URL": f"http://127.0.0.1:{self.port}"}
        self.environment = os.environ | BASE | {"DJANGO_SETTINGS_MODULE": "benchmarks.settings"} | own

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "serve", "--port", str(self.port), "--workers", str(self.workers)]

    def __enter__(self) -> Self:
        if self.postgres_url:
            self.administer(f'create database "{self.database}"')
        # What an upgrade does, and not what a start does.
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=HERE.parent, env=self.environment, check=True)
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        if self.postgres_url:
            self.administer(f'drop database if exists "{self.database}" with (force)')
        shutil.rmtree(self.folder)

    def administer(self, statement: str) -> None:
        with psycopg.connect(f"{self.postgres_url.rsplit('/', 1)[0]}/postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def build(self, *words: str) -> dict[str, Any]:
        """What ``benchmarks.world`` makes of ``words``, and its facts."""
        command = [sys.executable, "-m", "benchmarks.world", *words]
        built = subprocess.run(command, cwd=HERE.parent, env=self.environment, stdout=subprocess.PIPE, check=True)
        facts: dict[str, Any] = json.loads(built.stdout)
        return facts

    def sell(self, buyers: int) -> None:
        """A hot group buy, and buyers for the rounds of ``order``."""
        world = self.build("hot", str(buyers))
        self.group_buying_id = world["groupBuyingId"]
        self.tokens = self.folder / "tokens"
        self.tokens.write_text("\n".join(world["tokens"]) + "\n")

    def order(self, buyers: range, *, seconds: int) -> Load:
        """One round of createorder: each request is the next one's of ``buyers``."""
        words = ("order", str(self.tokens), str(buyers.start), str(buyers.stop), str(self.group_buying_id))
        return self.load("/api/marketing/groupbuy/createorder", *words, seconds=seconds)

    def doctor(self) -> None:
        """Every invariant of stock and orders, on what the load left behind; a broken one stops the run."""
        subprocess.run(
            [sys.executable, "manage.py", "doctor"], cwd=HERE.parent, env=self.environment, check=True, stdout=subprocess.DEVNULL
        )


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def pss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:")))
