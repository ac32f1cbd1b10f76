"""An order by the number of one of its payments, as WeChat opens it from a person's list of orders."""

import pytest

from tests.support import factories
from tests.support.pages import pay

pytestmark = pytest.mark.django_db
PATH = "/api/marketing/groupbuy/getorder"


@pytest.fixture
def number(order, now) -> str:
    return pay(order, now=now).payments.get().out_trade_no


def test_its_buyer_and_its_shop_find_it(api, order, number, buyer, clerk):
    for person in (buyer, clerk):
        answer = api.as_user(person).get(PATH, outTradeNo=number)
        assert (answer.status_code, answer.json()["id"]) == (200, order.pk)
        assert answer.content == api.as_user(person).get(PATH, id=order.pk).content


def test_nobody_else_does(api, number, tenant):
    next_door = factories.StaffFactory(tenant=tenant, role="manager", shops=[factories.ShopFactory(tenant=tenant)])
    for person in (factories.BuyerFactory(tenant=tenant), next_door, factories.StaffFactory(role="headquarters")):
        answer = api.as_user(person).get(PATH, outTradeNo=number)
        assert answer.status_code == 404
        assert answer.content == api.as_user(person).get(PATH, outTradeNo="none-of-ours").content


def test_both_must_fit_and_neither_is_refused(api, number, order, buyer):
    caller = api.as_user(buyer)
    assert caller.get(PATH, id=order.pk, outTradeNo=number).status_code == 200
    assert caller.get(PATH, id=order.pk, outTradeNo="none-of-ours").status_code == 404
    answer = caller.get(PATH, outTradeNo="")
    assert (answer.status_code, answer.json()["message"].split(":")[0]) == (400, "id")
