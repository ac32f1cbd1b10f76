"""Requests are taken whole by one loop, and answered by Django in a few threads.

A thread is given to what is complete, so that whoever sends slowly, or nothing at all, keeps nobody waiting.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedReader
from typing import Any

from django.conf import settings

from config.serving import refusals
from config.serving.refusals import NotTaken
from config.serving.requests import Gone, Memory, Receive, Scope, environ_of, take_body
from config.serving.threads import Threads
from config.serving.unread import end_unread

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Some seconds' work: who comes after it would have given up before an answer.
WAITING_MAX = 2048


@dataclass
class Answer:
    """What Django answered; ``file``: the path of a file that is the whole body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    file: str = ""


class WholeFile:
    """``wsgi.file_wrapper``: how Django hands over a body that is a file."""

    def __init__(self, stream: Any, block_size: int = 8192) -> None:
        self.stream = stream
        self.close: Callable[[], None] = stream.close

    def __iter__(self) -> Iterator[bytes]:
        yield self.stream.read()

    @property
    def path(self) -> str:
        """Where it lies on the disk, if it does, and is to be sent from its beginning."""
        name = getattr(self.stream, "name", "")
        return name if isinstance(name, str) and isinstance(self.stream, BufferedReader) and not self.stream.tell() else ""


class Front:
    """An ASGI application over the WSGI application ``django``."""

    def __init__(self, django: Callable[..., Iterable[bytes]]) -> None:
        self.django = django
        self.threads = Threads(settings.SERVER_THREADS, WAITING_MAX)
        self.memory = Memory()
        self.is_listening = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.is_listening:
            # The server listens after it has loaded its application: a request shows that it does.
            self.is_listening = True
            end_unread()
        environ = environ_of(scope)
        with self.memory.lent() as loan:
            try:
                await take_body(environ, receive, loan)
                answer = await self.threads.run(self.answered, environ)
            except Gone:
                return
            except NotTaken as refusal:
                answer = Answer(*refusals.answer(refusal, environ))
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if answer.file:
            await send({"type": "http.response.pathsend", "path": answer.file})
        else:
            await send({"type": "http.response.body", "body": answer.body})

    def answered(self, environ: dict[str, Any]) -> Answer:
        """In a thread: call Django, and take its answer whole, so that nobody who reads slowly keeps the thread."""
        environ["wsgi.file_wrapper"] = WholeFile
        answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, [])

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer.status, answer.headers = int(status[:3]), headers

        parts = self.django(environ, start_response)
        try:
            answer.file = parts.path if isinstance(parts, WholeFile) else ""
            if environ["REQUEST_METHOD"] == "HEAD":
                answer.file = ""
            elif not answer.file:
                answer.body = b"".join(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()
        return answer
