"""My orders."""

import pytest
from django.test import Client

from groupbuy import orders
from groupbuy.storefront.views import buying
from retail.principals import principal_of
from tests.support import factories
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(buyer):
    return browser_of(buyer)


def test_a_visitor_without_orders_reads_a_friendly_word(settings, tenant):
    settings.DEFAULT_TENANT = tenant.code
    page = words(Client().get("/orders/"))
    assert "还没有订单" in page
    assert "去逛逛" in page


def test_the_tabs_divide_the_orders_by_what_is_to_do(client, buyer, tenant, shop, now):
    def order(name):
        return ordered(buyer, factories.GroupBuyingFactory(tenant=tenant, shop=shop, name=name), now=now)

    order("没付的团")
    pay(order("付了的团"), now=now)
    orders.close_order(order_id=order("关了的团").pk, principal=principal_of(buyer), now=now)
    shown = {tab: words(client.get("/orders/", {"tab": tab})) for tab in ("", "to-pay", "to-get", "done", "over", "nonsense")}
    names = ("没付的团", "付了的团", "关了的团")
    found = {tab: [name for name in names if name in page] for tab, page in shown.items()}
    assert found == {
        "": list(names),
        "to-pay": ["没付的团"],
        "to-get": ["付了的团"],
        "done": [],
        "over": ["关了的团"],
        "nonsense": list(names),
    }
    assert "待付款 1" in shown[""]
    assert "这里没有订单" in shown["done"]


def test_the_code_of_a_pick_up_stands_on_the_list(client, buyer, group_buying, now):
    code = pay(ordered(buyer, group_buying, now=now), now=now).deliver_code
    assert f"{code[:4]} {code[4:]}" in words(client.get("/orders/"))


def test_orders_of_others_are_not_on_it(client, tenant, group_buying, now):
    ordered(factories.BuyerFactory(tenant=tenant), group_buying, now=now)
    assert "还没有订单" in words(client.get("/orders/"))


def test_staff_have_none(tenant, group_buying, buyer, now, settings):
    settings.DEFAULT_TENANT = tenant.code
    ordered(buyer, group_buying, now=now)
    assert "还没有订单" in words(browser_of(factories.StaffFactory(tenant=tenant)).get("/orders/"))


def test_older_ones_are_behind_a_link(client, buyer, tenant, shop, now, monkeypatch):
    monkeypatch.setattr(buying, "PAGE", 2)
    for number in range(3):
        ordered(buyer, factories.GroupBuyingFactory(tenant=tenant, shop=shop, name=f"第{number}个团"), now=now)
    first = client.get("/orders/").content.decode()
    assert "第0个团" not in first
    link = first[first.index("?tab=&amp;before=") :].split('"')[0].replace("&amp;", "&")
    second = words(client.get("/orders/" + link))
    assert "第0个团" in second
    assert "第1个团" not in second


def test_the_list_takes_the_same_queries_for_1_and_20_orders(client, buyer, tenant, shop, now, django_assert_num_queries):
    def order():
        pay(ordered(buyer, factories.GroupBuyingFactory(tenant=tenant, shop=shop), now=now), now=now)

    order()
    with django_assert_num_queries(9):
        client.get("/orders/")
    for _ in range(19):
        order()
    with django_assert_num_queries(9):
        client.get("/orders/")
