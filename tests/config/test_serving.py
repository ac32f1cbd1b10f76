"""What stands between the server and Django, driven by its protocol: bodies taken whole, refused, given up; crowds; heads."""

import asyncio
import json
import resource
import socket
from collections.abc import Iterable
from http import HTTPStatus

import pytest
from django.core.management.base import CommandError

from config.serving import requests as taking
from config.serving import server, threads
from config.serving.front import Front

SCOPE = {
    "type": "http",
    "method": "POST",
    "raw_path": b"/g/1/",
    "query_string": b"",
    "headers": [],
    "client": ("203.0.113.7", 40000),
    "server": ("127.0.0.1", "8000"),
    "scheme": "http",
    "http_version": "1.1",
}
KB = 1024
PATIENCE_SECONDS = 10


def echo(environ, start_response) -> Iterable[bytes]:
    """Tells what it was asked, as Django would see it."""
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told | {"body": environ["wsgi.input"].read().decode("latin-1")}).encode()]


class Client:
    """Sends the ``parts`` of a body and then nothing more; ``ends``: the last part says that it is the last."""

    def __init__(self, *parts: bytes, ends: bool = True, gone: bool = False, **scope) -> None:
        self.scope = SCOPE | scope
        self.messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        if ends and self.messages:
            self.messages[-1]["more_body"] = False
        if gone:
            self.messages.append({"type": "http.disconnect"})
        self.asked = 0
        self.answer: list[dict] = []

    async def receive(self) -> dict:
        self.asked += 1
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: dict) -> None:
        self.answer.append(message)

    async def call(self, front: Front) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await front(self.scope, self.receive, self.send)

    @property
    def status(self) -> int | None:
        return self.answer[0]["status"] if self.answer else None

    @property
    def body(self) -> bytes:
        return self.answer[1]["body"]

    @property
    def told(self) -> dict:
        return json.loads(self.body)


@pytest.fixture
def front() -> Front:
    return Front(echo)


def asked(front: Front, *parts: bytes, **how) -> Client:
    client = Client(*parts, **how)
    asyncio.run(client.call(front))
    return client


def length(size: int) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(size).encode())]


CHUNKED = [(b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize("headers", [length(6), CHUNKED])
def test_a_body_in_parts_reaches_django_whole(front, headers):
    told = asked(front, b"abc", b"def", headers=headers).told
    assert (told["body"], told["CONTENT_LENGTH"]) == ("abcdef", "6")


def test_a_request_without_a_body_waits_for_none(front):
    client = asked(front, method="GET")
    assert (client.status, client.asked) == (200, 0)


@pytest.mark.parametrize("headers", [length(300 * KB), length(10**30), CHUNKED])
def test_a_body_beyond_its_addresss_limit_is_not_read_on(front, headers):
    """Django sees its length alone, and refuses it (``retail.wire.middleware.BodyLimit``)."""
    client = asked(front, b"x" * 200 * KB, b"x" * 100 * KB, b"never asked for", ends=False, headers=headers)
    assert client.told["body"] == ""
    assert int(client.told["CONTENT_LENGTH"]) >= 300 * KB
    assert client.asked <= 2


def test_a_body_that_never_ends_is_given_up_and_costs_no_thread(front, monkeypatch):
    monkeypatch.setattr(taking, "GRACE_SECONDS", 0.05)
    client = asked(front, b"a", ends=False, headers=length(100))
    assert client.status == HTTPStatus.REQUEST_TIMEOUT
    assert "太慢" in client.body.decode()


def test_a_body_that_goes_on_has_more_time(front, monkeypatch):
    """The least speed: each part that comes moves the deadline."""
    monkeypatch.setattr(taking, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(taking, "LEAST_BYTES_PER_SECOND", 10)

    class Slow(Client):
        async def receive(self) -> dict:
            await asyncio.sleep(0.04)
            return await super().receive()

    client = Slow(*[b"xx"] * 5, headers=length(10))
    asyncio.run(client.call(front))
    assert client.told["body"] == "x" * 10


def test_what_came_fast_saves_up_no_time(front, monkeypatch):
    """Nearly all of a large body at once, and then nothing, held its memory for half an hour."""
    monkeypatch.setattr(taking, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(taking, "LEAST_BYTES_PER_SECOND", 1)
    client = asked(front, b"x" * 99, ends=False, headers=length(100))
    assert client.status == HTTPStatus.REQUEST_TIMEOUT


@pytest.mark.parametrize("digits", [b"", b"-1", b"9" * 5000])
def test_a_length_that_is_none_reaches_django_as_none(front, digits):
    """The server takes leading zeros without end, Python some 4,000 digits."""
    client = asked(front, b"", headers=[(b"content-length", digits)])
    assert (client.status, client.told["CONTENT_LENGTH"]) == (200, "0")


def test_a_client_that_goes_away_is_answered_by_nobody(front):
    client = asked(front, b"a", ends=False, gone=True, headers=length(100))
    assert client.answer == []


def test_under_the_api_the_refusal_is_the_envelope(front, monkeypatch):
    monkeypatch.setattr(taking, "GRACE_SECONDS", 0.01)
    client = asked(front, raw_path=b"/api/auth/login", ends=False, headers=length(100))
    assert client.told == {"status": 500, "message": "内容上传太慢，请检查网络后再试"}


def test_large_bodies_share_their_memory_and_forms_get_through(front):
    front.memory = taking.Memory(100 * KB)

    async def crowd() -> tuple[Client, Client, Client]:
        slow = Client(b"x" * 149 * KB, ends=False, gone=False, headers=length(150 * KB))
        waiting = asyncio.create_task(slow.call(front))
        await asyncio.sleep(0.02)
        large, form = Client(b"x" * 150 * KB, headers=length(150 * KB)), Client(b"a=1", headers=length(3))
        await large.call(front)
        await form.call(front)
        slow.messages.append({"type": "http.disconnect"})
        waiting.cancel()
        return slow, large, form

    _slow, large, form = asyncio.run(crowd())
    assert (large.status, form.status) == (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.OK)
    assert front.memory.left == 100 * KB


def test_what_is_announced_and_does_not_come_keeps_nobody_out(front):
    """Seventeen forged sessions, each with 16 MB that never came, had every upload refused."""
    front.memory = taking.Memory(100 * KB)

    async def crowd() -> Client:
        silent = [Client(b"x", ends=False, headers=length(150 * KB)) for _ in range(17)]
        waiting = [asyncio.create_task(one.call(front)) for one in silent]
        await asyncio.sleep(0.02)
        upload = Client(b"x" * 150 * KB, headers=length(150 * KB))
        await upload.call(front)
        for task in waiting:
            task.cancel()
        return upload

    assert asyncio.run(crowd()).status == HTTPStatus.OK


def test_who_comes_after_a_crowd_is_told_to_come_again(front):
    front.threads = threads.Threads(1, 0)
    front.threads.present = 1
    client = asked(front, method="GET")
    assert client.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert (b"Retry-After", b"1") in client.answer[0]["headers"]


def test_the_place_of_a_request_is_free_after_it(front):
    asked(front, method="GET")
    assert front.threads.present == 0


def test_a_header_with_an_underscore_stands_for_none(front):
    told = asked(front, method="GET", headers=[(b"x_forwarded_proto", b"https"), (b"x-real", b"1")]).told
    assert "HTTP_X_FORWARDED_PROTO" not in told
    assert told["HTTP_X_REAL"] == "1"


def test_headers_keep_their_bytes_and_their_repetitions(front):
    headers = [(b"cookie", b"a=1"), (b"cookie", "b=中".encode()), (b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2")]
    told = asked(front, method="GET", headers=headers).told
    assert told["HTTP_COOKIE"].encode("latin-1").decode() == "a=1; b=中"
    assert told["HTTP_X_FORWARDED_FOR"] == "1.1.1.1,2.2.2.2"


def test_a_path_keeps_its_bytes(front):
    told = asked(front, method="GET", raw_path=b"/o/%E4%B8%AD%FF%00/", query_string="k=中".encode()).told
    assert told["PATH_INFO"].encode("latin-1") == b"/o/\xe4\xb8\xad\xff\x00/"
    assert told["QUERY_STRING"].encode("latin-1").decode() == "k=中"


def test_an_answer_that_is_a_file_is_sent_by_its_path(tmp_path):
    file = tmp_path / "picture"
    file.write_bytes(b"12345")

    def sends_file(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](file.open("rb"))

    assert asked(Front(sends_file), method="GET").answer[1] == {"type": "http.response.pathsend", "path": str(file)}
    assert asked(Front(sends_file), method="HEAD").body == b""


def test_a_port_that_another_has_is_not_shared():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(CommandError, match="can't be used"):
            server.check_port("127.0.0.1", other.getsockname()[1])


def test_connections_leave_files_for_the_rest(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 256))
    command = server.command(host="127.0.0.1", port=8000, workers=1)
    assert command[command.index("--backpressure") + 1] == "128"
