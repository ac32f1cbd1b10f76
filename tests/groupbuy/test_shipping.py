"""WeChat releases the money of trading mini-programs when it hears of the hand-over: over HTTP to the fake WeChat."""

from datetime import timedelta

import pytest

from config import schedule
from groupbuy.models import Order, OrderStatus, Refund
from groupbuy.notices import shipping
from groupbuy.orders import fulfilment, hand_over
from groupbuy.payments import refunds
from retail import outbox
from retail.models import OutboxEntry
from retail.principals import principal_of
from retail.refusals import Refusal
from shops.models import ConfigItem, ConfigValue
from tests.support.pages import ordered
from tests.support.pages import pay as pay_in_sandbox
from tests.support.wechat import assert_sound, fresh, notify, packed, pay

pytestmark = pytest.mark.django_db
UPLOAD = "upload_shipping_info"


@pytest.fixture
def paid(fake_wechat, wechat_order, prepaid) -> Order:
    assert notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id))).status_code == 204
    return fresh(wechat_order)


@pytest.fixture
def staff(headquarters):
    return principal_of(headquarters)


def deliver(order, staff, now, **parcel):
    fulfilment.deliver_orders(order_ids=[order.pk], principal=staff, now=now, **parcel)


def run(now):
    service, _seconds = schedule.JOBS["outbox"]
    # Later than all that had a time of its own, however busy the machine is: the notification had one.
    return service(now=now + timedelta(minutes=10))


def entry() -> OutboxEntry:
    return OutboxEntry.objects.get(kind=shipping.KIND)


def test_arrival_in_the_shop_is_told_to_wechat_as_pick_up(fake_wechat, paid, staff, now):
    deliver(paid, staff, now)
    assert run(now) == 1
    [told] = fake_wechat.books.shipments
    assert (told["logistics_type"], told["shipping_list"]) == (4, [{"item_desc": f"{paid.product_name} × 2"}])
    assert (told["order_key"]["transaction_id"], entry().state) == (paid.payments.get().transaction_id, "sent")


def test_a_verified_code_is_told_and_after_the_arrival_not_again(fake_wechat, paid, staff, shop, now):
    hand_over.verify_code(shop_id=shop.pk, code=paid.deliver_code, principal=staff, now=now)
    run(now)
    assert len(fake_wechat.books.shipments) == 1


def test_arrival_and_hand_over_are_told_once(fake_wechat, paid, staff, shop, now):
    deliver(paid, staff, now)
    run(now)
    hand_over.verify_code(shop_id=shop.pk, code=paid.deliver_code, principal=staff, now=now)
    run(now + timedelta(days=1))
    assert (fresh(paid).status, len(fake_wechat.books.shipments)) == (OrderStatus.COMPLETED, 1)


@pytest.mark.parametrize(("carrier", "code"), [("顺丰速运", "SF"), ("圆通", "YTO"), ("中通快递", "ZTO"), ("sf", "SF")])
def test_a_parcel_is_told_with_wechats_code_of_its_carrier(fake_wechat, paid, staff, now, carrier, code):
    Order.objects.update(deliver_type=2, deliver_code="", phone="13800138000")
    deliver(paid, staff, now, carrier=carrier, tracking_number="SF123")
    run(now)
    [parcel] = fake_wechat.books.shipments[0]["shipping_list"]
    assert (parcel["express_company"], parcel["tracking_no"], parcel["contact"]) == (code, "SF123", {"receiver_contact": "138****8000"})


@pytest.mark.parametrize("carrier", ["中通", "村口老王"])
def test_a_carrier_that_could_be_two_or_none_waits_for_a_person(fake_wechat, paid, staff, now, carrier):
    Order.objects.update(deliver_type=2, deliver_code="")
    deliver(paid, staff, now, carrier=carrier, tracking_number="1")
    run(now)
    assert (entry().state, carrier in entry().note, fake_wechat.books.shipments) == ("given_up", True, [])


def test_a_delivery_that_is_refused_tells_nothing(fake_wechat, paid, staff, now):
    Order.objects.update(deliver_type=2)
    with pytest.raises(Refusal):
        deliver(paid, staff, now)
    assert not OutboxEntry.objects.exists()


FAULTS = [
    {"kind": "errcode", "code": "-1"},
    {"kind": "errcode", "code": "10060001"},
    {"kind": "errcode", "code": "45009"},
    {"kind": "errcode", "code": "48001"},
    {"kind": "status", "status": 502},
    {"kind": "html", "status": 200},
    {"kind": "html", "status": 503},
    {"kind": "lost"},
    {"kind": "reset"},
    {"kind": "truncated"},
    {"kind": "not_json"},
    {"kind": "wrong_types"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("path", [UPLOAD, "stable_token"])
def test_whatever_goes_wrong_it_is_told_once_in_the_end(fake_wechat, paid, staff, now, fault, path):
    deliver(paid, staff, now)
    fake_wechat.control("fault", path=path, **fault)
    run(now)
    assert entry().state == "waiting"
    run(now + timedelta(minutes=1))
    assert (entry().state, len(fake_wechat.books.shipments)) == ("sent", 1)


def test_a_stale_token_is_renewed_once(fake_wechat, paid, staff, now):
    deliver(paid, staff, now)
    run(now)
    OutboxEntry.objects.update(state="waiting", next_try_at=now)
    fake_wechat.control("expire_tokens")
    before = fake_wechat.books.requests["POST /cgi-bin/stable_token"]
    run(now)
    assert (entry().state, fake_wechat.books.requests["POST /cgi-bin/stable_token"] - before) == ("sent", 1)


def test_a_refusal_stands_in_the_list_with_its_code_and_can_be_sent_again(fake_wechat, paid, staff, now):
    deliver(paid, staff, now)
    fake_wechat.control("fault", path=UPLOAD, kind="errcode", code="10060004")
    run(now)
    assert (entry().state, entry().note) == ("given_up", "微信拒绝：errcode 10060004")
    outbox.send_again(entry_ids=[entry().pk], principal=staff, now=now)
    run(now)
    assert entry().state == "sent"


def test_what_was_refunded_before_its_turn_is_not_told(fake_wechat, paid, staff, now):
    deliver(paid, staff, now)
    refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=staff, now=now)
    refunds.send_due(now=now)
    fake_wechat.control("finish_refund", number=Refund.objects.get().out_refund_no)
    refunds.send_due(now=now + timedelta(minutes=5))
    assert fresh(paid).status == OrderStatus.REFUNDED
    run(now)
    assert (entry().state, fake_wechat.books.shipments) == ("dropped", [])
    assert_sound()


def test_a_payment_in_the_sandbox_has_nothing_to_tell(buyer, group_buying, headquarters, settings, now):
    order = pay_in_sandbox(ordered(buyer, group_buying, now=now), now=now)
    settings.LOGIN_PROVIDER = "wechat"
    deliver(order, principal_of(headquarters), now)
    assert not OutboxEntry.objects.exists()


def test_a_buyer_who_confirms_a_pick_up_is_told_of_once(fake_wechat, paid, wechat_caller, shop, headquarters, now):
    item = ConfigItem.objects.get(code="buyer_receives_pick_up")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, value="true")
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=principal_of(headquarters), now=now)
    fulfilment.receive_order(order_id=paid.pk, principal=wechat_caller, now=now)
    run(now)
    assert len(fake_wechat.books.shipments) == 1
