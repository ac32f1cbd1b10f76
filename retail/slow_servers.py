"""How long a thread may wait for somebody else's server. Few threads serve everybody: one that stalls must not hold them all."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

# Sound servers have answered by then; in seconds.
SOON = 1.0


class Stalls(TimeoutError):
    """The server was not called."""


@dataclass(eq=False)
class Call:
    """One that this process waits for; ``since`` on the monotonic clock."""

    server: str
    since: float
    has_time: bool


calls: list[Call] = []
lock = threading.Lock()


@contextmanager
def waiting_for(server: str, *, seconds: float) -> Iterator[float]:
    """Gives the seconds that an answer may take: all of them for half of the process's threads, and for the others until ``SOON``.

    Raises Stalls at once when half of the threads wait and one of the calls to ``server`` is older than that.
    """
    call = enter(server, time.monotonic())
    try:
        yield seconds if call.has_time else min(seconds, SOON)
    finally:
        with lock:
            calls.remove(call)


def enter(server: str, now: float) -> Call:
    with lock:
        has_time = sum(call.has_time for call in calls) < max(settings.SERVER_THREADS // 2, 1)
        if not has_time and any(call.server == server and now - call.since > SOON for call in calls):
            raise Stalls(server)
        calls.append(call := Call(server, now, has_time))
    return call
