"""A tenant that is switched off: its people are nobody and it sells nothing, while what was begun is brought to its end."""

from datetime import timedelta

import pytest
from django.test import Client

from groupbuy import payments
from groupbuy.models import Order, OrderStatus
from groupbuy.orders import expiry
from groupbuy.payments import refunds, settling
from groupbuy.payments.gateways import sandbox
from retail.models import Tenant, User
from retail.refusals import NotThere
from retail.rights import Role
from tests.support import factories
from tests.support.clients import Api
from tests.support.pages import browser_of, ordered, pay

pytestmark = pytest.mark.django_db
GROUP = "/api/marketing/groupbuy/"
PASSWORD = "demo-pass-2026"


def switch_off(tenant, in_use=False):
    Tenant.objects.filter(pk=tenant.pk).update(in_use=in_use)


def log_in(name):
    return Api.anonymous.post("/api/auth/login", {"username": name, "password": PASSWORD})


@pytest.mark.parametrize("who", ["buyer", "clerk", "manager", "headquarters"])
def test_a_token_is_worth_nothing_until_the_tenant_is_back(request, api, tenant, group_buying, who):
    caller = api.as_user(request.getfixturevalue(who))
    switch_off(tenant)
    assert caller.get(GROUP + "getorderlist").status_code == 401
    assert caller.post(GROUP + "createorder", {"groupBuyingId": group_buying.pk, "qty": 1}).status_code == 401
    switch_off(tenant, in_use=True)
    assert caller.get(GROUP + "getorderlist").status_code == 200


def test_staff_log_in_nowhere(tenant, manager):
    switch_off(tenant)
    wrong = Api.anonymous.post("/api/auth/login", {"username": "nobody", "password": PASSWORD})
    assert (log_in(manager.username).status_code, log_in(manager.username).content) == (401, wrong.content)
    browser = Client()
    assert browser.post("/admin/login/", {"username": manager.username, "password": PASSWORD}).status_code == 200
    assert "sessionid" not in browser.cookies


def test_sessions_end(tenant, manager, buyer):
    browsers = [browser_of(manager), browser_of(buyer)]
    switch_off(tenant)
    assert browsers[0].get("/admin/groupbuy/order/").status_code == 302
    assert [browser.get(GROUP + "getorderlist").status_code for browser in browsers] == [401, 401]


def test_a_buyer_does_not_log_in(tenant):
    switch_off(tenant)
    factories.TenantFactory()
    answer = Api.anonymous.post("/api/auth/wechatlogin", {"code": "sandbox:xiaowang", "appId": tenant.app_id})
    assert (answer.status_code, User.objects.count()) == (400, 0)


def test_its_group_buys_are_not_there(api, tenant, group_buying):
    callers = [Api.anonymous, api.as_user(factories.BuyerFactory()), api.as_user(factories.StaffFactory(role=Role.HEADQUARTERS))]
    switch_off(tenant)
    for caller in callers:
        assert caller.get(GROUP + "get", id=group_buying.pk).status_code == 404
        assert caller.get(GROUP + "getgroupbuyingvisitor", groupBuyingId=group_buying.pk).status_code == 404
    assert Api.anonymous.post(GROUP + "visitgroupbuying", {"groupBuyingId": group_buying.pk}).status_code == 404
    assert Client().get(f"/g/{group_buying.pk}/").status_code == 404


def test_it_sells_nothing_to_whoever_came_before(tenant, buyer, group_buying, now):
    switch_off(tenant)
    with pytest.raises(NotThere):
        ordered(buyer, group_buying, now=now)


def test_the_platform_goes_on(api, tenant):
    root = User.objects.create_superuser("root", PASSWORD, tenant=tenant)
    switch_off(tenant)
    assert browser_of(root).get("/admin/retail/tenant/").status_code == 200


def test_another_tenant_goes_on(api, tenant, group_buying):
    switch_off(factories.TenantFactory())
    assert api.as_user(factories.BuyerFactory(tenant=tenant)).get(GROUP + "get", id=group_buying.pk).status_code == 200


def test_what_was_begun_is_brought_to_its_end(tenant, buyer, headquarters, group_buying, now):
    paid = pay(ordered(buyer, group_buying, now=now), now=now)
    paying, left = ordered(buyer, group_buying, now=now), ordered(buyer, group_buying, now=now)
    prepay_id = payments.start_payment(order_id=paying.pk, principal=factories.principal(buyer), now=now).pre_pay_id
    refunds.refund_order(order_id=paid.pk, amount=None, reason="停业", principal=factories.principal(headquarters), now=now)
    switch_off(tenant)
    settling.settle(sandbox.pay(prepay_id, now=now), source="test", now=now)
    refunds.send_due(now=now)
    expiry.expire_due(now=now + timedelta(hours=1))
    statuses = [Order.objects.get(pk=order.pk).status for order in (paid, paying, left)]
    assert statuses == [OrderStatus.REFUNDED, OrderStatus.PAID, OrderStatus.EXPIRED]
