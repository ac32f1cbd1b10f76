"""Money that waits for a person: each way out of it, taken once, by headquarters, on record."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from config import invariants
from groupbuy import payments
from groupbuy.models import (
    GroupBuying,
    Order,
    OrderStatus,
    Payment,
    PaymentEvent,
    PaymentUse,
    Refund,
    RefundState,
    SandboxTrade,
    TradeState,
)
from groupbuy.orders import expiry
from groupbuy.payments import by_hand, refunds, settling
from groupbuy.payments.gateways import RefundAnswer, Rejected, sandbox
from retail.principals import principal_of
from retail.refusals import Forbidden, Invalid, NotThere, Refusal
from retail.rights import Role
from tests.support import factories
from tests.support.pages import ordered, pay, underpay
from tests.support.races import at_once
from tests.support.wechat import assert_sound, fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(order, now):
    return underpay(order, now=now)


@pytest.fixture
def wanted(order, boss, now):
    """The whole refund of a paid order, not sent yet."""
    pay(order, now=now)
    return refunds.refund_order(order_id=order.pk, amount=None, reason="坏果", principal=boss, now=now)


def get_stuck(refund, state):
    Refund.objects.filter(pk=refund.pk).update(state=state, next_check_at=None)
    return fresh(refund)


def waiting():
    return list(invariants.waiting_for_a_person())


def decisions():
    return list(PaymentEvent.objects.filter(source="staff").values_list("result", "user__nickname"))


# --- held money ---


def test_held_money_is_refunded_whole_and_the_order_may_be_paid_anew(held, order, boss, now):
    assert len(waiting()) == 1
    refund = by_hand.refund_held(payment_id=held.pk, principal=boss, now=now)
    assert (refund.amount, fresh(held).use, waiting()) == (Decimal("19.79"), PaymentUse.SURPLUS, [])
    refunds.send_due(now=now)
    assert (fresh(refund).state, fresh(order).status) == (RefundState.SUCCESS, OrderStatus.UNPAID)
    assert pay(order, now=now).status == OrderStatus.PAID
    assert decisions() == [("held money: refund wanted", boss.user.nickname)]
    assert_sound()


def test_an_order_that_expired_meanwhile_ends_refunded(held, order, boss, now):
    Order.objects.update(pay_deadline_at=now - timedelta(minutes=1))
    expiry.expire_due(now=now)
    by_hand.refund_held(payment_id=held.pk, principal=boss, now=now)
    refunds.send_due(now=now)
    assert fresh(order).status == OrderStatus.REFUNDED
    assert_sound()


def test_held_money_is_decided_about_once(held, boss, now):
    by_hand.refund_held(payment_id=held.pk, principal=boss, now=now)
    with pytest.raises(by_hand.Resolved):
        by_hand.refund_held(payment_id=held.pk, principal=boss, now=now)
    with pytest.raises(by_hand.Resolved):
        by_hand.record_held_returned(payment_id=held.pk, amount=None, note="x", intent="f", principal=boss, now=now)
    assert Refund.objects.count() == 1


def test_what_went_back_without_us_is_recorded_and_not_sent(held, order, boss, now):
    values = {"amount": None, "note": "微信商户平台已退", "intent": "f"}
    both = [by_hand.record_held_returned(payment_id=held.pk, principal=boss, now=now, **values) for _click in range(2)]
    assert both[0] == both[1]
    refunds.send_due(now=now)
    refund = Refund.objects.get()
    assert (refund.state, refund.amount, refund.settled_by, refund.note) == ("success", Decimal("19.79"), boss.user, "微信商户平台已退")
    assert fresh(held).use == PaymentUse.SURPLUS
    assert SandboxTrade.objects.get().state == TradeState.SUCCESS
    assert decisions() == [("paid back by hand: 微信商户平台已退", boss.user.nickname)]
    assert_sound()


def test_of_money_that_went_back_in_part_the_rest_stays_held_until_it_is_refunded(held, boss, now):
    def record(amount):
        return by_hand.record_held_returned(
            payment_id=held.pk, amount=Decimal(amount), note="部分已退", intent=amount, principal=boss, now=now
        )

    record("9.79")
    assert (fresh(held).use, held.left_to_refund()) == (PaymentUse.HELD, Decimal("10.00"))
    assert_sound()
    for amount in ("10.01", "0", "-1"):
        with pytest.raises(Invalid):
            record(amount)
    assert by_hand.refund_held(payment_id=held.pk, principal=boss, now=now).amount == Decimal("10.00")
    refunds.send_due(now=now)
    assert sorted(Refund.objects.values_list("amount", "state")) == [(Decimal("9.79"), "success"), (Decimal("10.00"), "success")]
    assert_sound()


def test_money_first_seen_going_back_ends_by_hand(order, boss, now):
    prepay_id = payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now).pre_pay_id
    settling.settle(replace(sandbox.pay(prepay_id, now=now), state=TradeState.REFUND), source="test", now=now)
    payment = Payment.objects.get()
    by_hand.record_held_returned(payment_id=payment.pk, amount=None, note="对账核实", intent="f", principal=boss, now=now)
    assert pay(order, now=now).status == OrderStatus.PAID
    assert_sound()


# --- refunds ---


@pytest.mark.parametrize("state", ["abnormal", "rejected", "closed"])
def test_a_refund_paid_back_by_hand_brings_its_order_to_the_end(wanted, order, group_buying, boss, now, state):
    get_stuck(wanted, state)
    assert len(waiting()) == 1
    by_hand.record_returned(refund_id=wanted.pk, note="银行转账 0042", principal=boss, now=now)
    assert (fresh(order).status, fresh(group_buying).taken, fresh(wanted).refunded_at) == (OrderStatus.REFUNDED, 0, now)
    event = order.events.get(to_status=OrderStatus.REFUNDED)
    assert (event.actor_kind, event.actor, event.reason) == ("staff", boss.user, "银行转账 0042")
    assert decisions() == [("paid back by hand: 银行转账 0042", boss.user.nickname)]
    assert waiting() == []
    assert_sound()
    with pytest.raises(by_hand.Resolved):
        by_hand.record_returned(refund_id=wanted.pk, note="again", principal=boss, now=now)


def test_a_rejected_refund_is_sent_again_under_its_own_number(wanted, order, boss, now):
    number = get_stuck(wanted, "rejected").out_refund_no
    by_hand.send_again(refund_id=wanted.pk, principal=boss, now=now)
    refunds.send_due(now=now)
    assert (fresh(wanted).out_refund_no, wanted.state, fresh(order).status) == (number, RefundState.SUCCESS, OrderStatus.REFUNDED)


def test_an_abnormal_refund_is_never_sent_again(wanted, boss, now):
    get_stuck(wanted, "abnormal")
    with pytest.raises(Refusal, match="不能重新提交"):
        by_hand.send_again(refund_id=wanted.pk, principal=boss, now=now)
    assert fresh(wanted).state == RefundState.ABNORMAL


def close_at_gateway(refund, now):
    """The worker sends it, and the gateway closes it."""
    Refund.objects.update(next_check_at=now, state=RefundState.CLOSED)
    assert refunds.lease(fresh(refund), now=now)
    answer = RefundAnswer("sandbox", fresh(refund).out_refund_no, RefundState.CLOSED, refund.amount)
    settling.settle_refund(answer, source="test", now=now)
    return fresh(refund)


def test_a_refund_that_the_gateway_closes_again_and_again_waits_for_a_person(wanted, boss, now):
    first = wanted.out_refund_no
    for _round in range(settling.CLOSED_MAX - 1):
        assert not close_at_gateway(wanted, now).is_stuck
    assert close_at_gateway(wanted, now).is_stuck
    assert Refund.objects.stuck().get() == wanted
    assert refunds.send_due(now=now + timedelta(days=9)) == 0
    by_hand.send_again(refund_id=wanted.pk, principal=boss, now=now)
    refunds.send_due(now=now)
    assert fresh(wanted).out_refund_no == first + "C" * (settling.CLOSED_MAX + 1)
    assert wanted.state == RefundState.SUCCESS


def test_a_number_never_grows_longer_than_the_gateway_takes(wanted, boss, now):
    get_stuck(wanted, "closed")
    Refund.objects.update(out_refund_no="R" + "C" * 63)
    with pytest.raises(Refusal, match="线下退款"):
        by_hand.send_again(refund_id=wanted.pk, principal=boss, now=now)


def test_money_that_went_back_in_another_refund_is_not_sent_twice(wanted, order, boss, now):
    get_stuck(wanted, "rejected")
    refunds.refund_order(order_id=order.pk, amount=Decimal("0.01"), reason="", principal=boss, now=now)
    for service, values in ((by_hand.send_again, {}), (by_hand.record_returned, {"note": "x"})):
        with pytest.raises(Refusal, match="已由别的退款退回"):
            service(refund_id=wanted.pk, principal=boss, now=now, **values)
    by_hand.drop(refund_id=wanted.pk, note="改为部分退款", principal=boss, now=now)
    assert waiting() == []
    assert_sound()


def test_the_gateway_is_asked_about_an_abnormal_refund(wanted, order, boss, now):
    refunds.ask_or_send(sandbox.SandboxGateway(), wanted)
    get_stuck(wanted, "abnormal")
    answer = by_hand.ask_again(refund_id=wanted.pk, principal=boss, now=now)
    assert (answer.state, fresh(wanted).state, fresh(order).status) == ("success", "success", OrderStatus.REFUNDED)
    with pytest.raises(by_hand.Resolved):
        by_hand.ask_again(refund_id=wanted.pk, principal=boss, now=now)


def test_a_refund_that_never_arrived_is_said_to_be_unknown(wanted, boss, now):
    get_stuck(wanted, "rejected")
    with pytest.raises(Invalid, match="没有这笔退款"):
        by_hand.ask_again(refund_id=wanted.pk, principal=boss, now=now)


def test_a_rejected_refund_that_is_on_its_way_after_all_is_followed(wanted, boss, now):
    get_stuck(wanted, "rejected")
    settling.settle_refund(RefundAnswer("sandbox", wanted.out_refund_no, RefundState.PROCESSING, wanted.amount), source="staff", now=now)
    assert (fresh(wanted).state, wanted.next_check_at) == (RefundState.PROCESSING, now)


def test_a_refund_that_staff_wanted_may_be_given_up(wanted, order, boss, now):
    get_stuck(wanted, "rejected")
    by_hand.drop(refund_id=wanted.pk, note="改为换货", principal=boss, now=now)
    assert (fresh(wanted).state, wanted.settled_by, waiting(), fresh(order).status) == ("rejected", boss.user, [], OrderStatus.PAID)
    assert_sound()


def test_what_the_gateway_says_of_a_refund_that_was_given_up_opens_it_again(wanted, boss, now):
    get_stuck(wanted, "rejected")
    by_hand.drop(refund_id=wanted.pk, note="改为换货", principal=boss, now=now)
    settling.settle_refund(RefundAnswer("sandbox", wanted.out_refund_no, RefundState.ABNORMAL, wanted.amount), source="test", now=now)
    assert Refund.objects.stuck().get() == wanted


def test_money_of_a_group_buy_that_failed_can_not_be_kept(wanted, boss, now):
    get_stuck(wanted, "rejected")
    GroupBuying.objects.update(outcome="failed")
    with pytest.raises(Refusal, match="必须退款"):
        by_hand.drop(refund_id=wanted.pk, note="x", principal=boss, now=now)
    assert fresh(wanted).settled_by is None


def test_money_that_was_never_the_orders_is_held_again(held, boss, now):
    first = by_hand.refund_held(payment_id=held.pk, principal=boss, now=now)
    refunds.reject(first, Rejected("HTTP 400 INVALID_REQUEST"), now=now)
    assert_sound()
    by_hand.drop(refund_id=first.pk, note="金额不符", principal=boss, now=now)
    assert (fresh(held).use, len(waiting())) == (PaymentUse.HELD, 1)
    assert by_hand.refund_held(payment_id=held.pk, principal=boss, now=now) != first
    assert_sound()


def test_why_the_gateway_refused_is_on_record(wanted, now):
    refunds.reject(wanted, Rejected("HTTP 400 USER_ACCOUNT_ABNORMAL"), now=now)
    assert PaymentEvent.objects.filter(refund=wanted).values_list("state", "result")[0] == ("rejected", "HTTP 400 USER_ACCOUNT_ABNORMAL")


def test_a_refund_on_its_way_is_nobodys_to_resolve(wanted, boss, now):
    for state in ("new", "processing", "success"):
        Refund.objects.update(state=state)
        for service, values in ((by_hand.send_again, {}), (by_hand.record_returned, {"note": "x"}), (by_hand.drop, {"note": "x"})):
            with pytest.raises(by_hand.Resolved):
                service(refund_id=wanted.pk, principal=boss, now=now, **values)


# --- who ---

OF_REFUNDS = {"ask_again": {}, "send_again": {}, "record_returned": {"note": "x"}, "drop": {"note": "x"}}
OF_HELD = {"refund_held": {}, "record_held_returned": {"amount": None, "note": "x", "intent": "f"}}


@pytest.mark.parametrize(
    ("role", "own", "error"), [("clerk", True, Forbidden), ("manager", True, Forbidden), ("headquarters", False, NotThere)]
)
def test_only_headquarters_of_the_tenant(held, buyer, group_buying, shop, boss, now, role, own, error):
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    refund = refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=boss, now=now)
    get_stuck(refund, "rejected")
    scope = {"tenant": shop.tenant, "shops": [shop]} if own else {}
    who = principal_of(factories.StaffFactory(role=Role(role), **scope))
    before = list(Refund.objects.values()) + list(Payment.objects.values()) + list(PaymentEvent.objects.values())
    for services, key, row in ((OF_REFUNDS, "refund_id", refund), (OF_HELD, "payment_id", held)):
        for name, values in services.items():
            with pytest.raises(error):
                getattr(by_hand, name)(principal=who, now=now, **{key: row.pk} | values)
    assert list(Refund.objects.values()) + list(Payment.objects.values()) + list(PaymentEvent.objects.values()) == before


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_at_once_one_holds(held, boss, now):
    def decide(hand):
        try:
            if hand:
                by_hand.record_held_returned(payment_id=held.pk, amount=None, note="x", intent="f", principal=boss, now=now)
            else:
                by_hand.refund_held(payment_id=held.pk, principal=boss, now=now)
        except by_hand.Resolved:
            return "too late"
        return "done"

    assert sorted(at_once(decide, [True, False])) == ["done", "too late"]
    assert Refund.objects.count() == 1
    assert_sound()
