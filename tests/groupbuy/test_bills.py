"""The bill of yesterday beside our books: what we missed is booked through the one door, what doesn't agree is shown once."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from groupbuy.models import (
    Bill,
    BillDifference,
    DifferenceKind,
    OrderStatus,
    Payment,
    PaymentEvent,
    Refund,
    SandboxRefund,
    SandboxTrade,
    TradeState,
)
from groupbuy.payments import bills, refunds, settling
from groupbuy.payments.gateways import sandbox
from retail.dates import CHINA
from retail.models import Tenant
from retail.principals import principal_of
from retail.refusals import Forbidden, NotThere
from retail.rights import Role
from tests.support import factories
from tests.support.pages import ordered, pay
from tests.support.races import at_once
from tests.support.wechat import account_of, assert_sound, fresh, house_merchant, notify, own_merchant, packed
from tests.support.wechat import pay as pay_at_wechat

pytestmark = pytest.mark.django_db
KIND = DifferenceKind


@pytest.fixture
def later(now):
    """Tomorrow at half past ten, when today's bill is written."""
    return (now.astimezone(CHINA) + timedelta(days=1)).replace(hour=10, minute=30)


@pytest.fixture
def staff(headquarters):
    return principal_of(headquarters)


@pytest.fixture
def paid(buyer, group_buying, now):
    return pay(ordered(buyer, group_buying, now=now, qty=2), now=now)


def compare(later):
    assert bills.compare_due(now=later) == 1
    return found()


def found():
    rows = BillDifference.objects.order_by("kind", "number")
    return [(row.kind, row.number, row.billed and str(row.billed), row.booked and str(row.booked)) for row in rows]


def trade_of(order) -> SandboxTrade:
    return SandboxTrade.objects.get(out_trade_no=order.payments.get().out_trade_no)


def test_books_that_agree_leave_a_bill_without_differences(paid, staff, now, later):
    refunds.refund_order(order_id=paid.pk, amount=Decimal("5.00"), reason="坏果", principal=staff, now=now)
    refunds.send_due(now=now)
    assert compare(later) == []
    bill = Bill.objects.get()
    assert (bill.payment_count, bill.received, bill.refund_count, bill.refunded) == (1, Decimal("19.80"), 1, Decimal("5.00"))
    assert (bill.found_count, bill.compared_at, bill.tenant) == (0, later, paid.tenant)


def test_money_that_nobody_told_us_of_pays_its_order(buyer, group_buying, now, later):
    order = pay(ordered(buyer, group_buying, now=now), now=now, press=lambda prepay_id, now: unheard(sandbox.pay(prepay_id, now=now)))
    assert order.status == OrderStatus.UNPAID
    assert compare(later) == []
    assert (fresh(order).status, Bill.objects.get().found_count) == (OrderStatus.PAID, 1)
    assert PaymentEvent.objects.get(payment__order=order).source == "bill"
    assert_sound()


def unheard(trade):
    """The bank has it, and what it tells us isn't that."""
    return settling.Trade(gateway=trade.gateway, out_trade_no=trade.out_trade_no, state=TradeState.NOTPAY, total=Decimal(0))


def test_late_money_that_only_the_bill_knows_gets_its_refund(paid, group_buying, now, later):
    """An order that was closed, and paid all the same."""
    payment = paid.payments.get()
    other = Payment.objects.create(
        order=paid, gateway="sandbox", out_trade_no="LATE1", total=payment.total, state="closed", parameters=payment.parameters
    )
    SandboxTrade.objects.create(
        out_trade_no="LATE1", prepay_id="late", total=payment.total, state="SUCCESS", transaction_id="t2", paid_at=now, created_at=now
    )
    assert compare(later) == []
    assert (fresh(other).use, Refund.objects.get(payment=other).amount) == ("surplus", payment.total)
    assert_sound()


def test_another_amount_is_held_and_shown(buyer, group_buying, now, later):
    order = pay(ordered(buyer, group_buying, now=now), now=now, press=lambda prepay_id, now: unheard(sandbox.pay(prepay_id, now=now)))
    SandboxTrade.objects.update(total=Decimal("9.89"))
    number = order.payments.get().out_trade_no
    assert compare(later) == [(KIND.PAYMENT_DIFFERS, number, "9.89", "9.90")]
    assert (order.payments.get().use, fresh(order).status) == ("held", OrderStatus.UNPAID)


def test_money_that_came_and_went_on_that_day_is_held(buyer, group_buying, now, later):
    order = pay(ordered(buyer, group_buying, now=now), now=now, press=lambda prepay_id, now: unheard(sandbox.pay(prepay_id, now=now)))
    SandboxRefund.objects.create(trade=trade_of(order), out_refund_no="BYHAND", amount=Decimal("9.90"), created_at=now)
    assert compare(later) == [(KIND.UNKNOWN_REFUND, "BYHAND", "9.90", None)]
    assert (order.payments.get().use, fresh(order).status) == ("held", OrderStatus.UNPAID)


def test_an_amount_that_changed_afterwards_is_shown(paid, later):
    SandboxTrade.objects.update(total=Decimal("19.79"))
    assert compare(later) == [(KIND.PAYMENT_DIFFERS, paid.payments.get().out_trade_no, "19.79", "19.80")]


def test_another_transaction_of_the_same_number_is_shown(paid, later):
    SandboxTrade.objects.update(transaction_id="another")
    assert compare(later) == [(KIND.PAYMENT_DIFFERS, paid.payments.get().out_trade_no, "19.80", "19.80")]


def test_a_payment_that_the_bill_lacks_is_shown(paid, buyer, group_buying, now, later):
    pay(ordered(buyer, group_buying, now=now), now=now)
    number = paid.payments.get().out_trade_no
    SandboxTrade.objects.filter(out_trade_no=number).update(paid_at=now - timedelta(days=2))
    assert compare(later) == [(KIND.PAYMENT_MISSING, number, None, "19.80")]


def test_a_number_that_nobody_knows_is_shown(paid, now, later):
    SandboxTrade.objects.create(
        out_trade_no="STRANGE", prepay_id="s", total=Decimal("1.00"), state="SUCCESS", transaction_id="t9", paid_at=now, created_at=now
    )
    assert compare(later) == [(KIND.UNKNOWN_PAYMENT, "STRANGE", "1.00", None)]


def test_refunds_are_compared_by_amount_state_and_being_there(paid, staff, now, later):
    def refund(amount, minutes):
        wanted = refunds.refund_order(order_id=paid.pk, amount=Decimal(amount), reason="坏果", principal=staff, now=now)
        refunds.send_due(now=now + timedelta(minutes=minutes))
        return fresh(wanted)

    changed, rejected, missing = refund("1.00", 0), refund("2.00", 1), refund("3.00", 2)
    SandboxRefund.objects.filter(out_refund_no=changed.out_refund_no).update(amount=Decimal("1.50"))
    Refund.objects.filter(pk=rejected.pk).update(state="rejected")
    SandboxRefund.objects.filter(out_refund_no=missing.out_refund_no).update(created_at=now - timedelta(days=2))
    assert compare(later) == [
        (KIND.REFUND_DIFFERS, changed.out_refund_no, "1.50", "1.00"),
        (KIND.REFUND_DIFFERS, rejected.out_refund_no, "2.00", "2.00"),
        (KIND.REFUND_MISSING, missing.out_refund_no, None, "3.00"),
    ]


def test_a_refund_that_was_sent_again_under_another_number_is_known(paid, staff, now, later):
    wanted = refunds.refund_order(order_id=paid.pk, amount=Decimal("5.00"), reason="坏果", principal=staff, now=now)
    refunds.send_due(now=now)
    Refund.objects.filter(pk=wanted.pk).update(out_refund_no=f"{wanted.out_refund_no}C")
    assert compare(later) == []


def test_what_the_bank_paid_back_as_a_person_did_too_is_reported(paid, staff, now, later):
    twice = refunds.refund_order(order_id=paid.pk, amount=Decimal("5.00"), reason="坏果", principal=staff, now=now)
    refunds.ask_or_send(sandbox.SandboxGateway(), twice)
    Refund.objects.filter(pk=twice.pk).update(state="success", refunded_at=now, settled_by=staff.user, note="银行转账")
    assert compare(later) == [(KIND.REFUND_DIFFERS, twice.out_refund_no, "5.00", "5.00")]


def test_a_refund_that_went_another_way_is_not_missed(paid, now, later):
    Refund.objects.create(
        payment=paid.payments.get(), out_refund_no="CASH", intent="cash", amount=1, state="success", created_at=now, refunded_at=now
    )
    assert compare(later) == []


def test_a_bill_is_compared_once_and_after_ten(paid, later):
    assert bills.compare_due(now=later.replace(hour=10, minute=0)) == 1  # the day before
    assert bills.compare_due(now=later) == 1
    assert [bills.compare_due(now=later + timedelta(hours=hours)) for hours in (1, 2)] == [0, 0]
    assert Bill.objects.count() == 2


def test_days_that_a_worker_was_away_are_made_up_for(paid, later):
    bills.compare_due(now=later)
    assert bills.compare_due(now=later + timedelta(days=3)) == 3
    assert bills.compare_due(now=later + timedelta(days=40)) == bills.DAYS_BACK


def test_an_empty_bill_of_a_day_with_money_is_waited_for_and_then_believed(paid, later, now):
    SandboxTrade.objects.update(paid_at=now - timedelta(days=5))
    assert (bills.compare_due(now=later), found()) == (0, [])
    bill = Bill.objects.get()
    assert (bill.compared_at, bill.checks, bill.next_check_at) == (None, 1, later + bills.BACKOFF.first)
    assert bills.compare_due(now=later + timedelta(days=1)) == 2
    assert [row[0] for row in found()] == [KIND.PAYMENT_MISSING]


def test_another_comparison_finds_nothing_twice_and_forgets_what_is_over(paid, later):
    SandboxTrade.objects.update(total=Decimal("19.79"))
    compare(later)
    bill = Bill.objects.get()
    assert bills.compare_again(bill, now=later)
    assert BillDifference.objects.count() == 1
    SandboxTrade.objects.update(total=Decimal("19.80"))
    bills.compare_again(bill, now=later)
    assert not BillDifference.objects.exists()


def test_what_a_person_resolved_stays_resolved(paid, staff, later):
    SandboxTrade.objects.update(total=Decimal("19.79"))
    compare(later)
    difference = BillDifference.objects.get()
    assert bills.resolve_differences(difference_ids=[difference.pk], note="已与微信核实", principal=staff, now=later) == 1
    for total in ("19.80", "19.79"):
        SandboxTrade.objects.update(total=Decimal(total))
        bills.compare_again(Bill.objects.get(), now=later)
    assert (fresh(difference).note, difference.resolved_by, difference.resolved_at) == ("已与微信核实", staff.user, later)
    with pytest.raises(bills.Resolved):
        bills.resolve_differences(difference_ids=[difference.pk], note="再来", principal=staff, now=later)
    assert fresh(difference).note == "已与微信核实"


def test_only_headquarters_of_the_tenant_sees_and_resolves_a_difference(paid, shop, later):
    SandboxTrade.objects.update(total=Decimal("19.79"))
    compare(later)
    difference = BillDifference.objects.get()
    manager = factories.StaffFactory(tenant=shop.tenant, role=Role.MANAGER, shops=[shop])
    for person, refusal in ((manager, Forbidden), (factories.StaffFactory(role=Role.HEADQUARTERS), NotThere)):
        with pytest.raises(refusal):
            bills.resolve_differences(difference_ids=[difference.pk], note="x", principal=principal_of(person), now=later)
        assert not Bill.objects.visible_to(principal_of(person)).exists()
    assert fresh(difference).resolved_at is None


def test_several_tenants_share_the_sandbox_and_see_their_own(paid, now, later):
    other = factories.GroupBuyingFactory()
    foreign = pay(ordered(factories.BuyerFactory(tenant=other.tenant), other, now=now), now=now)
    SandboxTrade.objects.update(total=Decimal("1.00"))
    compare(later)
    assert {row.tenant for row in BillDifference.objects.all()} == {paid.tenant, foreign.tenant}
    assert Bill.objects.get().tenant is None


def test_a_command_compares_a_day_again_and_says_what_it_found(paid, now):
    out = StringIO()
    call_command("compare_bill", "--date", f"{now.astimezone(CHINA):%Y-%m-%d}", stdout=out)
    assert "1 payments ¥19.80, 0 refunds ¥0.00, 0 found by it, 0 unresolved" in out.getvalue()
    SandboxTrade.objects.update(paid_at=now - timedelta(days=9))
    with pytest.raises(CommandError):
        call_command("compare_bill", "--date", f"{now.astimezone(CHINA):%Y-%m-%d}", stdout=out)


@pytest.mark.django_db(transaction=True)
def test_many_workers_and_a_person_at_once_compare_it_once(paid, buyer, group_buying, now, later):
    order = pay(ordered(buyer, group_buying, now=now), now=now, press=lambda prepay_id, now: unheard(sandbox.pay(prepay_id, now=now)))
    SandboxTrade.objects.filter(out_trade_no=paid.payments.get().out_trade_no).update(total=Decimal("1.00"))

    def work(number):
        if number == 7:
            return list(bills.compare_day(now.astimezone(CHINA).date(), now=later)) and 0
        return bills.compare_due(now=later)

    assert sum(at_once(lambda number: patiently(lambda: work(number)), range(8), threads=8)) <= 1
    bill = Bill.objects.get()
    assert (bill.compared_at, BillDifference.objects.count()) == (later, 1)
    assert (fresh(order).status, order.events.count(), order.payments.get().events.count()) == (OrderStatus.PAID, 2, 1)
    assert_sound()


def patiently(action):
    """SQLite's bounded wait for its one writer is tried again, as the worker does."""
    while True:
        try:
            return action()
        except OperationalError:
            time.sleep(0.01)


class TestAtWeChat:
    """The same over HTTP, with merchant numbers."""

    def test_a_lost_notification_is_made_up_for_by_the_bill(self, fake_wechat, wechat_order, prepaid, later):
        pay_at_wechat(fake_wechat, prepaid.pre_pay_id)
        assert compare(later) == []
        bill = Bill.objects.get()
        assert (fresh(wechat_order).status, bill.found_count, bill.mch_id) == (OrderStatus.PAID, 1, "1900000001")
        assert_sound()

    def test_a_bill_that_is_not_to_be_had_is_tried_again(self, fake_wechat, wechat_order, prepaid, later):
        pay_at_wechat(fake_wechat, prepaid.pre_pay_id)
        fake_wechat.control("fault", kind="cut", path="billdownload")
        assert bills.compare_due(now=later) == 0
        assert bills.compare_due(now=later + timedelta(minutes=5)) == 0
        assert fresh(wechat_order).status == OrderStatus.UNPAID
        assert bills.compare_due(now=later + bills.BACKOFF.first) == 1
        assert fresh(wechat_order).status == OrderStatus.PAID

    def test_keys_that_are_gone_leave_the_bill_waiting(self, fake_wechat, wechat_order, prepaid, later, settings):
        Bill.objects.create(gateway="wechat", mch_id="1999999999", on=later.date(), next_check_at=later)
        assert bills.compare_due(now=later) == 1
        assert Bill.objects.get(mch_id="1999999999").compared_at is None

    def test_every_merchant_number_has_its_bill(self, fake_wechat, tenant, wechat_order, prepaid, later):
        Tenant.objects.filter(pk=tenant.pk).update(app_id=own_merchant(fake_wechat).app_id)
        account_of(tenant, own_merchant(fake_wechat), in_use=False).save()
        pay_at_wechat(fake_wechat, prepaid.pre_pay_id)
        assert bills.compare_due(now=later) == 2
        sums = Bill.objects.order_by("mch_id").values_list("mch_id", "payment_count")
        assert list(sums) == [("1900000001", 1), ("1900000002", 0)]

    def test_another_merchants_number_pays_nobodys_order(self, fake_wechat, tenant, wechat_order, prepaid, later):
        """A tenant holds its own keys, and could have any number paid there."""
        foreign = factories.TenantFactory(app_id=own_merchant(fake_wechat).app_id)
        account_of(foreign, own_merchant(fake_wechat)).save()
        trade = fake_wechat.books.any_trade(prepaid.pre_pay_id)
        forged = type(trade)(own_merchant(fake_wechat), trade.asked | {"appid": own_merchant(fake_wechat).app_id}, prepay_id="forged")
        fake_wechat.books.trades["1900000002", trade.out_trade_no] = forged
        pay_at_wechat(fake_wechat, "forged")
        assert bills.compare_due(now=later) == 2
        assert fresh(wechat_order).status == OrderStatus.UNPAID
        [difference] = BillDifference.objects.all()
        assert (difference.kind, difference.tenant, difference.payment) == (KIND.UNKNOWN_PAYMENT, foreign, None)

    def test_the_houses_bill_survives_a_squatters_row(self, fake_wechat, wechat_order, prepaid, later, now):
        """Also the one that was expected in the squatter's name before its row was ignored."""
        house, squatter = house_merchant(fake_wechat), factories.TenantFactory()
        keys = {"private_key": own_merchant(fake_wechat).private_pem, "public_key": own_merchant(fake_wechat).public_pem}
        account_of(squatter, house, **keys).save()
        Bill.objects.create(gateway="wechat", mch_id=house.mch_id, on=bills.newest_day(later), tenant=squatter, next_check_at=now)
        pay_at_wechat(fake_wechat, prepaid.pre_pay_id)
        assert bills.compare_due(now=later) == 1
        [bill] = Bill.objects.all()
        assert (bill.tenant, bill.payment_count, fresh(wechat_order).status) == (None, 1, OrderStatus.PAID)
        assert not BillDifference.objects.exists()

    def test_a_tenants_bill_counts_for_that_tenants_payments_alone(self, fake_wechat, tenant, wechat_order, prepaid, later):
        """A number that changed hands: what the former tenant was paid there is not in the present one's books."""
        own = own_merchant(fake_wechat)
        account_of(factories.TenantFactory(app_id=own.app_id), own).save()
        payment = Payment.objects.get()
        Payment.objects.update(parameters=payment.parameters | {"mch_id": own.mch_id})
        trade = fake_wechat.books.any_trade(prepaid.pre_pay_id)
        fake_wechat.books.trades.clear()
        moved = type(trade)(own, trade.asked | {"appid": own.app_id}, prepay_id="moved")
        fake_wechat.books.trades[own.mch_id, trade.out_trade_no] = moved
        pay_at_wechat(fake_wechat, "moved")
        assert bills.compare_due(now=later) == 2
        assert fresh(wechat_order).status == OrderStatus.UNPAID
        assert BillDifference.objects.get().kind == KIND.UNKNOWN_PAYMENT

    def test_payments_of_other_apps_with_the_same_number_are_not_our_business(self, fake_wechat, wechat_order, prepaid, later):
        notify(*packed(fake_wechat, pay_at_wechat(fake_wechat, prepaid.pre_pay_id)))
        trade = fake_wechat.books.any_trade(prepaid.pre_pay_id)
        till = type(trade)(house_merchant(fake_wechat), trade.asked | {"appid": "wxtill", "out_trade_no": "TILL1"}, prepay_id="till")
        fake_wechat.books.trades["1900000001", "TILL1"] = till
        pay_at_wechat(fake_wechat, "till")
        assert compare(later) == []
        assert Bill.objects.get().payment_count == 2


def test_the_day_of_a_bill_is_a_day_in_china():
    bill = Bill(on=datetime(2026, 11, 22, tzinfo=CHINA).date())
    first, end = bills.day_of(bill)
    assert (first.isoformat(), end - first) == ("2026-11-22T00:00:00+08:00", timedelta(days=1))
