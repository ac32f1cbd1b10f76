"""Which SQLite library Django works with (``docs/decisions/0027-sqlite-that-is-fixed.md``).

Up to 3.51.2 a database in WAL mode can be corrupted when one connection commits while another checkpoints, as server and worker
do. Python's own library is often such a one (Debian 12: 3.40.1), so that Django gets the fixed one of ``pysqlite3`` in its place.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, util
from threading import RLock
from types import ModuleType

Version = tuple[int, ...]
SWAP = RLock()
FIXED_SINCE: Version = (3, 51, 3)
# Older lines to which the fix was brought.
FIXED_IN_LINES: tuple[Version, ...] = ((3, 50, 7), (3, 44, 6))


def is_fixed(version: Version) -> bool:
    """Whether commits and checkpoints of several connections leave the file of this library's ``sqlite_version_info`` whole."""
    return version >= FIXED_SINCE or any(version[:2] == line[:2] and version >= line for line in FIXED_IN_LINES)


def best() -> ModuleType:
    """Python's own ``sqlite3`` where it is fixed, or where nothing better is installed."""
    if is_fixed(sqlite3.sqlite_version_info) or not util.find_spec("pysqlite3"):
        return sqlite3
    return import_module("pysqlite3")


@contextmanager
def as_sqlite3(library: ModuleType) -> Iterator[None]:
    """What is imported meanwhile finds ``library`` under the name ``sqlite3``. Everything else in the process keeps Python's own."""
    # One at a time: a second one would take the first one's library for Python's own.
    with SWAP:
        kept = sys.modules["sqlite3"]
        sys.modules["sqlite3"] = library
        try:
            yield
        finally:
            sys.modules["sqlite3"] = kept
