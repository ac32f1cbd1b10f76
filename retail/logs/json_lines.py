"""Every process's log as lines of JSON: each says what it belongs to, and none by what a person or a key could be known."""

import copy
import re
import secrets
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from logging import LogRecord
from typing import Any

from pythonjsonlogger.json import JsonFormatter

# Whose log lines are written with these rules in mind; everybody else's are veiled.
OURS = ("retail", "shops", "pricing", "groupbuy", "config")
# What may be a value: quoted, in brackets, part of an address, with digits, or not ASCII. Identifiers may stand in quotes.
IDENTIFIER = r"""(?!['"][a-z]+(?:_[a-z]+)+['"])"""
VALUE = re.compile(
    rf"""{IDENTIFIER}(?:'[^']*'|"[^"]*")|\([^()]*\)|\S*[?&=@]\S*|\b(?=\w*\d)[\w.+/-]{{5,}}|[^\x00-\x7f]+""",
)
CAUSES_SHOWN = 5
belonging: ContextVar[dict[str, str] | None] = ContextVar("belonging", default=None)


@contextmanager
def belonging_to(**what: str) -> Iterator[None]:
    """Every line that is logged inside carries ``what``: a ``request_id``, or the ``run_id`` of a job or command and its name.

    A context variable, as the time budget of a request is: it names lines and decides nothing.
    """
    token = belonging.set(what)
    try:
        yield
    finally:
        belonging.reset(token)


def new_id() -> str:
    return secrets.token_hex(16)


class JsonLines(JsonFormatter):
    def format(self, record: LogRecord) -> str:
        line = copy.copy(record)
        # Django adds the request to what it logs of it, some of that after the middleware: its text is its address.
        request_id = getattr(line.__dict__.pop("request", None), "request_id", None)
        if line.name.partition(".")[0] not in OURS:
            line.msg, line.args = veil(record.getMessage()), ()
        line.__dict__.update({"request_id": request_id} if request_id else belonging.get() or {})
        return super().format(line)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        return story(ei[1])


def story(error: BaseException, causes: int = CAUSES_SHOWN) -> str:
    """A traceback as Python writes it, but for what the exceptions say: PostgreSQL's, for one, quote the row that they refuse."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{story(cause, causes - 1)}\n\n" if cause and causes else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error)
    return f"{before}Traceback (most recent call last):\n{frames}{kind.__module__}.{kind.__qualname__}: {veil(str(error))}"


def veil(text: str) -> str:
    """The first line, without what may be somebody's: the others are details, such as ``Key (phone)=(13800138000) already exists``."""
    return VALUE.sub("…", (text.splitlines() or [""])[0])
