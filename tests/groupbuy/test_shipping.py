"""WeChat releases the money of trading mini-programs when it hears of the hand-over: over HTTP to the fake WeChat."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from config import schedule
from groupbuy.models import EventKind, GroupBuying, Order, OrderStatus, Payment, Refund
from groupbuy.notices import shipping
from groupbuy.orders import fulfilment, hand_over, parcels, rescheduling
from groupbuy.payments import refunds
from retail import mini_program, outbox
from retail.models import OutboxEntry
from retail.principals import principal_of
from retail.refusals import Forbidden, NotThere, Refusal
from shops.models import ConfigItem, ConfigValue
from tests.support import factories
from tests.support.pages import ordered
from tests.support.pages import pay as pay_in_sandbox
from tests.support.races import at_once
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
    run(now)
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


@pytest.mark.parametrize("frozen", [{"app_id": "wx-official-account"}, {"open_id": ""}, {"app_id": None}], ids=str)
def test_what_was_not_paid_in_the_mini_program_is_not_told(fake_wechat, paid, staff, now, frozen):
    payment = paid.payments.get()
    Payment.objects.update(parameters=payment.parameters | frozen)
    deliver(paid, staff, now)
    run(now)
    assert (entry().state, entry().note) == ("dropped", "不是在小程序里付的款，微信不要求上报")
    assert fake_wechat.books.requests[f"POST /wxa/sec/order/{UPLOAD}"] == 0


def test_an_app_that_owes_wechat_nothing_tells_nothing_and_alarms_nobody(fake_wechat, paid, staff, now):
    fake_wechat.control("manage_trade", on=False)
    deliver(paid, staff, now)
    run(now)
    assert (entry().state, entry().note) == ("dropped", "小程序没有开通发货信息管理，无需上报")
    assert fake_wechat.books.requests[f"POST /wxa/sec/order/{UPLOAD}"] == 0


@pytest.mark.parametrize("is_managed", [True, False])
def test_whether_an_app_is_managed_is_asked_once(fake_wechat, wechat_order, tenant, is_managed):
    fake_wechat.control("manage_trade", on=is_managed)
    assert [mini_program.is_trade_managed(tenant) for _ in range(3)] == [is_managed] * 3
    assert fake_wechat.books.requests["POST /wxa/sec/order/is_trade_managed"] == 1


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
    assert not OutboxEntry.objects.filter(kind=shipping.KIND).exists()


def test_a_buyer_who_confirms_a_pick_up_is_told_of_once(fake_wechat, paid, wechat_caller, shop, headquarters, now):
    item = ConfigItem.objects.get(code="buyer_receives_pick_up")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, value="true")
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=principal_of(headquarters), now=now)
    fulfilment.receive_order(order_id=paid.pk, principal=wechat_caller, now=now)
    run(now)
    assert len(fake_wechat.books.shipments) == 1


@pytest.fixture
def sent_off(fake_wechat, paid, staff, now) -> Order:
    """A parcel that WeChat knows of."""
    Order.objects.update(deliver_type=2, deliver_code="")
    deliver(paid, staff, now, carrier="顺丰速运", tracking_number="SF123")
    run(now)
    return fresh(paid)


def correct(order, principal, now, carrier="中通快递", tracking_number="ZT456"):
    return parcels.correct_parcel(order_id=order.pk, carrier=carrier, tracking_number=tracking_number, principal=principal, now=now)


def test_a_corrected_parcel_is_told_once_more_and_stands_in_the_timeline(fake_wechat, sent_off, staff, now):
    correct(sent_off, staff, now)
    assert run(now) == 1
    first, second = fake_wechat.books.shipments
    assert first["order_key"] == second["order_key"]
    assert [one["shipping_list"][0]["express_company"] for one in (first, second)] == ["SF", "ZTO"]
    row = sent_off.events.get(kind=EventKind.PARCEL)
    assert (row.reason, row.actor, fresh(sent_off).tracking_number) == ("顺丰速运 SF123 → 中通快递 ZT456", staff.user, "ZT456")
    assert_sound()


def test_there_is_one_correction_ever(fake_wechat, sent_off, staff, now):
    correct(sent_off, staff, now)
    with pytest.raises(parcels.Corrected):
        correct(sent_off, staff, now, tracking_number="ZT789")
    run(now)
    assert (fresh(sent_off).tracking_number, len(fake_wechat.books.shipments)) == ("ZT456", 2)


def test_a_correction_that_wechat_has_used_up_waits_for_a_person(fake_wechat, sent_off, staff, now):
    correct(sent_off, staff, now)
    fake_wechat.control("fault", path=UPLOAD, kind="errcode", code="10060003")
    run(now)
    told = OutboxEntry.objects.get(kind=shipping.CORRECTION)
    assert (told.state, "只接受一次更正" in told.note) == ("given_up", True)


@pytest.mark.parametrize(("carrier", "number"), [("顺丰速运", "SF123"), ("", "ZT456"), ("中通快递", "")])
def test_a_correction_changes_something(sent_off, staff, now, carrier, number):
    with pytest.raises(Refusal):
        correct(sent_off, staff, now, carrier=carrier, tracking_number=number)
    assert not sent_off.events.filter(kind=EventKind.PARCEL).exists()


@pytest.mark.parametrize("changes", [{"status": OrderStatus.COMPLETED}, {"deliver_type": 1}])
def test_only_a_parcel_under_way_is_corrected(sent_off, staff, now, changes):
    Order.objects.update(**changes)
    with pytest.raises(parcels.NotUnderWay):
        correct(sent_off, staff, now)


def test_only_staff_of_the_shop_correct_a_parcel(sent_off, wechat_caller, tenant, now):
    next_door = factories.StaffFactory(tenant=tenant, role="manager", shops=[factories.ShopFactory(tenant=tenant)])
    for caller, refusal in ((wechat_caller, Forbidden), (principal_of(next_door), NotThere)):
        with pytest.raises(refusal):
            correct(sent_off, caller, now)


@pytest.mark.django_db(transaction=True)
def test_of_many_corrections_at_once_one_is_made(fake_wechat, sent_off, staff, now):
    def one(number):
        try:
            return correct(sent_off, staff, now, tracking_number=f"ZT{number}")
        except Refusal:
            return None

    made = [order for order in at_once(one, range(6), threads=6) if order]
    assert [order.tracking_number for order in made] == [fresh(sent_off).tracking_number]
    assert sent_off.events.filter(kind=EventKind.PARCEL).count() == 1
    run(now)
    assert len(fake_wechat.books.shipments) == 2


def dated(now, days):
    start = now + timedelta(days=days)
    GroupBuying.objects.update(pick_up_from=start, pick_up_until=start + timedelta(days=1))
    return start


@pytest.fixture
def pay_now(fake_wechat, wechat_order, prepaid):
    def pay_and_tell() -> Order:
        assert notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id))).status_code == 204
        return fresh(wechat_order)

    return pay_and_tell


def late() -> OutboxEntry:
    return OutboxEntry.objects.get(kind=shipping.LATE)


def test_goods_that_come_late_are_announced_at_payment(fake_wechat, pay_now, now):
    start = dated(now, 20)
    order = pay_now()
    run(now)
    number = order.payments.get().transaction_id
    assert fake_wechat.books.presales == [{"order_id": number, "type": 1, "delay_to": int(start.timestamp())}]
    assert late().state == "sent"


def test_a_parcel_that_goes_off_late_is_announced_with_the_end_of_its_day(fake_wechat, pay_now, now):
    day = timezone.localdate(now) + timedelta(days=16)
    GroupBuying.objects.update(ships_on=day)
    Order.objects.update(deliver_type=2)
    pay_now()
    run(now)
    [told] = fake_wechat.books.presales
    assert timezone.localtime(datetime.fromtimestamp(told["delay_to"], UTC)).date() == day + timedelta(days=1)


@pytest.mark.parametrize("days", [None, 1, 14])
def test_goods_that_come_in_time_are_not_announced(fake_wechat, pay_now, now, days):
    if days:
        dated(now, days)
    pay_now()
    assert not OutboxEntry.objects.filter(kind=shipping.LATE).exists()


def test_moved_dates_are_announced_again(fake_wechat, pay_now, headquarters, now):
    dated(now, 20)
    order = pay_now()
    run(now)
    start = now + timedelta(days=30)
    moved = {"pick_up_from": start, "pick_up_until": start + timedelta(hours=4)}
    rescheduling.reschedule(group_buying_id=order.group_buying_id, principal=principal_of(headquarters), now=now, **moved)
    run(now)
    assert [told["delay_to"] for told in fake_wechat.books.presales][1:] == [int(start.timestamp())]
    assert late().state == "sent"


def test_dates_that_were_moved_back_or_too_far_are_not_announced(fake_wechat, pay_now, now):
    dated(now, 400)
    order = pay_now()
    run(now)
    assert (late().state, "330" in late().note) == ("given_up", True)
    shipping.announce_late(fresh(order), now=now)
    dated(now, 3)
    run(now)
    assert (late().state, fake_wechat.books.presales) == ("dropped", [])


def test_late_goods_of_what_was_not_paid_in_the_mini_program_are_not_announced(fake_wechat, pay_now, now):
    dated(now, 20)
    payment = pay_now().payments.get()
    Payment.objects.update(parameters=payment.parameters | {"app_id": "wx-official-account"})
    run(now)
    assert (late().state, fake_wechat.books.presales) == ("dropped", [])


# --- where WeChat opens an order ---


def test_wechats_own_lists_and_notices_open_our_page_of_an_order(fake_wechat, wechat_order, tenant):
    call_command("order_page", tenant.code, "pages/order")
    assert list(fake_wechat.books.order_paths.values()) == [{"orders": "pages/order?outTradeNo=${商品订单号}", "notices": "pages/order"}]


@pytest.mark.parametrize(("code", "page"), [("nobody", "pages/order"), ("", "/pages/order"), ("", "pages/order?id=1"), ("", "")])
def test_a_page_that_is_none_is_not_told(fake_wechat, wechat_order, tenant, code, page):
    with pytest.raises(CommandError):
        call_command("order_page", code or tenant.code, page)
    assert not fake_wechat.books.order_paths


def test_what_wechat_refuses_is_said(fake_wechat, wechat_order, tenant):
    fake_wechat.control("fault", path="update_order_detail_path", kind="errcode", code="48001")
    with pytest.raises(CommandError, match="WeChat"):
        call_command("order_page", tenant.code, "pages/order")
