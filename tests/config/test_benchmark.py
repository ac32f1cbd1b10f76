"""What the load generator of `make bench` makes of a server that doesn't answer, or answers late."""

import shutil
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from benchmarks.server import Served

pytestmark = pytest.mark.skipif(not shutil.which("wrk"), reason="needs wrk")
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status": 200}'


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "after"), [(b"", 0), (OK, 2.5)], ids=["hangs up", "late"])
def test_what_has_no_answer_in_time_is_counted(answer, after):
    def serve(caller):
        with caller:
            caller.recv(4096)
            time.sleep(after)
            caller.sendall(answer)

    def listen():
        while True:
            threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=listen, daemon=True).start()
    assert Served.load(SimpleNamespace(port=listener.getsockname()[1]), "/", "get", seconds=1 + int(after)).bad > 0
