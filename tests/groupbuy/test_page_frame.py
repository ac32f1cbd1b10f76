"""What holds for every page: its headers, its errors, the files beside it."""

import pytest
from django.db import OperationalError
from django.test import Client

from groupbuy.models import GroupBuying
from groupbuy.storefront.views import shopping
from tests.support.pages import browser_of, ordered, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def paths(tenant, buyer, group_buying, shop, now, settings):
    settings.DEFAULT_TENANT = tenant.code
    order = ordered(buyer, group_buying, now=now)
    return ["/", f"/s/{shop.pk}/", f"/g/{group_buying.pk}/", f"/o/{order.code}/", "/orders/", "/nothing/"]


def test_no_page_has_inline_script_or_style_and_all_forbid_it(paths, buyer):
    client = browser_of(buyer)
    for path in paths:
        response = client.get(path)
        page = response.content.decode()
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]
        assert " style=" not in page
        assert "<style" not in page
        assert "<script>" not in page
        assert " onclick=" not in page


def test_pages_are_kept_by_no_cache_and_sniffed_by_no_browser(paths, buyer):
    client = browser_of(buyer)
    for path in paths[:-1]:
        response = client.get(path)
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"


def test_an_unknown_address_is_a_kind_page():
    response = Client().get("/nothing/here/")
    assert response.status_code == 404
    assert "回首页看看" in words(response)


def test_a_database_that_is_away_is_a_kind_503(group_buying, monkeypatch):
    def away(pk: int) -> GroupBuying:
        raise OperationalError

    monkeypatch.setattr(shopping, "find", away)
    response = Client(raise_request_exception=False).get(f"/g/{group_buying.pk}/")
    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert "服务暂时不可用" in words(response)


def test_pictures_are_served_long_and_unsniffed(settings):
    folder = settings.MEDIA_ROOT / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.webp").write_bytes(b"picture")
    response = Client().get("/media/demo/one.webp")
    assert b"".join(response.streaming_content) == b"picture"
    assert response["Content-Type"] == "image/webp"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["demo/", "demo/missing.webp", "../config/settings.py", "%2e%2e/settings.py", "/etc/passwd"])
def test_nothing_but_pictures_is_served(path, settings):
    (settings.MEDIA_ROOT / "demo").mkdir(parents=True, exist_ok=True)
    assert Client().get(f"/media/{path}").status_code in (400, 404)


def test_a_method_that_a_page_does_not_know_is_405(group_buying):
    assert Client().put(f"/g/{group_buying.pk}/").status_code == 405
    assert Client().get(f"/g/{group_buying.pk}/share/").status_code == 405


def test_a_page_is_shown_also_while_its_visit_cannot_be_counted(group_buying, monkeypatch):
    def busy(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(shopping.visits, "visit", busy)
    assert Client().get(f"/g/{group_buying.pk}/").status_code == 200
