"""How long calls to a payment gateway may take: each its own time, and those of one request together."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import TypeVar

from django.conf import settings

from retail import slow_servers

Answer = TypeVar("Answer")
# When the time of this request is over, on the monotonic clock. A time budget says nothing of who is asking.
ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


@contextmanager
def shared_deadline(kind: str = "request") -> Iterator[None]:
    """All gateway calls inside share one deadline; also a decorator. Inside another one the outer's holds.

    ``kind``: whose time it is, of ``GATEWAY_SECONDS``.
    """
    if ends_at.get() is not None:
        yield
        return
    token = ends_at.set(time.monotonic() + settings.GATEWAY_SECONDS[kind])
    try:
        yield
    finally:
        ends_at.reset(token)


def seconds_left() -> float:
    """Outside a ``shared_deadline`` (a worker's call) every call has the whole time."""
    end = ends_at.get()
    return settings.GATEWAY_SECONDS["request"] if end is None else max(end - time.monotonic(), 0)


def run_in_time(call: Callable[[], Answer], *, server: str) -> Answer:
    """What ``call`` to ``server`` returns or raises, or TimeoutError when the deadline is there first.

    When it has passed, or the server stalls (``retail.slow_servers``), nothing is called.

    On a thread of its own: a slow resolver, or an answer that drips byte by byte, outlasts every socket time-out.
    """
    seconds = seconds_left()
    if seconds <= 0:
        raise TimeoutError
    with slow_servers.waiting_for(server, seconds=seconds) as granted:
        outcome: Future[Answer] = Future()
        Thread(target=report_to, args=(outcome, call), daemon=True).start()
        return outcome.result(timeout=granted)


def report_to(outcome: "Future[Answer]", call: Callable[[], Answer]) -> None:
    try:
        outcome.set_result(call())
    except Exception as error:
        outcome.set_exception(error)
