"""Requests that only a real server makes of what was sent: bodies without a length, headers that break Django's request."""

import pytest
import requests

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
