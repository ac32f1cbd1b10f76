"""Requests that only a real server makes of what was sent: bodies without a length, headers that aren't ASCII or break Django's request."""

import http.client
from urllib.parse import urlsplit

import pytest
import requests

pytestmark = pytest.mark.slow
LOGIN = "/api/auth/login"
JSON = {"Content-Type": "application/json"}


def in_chunks(size: int = 0) -> list[bytes]:
    """The log-in of headquarters, without Content-Length when ``requests`` iterates over it."""
    return [b'{"username": "hq", ', b'"password": "demo-pass-2026", ', b'"more": "%b"}' % (b"x" * size)]


def test_a_body_in_chunks_is_read(demo):
    answer = requests.post(demo["ADDRESS"] + LOGIN, iter(in_chunks()), headers=JSON, timeout=60)
    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert (answer.status_code, answer.json()["data"]["role"]) == (200, "headquarters")


@pytest.mark.parametrize("size", [256 * 1024, 9 * 1024 * 1024])
def test_a_body_in_chunks_has_the_same_limits(demo, size):
    answer = requests.post(demo["ADDRESS"] + LOGIN, iter(in_chunks(size)), headers=JSON, timeout=60)
    assert (answer.status_code, answer.json()) == (413, {"status": 500, "message": "请求内容过大"})


@pytest.mark.parametrize("content_type", ["application/json; charset=hex", "application/json; a*=nonsense''b"])
def test_a_content_type_that_makes_no_sense_is_a_bad_request(demo, content_type):
    answer = requests.post(demo["ADDRESS"] + LOGIN + "?a=1", "{}", headers={"Content-Type": content_type}, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"status": 500, "message": "请求有误"})


def test_a_query_of_too_many_fields_is_a_bad_request(demo):
    query = "&".join("a" * 22_000)
    answer = requests.post(
        f"{demo['ADDRESS']}{LOGIN}?{query}", "{}", headers={"Content-Type": "application/json; charset=utf-8"}, timeout=60
    )
    assert answer.status_code == 400
    assert set(answer.json()) == {"status", "message"}


def sent_raw(demo, method: str, path: str, body: bytes = b"", **headers: bytes) -> http.client.HTTPResponse:
    """Headers to the byte, which no well-behaved client would send."""
    connection = http.client.HTTPConnection(urlsplit(demo["ADDRESS"]).netloc, timeout=60)
    connection.putrequest(method, path)
    for name, value in {"Content_Length": str(len(body)).encode(), **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body)
    return connection.getresponse()


@pytest.fixture(scope="module")
def buyer_token(demo) -> bytes:
    body = {"code": "sandbox:served"}
    return requests.post(f"{demo['ADDRESS']}/api/auth/wechatlogin", json=body, timeout=60).json()["data"]["token"].encode()


@pytest.mark.parametrize("key", ["订单一".encode(), b"", b"x" * 65, b"\xff"])
def test_an_idempotency_key_that_can_not_be_kept_is_refused(demo, buyer_token, key):
    """Dropped, it would let the repeated call make a second order."""
    headers = {"Content_Type": b"application/json", "Authorization": b"Bearer " + buyer_token, "Idempotency_Key": key}
    answer = sent_raw(demo, "POST", "/api/marketing/groupbuy/createorder", b'{"groupBuyingId": 1, "qty": 1}', **headers)
    assert (answer.status, b"Idempotency-Key" in answer.read()) == (400, True)


def test_a_raw_cookie_of_another_site_of_the_domain_logs_nobody_out(demo):
    session = requests.Session()
    page = session.get(f"{demo['ADDRESS']}/admin/login/", timeout=60)
    form = {"username": "clerk", "password": "demo-pass-2026", "csrfmiddlewaretoken": session.cookies["csrftoken"], "next": "/admin/"}
    assert session.post(page.url, form, headers={"Referer": page.url}, allow_redirects=False, timeout=60).status_code == 302
    cookies = f"theme=深色; sessionid={session.cookies['sessionid']}".encode()
    assert sent_raw(demo, "GET", "/admin/", Cookie=cookies).status == 200


def test_a_page_does_not_take_a_flood(demo):
    """200 MB of a form to a page: refused by its length, with nothing of it read."""
    answer = sent_raw(demo, "POST", "/g/1/", Content_Type=b"multipart/form-data; boundary=x", Content_Length=b"209715200")
    assert answer.status == 413
