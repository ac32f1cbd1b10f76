"""A request as Django wants it: its head as a WSGI environment, its body whole, before a thread is given to it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from django.utils.translation import gettext_lazy as _

from config.serving.refusals import NotTaken
from retail.wire.body_limits import body_max, declared_length

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# A body has so many seconds, and one more for each so many bytes that have come; what comes fast saves up no more than that.
GRACE_SECONDS = 15.0
LEAST_BYTES_PER_SECOND = 8 * 1024
# What may have come of all bodies of a process together, in bytes, beyond what each may hold in any case: however many large ones are
# sent, forms get through.
SHARED_BYTES = 256 * 1024 * 1024
OWN_BYTES = 64 * 1024


class Gone(Exception):
    """The client went away before its request was there."""


class TooSlow(NotTaken):
    status, message = HTTPStatus.REQUEST_TIMEOUT, _("内容上传太慢，请检查网络后再试")


class NoMemory(NotTaken):
    """Too many large bodies are here."""


class Memory:
    """The bytes that are left of what all bodies share."""

    def __init__(self, size: int = SHARED_BYTES) -> None:
        self.left = size

    @contextmanager
    def lent(self) -> Iterator["Loan"]:
        loan = Loan(self)
        try:
            yield loan
        finally:
            self.left += loan.size


class Loan:
    """What one body has of it."""

    def __init__(self, memory: Memory) -> None:
        self.memory, self.size = memory, 0

    def take(self, size: int) -> None:
        """What a body of ``size`` bytes needs. Raises NoMemory."""
        more = max(size - OWN_BYTES - self.size, 0)
        if more > self.memory.left:
            raise NoMemory
        self.memory.left -= more
        self.size += more


def environ_of(scope: Scope) -> dict[str, Any]:
    """The head of a request as WSGI says it (PEP 3333): text is Latin-1 for the bytes that came."""
    host, port = scope["server"] or ("", "")
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REMOTE_ADDR": scope["client"][0] if scope["client"] else "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        # An underscore would make it the same variable as a hyphen: nobody may set X-Forwarded-Proto by X_Forwarded_Proto.
        if b"_" not in name:
            add_header(environ, name.decode("latin-1").upper().replace("-", "_"), value.decode("latin-1"))
    return environ


def add_header(environ: dict[str, Any], name: str, value: str) -> None:
    key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    if key in environ:
        value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
    environ[key] = value


async def take_body(environ: dict[str, Any], receive: Receive, loan: Loan) -> None:
    """Put the whole body into ``environ``. Of one that is larger than its address takes only the length, which Django refuses.

    Raises Gone, TooSlow, NoMemory.
    """
    declared = declared_length(environ)
    body = b""
    if declared or "HTTP_TRANSFER_ENCODING" in environ:
        body, declared = await read(receive, declared=declared, most=body_max(environ), loan=loan)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(declared)


async def read(receive: Receive, *, declared: int, most: int, loan: Loan) -> tuple[bytes, int]:
    """The body and its length; ``declared`` 0: it says its end itself. Beyond ``most`` bytes: nothing, and at least how long it is."""
    now = asyncio.get_running_loop().time
    latest = now() + GRACE_SECONDS
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout_at(latest) as deadline:
            while more:
                if max(size, declared) > most:
                    return b"", max(size, declared)
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                # Not what is announced: whoever sends nothing takes nobody's place.
                loan.take(size)
                more = message.get("more_body", False) and size != declared
                latest = min(latest + len(parts[-1]) / LEAST_BYTES_PER_SECOND, now() + GRACE_SECONDS)
                deadline.reschedule(latest)
    except TimeoutError as error:
        raise TooSlow from error
    return (b"".join(parts), size) if size <= most else (b"", size)
