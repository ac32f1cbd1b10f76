"""The list that a shop prints and ticks off."""

from datetime import timedelta

import pytest
from django.utils import timezone

from groupbuy.models import Order, Refund
from retail.rights import Role
from tests.support import factories
from tests.support.back_office import page
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db


def printed(person, group_buying):
    return browser_of(person).get(page(group_buying, "print_pick_list"))


def test_it_holds_the_paid_orders_and_not_the_unpaid(clerk, group_buying, now):
    paid = pay(ordered(factories.BuyerFactory(tenant=group_buying.tenant, nickname="付过钱的"), group_buying, now=now, qty=3), now=now)
    ordered(factories.BuyerFactory(tenant=group_buying.tenant, nickname="没付钱的"), group_buying, now=now)
    seen = words(printed(clerk, group_buying))
    assert f"付过钱的 {paid.phone} 3" in seen
    assert "1 单 3 份" in seen
    assert "没付钱的" not in seen


def test_goods_whose_money_goes_back_are_not_to_be_handed_over(clerk, buyer, group_buying, now):
    payment = pay(ordered(buyer, group_buying, now=now), now=now).payments.get()
    Refund.objects.create(payment=payment, out_refund_no="R1", intent="full", amount=payment.received)
    seen = words(printed(clerk, group_buying))
    assert "退款中，勿交货" in seen
    assert "1 单 0 份" in seen


def test_another_shops_list_is_missing(group_buying):
    stranger = factories.StaffFactory(
        tenant=group_buying.tenant, role=Role.CLERK, shops=[factories.ShopFactory(tenant=group_buying.tenant)]
    )
    assert printed(stranger, group_buying).status_code == 404


def test_more_orders_take_no_more_statements(clerk, group_buying, now, count_queries):
    browser, address = browser_of(clerk), page(group_buying, "print_pick_list")

    def one_more():
        pay(ordered(factories.BuyerFactory(tenant=group_buying.tenant), group_buying, now=now), now=now)

    one_more()
    browser.get(address)
    first = count_queries(lambda: browser.get(address))
    one_more()
    one_more()
    assert count_queries(lambda: browser.get(address)) == first


def test_it_is_narrowed_by_buyer_and_by_when_it_was_paid(clerk, group_buying, now):
    early, late = (
        pay(ordered(factories.BuyerFactory(tenant=group_buying.tenant, nickname=name), group_buying, now=now), now=now)
        for name in ("早早付的", "晚晚付的")
    )
    Order.objects.filter(pk=late.pk).update(paid_at=now + timedelta(days=1))
    browser, address = browser_of(clerk), page(group_buying, "print_pick_list")
    cut_off = f"{timezone.localtime(now + timedelta(hours=1)):%Y-%m-%dT%H:%M}"
    for sent, shown, hidden in (
        ({"keyword": "早早"}, "早早付的", "晚晚付的"),
        ({"paidTo": cut_off}, "早早付的", "晚晚付的"),
        ({"paidFrom": cut_off}, "晚晚付的", "早早付的"),
    ):
        seen = words(browser.get(address, sent))
        assert shown in seen
        assert hidden not in seen
        assert "看全部" in seen
    assert early.phone in words(browser.get(address, {"keyword": early.phone[-4:]}))


def test_nonsense_is_told_and_lists_nobody(clerk, group_buying, now):
    pay(ordered(factories.BuyerFactory(tenant=group_buying.tenant, nickname="付过钱的"), group_buying, now=now), now=now)
    seen = words(browser_of(clerk).get(page(group_buying, "print_pick_list"), {"paidFrom": "昨天"}))
    assert "付过钱的" not in seen
    assert "请填写日期时间" in seen
