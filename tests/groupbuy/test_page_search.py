"""The search on home and on a shop's page: a plain form, which a script swaps in place."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client

from tests.support import factories
from tests.support.pages import words

pytestmark = pytest.mark.django_db
CLEAR = "清除条件，看全部"


@pytest.fixture
def offer(tenant, shop, now, settings):
    """Makes a group buy of a product of its own."""
    settings.DEFAULT_TENANT = tenant.code

    def make(name: str, product_name: str = "", **fields):
        of = {"product_class": fields.pop("of")} if "of" in fields else {}
        product = factories.ProductFactory(tenant=tenant, name=product_name or name, **of)
        whose = {"tenant": tenant, "shop": shop, "product": product, "end_at": now + timedelta(days=3)}
        return factories.GroupBuyingFactory(name=name, **whose | fields)

    return make


@pytest.fixture
def home():
    return lambda **sent: words(Client().get("/", sent))


def test_text_finds_the_name_of_a_group_buy_or_of_its_product(offer, home):
    offer("周末尝鲜", "红富士苹果")
    offer("白菜团", "大白菜")
    for text in ("尝鲜", "富士", " 富士 "):
        page = home(q=text)
        assert "周末尝鲜" in page
        assert "白菜团" not in page
        assert "找到 1 个团" in page


@pytest.mark.parametrize("text", ["hfs", "HFSPG", "fspg"])
def test_pinyin_initials_find_a_product(offer, home, text):
    offer("周末尝鲜", "红富士苹果")
    offer("白菜团", "大白菜")
    page = home(q=text)
    assert "周末尝鲜" in page
    assert "白菜团" not in page


def test_shop_way_and_hours_narrow(offer, home, tenant, shop, now):
    other = factories.ShopFactory(tenant=tenant)
    offer("这家的团")
    offer("别家的团", shop=other)
    offer("快递的团", deliver_type=2)
    offer("快截止的团", end_at=now + timedelta(hours=23))
    names = ("这家的团", "别家的团", "快递的团", "快截止的团")

    def found(**sent) -> set[str]:
        page = home(**sent)
        return {name for name in names if name in page}

    assert found() == set(names)
    assert found(shop=other.pk) == {"别家的团"}
    assert found(deliver=2) == {"快递的团"}
    assert found(soon=1) == {"快截止的团"}
    assert found(shop=shop.pk, deliver=1, soon="") == {"这家的团", "快截止的团"}


def test_a_class_finds_what_is_below_it_too(offer, home, tenant):
    fruit = factories.ProductClassFactory(tenant=tenant, name="水果")
    apples = factories.ProductClassFactory(tenant=tenant, name="苹果类", parent=fruit)
    offer("苹果团", of=apples)
    offer("白菜团")
    page = home(kind=fruit.pk)
    assert "苹果团" in page
    assert "白菜团" not in page


def test_another_tenants_class_and_shop_find_nothing_and_are_not_offered(offer, home, now):
    theirs = factories.GroupBuyingFactory(name="外家的团", end_at=now + timedelta(days=1))
    offer("自家的团")
    assert theirs.product.product_class.name not in html.unescape(Client().get("/").content.decode())
    for sent in ({"kind": theirs.product.product_class_id}, {"shop": theirs.shop_id}):
        page = home(**sent)
        assert "外家的团" not in page
        assert "自家的团" not in page
        assert CLEAR in page


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("q", "kind", "shop", "deliver", "soon") for value in ("x" * 5000, "１２", "'\"><script>")),
        *((name, "9" * digits) for name in ("kind", "shop", "deliver") for digits in (20, 5000)),
        ("deliver", "3"),
        ("kind", "-1"),
    ],
)
def test_nonsense_finds_nothing_and_says_how_to_go_on(offer, name, value):
    offer("自家的团")
    response = Client().get("/", {name: value})
    assert response.status_code == 200
    assert CLEAR in words(response)
    assert "自家的团" not in words(response)
    assert b"<script>" not in response.content


@pytest.mark.parametrize("name", ["q", "kind", "shop", "deliver", "soon"])
def test_what_no_database_holds_is_refused_as_on_every_page(offer, name):
    offer("自家的团")
    assert Client().get("/", {name: "\x00"}).status_code == 400


@pytest.mark.parametrize("name", ["q", "kind", "shop", "deliver", "soon"])
def test_what_is_left_empty_is_not_asked_for(offer, home, name):
    offer("自家的团")
    page = home(**{name: ""})
    assert "自家的团" in page
    assert "清除条件" not in page


def test_the_form_shows_again_what_was_asked_for(offer, tenant, shop):
    offer("自家的团")
    page = Client().get("/", {"q": 'a"b', "shop": shop.pk, "deliver": 1, "soon": 1}).content.decode()
    assert 'value="a&quot;b"' in page
    assert re.search(rf'<option value="{shop.pk}" selected>', page)
    assert re.search(r'<option value="1" selected>', page)
    assert re.search(r'name="soon" value="1" checked', page)


def test_a_search_by_script_gets_the_cards_alone(offer):
    offer("自家的团")
    whole = Client().get("/", {"q": "自家"})
    cards = Client().get("/", {"q": "自家"}, headers={"HX-Request": "true"})
    assert "自家的团" in words(cards)
    assert b"<html" in whole.content
    assert cards.content.strip().startswith(b'<div id="found">')


def test_the_next_page_is_of_the_same_search(offer, monkeypatch):
    monkeypatch.setattr("groupbuy.storefront.offers.CARDS", 2)
    for number in range(3):
        offer(f"苹果{number}号")
    offer("白菜团")
    first = html.unescape(Client().get("/", {"q": "苹果"}).content.decode())
    (address,) = re.findall(r'href="(\?[^"]*skip=2)"', first)
    second = words(Client().get(f"/{address}"))
    assert "白菜团" not in second
    assert sum(f"苹果{number}号" in first for number in range(3)) == 2
    assert sum(f"苹果{number}号" in second for number in range(3)) == 1


def test_what_ended_lately_is_found_but_does_not_end_soon(offer, home, now):
    offer("苹果团", start_at=now - timedelta(hours=2), end_at=now - timedelta(hours=1))
    assert "刚刚结束" in home(q="苹果")
    assert "刚刚结束" not in home(q="苹果", soon=1)


def test_a_shop_is_searched_for_itself(offer, tenant, shop):
    other = factories.ShopFactory(tenant=tenant)
    offer("苹果团")
    offer("别家苹果团", shop=other)
    page = words(Client().get(f"/s/{shop.pk}/", {"q": "苹果"}))
    assert "苹果团" in page
    assert "别家苹果团" not in page
    assert CLEAR in words(Client().get(f"/s/{shop.pk}/", {"q": "榴莲"}))


def test_a_search_takes_the_same_statements_for_1_and_30_group_buys(offer, tenant, django_assert_num_queries):
    fruit = factories.ProductClassFactory(tenant=tenant)
    asked = {"q": "苹果", "kind": fruit.pk, "soon": ""}
    offer("苹果团", of=fruit)
    with django_assert_num_queries(9):
        Client().get("/", asked)
    for number in range(29):
        offer(f"苹果{number}号", of=fruit)
    with django_assert_num_queries(9):
        Client().get("/", asked)
