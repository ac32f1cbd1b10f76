"""Every yuan is applied, held, or has a refund."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from groupbuy import moves, orders, payments
from groupbuy.models import Order, OrderStatus, Payment, Refund, SandboxTrade, TradeState
from groupbuy.orders import expiry, fulfilment, group_buyings, hand_over
from groupbuy.payments import refunds, settling
from groupbuy.payments.gateways import sandbox
from retail.principals import principal_of
from retail.refusals import Forbidden, Invalid, NotThere, Refusal
from retail.rights import Role
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def headquarters(tenant):
    return principal_of(factories.StaffFactory(tenant=tenant, role=Role.HEADQUARTERS))


@pytest.fixture
def order(caller, group_buying, now):
    return orders.create_order(principal=caller, buyer_id=None, wish=orders.Wish(group_buying.pk, 2), now=now)


@pytest.fixture
def prepay_id(order, caller, now):
    return payments.start_payment(order_id=order.pk, principal=caller, now=now).pre_pay_id


def settle(trade, now):
    settling.settle(trade, source="test", now=now)


def fresh(row):
    row.refresh_from_db()
    return row


@pytest.fixture
def paid(order, prepay_id, now):
    settle(sandbox.pay(prepay_id, now=now), now)
    return fresh(order)


def expired(order, now):
    Order.objects.filter(pk=order.pk).update(pay_deadline_at=now - timedelta(minutes=1))
    assert expiry.expire_due(now=now) == 1
    return fresh(order)


def pay_late(payment):
    """The bank took the money although we had closed the trade."""
    SandboxTrade.objects.filter(out_trade_no=payment.out_trade_no).update(state=TradeState.SUCCESS, transaction_id="late")
    return sandbox.SandboxGateway().query(payment.out_trade_no)


def test_a_notification_a_hundred_times_is_one_payment(paid, prepay_id, now):
    trade = sandbox.pay(prepay_id, now=now)
    for _ in range(100):
        settle(trade, now)
    assert Payment.objects.get().use == "applied"
    assert paid.events.count() == 2


def test_another_amount_is_held_for_a_person_and_brings_no_goods(order, prepay_id, caller, now):
    trade = replace(sandbox.pay(prepay_id, now=now), total=Decimal("19.79"))
    settle(trade, now)
    assert Payment.objects.get().use == "held"
    assert fresh(order).status == OrderStatus.UNPAID
    assert not Refund.objects.exists()
    with pytest.raises(payments.PayUnknown):
        payments.start_payment(order_id=order.pk, principal=caller, now=now)


def test_money_first_seen_going_back_is_held(order, prepay_id, now):
    settle(replace(sandbox.pay(prepay_id, now=now), state=TradeState.REFUND), now)
    assert (Payment.objects.get().use, fresh(order).status) == ("held", 0)


def test_late_money_after_expiry_takes_the_stock_again_and_is_never_refunded(order, prepay_id, group_buying, now):
    assert expired(order, now).holds_stock is False
    settle(pay_late(Payment.objects.get()), now)
    assert (fresh(order).status, order.holds_stock, fresh(group_buying).taken) == (OrderStatus.PAID, True, 2)
    assert not Refund.objects.exists()


@pytest.mark.parametrize("gone", [{"quota": 1}, {"in_use": False}, {"end": True}])
def test_late_money_without_goods_is_exactly_one_full_refund(order, prepay_id, group_buying, now, gone):
    expired(order, now)
    if gone.pop("end", False):
        gone["end_at"] = now - timedelta(seconds=1)
    type(group_buying).objects.update(**gone)
    for _ in range(3):
        settle(pay_late(Payment.objects.get()), now)
        refunds.send_due(now=now)
    [refund] = Refund.objects.all()
    assert (refund.amount, refund.state) == (Decimal("19.80"), "success")
    assert (fresh(order).status, fresh(group_buying).taken) == (OrderStatus.REFUNDED, 0)


def test_late_money_of_a_closed_order_is_refunded(order, prepay_id, caller, group_buying, now):
    orders.close_order(order_id=order.pk, principal=caller, now=now)
    settle(pay_late(Payment.objects.get()), now)
    refunds.send_due(now=now)
    assert (fresh(order).status, fresh(group_buying).taken) == (OrderStatus.REFUNDED, 0)


def test_a_second_payment_of_a_paid_order_goes_back_and_the_order_stays_paid(order, prepay_id, caller, now):
    first = Payment.objects.get()
    second = payments.restart_payment(order_id=order.pk, principal=caller, now=now)
    settle(sandbox.pay(second.pre_pay_id, now=now), now)
    settle(pay_late(first), now)
    refunds.send_due(now=now)
    assert sorted(Payment.objects.values_list("use", flat=True)) == ["applied", "surplus"]
    assert fresh(order).status == OrderStatus.PAID


def test_an_order_paid_at_the_last_moment_is_not_expired(order, prepay_id, now):
    sandbox.pay(prepay_id, now=now)
    Order.objects.update(pay_deadline_at=now)
    assert expiry.expire_due(now=now) == 0
    assert fresh(order).status == OrderStatus.PAID


def test_a_whole_refund_gives_the_stock_back_and_blocks_everything_meanwhile(paid, headquarters, group_buying, shop, now):
    refunds.refund_order(order_id=paid.pk, amount=None, reason="不想要了", principal=headquarters, now=now)
    with pytest.raises(refunds.Refunding):
        hand_over.verify_code(shop_id=shop.pk, code=paid.deliver_code, principal=headquarters, now=now)
    refunds.send_due(now=now)
    assert (fresh(paid).status, paid.holds_stock, fresh(group_buying).taken) == (OrderStatus.REFUNDED, False, 0)


def test_partial_refunds_never_exceed_what_was_paid(paid, headquarters, now):
    def refund(amount):
        return refunds.refund_order(order_id=paid.pk, amount=Decimal(amount), reason="缺货", principal=headquarters, now=now)

    refund("9.90")
    for amount in ("9.91", "0", "-1"):
        with pytest.raises(Invalid):
            refund(amount)
    refund("9.90")
    for minute in range(2):
        refunds.send_due(now=now + minute * refunds.APART)
    assert fresh(paid).status == OrderStatus.REFUNDED
    with pytest.raises(Refusal):
        refund("0.01")


def test_a_double_click_refunds_once(paid, headquarters, now):
    both = [
        refunds.refund_order(order_id=paid.pk, amount=Decimal(1), reason="", principal=headquarters, now=now, intent="form-1")
        for _ in range(2)
    ]
    assert both[0] == both[1]


def test_refunding_delivered_goods_gives_no_stock_back(paid, headquarters, group_buying, now):
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=headquarters, now=now)
    refunds.refund_order(order_id=paid.pk, amount=None, reason="坏果", principal=headquarters, now=now)
    refunds.send_due(now=now)
    assert (fresh(paid).status, paid.holds_stock, fresh(group_buying).taken) == (OrderStatus.REFUNDED, True, 2)


def test_only_headquarters_of_the_tenant_refunds(paid, shop, now):
    manager = principal_of(factories.StaffFactory(tenant=shop.tenant, shops=[shop], role=Role.MANAGER))
    foreign = principal_of(factories.StaffFactory(role=Role.HEADQUARTERS))
    for who, error in ((manager, Forbidden), (foreign, NotThere)):
        with pytest.raises(error):
            refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=who, now=now)
    assert not Refund.objects.exists()


def test_a_group_buy_below_its_minimum_refunds_everyone_by_itself(paid, group_buying, now):
    type(group_buying).objects.update(min_qty=3, end_at=now - timedelta(seconds=1))
    assert group_buyings.decide_due(now=now) == 1
    for _ in range(2):
        group_buyings.carry_out_due(now=now)
        refunds.send_due(now=now)
    assert (fresh(group_buying).outcome, fresh(paid).status, Refund.objects.count()) == ("failed", OrderStatus.REFUNDED, 1)


def test_a_group_buy_that_reached_its_minimum_confirms_its_orders(paid, group_buying, now):
    type(group_buying).objects.update(min_qty=2, end_at=now - timedelta(seconds=1))
    group_buyings.decide_due(now=now)
    group_buyings.carry_out_due(now=now)
    assert (fresh(group_buying).outcome, fresh(paid).status) == ("succeeded", OrderStatus.CONFIRMED)


def test_the_decision_waits_for_orders_that_may_still_be_paid(order, group_buying, now):
    type(group_buying).objects.update(min_qty=2, end_at=now - timedelta(seconds=1))
    assert group_buyings.decide_due(now=now) == 0


def test_cancelling_refunds_who_paid_and_ends_who_did_not(paid, caller, group_buying, headquarters, now):
    waiting = orders.create_order(principal=caller, buyer_id=None, wish=orders.Wish(group_buying.pk, 1), now=now)
    group_buyings.cancel(group_buying_id=group_buying.pk, reason="产地缺货", principal=headquarters, now=now)
    expiry.expire_due(now=now)
    group_buyings.carry_out_due(now=now)
    refunds.send_due(now=now)
    assert (fresh(paid).status, fresh(waiting).status) == (OrderStatus.REFUNDED, OrderStatus.EXPIRED)
    with pytest.raises(group_buyings.Decided):
        group_buyings.cancel(group_buying_id=group_buying.pk, reason="", principal=headquarters, now=now)


def test_five_wrong_codes_pause_the_person_in_that_shop(paid, shop, now):
    clerk = principal_of(factories.StaffFactory(tenant=shop.tenant, shops=[shop]))

    def verify(code):
        return hand_over.verify_code(shop_id=shop.pk, code=code, principal=clerk, now=now)

    for step in range(1, 6):
        with pytest.raises(hand_over.WrongPickUpCode):
            verify(f"{(int(paid.deliver_code) + step) % 10**8:08d}")
    with pytest.raises(hand_over.Paused):
        verify(paid.deliver_code)
    colleague = principal_of(factories.StaffFactory(tenant=shop.tenant, shops=[shop]))
    order = hand_over.verify_code(shop_id=shop.pk, code=paid.deliver_code, principal=colleague, now=now)
    assert order.status == OrderStatus.COMPLETED


def test_no_move_but_those_of_the_table(order, now):
    for to in set(OrderStatus) - {after for before, after in moves.MOVES if before == OrderStatus.UNPAID}:
        with pytest.raises(moves.IllegalMove):
            moves.move(order, to, actor=moves.SYSTEM, now=now)


def test_of_two_who_read_the_same_status_one_moves(order, now):
    other = Order.objects.get(pk=order.pk)
    moves.move(order, OrderStatus.CLOSED, actor=moves.SYSTEM, now=now)
    with pytest.raises(moves.SomebodyWasFirst):
        moves.move(other, OrderStatus.EXPIRED, actor=moves.SYSTEM, now=now)
    assert order.events.count() == 2
