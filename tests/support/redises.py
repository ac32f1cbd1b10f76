"""A Redis of the tests' own, which they may stop, hang and empty, and in which time passes when they say so."""

import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest
from redis import Redis

from config.settings import cache_at
from retail import counters, shared_cache
from tests.support.celeries import is_listening, require
from tests.support.servers import free_port
from tests.support.wechat import wait_until

PASSWORD = "canary-p@ss"


class OwnRedis:
    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"rediscache://:canary-p%40ss@127.0.0.1:{self.port}/3"
        self.client = Redis(port=self.port, db=3, password=PASSWORD)

    def start(self) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", PASSWORD, "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(lambda: is_listening(self.port))

    def hang(self) -> None:
        """It takes connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def passes(self, seconds: float) -> None:
        """What lives for a time has so much less of it left."""
        for key in self.client.scan_iter():
            self.client.pexpire(key, self.client.pttl(key) - round(seconds * 1000))


class OwnMemory:
    """The memory of this process on a clock that stands still."""

    def __init__(self) -> None:
        self.at = 1000.0

    def passes(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def redis(settings, monkeypatch) -> Iterator[OwnRedis]:
    require(shutil.which("redis-server") is not None, "no redis-server")
    own = OwnRedis()
    own.start()
    settings.CACHES = {"default": cache_at(own.url)}
    monkeypatch.setattr(shared_cache, "pause", shared_cache.Pause())
    yield own
    own.stop()


@pytest.fixture
def memory(monkeypatch) -> OwnMemory:
    own = OwnMemory()
    monkeypatch.setattr(counters.memory, "clock", lambda: own.at)
    return own


@pytest.fixture(params=["memory", "redis"])
def store(request) -> OwnRedis | OwnMemory:
    """Where calls are counted, one after the other."""
    return request.getfixturevalue(request.param)
