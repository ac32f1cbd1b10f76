"""Doing things at the same time, each thread on its own database connection."""

import queue
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from django.db import connection


def at_once(action: Callable[[Any], Any], arguments: Iterable[Any], *, threads: int = 16) -> list[Any]:
    """``action`` of every argument, on at most ``threads`` threads that begin together; the results in order."""
    waiting: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    for numbered in enumerate(arguments):
        waiting.put(numbered)
    results: dict[int, Any] = {}
    parties = min(threads, waiting.qsize())
    barrier = threading.Barrier(parties)

    def work() -> None:
        # Connecting takes longer than what is tried out: nobody begins before all are there.
        connection.ensure_connection()
        barrier.wait(60)
        try:
            with suppress(queue.Empty):
                while True:
                    number, argument = waiting.get_nowait()
                    results[number] = action(argument)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(parties)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [results[number] for number in sorted(results)]
