"""The page for a short delivery: proposed, looked at, and only then refunded."""

import pytest

from groupbuy.models import Outcome, Refund
from tests.support import factories
from tests.support.back_office import answered, page, said
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
ORDERS = "/admin/groupbuy/order/"


@pytest.fixture
def sold(tenant, group_buying, now):
    buyers = factories.BuyerFactory.create_batch(2, tenant=tenant)
    return [pay(ordered(buyer, group_buying, now=now, qty=2), now=now) for buyer in buyers]


@pytest.fixture
def browser(headquarters):
    return browser_of(headquarters)


def sent(answer, **changes):
    """What a button of the page sends."""
    form = answer.context["form"]
    return {field.name: field.value() or "" for field in form} | changes


def press(browser, answer, step, **changes):
    return browser.post(answer.context["action"], sent(answer, step=step, **changes), follow=True)


def test_headquarters_names_the_total_looks_and_refunds(browser, group_buying, sold):
    asked = browser.get(page(group_buying, "short_delivery"))
    assert "待交货 2 单 4 份" in words(asked)
    assert "确认退款" not in [button.strip() for button in words(asked).split()]
    proposed = press(browser, asked, "distribute", total="3")
    seen = words(proposed)
    assert "缺货 2 单 3 份" in seen
    assert "退款 ¥29.70" in seen
    assert "¥19.80 整单" in seen
    assert not Refund.objects.exists()
    done = press(browser, proposed, "confirm", reason="产地少发")
    assert said(done) == ["已登记 2 个订单的缺货退款，共 ¥29.70"]
    assert {refund.payment.order_id: refund.missing_units for refund in Refund.objects.all()} == {sold[0].pk: 1, sold[1].pk: 2}


def test_money_that_was_not_shown_is_shown_first(browser, group_buying, sold):
    proposed = press(browser, browser.get(page(group_buying, "short_delivery")), "distribute", total="1")
    changed = press(browser, proposed, "confirm", **{f"units_{sold[0].pk}": "2"})
    assert "金额已更新，请核对后再确认" in said(changed)[0]
    assert "退款 ¥29.70" in words(changed)
    assert not Refund.objects.exists()
    assert said(press(browser, changed, "confirm")) == ["已登记 2 个订单的缺货退款，共 ¥29.70"]


def test_a_second_click_refunds_nothing_more(browser, group_buying, sold):
    proposed = press(browser, browser.get(page(group_buying, "short_delivery")), "distribute", total="3")
    for _click in range(2):
        assert said(press(browser, proposed, "confirm")) == ["已登记 2 个订单的缺货退款，共 ¥29.70"]
    assert Refund.objects.count() == 2


def test_chosen_orders_of_the_list_lead_there(browser, group_buying, sold):
    chosen = {"action": "short_delivery", "_selected_action": [sold[0].pk], "index": "0"}
    asked = browser.post(ORDERS, chosen)
    assert sold[0].code in words(asked)
    assert sold[1].code not in words(asked)
    proposed = press(browser, asked, "distribute", total="9")
    assert sold[1].code not in words(proposed)
    press(browser, proposed, "confirm")
    assert [refund.payment.order_id for refund in Refund.objects.all()] == [sold[0].pk]


def test_orders_of_two_group_buys_are_not_mixed(browser, buyer, group_buying, sold, now):
    other = factories.GroupBuyingFactory(tenant=group_buying.tenant, shop=group_buying.shop)
    order = pay(ordered(buyer, other, now=now), now=now)
    done = browser.post(ORDERS, {"action": "short_delivery", "_selected_action": [sold[0].pk, order.pk], "index": "0"}, follow=True)
    assert said(done) == ["请选择同一个团购的订单"]


def test_what_can_not_be_refunded_is_named_before_and_after(browser, group_buying, sold):
    proposed = press(browser, browser.get(page(group_buying, "short_delivery")), "distribute", total="3")
    payment = sold[1].payments.get()
    Refund.objects.create(payment=payment, out_refund_no="R1", intent="x", amount="19.80")
    refused = press(browser, proposed, "confirm")
    assert said(refused) == [f"{sold[1].code}：退款中"]
    assert "退款中" in words(browser.get(page(group_buying, "short_delivery")))
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("units", ["-1", "x", "9999999999", "1.5"])
def test_nonsense_is_refused_beside_its_field(browser, group_buying, sold, units):
    asked = browser.get(page(group_buying, "short_delivery"))
    refused = press(browser, asked, "confirm", **{f"units_{sold[0].pk}": units})
    assert f"units_{sold[0].pk}" in refused.context["form"].errors
    assert not Refund.objects.exists()


def test_an_order_that_is_not_this_ones_is_missing(browser, group_buying, sold, now):
    foreign = factories.GroupBuyingFactory()
    theirs = pay(ordered(factories.BuyerFactory(tenant=foreign.tenant), foreign, now=now), now=now)
    asked = browser.get(page(group_buying, "short_delivery"))
    for named in (f"{sold[0].pk},{theirs.pk}", "x", "1,,2", "9" * 40):
        answer = press(browser, asked, "confirm", orders=named, **{f"units_{theirs.pk}": "1"})
        assert answer.status_code == 404
    assert browser.get(page(foreign, "short_delivery")).status_code == 404
    assert not Refund.objects.exists()


def test_nobody_in_a_shop_gets_there(manager, clerk, group_buying, sold):
    for person in (manager, clerk):
        assert browser_of(person).get(page(group_buying, "short_delivery")).status_code == 403
        browser_of(person).post(ORDERS, {"action": "short_delivery", "_selected_action": [sold[0].pk]} | answered())
    assert "缺货退款" not in words(browser_of(manager).get(page(group_buying)))
    assert not Refund.objects.exists()


def test_it_is_offered_while_somebody_is_to_get_something(browser, group_buying, sold):
    assert "缺货退款" in words(browser.get(page(group_buying)))
    type(group_buying).objects.update(outcome=Outcome.SUCCEEDED)
    assert "缺货退款" in words(browser.get(page(group_buying)))
    type(group_buying).objects.update(outcome=Outcome.CANCELLED)
    assert "缺货退款" not in words(browser.get(page(group_buying)))


def test_a_running_group_buy_warns_of_stock_that_comes_back(browser, group_buying, sold, now):
    assert "团购仍在进行中" in words(browser.get(page(group_buying, "short_delivery")))
    type(group_buying).objects.update(end_at=now)
    assert "团购仍在进行中" not in words(browser.get(page(group_buying, "short_delivery")))


def test_the_counter_is_told_what_is_missing(browser, clerk, group_buying, sold):
    proposed = press(browser, browser.get(page(group_buying, "short_delivery")), "distribute", total="1")
    press(browser, proposed, "confirm")
    found = browser_of(clerk).post("/admin/groupbuy/verify/", {"shop": group_buying.shop_id, "code": sold[1].deliver_code})
    assert "缺货 1 份" in words(found)


def test_the_page_takes_the_same_queries_however_many_orders(browser, group_buying, sold, tenant, now, count_queries):
    browser.get(page(group_buying, "short_delivery"))
    few = count_queries(lambda: browser.get(page(group_buying, "short_delivery")))
    for buyer in factories.BuyerFactory.create_batch(4, tenant=tenant):
        pay(ordered(buyer, group_buying, now=now), now=now)
    assert count_queries(lambda: browser.get(page(group_buying, "short_delivery"))) == few


def test_the_page_begins_with_the_orders_that_were_asked_for_and_stays_with_them(browser, group_buying, sold):
    first, second = sold
    asked = browser.get(page(group_buying, "short_delivery"), {"keyword": first.code})
    assert first.code in words(asked)
    assert second.code not in words(asked)
    proposed = press(browser, asked, "distribute", total="4")
    assert "缺货 1 单 2 份" in words(proposed)
    assert second.code not in words(proposed)
