"""Every page in every look: readable for everybody (axe, WCAG 2.2 AA), no wider than the screen, nothing missing."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page

from groupbuy import payments
from groupbuy.models import GroupBuying, Payment
from groupbuy.payments import refunds
from groupbuy.payments.gateways import sandbox
from retail.principals import principal_of
from tests.e2e.reading import faults_of
from tests.support import factories
from tests.support.pages import ordered, pay

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.slow]
LOOKS = [
    pytest.param({"color_scheme": "light"}, id="light"),
    pytest.param({"color_scheme": "dark"}, id="dark"),
    pytest.param({"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}, id="desktop"),
    pytest.param({"color_scheme": "light", "viewport": {"width": 320, "height": 640}}, id="small"),
]


def check(page: Page, *paths: str) -> None:
    faults = []
    for path in paths:
        response = page.goto(path)
        assert response is not None
        assert response.ok, path
        faults += faults_of(page, path)
    assert faults == []


@pytest.fixture
def in_each_phase(group_buying, tenant, shop, buyer, now) -> list[str]:
    hour = timedelta(hours=1)
    phases = [
        {"taken": 97, "min_qty": 50, "per_buyer_limit": 5},
        {"deliver_type": 2},
        {"taken": 100},
        {"start_at": now + hour},
        {"start_at": now - 2 * hour, "end_at": now - hour},
        {"in_use": False},
        *({"outcome": outcome} for outcome in ("succeeded", "failed", "cancelled")),
    ]
    group_buyings = [group_buying, *(factories.GroupBuyingFactory(tenant=tenant, shop=shop, **fields) for fields in phases)]
    pay(ordered(factories.BuyerFactory(tenant=tenant), group_buying, now=now), now=now)
    ordered(buyer, group_buying, now=now)
    return [f"/g/{one.pk}/" for one in group_buyings]


@pytest.fixture
def in_each_state(tenant, shop, buyer, headquarters, now) -> list[str]:
    """Orders unpaid, asked about, failed, overdue, paid, refunding, refunded, closed; each in a group buy of its own."""

    def order(**fields: object):
        return ordered(buyer, factories.GroupBuyingFactory(tenant=tenant, shop=shop, **fields), now=now, address="上海市长宁区 1 号")

    unpaid, asked, failed, overdue, paid, refunding, refunded, express = (order() for _ in range(8))
    payments.start_payment(order_id=asked.pk, principal=principal_of(buyer), now=now)
    pay(failed, now=now, press=sandbox.fail)
    type(overdue).objects.filter(pk=overdue.pk).update(pay_deadline_at=now)
    for one in (paid, refunding, refunded, express):
        pay(one, now=now)
    type(express).objects.filter(pk=express.pk).update(deliver_type=2, status=3, carrier="顺丰速运", tracking_number="SF1234567890")
    for one in (refunding, refunded):
        refund = refunds.refund_order(order_id=one.pk, amount=None, reason="", principal=principal_of(headquarters), now=now)
    refunds.send(refund, now=now)
    return [f"/o/{one.code}/" for one in (unpaid, asked, failed, overdue, paid, refunding, refunded, express)]


@pytest.mark.parametrize("look", LOOKS)
def test_home_and_shop(new_page, in_each_phase, shop, look):
    check(new_page(**look), "/", f"/s/{shop.pk}/")


@pytest.mark.parametrize("look", LOOKS)
def test_a_group_buy_in_each_phase(new_page, in_each_phase, buyer, look):
    check(new_page(user=buyer, **look), *in_each_phase)


@pytest.mark.parametrize("look", LOOKS)
def test_an_order_in_each_state_and_the_list(new_page, in_each_state, buyer, look):
    check(new_page(user=buyer, **look), *in_each_state, "/orders/", "/orders/?tab=done")


@pytest.mark.parametrize("look", LOOKS)
def test_the_sandbox_open_paid_and_closed(new_page, in_each_state, look):
    check(new_page(**look), *(f"/sandbox/pay/{payment.prepay_id}/" for payment in Payment.objects.order_by("pk")[:3]))


@pytest.mark.parametrize("look", LOOKS)
def test_the_sheets(new_page, group_buying, buyer, look):
    page = new_page(user=buyer, **look)
    page.goto(f"/g/{group_buying.pk}/")
    page.get_by_role("button", name="立即跟团").click()
    faults = faults_of(page, "order sheet")
    GroupBuying.objects.update(price="12.00")
    page.get_by_role("button", name="提交订单").click()
    page.get_by_role("alert").wait_for()
    faults += faults_of(page, "refused order sheet")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="分享").click()
    page.get_by_role("dialog", name="分享给邻居").wait_for()
    faults += faults_of(page, "share sheet")
    assert faults == []


@pytest.mark.parametrize("look", LOOKS)
def test_the_empty_pages(new_page, tenant, look):
    check(new_page(**look), "/", "/orders/")
