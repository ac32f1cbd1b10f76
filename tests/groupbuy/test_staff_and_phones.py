"""What staff learn of a buyer's phone beyond the orders that show it: nothing, by searching or by ordering."""

import pytest

from groupbuy.models import Order, OrderStatus
from tests.support import factories
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
PATH = "/api/marketing/groupbuy/"


@pytest.fixture
def delivered(buyer, group_buying, now):
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.COMPLETED)
    return order


def found(caller, keyword):
    return caller.get(PATH + "getorderlist", keyword=keyword).json()["totalCount"]


def test_a_search_for_phones_finds_where_the_phone_is_seen(api, clerk, manager, delivered, group_buying, now):
    waiting = pay(ordered(factories.BuyerFactory(tenant=group_buying.tenant), group_buying, now=now), now=now)
    rows = api.as_user(clerk).get(PATH + "getorderlist", keyword="1380000").json()["data"]
    assert [(row["id"], row["phone"]) for row in rows] == [(waiting.pk, "13800008000")]
    assert found(api.as_user(manager), "1380000") == 2
    assert found(api.as_user(delivered.buyer), "1380000") == 0


def test_a_name_finds_a_delivered_order_as_before(api, clerk, delivered):
    assert found(api.as_user(clerk), delivered.buyer.nickname) == 1


def test_the_admins_search_has_the_same_rule(clerk, manager, delivered):
    shown = [delivered.code in words(browser_of(one).get("/admin/groupbuy/order/", {"q": "8000"})) for one in (clerk, manager)]
    assert shown == [False, True]


def test_an_order_made_by_staff_has_the_phone_that_they_typed(api, clerk, buyer, group_buying):
    asked = {"groupBuyingId": group_buying.pk, "userId": buyer.pk, "qty": 1}
    refused = api.as_user(clerk).post(PATH + "createorder", asked).json()
    assert (refused["status"], refused["message"]) == (1001, "请填写联系电话")
    placed = api.as_user(clerk).post(PATH + "createorder", asked | {"phone": "13911112222"}).json()
    assert Order.objects.get(pk=placed["data"]).phone == "13911112222"


def test_a_buyers_own_order_takes_the_own_phone(api, buyer, group_buying):
    placed = api.as_user(buyer).post(PATH + "createorder", {"groupBuyingId": group_buying.pk, "qty": 1}).json()
    assert Order.objects.get(pk=placed["data"]).phone == buyer.phone


def test_a_key_is_its_callers(api, clerk, buyer, group_buying):
    body = {"groupBuyingId": group_buying.pk, "qty": 1, "phone": "13800008000"}
    key = {"Idempotency-Key": "one"}
    own = api.as_user(buyer).post(PATH + "createorder", body, headers=key).json()["data"]
    elsewhere = factories.StaffFactory(tenant=buyer.tenant, shops=[factories.ShopFactory(tenant=buyer.tenant)])
    foreign = api.as_user(elsewhere).post(PATH + "createorder", body | {"userId": buyer.pk}, headers=key)
    missing = api.as_user(elsewhere).post(PATH + "createorder", body | {"userId": buyer.pk, "groupBuyingId": 10**9}, headers=key)
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    first, again = [
        api.as_user(clerk).post(PATH + "createorder", body | {"userId": buyer.pk}, headers=key).json()["data"] for _ in range(2)
    ]
    assert first == again != own


def test_a_key_of_staff_does_not_lead_to_another_buyers_order(api, clerk, buyer, group_buying):
    body = {"groupBuyingId": group_buying.pk, "qty": 1, "phone": "13800008000"}
    someone = factories.BuyerFactory(tenant=buyer.tenant)
    answers = [
        api.as_user(clerk).post(PATH + "createorder", body | {"userId": one.pk}, headers={"Idempotency-Key": "one"}).json()["status"]
        for one in (buyer, someone)
    ]
    assert answers == [200, 801]
