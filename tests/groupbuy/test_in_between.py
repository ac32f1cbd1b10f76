"""What crosses: money, closings and refunds that come between two steps of something else."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config import invariants
from groupbuy import orders, payments, stock
from groupbuy.models import (
    GroupBuying,
    Order,
    OrderEvent,
    OrderStatus,
    Payment,
    PaymentEvent,
    Refund,
    RefundState,
    SandboxTrade,
    TradeState,
)
from groupbuy.orders import closing, expiry, fulfilment, group_buyings, hand_over
from groupbuy.payments import by_hand, gateways, reconciling, refunds, settling, verdict
from groupbuy.payments.gateways import RefundAnswer, sandbox
from groupbuy.payments.gateways.wechat import WeChatGateway
from retail.principals import principal_of
from retail.refusals import Refusal, Unavailable
from shops.models import ConfigItem, ConfigValue
from tests.support import factories
from tests.support.pages import ordered, pay
from tests.support.races import at_once
from tests.support.wechat import assert_sound, fresh

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def prepay_id(order, caller, now):
    return payments.start_payment(order_id=order.pk, principal=caller, now=now).pre_pay_id


@pytest.fixture
def paid(order, now):
    return pay(order, now=now)


def receive(payment, now, transaction_id="late"):
    """The bank takes the money of an attempt, whatever we think of it, and we hear of it."""
    SandboxTrade.objects.filter(out_trade_no=payment.out_trade_no).update(state=TradeState.SUCCESS, transaction_id=transaction_id)
    settling.settle(sandbox.SandboxGateway().query(payment.out_trade_no), source="test", now=now)


def answer_to(refund, state, **changes):
    return replace(RefundAnswer("sandbox", refund.out_refund_no, state, refund.amount, "r1"), **changes)


# --- a prepay on its way ---


def send_while(happens, between, fake_wechat, wechat_order, wechat_caller, now):
    """A first sending that WeChat never heard of, and 40 seconds later a second, during which something ``happens``."""
    fake_wechat.control("fault", kind="reset", path="jsapi")
    with pytest.raises(payments.PayUnknown):
        payments.start_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    later = now + timedelta(seconds=40)
    between(WeChatGateway, "prepay", lambda: happens(later))
    return payments.start_payment(order_id=wechat_order.pk, principal=wechat_caller, now=later)


def test_an_order_is_not_closed_while_its_prepay_is_on_its_way(fake_wechat, wechat_order, wechat_caller, between, now):
    def close(later):
        with pytest.raises(Unavailable):
            orders.close_order(order_id=wechat_order.pk, principal=wechat_caller, now=later)

    parameters = send_while(close, between, fake_wechat, wechat_order, wechat_caller, now)
    assert (fresh(wechat_order).status, Payment.objects.get().prepay_id) == (OrderStatus.UNPAID, parameters.pre_pay_id)
    orders.close_order(order_id=wechat_order.pk, principal=wechat_caller, now=now + MINUTE)
    assert fake_wechat.books.any_trade(parameters.pre_pay_id).state == "CLOSED"


def test_an_order_does_not_expire_while_its_prepay_is_on_its_way(fake_wechat, wechat_order, wechat_caller, between, now):
    def expire(later):
        Order.objects.update(pay_deadline_at=later)
        assert expiry.expire_due(now=later) == 0

    send_while(expire, between, fake_wechat, wechat_order, wechat_caller, now)
    assert fresh(wechat_order).status == OrderStatus.UNPAID


def test_what_wechat_never_heard_of_is_shut_without_it_after_half_a_minute(fake_wechat, wechat_order, wechat_caller, now):
    fake_wechat.control("fault", kind="reset", path="jsapi")
    with pytest.raises(payments.PayUnknown):
        payments.start_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    with pytest.raises(Unavailable):
        orders.close_order(order_id=wechat_order.pk, principal=wechat_caller, now=now + timedelta(seconds=29))
    closed = orders.close_order(order_id=wechat_order.pk, principal=wechat_caller, now=now + timedelta(seconds=30))
    assert (closed.status, Payment.objects.get().state) == (OrderStatus.CLOSED, "closed")


def test_nobody_pays_by_an_attempt_that_was_shut_before_its_answer_came(fake_wechat, wechat_order, wechat_caller, between, now):
    between(WeChatGateway, "prepay", lambda: settling.close_attempt(Payment.objects.get()))
    with pytest.raises(payments.PayUnknown):
        payments.start_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)
    assert (Payment.objects.get().state, Payment.objects.get().prepay_id) == ("closed", "")


def test_an_attempt_that_is_opened_while_an_order_is_closed_keeps_it_open(order, prepay_id, caller, between, now):
    between(closing, "end_unpaid", lambda: payments.restart_payment(order_id=order.pk, principal=caller, now=now))
    with pytest.raises(Refusal):
        orders.close_order(order_id=order.pk, principal=caller, now=now)
    assert (fresh(order).status, Payment.objects.open().count()) == (OrderStatus.UNPAID, 1)


def test_money_that_comes_while_an_order_is_closed_is_701(order, prepay_id, caller, between, now):
    between(closing, "end_unpaid", lambda: receive(Payment.objects.get(), now))
    with pytest.raises(verdict.Paid):
        orders.close_order(order_id=order.pk, principal=caller, now=now)
    assert fresh(order).status == OrderStatus.PAID


def test_an_attempt_that_its_order_no_longer_waits_for_is_shut(order, prepay_id, caller, now):
    first = Payment.objects.get()
    second = payments.restart_payment(order_id=order.pk, principal=caller, now=now)
    receive(first, now)
    assert reconciling.reconcile_due(now=now + MINUTE) == 1
    assert fresh(order).status == OrderStatus.PAID
    assert (Payment.objects.open().count(), sandbox.pay(second.pre_pay_id, now=now).state) == (0, TradeState.CLOSED)


def test_two_payments_of_one_order_at_once_are_applied_and_sent_back(order, prepay_id, caller, now):
    first = Payment.objects.get()
    payments.restart_payment(order_id=order.pk, principal=caller, now=now)
    attempts_made = list(Payment.objects.order_by("pk"))
    assert attempts_made[0] == first
    at_once(lambda payment: receive(payment, now, f"t{payment.pk}"), attempts_made * 4, threads=8)
    assert sorted(Payment.objects.values_list("use", flat=True)) == ["applied", "surplus"]
    assert_sound()


def test_there_is_one_open_attempt(prepay_id):
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(order=Order.objects.get(), gateway="sandbox", out_trade_no="P2", total=1)


def test_a_transaction_pays_once(order, prepay_id, group_buying, now):
    receive(Payment.objects.get(), now, "one")
    other = ordered(factories.BuyerFactory(tenant=group_buying.tenant), group_buying, now=now)
    payments.start_payment(order_id=other.pk, principal=principal_of(other.buyer), now=now)
    trade = sandbox.pay(other.payments.get().prepay_id, now=now)
    settling.settle(replace(trade, transaction_id="one"), source="test", now=now)
    assert (other.payments.get().use, fresh(other).status) == ("held", OrderStatus.UNPAID)


def test_a_payment_that_failed_is_late_once_the_deadline_is_over(order, prepay_id, caller, now):
    settling.settle(sandbox.fail(prepay_id, now=now), source="test", now=now)
    assert payments.check_payment(order_id=order.pk, principal=caller, now=now) == 702
    Order.objects.update(pay_deadline_at=now)
    assert payments.check_payment(order_id=order.pk, principal=caller, now=now) == 1003
    for begin in (payments.start_payment, payments.restart_payment):
        with pytest.raises(payments.WindowOver):
            begin(order_id=order.pk, principal=caller, now=now)


def test_an_order_whose_money_is_held_is_not_hidden(order, prepay_id, caller, now):
    settling.settle(replace(sandbox.pay(prepay_id, now=now), total=Decimal("19.79")), source="test", now=now)
    Order.objects.update(pay_deadline_at=now)
    assert expiry.expire_due(now=now) == 1
    with pytest.raises(Refusal, match="核对"):
        orders.hide_order(order_id=order.pk, principal=caller, now=now)


def test_no_order_costs_more_than_a_column_holds(caller, group_buying, now):
    GroupBuying.objects.update(price=Decimal("9999.99"), quota=20_000)
    with pytest.raises(orders.NotBuyable, match="金额过大"):
        orders.create_order(principal=caller, buyer_id=None, wish=orders.Wish(group_buying.pk, 10_001), now=now)
    dearest = orders.create_order(principal=caller, buyer_id=None, wish=orders.Wish(group_buying.pk, 10_000), now=now)
    assert fresh(dearest).money == Decimal("99999900.00")
    with pytest.raises(Exception, match=r"order_has_money|overflow"), transaction.atomic():
        Order.objects.update(money=10**8)


# --- refunds ---


def test_two_parts_of_a_payment_go_back_a_minute_apart(paid, boss, now):
    for amount in ("1.00", "2.00"):
        refunds.refund_order(order_id=paid.pk, amount=Decimal(amount), reason="", principal=boss, now=now)
    refunds.send_due(now=now)
    assert list(Refund.objects.order_by("pk").values_list("state", flat=True)) == ["success", "new"]
    refunds.send_due(now=now + timedelta(seconds=59))
    assert Refund.objects.filter(state="new").count() == 1
    refunds.send_due(now=now + MINUTE)
    assert not Refund.objects.filter(state="new").exists()


def test_a_double_click_on_the_whole_refund_is_one_refund(paid, boss, now):
    both = [refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=boss, now=now, intent="form") for _ in range(2)]
    assert both[0] == both[1]


def test_a_refund_of_another_amount_is_for_a_person(paid, boss, now):
    wanted = refunds.refund_order(order_id=paid.pk, amount=Decimal("5.00"), reason="", principal=boss, now=now)
    settling.settle_refund(answer_to(wanted, RefundState.SUCCESS, amount=Decimal("4.99")), source="test", now=now)
    assert (fresh(wanted).state, wanted.is_stuck) == ("abnormal", True)


def test_a_success_that_we_hear_of_before_a_refusal_stands(paid, boss, between, now):
    wanted = refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=boss, now=now)

    def refuse():
        settling.settle_refund(answer_to(wanted, RefundState.SUCCESS), source="notify", now=now)
        raise gateways.Rejected("HTTP 400 INVALID_REQUEST")

    between(refunds, "ask_or_send", refuse)
    refunds.send_due(now=now)
    assert (fresh(wanted).state, fresh(paid).status) == ("success", OrderStatus.REFUNDED)


def test_a_refund_that_got_lost_and_is_then_refused_waits_for_a_person(paid, boss, between, now):
    wanted = refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=boss, now=now)
    settling.settle_refund(answer_to(wanted, RefundState.PROCESSING), source="test", now=now)

    def refuse():
        raise gateways.Rejected("HTTP 400 INVALID_REQUEST")

    between(sandbox.SandboxGateway, "refund", refuse)
    refunds.send_due(now=now + MINUTE)
    assert (fresh(wanted).state, len(list(invariants.waiting_for_a_person()))) == ("rejected", 1)


def test_an_answer_to_a_number_that_was_replaced_meanwhile_changes_nothing(paid, boss, between, now):
    wanted = refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=boss, now=now)
    answer = answer_to(wanted, RefundState.SUCCESS)
    between(settling, "lock", lambda: Refund.objects.update(out_refund_no=f"{wanted.out_refund_no}C"))
    settling.settle_refund(answer, source="notify", now=now)
    assert (fresh(wanted).state, fresh(paid).status) == ("new", OrderStatus.PAID)


def test_what_the_gateway_paid_back_too_is_on_record_once(paid, boss, now, caplog):
    wanted = refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=boss, now=now)
    settling.settle_refund(answer_to(wanted, RefundState.ABNORMAL), source="notify", now=now)
    by_hand.record_returned(refund_id=wanted.pk, note="银行转账", principal=boss, now=now)
    for _ in range(2):
        settling.settle_refund(answer_to(wanted, RefundState.SUCCESS), source="notify", now=now)
    assert PaymentEvent.objects.filter(refund=wanted, result=settling.PAID_BACK_TWICE).count() == 1
    assert "paid back by hand and by the gateway" in caplog.text


# --- group buys ---


def test_what_the_gateway_refused_before_a_group_buy_failed_goes_back_with_the_rest(paid, boss, now):
    part = refunds.refund_order(order_id=paid.pk, amount=Decimal("5.00"), reason="", principal=boss, now=now)
    GroupBuying.objects.update(outcome="failed", decided_at=now)
    group_buyings.carry_out_due(now=now)
    refunds.reject(part, gateways.Rejected("HTTP 400 INVALID_REQUEST"), now=now)
    with pytest.raises(Refusal, match="必须退款"):
        by_hand.drop(refund_id=part.pk, note="不退", principal=boss, now=now)
    for minutes in range(1, 4):
        group_buyings.carry_out_due(now=now + minutes * MINUTE)
        refunds.send_due(now=now + minutes * MINUTE)
    assert fresh(paid).status == OrderStatus.REFUNDED
    by_hand.drop(refund_id=part.pk, note="已随整单退回", principal=boss, now=now)
    assert list(invariants.waiting_for_a_person()) == []
    assert_sound()


def test_what_the_gateway_refuses_a_failed_group_buy_is_asked_of_a_person_once(paid, now):
    GroupBuying.objects.update(outcome="failed", decided_at=now)
    group_buyings.carry_out_due(now=now)
    refunds.reject(Refund.objects.get(), gateways.Rejected("HTTP 400 INVALID_REQUEST"), now=now)
    for minutes in range(1, 4):
        assert group_buyings.carry_out_due(now=now + minutes * MINUTE) == 0
    assert Refund.objects.count() == 1


def test_money_on_its_way_back_does_not_make_a_group(paid, boss, group_buying, now):
    GroupBuying.objects.update(min_qty=2, end_at=now)
    refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=boss, now=now)
    group_buyings.decide_due(now=now)
    assert fresh(group_buying).outcome == "failed"


def test_a_part_that_goes_back_leaves_the_order_in_its_group(paid, boss, group_buying, now):
    GroupBuying.objects.update(min_qty=2, end_at=now)
    refunds.refund_order(order_id=paid.pk, amount=Decimal("1.00"), reason="", principal=boss, now=now)
    group_buyings.decide_due(now=now)
    assert fresh(group_buying).outcome == "succeeded"


def test_a_group_buy_that_was_prolonged_meanwhile_is_not_decided(paid, group_buying, between, now):
    GroupBuying.objects.update(min_qty=50, end_at=now)
    between(group_buyings, "decide", lambda: GroupBuying.objects.update(end_at=now + timedelta(days=1)))
    assert group_buyings.decide_due(now=now) == 0
    assert fresh(group_buying).outcome == ""


def test_late_money_counts_or_finds_the_group_buy_decided(order, prepay_id, group_buying, between, now):
    """It comes in the last moment, while the units are being counted."""
    GroupBuying.objects.update(min_qty=1, end_at=now)
    Order.objects.update(pay_deadline_at=now - MINUTE)
    assert expiry.expire_due(now=now - MINUTE) == 1
    late = threading.Thread(target=lambda: at_once(lambda _: receive(Payment.objects.get(), now - timedelta(milliseconds=5)), [1]))

    def come():
        late.start()
        late.join(0.5)

    between(group_buyings, "outcome_of", come, after=True)
    group_buyings.decide_due(now=now)
    late.join()
    assert (fresh(group_buying).outcome, Payment.objects.get().use) in (("failed", "surplus"), ("succeeded", "applied"))


def test_cancelling_and_closing_at_once_do_not_wait_for_each_other(order, caller, boss, group_buying, between, now):
    """Each holds what the other wants, unless both lock orders before their group buy."""
    holds = threading.Event()

    def hold():
        holds.set()
        threading.Event().wait(0.3)

    def act(cancels):
        if not cancels:
            return orders.close_order(order_id=order.pk, principal=caller, now=now)
        holds.wait(5)
        return group_buyings.cancel(group_buying_id=group_buying.pk, reason="", principal=boss, now=now)

    between(stock, "give_back", hold)
    at_once(act, [True, False], threads=2)
    assert (fresh(order).status, fresh(group_buying).outcome) == (OrderStatus.CLOSED, "cancelled")
    assert_sound()


# --- handing over ---


def test_a_buyer_does_not_receive_a_parcel_that_was_not_sent(now, buyer, shop, caller):
    express = factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop, deliver_type=2)
    parcel = pay(ordered(buyer, express, now=now, address="上海市徐汇区漕溪北路 1 号"), now=now)
    item = ConfigItem.objects.get(code="buyer_receives_pick_up")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="true")
    with pytest.raises(Refusal):
        fulfilment.receive_order(order_id=parcel.pk, principal=caller, now=now)
    assert fresh(parcel).status == OrderStatus.PAID


def test_goods_are_not_handed_over_while_their_money_goes_back(paid, boss, shop, between, now):
    """The refund is wanted after the code was found and before the order is moved."""
    between(
        hand_over,
        "hand_over",
        lambda: refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=boss, now=now),
    )
    with pytest.raises(refunds.Refunding):
        hand_over.verify_code(shop_id=shop.pk, code=paid.deliver_code, principal=boss, now=now)
    assert OrderEvent.objects.filter(order=paid, to_status=OrderStatus.COMPLETED).count() == 0


def test_wrong_codes_typed_at_once_are_counted_one_by_one(paid, clerk, shop, now):
    wrong = [f"{(int(paid.deliver_code) + step) % 10**8:08d}" for step in range(1, 33)]

    def attempt(code):
        with pytest.raises(Refusal) as refused:
            hand_over.verify_code(shop_id=shop.pk, code=code, principal=principal_of(clerk), now=now)
        return refused.type

    tried = at_once(attempt, wrong, threads=16)
    assert (tried.count(hand_over.WrongPickUpCode), tried.count(hand_over.Paused)) == (5, 27)
