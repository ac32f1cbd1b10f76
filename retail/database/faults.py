"""What is no mistake of ours: a database that doesn't answer, a disk without room. Which errors say so, and the cause for the log."""

import errno
from typing import Any

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import InterfaceError, OperationalError

from retail.logs.json_lines import veil

# No space, no quota, no room in a file.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# PostgreSQL: a server that only reads, mostly the old one after a failover.
READ_ONLY = "25006"
# SQLite's word for a statement that makes no sense, which Django calls operational all the same.
OUR_MISTAKE = "SQLITE_ERROR"
# What must be there once was there: PostgreSQL's word, and how SQLite says it, whose code of it not every driver tells.
DOUBLE = "23505"
DOUBLE_ON_SQLITE = "UNIQUE constraint failed"
# What Django raises while it handles an outage of the table of sessions, as a bad request and without naming it as the cause.
PASSED_OVER = (SessionInterrupted, UpdateError)


def is_outage(error: BaseException | None) -> bool:
    """Whether the same request may well succeed later."""
    if isinstance(error, OperationalError | InterfaceError):
        return code_of(error) != OUR_MISTAKE
    return code_of(error) == READ_ONLY or (isinstance(error, OSError) and error.errno in NO_ROOM)


def is_double(error: BaseException) -> bool:
    """Whether somebody was first, rather than a row that makes no sense."""
    return code_of(error) == DOUBLE or str(driver_error(error)).startswith(DOUBLE_ON_SQLITE)


def outage_behind(error: BaseException | None) -> BaseException | None:
    """``error`` itself, or what it was raised from. A mistake of ours in what handles an outage is a mistake, with its traceback."""
    while error is not None and not is_outage(error):
        error = error.__cause__ or (error.__context__ if isinstance(error, PASSED_OVER) else None)
    return error


def cause_of(error: BaseException) -> str:
    """``DiskFull (53100)``, ``OperationalError (SQLITE_FULL)``, ``OSError (ENOSPC)``: the name and the code, never a value.

    What has no code comes from the driver, which knows no row: its words, such as "Connection refused", are told without their values.
    """
    driver, code = driver_error(error), code_of(error)
    return f"{type(driver).__name__} ({code})" if code else f"{type(driver).__name__}: {veil(str(driver))}"


def code_of(error: BaseException | None) -> str:
    """SQLSTATE, SQLite's name, or the system's; empty where there is none."""
    driver: Any = driver_error(error)
    if isinstance(driver, OSError):
        return errno.errorcode.get(driver.errno or 0, "")
    return getattr(driver, "sqlstate", None) or getattr(driver, "sqlite_errorname", None) or ""


def driver_error(error: BaseException | None) -> BaseException | None:
    """Django raises its own classes from the driver's, which know the code."""
    return error.__cause__ if error is not None and isinstance(error.__cause__, Exception) else error
