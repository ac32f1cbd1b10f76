"""Working through what is due: how a worker claims a row, and a row that fails, or takes long, must not keep the others waiting."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, TypeVar

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Model

log = logging.getLogger(__name__)
Row = TypeVar("Row")
# The embedded worker runs one job after the other, and of a gateway that doesn't answer each row may take 8 s.
SECONDS = 20


class Done(int):
    """How many rows moved. ``failed``: how many more could not be dealt with, each named in the log; both are added up."""

    failed: int

    def __new__(cls, moved: int = 0, *, failed: int = 0) -> Self:
        done = super().__new__(cls, moved)
        done.failed = failed
        return done

    def __add__(self, other: int) -> "Done":
        return Done(int(self) + int(other), failed=self.failed + failures_in(other))


def failures_in(done: int) -> int:
    return done.failed if isinstance(done, Done) else 0


def each(rows: Iterable[Row], act: Callable[[Row], int], *, put_off: Callable[[Row], Any] | None = None) -> Done:
    """``act`` on one row after the other; returns for how many it was true. A failure is logged and left for the row's next turn.

    A row that didn't move is ``put_off``, so that it doesn't stand first for ever; without it ``act`` claims its row before it fails.
    Where a row stands for several, such as a shop for its orders, ``act`` returns what ``each`` made of those.
    What isn't reached in time comes in the next run. Raises DatabaseError, InterfaceError when the database is away.
    """
    done, end = Done(), time.monotonic() + SECONDS
    for row in rows:
        if time.monotonic() >= end:
            break
        moved = try_one(row, act)
        if put_off and not moved:
            try_one(row, put_off)
        done += moved
    return done


def try_one(row: Row, act: Callable[[Row], int]) -> int:
    try:
        return act(row)
    except (DatabaseError, InterfaceError):
        if not connection.is_usable():
            raise
        log.exception("%s %s could not be dealt with", type(row).__name__, getattr(row, "pk", row))
    except Exception:
        log.exception("%s %s could not be dealt with", type(row).__name__, getattr(row, "pk", row))
    return Done(failed=1)


@dataclass(frozen=True)
class Backoff:
    """How long to wait for the next try: twice as long each time, from ``first`` to ``slowest``."""

    first: timedelta
    slowest: timedelta

    def after(self, tries: int) -> timedelta:
        return min(self.first * int(2 ** min(tries, 10)), self.slowest)


def claim(row: Model, *as_read: str, **changes: Any) -> bool:
    """Take a due row by writing ``changes``, which move it on, provided that its columns ``as_read`` still hold what was read.

    Compare-and-set: of two workers that read the same row one gets it. The row in hand has the changes then too.
    """
    unclaimed = type(row)._default_manager.filter(pk=row.pk, **{name: getattr(row, name) for name in as_read})
    if not unclaimed.update(**changes):
        return False
    for name, value in changes.items():
        setattr(row, name, value)
    return True
