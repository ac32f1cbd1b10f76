"""From the group buy to the handed-over goods, through the API, as a mini-program and a clerk do it."""

from datetime import timedelta

import pytest

from groupbuy.models import Order, OrderStatus, Payment
from groupbuy.orders import hand_over
from groupbuy.payments import settling
from groupbuy.payments.gateways import sandbox
from retail.principals import principal_of
from retail.rights import Role
from tests.support import factories

pytestmark = pytest.mark.django_db
PATH = "/api/marketing/groupbuy/"


@pytest.fixture
def caller(api, buyer):
    factories.IdentityFactory(user=buyer)
    return api.as_user(buyer)


def create(caller, group_buying, **body):
    return caller.post(PATH + "createorder", {"groupBuyingId": group_buying.pk, "qty": 2} | body).json()


def pay(caller, order_id, now):
    """Ask for the parameters and press "pay" at the pretended bank."""
    parameters = caller.post(PATH + "orderpay", {"orderId": order_id}).json()
    assert parameters["status"] == 200, parameters
    settling.settle(sandbox.pay(parameters["data"]["prePayId"], now=now), source="sandbox", now=now)


def check(caller, order_id):
    return caller.post(PATH + "checkorderpay", {"id": order_id}).json()["status"]


def test_the_whole_path_from_looking_to_picking_up(caller, group_buying, shop, now):
    seen = caller.get(PATH + "get", id=group_buying.pk).json()
    assert (seen["price"], seen["stock"]) == (9.9, 100)
    answer = create(caller, group_buying, money=19.8)
    assert answer["status"] == 200
    assert check(caller, answer["data"]) == 703
    pay(caller, answer["data"], now)
    assert check(caller, answer["data"]) == 701
    order = caller.get(PATH + "getorder", id=answer["data"]).json()
    assert (order["status"], order["money"], order["sequence"]) == (1, 19.8, 1)
    assert len(order["deliverCode"]) == 8

    clerk = principal_of(factories.StaffFactory(tenant=shop.tenant, shops=[shop]))
    hand_over.verify_code(shop_id=shop.pk, code=order["deliverCode"], principal=clerk, now=now)
    assert caller.get(PATH + "getorder", id=answer["data"]).json()["status"] == 4
    events = Order.objects.get().events.order_by("id").values_list("kind", "from_status", "to_status", "actor_kind")
    moved = [("move", None, 0, "buyer"), ("move", 0, 1, "gateway"), ("move", 1, 4, "staff")]
    assert list(events) == [*moved, ("handed-over", 4, 4, "staff")]


def test_the_last_unit_sells_once(caller, group_buying):
    group_buying.quota = 3
    group_buying.save()
    assert create(caller, group_buying)["status"] == 200
    refused = create(caller, group_buying)
    assert (refused["status"], refused["data"]) == (1002, 0)
    assert create(caller, group_buying, qty=1)["status"] == 200
    group_buying.refresh_from_db()
    assert (group_buying.taken, group_buying.stock) == (3, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"in_use": False}, "下架"),
        ({"start_at": timedelta(hours=1), "end_at": timedelta(hours=2)}, "尚未开始"),
        ({"start_at": timedelta(hours=-2), "end_at": timedelta(hours=-1)}, "已结束"),
        ({"per_buyer_limit": 1}, "限购"),
    ],
)
def test_what_is_not_on_sale_is_1001_with_its_reason(caller, group_buying, now, change, words):
    for name, value in change.items():
        setattr(group_buying, name, now + value if isinstance(value, timedelta) else value)
    group_buying.save()
    answer = create(caller, group_buying)
    assert answer["status"] == 1001
    assert words in answer["message"]
    assert not Order.objects.exists()


def test_a_price_that_moved_is_1001_and_a_float_tail_is_not(caller, group_buying):
    assert create(caller, group_buying, money=18)["status"] == 1001
    assert create(caller, group_buying, money=19.799999999999997)["status"] == 200
    assert create(caller, group_buying, money=0)["status"] == 200


def test_an_express_order_needs_address_and_phone(caller, group_buying):
    group_buying.deliver_type = 2
    group_buying.save()
    assert create(caller, group_buying)["status"] == 1001
    answer = create(caller, group_buying, address="上海市长宁区 1 号", phone="13800008000")
    order = Order.objects.get(pk=answer["data"])
    assert (order.address, order.phone, order.lbs) == ("上海市长宁区 1 号", "13800008000", "")


def test_a_fourth_unpaid_order_is_refused(caller, group_buying):
    assert [create(caller, group_buying)["status"] for _ in range(4)] == [200, 200, 200, 1001]


def test_the_same_idempotency_key_is_the_same_order_and_another_body_is_801(caller, group_buying):
    body = {"groupBuyingId": group_buying.pk, "qty": 1}
    key = {"Idempotency-Key": "abc"}
    first, again, other = [caller.post(PATH + "createorder", sent, headers=key).json() for sent in (body, body, body | {"qty": 2})]
    assert first == again
    assert (other["status"], other["data"]) == (801, 0)
    assert Order.objects.count() == 1


def test_closing_gives_the_stock_back_once(caller, group_buying):
    order_id = create(caller, group_buying)["data"]
    caller.post(PATH + "orderpay", {"orderId": order_id})
    answers = [caller.post(PATH + "closeorder", {"id": order_id}).json()["status"] for _ in range(2)]
    assert answers == [200, 200]
    group_buying.refresh_from_db()
    assert group_buying.taken == 0
    assert Payment.objects.get().state == "closed"
    assert check(caller, order_id) == 1001


def test_closing_an_order_that_was_paid_meanwhile_is_701(caller, group_buying, now):
    order_id = create(caller, group_buying)["data"]
    parameters = caller.post(PATH + "orderpay", {"orderId": order_id}).json()["data"]
    sandbox.pay(parameters["prePayId"], now=now)
    assert caller.post(PATH + "closeorder", {"id": order_id}).json()["status"] == 701
    assert Order.objects.get().status == OrderStatus.PAID
    assert caller.post(PATH + "closeorder", {"id": order_id}).json()["message"] == "已支付，请申请退款"


def test_a_failed_payment_is_702_until_it_is_started_again(caller, group_buying, now):
    order_id = create(caller, group_buying)["data"]
    parameters = caller.post(PATH + "orderpay", {"orderId": order_id}).json()["data"]
    settling.settle(sandbox.fail(parameters["prePayId"], now=now), source="sandbox", now=now)
    assert check(caller, order_id) == 702
    refused = caller.post(PATH + "orderpay", {"orderId": order_id}).json()
    assert (refused["status"], refused["data"]) == (702, None)
    again = caller.post(PATH + "orderrepay", {"orderId": order_id}).json()
    assert again["data"]["prePayId"] != parameters["prePayId"]
    settling.settle(sandbox.pay(again["data"]["prePayId"], now=now), source="sandbox", now=now)
    assert check(caller, order_id) == 701


def test_a_living_prepay_is_reused(caller, group_buying):
    order_id = create(caller, group_buying)["data"]
    ids = {caller.post(PATH + "orderpay", {"id": order_id}).json()["data"]["prePayId"] for _ in range(3)}
    assert len(ids) == 1
    assert Payment.objects.count() == 1


def test_past_the_deadline_it_is_1003_before_the_worker_comes(caller, group_buying, now):
    order_id = create(caller, group_buying)["data"]
    Order.objects.update(pay_deadline_at=now - timedelta(seconds=1))
    answers = {caller.post(PATH + name, {"id": order_id}).json()["status"] for name in ("orderpay", "orderrepay", "checkorderpay")}
    assert answers == {1003}
    assert Order.objects.get().status == OrderStatus.UNPAID


def test_staff_order_for_a_named_buyer_of_their_tenant_only(api, group_buying, shop, buyer):
    clerk = api.as_user(factories.StaffFactory(tenant=shop.tenant, shops=[shop]))
    stranger = factories.BuyerFactory()
    assert create(clerk, group_buying)["message"].startswith("userId")
    assert create(clerk, group_buying, userId=stranger.pk)["message"] == create(clerk, group_buying, userId=10**9)["message"]
    placed = create(clerk, group_buying, userId=buyer.pk, phone="13800008000")["data"]
    assert Order.objects.get(pk=placed).buyer == buyer


def test_another_userid_of_a_buyer_is_403_and_writes_nothing(caller, group_buying):
    answer = create(caller, group_buying, userId=10**6)
    assert (answer["status"], answer["message"]) == (500, "请重新登录")
    assert not Order.objects.exists()


def test_a_buyer_of_another_tenant_sees_the_face_but_cannot_order(api, group_buying):
    stranger = api.as_user(factories.BuyerFactory())
    assert stranger.get(PATH + "get", id=group_buying.pk).status_code == 200
    assert create(stranger, group_buying)["status"] == 500
    missing = stranger.post(PATH + "createorder", {"groupBuyingId": 10**9, "qty": 2})
    foreign = stranger.post(PATH + "createorder", {"groupBuyingId": group_buying.pk, "qty": 2})
    assert (foreign.status_code, foreign.content) == (404, missing.content)


def test_what_others_see_of_an_order_is_masked(api, caller, group_buying, shop, now):
    order_id = create(caller, group_buying, remark="放门口", phone="13800008000")["data"]
    pay(caller, order_id, now)
    [shown] = api.anonymous.get(PATH + "get", id=group_buying.pk).json()["orders"]
    hidden = {name: shown[name] for name in ("phone", "address", "remark", "code", "payTime", "money", "deliverCode", "userOpenId")}
    assert hidden == {
        "phone": "",
        "address": "",
        "remark": "",
        "code": "",
        "payTime": None,
        "money": 0.0,
        "deliverCode": "",
        "userOpenId": "",
    }
    assert shown["userName"] == "买**"
    for role, open_id in ((Role.CLERK, ""), (Role.MANAGER, "open****")):
        staff = api.as_user(factories.StaffFactory(tenant=shop.tenant, shops=[shop], role=role))
        seen = staff.get(PATH + "getorder", id=order_id).json()
        assert (seen["phone"], seen["remark"], seen["deliverCode"], seen["userOpenId"]) == ("13800008000", "放门口", "", open_id)
