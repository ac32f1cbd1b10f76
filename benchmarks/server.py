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
from typing import Any

import psycopg

HERE = Path(__file__).parent
# On one hot row many connections are slower than few.
CONNECTIONS = 8


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


class Server(AbstractContextManager["Server"]):
    """``manage.py serve`` on an empty database: a SQLite file, or a new database beside ``postgres_url``."""

    def __init__(self, postgres_url: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="xiantuan-bench-"))
        self.postgres_url = postgres_url
        self.database = f"xiantuan_bench_{os.getpid()}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        url = f"{postgres_url.rsplit('/', 1)[0]}/{self.database}" if postgres_url else f"sqlite:///{self.folder}/bench.sqlite3"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "ENV_FILE": os.devnull,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "DEMO": "off",
            "DEBUG": "off",
            "API_THROTTLES": "off",
            "LOG_LEVEL": "ERROR",
            "DATABASE_URL": url,
            "MEDIA_ROOT": str(self.folder / "media"),
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{self.port}",
        }

    def __enter__(self) -> "Server":
        if self.postgres_url:
            self.administer(f'create database "{self.database}"')
        command = self.command("manage.py", "serve", "--port", str(self.port))
        self.process = subprocess.Popen(command, cwd=HERE.parent, env=self.environment, stdout=subprocess.DEVNULL)
        for _ in range(240):
            if self.process.poll() is not None or self.is_ready():
                break
            time.sleep(0.5)
        if not self.is_ready():
            self.__exit__(None, None, None)
            raise SystemExit("the server did not start")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait()
        if self.postgres_url:
            self.administer(f'drop database if exists "{self.database}" with (force)')
        shutil.rmtree(self.folder)

    def administer(self, statement: str) -> None:
        with psycopg.connect(f"{self.postgres_url.rsplit('/', 1)[0]}/postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def command(self, *words: str) -> list[str]:
        return [sys.executable, *words]

    def build_world(self, buyers: int) -> None:
        """Fill the database, and keep its facts for the rounds."""
        command = self.command("-m", "benchmarks.world", str(buyers))
        built = subprocess.run(command, cwd=HERE.parent, env=self.environment, stdout=subprocess.PIPE, check=True)
        world: dict[str, Any] = json.loads(built.stdout)
        self.group_buying_id = world["groupBuyingId"]
        self.tokens = self.folder / "tokens"
        self.tokens.write_text("\n".join(world["tokens"]) + "\n")

    def load(self, path: str, *words: str, seconds: int) -> Load:
        """One round of wrk on ``path``; ``words`` are told to ``load.lua``."""
        address = f"http://127.0.0.1:{self.port}{path}"
        command = [
            "wrk",
            "-t2",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "-s",
            str(HERE / "load.lua"),
            address,
            "--",
            *words,
        ]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        return Load(**json.loads(printed.partition("RESULT ")[2]))

    def order(self, buyers: range, *, seconds: int) -> Load:
        """One round of createorder: each request is the next one's of ``buyers``."""
        words = ("order", str(self.tokens), str(buyers.start), str(buyers.stop), str(self.group_buying_id))
        return self.load("/api/marketing/groupbuy/createorder", *words, seconds=seconds)

    def doctor(self) -> None:
        """Every invariant of stock and orders, on what the load left behind; a broken one stops the run."""
        subprocess.run(self.command("manage.py", "doctor"), cwd=HERE.parent, env=self.environment, check=True, stdout=subprocess.DEVNULL)
