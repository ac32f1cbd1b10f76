"""An order paid and refunded at WeChat Pay: our gateway and our notification endpoint, WeChat's side played by the fake."""

from datetime import timedelta
from decimal import Decimal

import pytest

from groupbuy import orders, payments
from groupbuy.models import Order, OrderStatus, Payment, PaymentEvent, Refund, RefundState
from groupbuy.orders import expiry, hand_over
from groupbuy.payments import attempts, reconciling, refunds, settling, verdict
from retail.principals import principal_of
from retail.refusals import Invalid
from retail.rights import Role
from tests.support import factories
from tests.support.wechat import REFUND_NOTIFY, assert_sound, fresh, house_merchant, notify, packed, pay, wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(fake_wechat, wechat_order, prepaid):
    assert notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id))).status_code == 204
    return fresh(wechat_order)


@pytest.fixture
def staff(tenant):
    return principal_of(factories.StaffFactory(tenant=tenant, role=Role.HEADQUARTERS))


def in_client(parameters) -> dict[str, str]:
    return {
        "timeStamp": parameters.time_stamp,
        "nonceStr": parameters.nonce_str,
        "package": f"prepay_id={parameters.pre_pay_id}",
        "signType": parameters.sign_type,
        "paySign": parameters.pay_sign,
    }


def refund(order, staff, amount, now):
    """Wanted by staff and sent by the worker."""
    wanted = refunds.refund_order(order_id=order.pk, amount=amount and Decimal(amount), reason="坏了一斤", principal=staff, now=now)
    refunds.send_due(now=now)
    return fresh(wanted)


def finish(fake, wanted, status="SUCCESS") -> int:
    message = fake.control("finish_refund", number=wanted.out_refund_no, status=status)["notification"]
    return notify(*packed(fake, message), path=REFUND_NOTIFY).status_code


def test_the_client_accepts_the_parameters_and_the_notification_pays_the_order(fake_wechat, wechat_order, prepaid):
    answer = fake_wechat.control("request_payment", **in_client(prepaid))
    assert notify(*packed(fake_wechat, answer["notification"])).status_code == 204
    payment = Payment.objects.get()
    assert (fresh(wechat_order).status, payment.use, payment.received) == (OrderStatus.PAID, "applied", Decimal("19.80"))
    assert payment.transaction_id == answer["transaction_id"]
    assert PaymentEvent.objects.get(payment=payment).event_id == answer["notification"]
    assert_sound()


def test_wechat_hears_fen_our_notify_url_and_the_buyers_open_id(fake_wechat, wechat_order, prepaid, wechat_buyer):
    asked = fake_wechat.books.any_trade(prepaid.pre_pay_id).asked
    assert asked["amount"] == {"total": 1980, "currency": "CNY"}
    assert asked["notify_url"] == "http://127.0.0.1:8000/api/pay/wechat/notify"
    assert asked["payer"]["openid"] == wechat_buyer.wechat_identities.get().open_id
    assert asked["out_trade_no"] == f"{wechat_order.code}P1"


def test_a_second_look_at_the_parameters_orders_nothing_anew(fake_wechat, wechat_order, prepaid, wechat_caller, now):
    again = payments.start_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    assert again.pre_pay_id == prepaid.pre_pay_id
    assert again.nonce_str != prepaid.nonce_str
    assert fake_wechat.books.requests["POST /v3/pay/transactions/jsapi"] == 1


def test_a_lost_notification_is_made_up_for_by_asking(fake_wechat, wechat_order, prepaid, now):
    pay(fake_wechat, prepaid.pre_pay_id)
    assert reconciling.reconcile_due(now=now + timedelta(seconds=21)) == 1
    assert fresh(wechat_order).status == OrderStatus.PAID
    assert_sound()


def test_checkorderpay_asks_wechat_itself(fake_wechat, wechat_order, prepaid, wechat_caller, now):
    assert payments.check_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now) == 703
    pay(fake_wechat, prepaid.pre_pay_id)
    assert payments.check_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now + timedelta(seconds=4)) == 701


def test_an_attempt_that_wechat_closed_fails_the_order_and_can_be_repeated(fake_wechat, wechat_order, prepaid, wechat_caller, now):
    fake_wechat.control("fail", number=prepaid.pre_pay_id)
    reconciling.reconcile_due(now=now + timedelta(seconds=21))
    assert fresh(wechat_order).status == OrderStatus.PAY_FAILED
    again = payments.restart_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    assert again.pre_pay_id != prepaid.pre_pay_id
    notify(*packed(fake_wechat, pay(fake_wechat, again.pre_pay_id)))
    assert fresh(wechat_order).status == OrderStatus.PAID


def test_restarting_closes_the_old_attempt_at_wechat_first(fake_wechat, wechat_order, prepaid, wechat_caller, now):
    payments.restart_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    states = [trade.state for trade in fake_wechat.books.trades.values()]
    assert states == ["CLOSED", "NOTPAY"]


def test_closing_an_order_that_was_paid_just_now_finds_it_paid(fake_wechat, wechat_order, prepaid, wechat_caller, now):
    pay(fake_wechat, prepaid.pre_pay_id)
    with pytest.raises(verdict.Paid):
        orders.close_order(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    assert fresh(wechat_order).status == OrderStatus.PAID


def test_money_that_comes_after_the_order_was_closed_goes_back_once(fake_wechat, wechat_order, prepaid, wechat_caller, now):
    orders.close_order(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    message = pay(fake_wechat, prepaid.pre_pay_id, late=True)
    assert [notify(*packed(fake_wechat, message)).status_code for _ in range(3)] == [204] * 3
    refunds.send_due(now=now + timedelta(minutes=1))
    assert finish(fake_wechat, Refund.objects.get()) == 204
    assert fresh(wechat_order).status == OrderStatus.REFUNDED
    assert_sound()


def test_expiry_closes_at_wechat_before_it_gives_the_stock_back(fake_wechat, wechat_order, prepaid, group_buying, now):
    Order.objects.filter(pk=wechat_order.pk).update(pay_deadline_at=now)
    assert expiry.expire_due(now=now) == 1
    assert fake_wechat.books.any_trade(prepaid.pre_pay_id).state == "CLOSED"
    assert (fresh(wechat_order).status, fresh(group_buying).taken) == (OrderStatus.EXPIRED, 0)


def test_partial_refunds_end_in_a_refunded_order(fake_wechat, paid, staff, now):
    first = refund(paid, staff, "5.00", now)
    assert first.state == RefundState.PROCESSING
    assert finish(fake_wechat, first) == 204
    assert (fresh(first).state, fresh(paid).status) == (RefundState.SUCCESS, OrderStatus.PAID)
    rest = refund(paid, staff, None, now + timedelta(minutes=1))
    assert rest.amount == Decimal("14.80")
    assert finish(fake_wechat, rest) == 204
    assert fresh(paid).status == OrderStatus.REFUNDED
    assert_sound()


def test_a_refund_whose_notification_is_lost_is_asked_for(fake_wechat, paid, staff, now):
    wanted = refund(paid, staff, None, now)
    fake_wechat.control("finish_refund", number=wanted.out_refund_no)
    refunds.send_due(now=now + timedelta(minutes=5))
    assert fresh(paid).status == OrderStatus.REFUNDED


def test_a_refund_whose_answer_was_lost_is_sent_again_with_its_number(fake_wechat, paid, staff, now):
    fake_wechat.control("fault", kind="lost", path="/v3/refund")
    wanted = refund(paid, staff, None, now)
    assert wanted.state == RefundState.NEW
    refunds.send_due(now=now + timedelta(minutes=5))
    assert fresh(wanted).state == RefundState.PROCESSING
    assert len(fake_wechat.control("state")["refunds"]) == 1


def test_a_refund_that_wechat_closed_gets_a_new_number(fake_wechat, paid, staff, now):
    wanted = refund(paid, staff, None, now)
    closed = wanted.out_refund_no
    assert finish(fake_wechat, wanted, "CLOSED") == 204
    refunds.send_due(now=now + timedelta(minutes=5))
    assert fresh(wanted).out_refund_no == f"{closed}C"
    assert finish(fake_wechat, wanted) == 204
    assert fresh(paid).status == OrderStatus.REFUNDED


def test_a_refund_that_wechat_closed_is_still_on_its_way(fake_wechat, paid, staff, shop, now):
    """It will be sent again: neither the money nor the goods may go out a second time meanwhile."""
    assert finish(fake_wechat, refund(paid, staff, None, now), "CLOSED") == 204
    with pytest.raises(Invalid):
        refund(paid, staff, None, now)
    with pytest.raises(refunds.Refunding):
        hand_over.verify_code(shop_id=shop.pk, code=paid.deliver_code, principal=staff, now=now)
    assert_sound()


def test_an_answer_that_was_overtaken_does_not_bring_a_refund_back_to_processing(fake_wechat, paid, staff, now):
    wanted = refund(paid, staff, None, now)
    slow = attempts.gateway_of(wanted.payment).query_refund(wanted.out_refund_no)
    assert finish(fake_wechat, wanted, "ABNORMAL") == 204
    settling.settle_refund(slow, source="refund", now=now)
    assert fresh(wanted).state == RefundState.ABNORMAL


def test_an_abnormal_refund_that_ends_closed_is_sent_again(fake_wechat, paid, staff, now):
    wanted = refund(paid, staff, None, now)
    for status in ("ABNORMAL", "CLOSED"):
        assert finish(fake_wechat, wanted, status) == 204
    refunds.send_due(now=now + timedelta(minutes=5))
    assert fresh(wanted).state == RefundState.PROCESSING


def test_an_abnormal_refund_waits_for_a_person(fake_wechat, paid, staff, now):
    wanted = refund(paid, staff, None, now)
    assert finish(fake_wechat, wanted, "ABNORMAL") == 204
    assert (fresh(wanted).state, wanted.next_check_at, fresh(paid).status) == (RefundState.ABNORMAL, None, OrderStatus.PAID)


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        (403, "NOT_ENOUGH", RefundState.NEW),
        (429, "FREQUENCY_LIMITED", RefundState.NEW),
        (403, "NO_AUTH", RefundState.NEW),
        (500, "SYSTEM_ERROR", RefundState.NEW),
        (404, "RESOURCE_NOT_EXISTS", RefundState.REJECTED),
        (403, "USER_ACCOUNT_ABNORMAL", RefundState.REJECTED),
        (400, "INVALID_REQUEST", RefundState.REJECTED),
    ],
)
def test_only_a_final_no_rejects_a_refund(fake_wechat, paid, staff, now, status, code, state):
    fake_wechat.control("fault", kind="status", path="/v3/refund", status=status, code=code)
    assert refund(paid, staff, None, now).state == state


def test_a_buyer_who_is_unknown_in_the_paying_app_is_told_so(fake_wechat, wechat_buyer, wechat_order, wechat_caller, now):
    wechat_buyer.wechat_identities.all().delete()
    with pytest.raises(payments.PayFailed):
        payments.start_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    assert fake_wechat.books.trades == {}


def test_the_whole_path_over_http_both_ways(fake_wechat, transactional_db, live_server, settings, tenant, group_buying, wechat_buyer, api):
    settings.PUBLIC_BASE_URL = live_server.url
    fake_wechat.control("hold", on=False)
    buyer = api.as_user(wechat_buyer)
    order_id = buyer.post("/api/marketing/groupbuy/createorder", {"groupBuyingId": group_buying.pk, "qty": 1}).json()["data"]
    prepay = buyer.post("/api/marketing/groupbuy/orderpay", {"orderId": order_id}).json()["data"]["prePayId"]
    pay(fake_wechat, prepay)
    message = fake_wechat.notifier.messages[0]
    wait_until(lambda: message.is_taken)
    assert message.answers == [204]
    assert buyer.post("/api/marketing/groupbuy/checkorderpay", {"id": order_id}).json()["status"] == 701
    assert house_merchant(fake_wechat).mch_id == Payment.objects.get().parameters["mch_id"]
