"""The HTTP server: finds who answers, signs the answer, and spoils it when told to."""

import ipaddress
import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from groupbuy.fake_wechat import mini_program_api, pay_api
from groupbuy.fake_wechat.books import Books, Refusal
from groupbuy.fake_wechat.control import CONTROLS
from groupbuy.fake_wechat.faults import BEFORE, Fault, FaultQueue, spoilt_body
from groupbuy.fake_wechat.keys import Merchant
from groupbuy.fake_wechat.notifier import Notifier, signed_headers, spoilt

BODY_MAX = 1024 * 1024
JSON = "application/json; charset=utf-8"


class FakeWeChat:
    """The server with its state. As a context manager it runs on a thread of its own.

    ``refund_seconds``: how long a refund is under way before it succeeds by itself; None leaves that to the controls.
    """

    def __init__(
        self,
        *merchants: Merchant,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1,
        notify_url: str = "",
        refund_seconds: float | None = None,
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError("a fake WeChat answers on this machine only")
        self.books = Books()
        self.books.merchants = {merchant.mch_id: merchant for merchant in merchants}
        self.faults = FaultQueue()
        self.refund_seconds = refund_seconds
        self.notifier = Notifier(self.books, speed=speed, url=notify_url)
        self.server = Server(self, host, port)
        self.url = self.books.url = f"http://{host}:{self.server.server_address[1]}"

    def __enter__(self) -> "FakeWeChat":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.notifier.is_over = True
        self.server.shutdown()
        self.server.server_close()

    def control(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Does from within the process what ``POST /_control/<name>`` does over HTTP."""
        return CONTROLS[name](self, **arguments)

    def finish_refund_later(self, out_refund_no: str) -> None:
        if self.refund_seconds is not None:
            timer = threading.Timer(self.refund_seconds, self.finish_refund, [out_refund_no])
            timer.daemon = True
            timer.start()

    def finish_refund(self, out_refund_no: str) -> None:
        """Nothing to do when somebody was quicker by hand, or sent the same refund again."""
        if self.books.any_refund(out_refund_no)[1].status == "PROCESSING":
            self.control("finish_refund", number=out_refund_no)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # A stalled answer must not keep the process.
    block_on_close = False

    def __init__(self, fake: FakeWeChat, host: str, port: int) -> None:
        self.fake = fake
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)

    def shutdown_request(self, request: Any) -> None:
        """Closed without a FIN of its own, which would make a reset look like an end."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up, mostly after a time-out of its own: nothing to report."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = b""
    fault: Fault | None = None

    @property
    def fake(self) -> FakeWeChat:
        return cast(Server, self.server).fake

    def do_GET(self) -> None:
        self.take()

    def do_POST(self) -> None:
        self.take()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted, not logged: their query may hold a secret."""

    def take(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX:
            self.close_connection = True
            return self.give(413, b"", JSON, {})
        self.body = self.rfile.read(length)
        path = urlsplit(self.path).path
        if path.startswith("/_control/"):
            return self.take_control(path.removeprefix("/_control/"))
        self.fake.books.requests[f"{self.command} {path}"] += 1
        self.fault = self.fake.faults.take(path)
        if self.fault and self.fault.kind in BEFORE:
            return self.fail_before(self.fault)
        return self.take_pay(path) if path.startswith("/v3/") else self.take_mini_program(path)

    def take_control(self, name: str) -> None:
        try:
            control = CONTROLS[name]
            status, answer = 200, control(self.fake, **json.loads(self.body or b"{}"))
        except KeyError as error:
            status, answer = 404, {"message": f"there is no {error}"}
        except (Refusal, ValueError, TypeError) as error:
            status, answer = 400, {"message": getattr(error, "message", str(error))}
        self.give(status, json.dumps(answer, ensure_ascii=False).encode(), JSON, {})

    def take_pay(self, path: str) -> None:
        merchant: Merchant | None = None
        answer: dict[str, Any] | bytes | None
        with self.fake.books.lock:
            try:
                merchant = self.who()
                call, number = pay_api.route(self.command, path)
                status, answer = call(self.fake.books, merchant, self.asked() | self.query(), number)
                if call is pay_api.refund and isinstance(answer, dict):
                    self.fake.finish_refund_later(answer["out_refund_no"])
            except Refusal as refusal:
                status, answer = refusal.status, {"code": refusal.code, "message": refusal.message}
        if isinstance(answer, bytes):
            return self.give(status, spoilt_body(self.fault, answer), "application/octet-stream", {})
        body = b"" if answer is None else json.dumps(answer, ensure_ascii=False).encode()
        body = spoilt_body(self.fault, body)
        return self.give(status, body, JSON, self.signature(merchant, body))

    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    def who(self) -> Merchant:
        return pay_api.authorized(
            self.fake.books,
            authorization=self.headers.get("Authorization", ""),
            serial=self.headers.get("Wechatpay-Serial", ""),
            method=self.command,
            path=self.path,
            body=self.body.decode(errors="replace"),
        )

    def asked(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refusal(400, "PARAM_ERROR", "请求体不是 JSON")
        return value

    def signature(self, merchant: Merchant | None, body: bytes) -> dict[str, str]:
        """The headers that make an answer WeChat's."""
        if merchant is None:
            return {}
        kind = self.fault.kind if self.fault else ""
        key = self.fake.notifier.foreign_key if kind == "wrong_key" else merchant.platform_key
        return spoilt(signed_headers(self.fake.books, merchant, key, body), kind)

    def take_mini_program(self, path: str) -> None:
        call = mini_program_api.ROUTES.get((self.command, path))
        if call is None:
            return self.give(404, b"", JSON, {})
        try:
            with self.fake.books.lock:
                answer = call(self.fake.books, dict(parse_qsl(urlsplit(self.path).query)), self.asked())
        except mini_program_api.ErrCode as error:
            answer = error.answer
        except Refusal:
            answer = {"errcode": 47001, "errmsg": "data format error"}
        if isinstance(answer, bytes):
            return self.give(200, answer, "image/png", {})
        return self.give(200, spoilt_body(self.fault, json.dumps(answer, ensure_ascii=False).encode()), JSON, {})

    def fail_before(self, fault: Fault) -> None:
        if fault.kind == "reset":
            return self.reset()
        if fault.kind == "stall":
            time.sleep(fault.seconds)
            return self.reset()
        if fault.kind == "html":
            return self.give(fault.status, b"<html><body>Bad gateway</body></html>", "text/html", {})
        if fault.kind == "errcode":
            return self.give(200, json.dumps({"errcode": int(fault.code), "errmsg": "as told"}).encode(), JSON, {})
        body = json.dumps({"code": fault.code or "SYSTEM_ERROR", "message": "系统繁忙"}, ensure_ascii=False).encode()
        return self.give(fault.status, body, JSON, {})

    def reset(self) -> None:
        """RST instead of FIN: the caller sees a broken connection, not an empty answer."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def give(self, status: int, body: bytes, content_type: str, headers: dict[str, str]) -> None:
        kind = self.fault.kind if self.fault else ""
        if kind == "lost":
            return self.reset()
        if kind == "delay" and self.fault:
            time.sleep(self.fault.seconds)
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        return self.write(body, kind)

    def write(self, body: bytes, kind: str) -> None:
        if kind == "truncated":
            self.wfile.write(body[: len(body) // 2])
            return self.reset()
        if kind == "drip" and self.fault:
            for index in range(len(body)):
                self.wfile.write(body[index : index + 1])
                self.wfile.flush()
                time.sleep(self.fault.seconds)
        else:
            self.wfile.write(body)
        return None
