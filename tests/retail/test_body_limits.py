"""How large a body may be at each address, known before it is read."""

import pytest
from django.conf import settings
from django.test import Client

from retail.wire import body_limits

KB, MB = 1024, 1024 * 1024
NOBODY: dict[str, str] = {}
SESSION = {"HTTP_COOKIE": f"a=1; {settings.SESSION_COOKIE_NAME}=abc"}
TOKEN, DEVICE = {"HTTP_AUTHORIZATION": "Bearer abc"}, {"HTTP_X_APP_KEY": "ak_1"}


@pytest.mark.parametrize(
    ("path", "shows", "most"),
    [
        ("/g/1/", NOBODY, 256 * KB),
        ("/g/1/", SESSION, 256 * KB),
        ("/missing/", TOKEN, 256 * KB),
        ("/admin/login/", NOBODY, 256 * KB),
        ("/admin/shops/shop/add/", SESSION, 16 * MB),
        ("/Admin/shops/shop/add/", SESSION, 16 * MB),
        ("/api/shop/create", NOBODY, 256 * KB),
        ("/API/Shop/Create/", TOKEN, 8 * MB),
        ("/api/shop/create", DEVICE, 8 * MB),
        ("/api/shop/create", SESSION, 8 * MB),
        ("/api/pay/wechat/notify", TOKEN, 64 * KB),
        ("", NOBODY, 256 * KB),
    ],
)
def test_each_address_has_a_limit(path, shows, most):
    assert body_limits.body_max({"PATH_INFO": path} | shows) == most


@pytest.mark.parametrize("path", ["/", "/g/1/", "/missing/", "/admin/login/", "/media/x", "/static/x"])
def test_a_page_refuses_a_body_that_it_would_not_take(db, path):
    answer = Client().generic("POST", path, b"", CONTENT_LENGTH=str(256 * KB + 1))
    assert answer.status_code == 413
    assert "请求内容过大" in answer.content.decode()


@pytest.mark.parametrize("size", [64 * KB + 1, 9 * MB])
def test_a_notification_that_is_too_large_is_refused_in_wechats_form(db, size):
    answer = Client().generic("POST", "/api/pay/wechat/notify", b"", CONTENT_LENGTH=str(size))
    assert (answer.status_code, answer.json()["code"]) == (413, "FAIL")


@pytest.mark.parametrize("declared", ["", "nonsense", "-1", "9" * 5000])
def test_a_length_that_is_none_counts_as_none(declared):
    assert not body_limits.is_too_large({"PATH_INFO": "/", "CONTENT_LENGTH": declared})
