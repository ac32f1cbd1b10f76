"""Each background job goes on past a row that fails, of whatever tenant, comes back to it later, and says so."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from config import schedule
from groupbuy import payments
from groupbuy.models import (
    Bill,
    BillDifference,
    DeliverType,
    GroupBuying,
    MerchantAccount,
    Order,
    OrderStatus,
    Outcome,
    Payment,
    PaymentState,
    Refund,
    RefundState,
)
from groupbuy.orders import fulfilment
from groupbuy.payments import refunds
from groupbuy.payments.gateways import sandbox
from retail import jobs
from retail.dates import CHINA
from retail.models import OutboxEntry, OutboxState
from retail.principals import principal_of
from retail.rights import Role
from shops.models import ConfigItem, ConfigValue
from tests.support import factories
from tests.support.pages import ordered, pay
from tests.support.poison import poisoned

# Statements outside of a transaction fail alone, as in a worker.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(now) -> list[Order]:
    """Unpaid orders in two tenants; the first is the one that will fail."""
    rows = [factories.GroupBuyingFactory(min_qty=1) for _ in range(2)]
    return [ordered(factories.BuyerFactory(tenant=row.tenant), row, now=now) for row in rows]


@pytest.fixture
def paid(pair, now) -> list[Order]:
    return [pay(order, now=now) for order in pair]


def ended(orders, outcome=None):
    rows = GroupBuying.objects.filter(pk__in=[order.group_buying_id for order in orders])
    rows.update(end_at=orders[0].created_at)
    if outcome:
        rows.update(outcome=outcome)


def expired(orders, now):
    Order.objects.update(pay_deadline_at=now)
    return "groupbuy_order", f"NEW.status = 5 AND NEW.id = {orders[0].pk}"


def asked(orders, now):
    for order in orders:
        sandbox.pay(payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now).pre_pay_id, now=now)
    Payment.objects.update(next_check_at=now)
    return "groupbuy_payment", f"NEW.state = 'paid' AND NEW.order_id = {orders[0].pk}"


def refunded(orders, now):
    for order in orders:
        staff = principal_of(factories.StaffFactory(tenant=order.tenant, role=Role.HEADQUARTERS))
        refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=staff, now=now)
    return "groupbuy_refund", f"NEW.state = 'success' AND NEW.payment_id = {orders[0].payments.get().pk}"


def decided(orders, now):
    ended(orders)
    return "groupbuy_groupbuying", f"NEW.outcome <> '' AND NEW.id = {orders[0].group_buying_id}"


def confirmed(orders, now):
    ended(orders, Outcome.SUCCEEDED)
    return "groupbuy_order", f"NEW.status = 8 AND NEW.id = {orders[0].pk}"


def given_back(orders, now):
    ended(orders, Outcome.FAILED)
    return "groupbuy_refund", f"NEW.intent = 'group-{orders[0].pk}'", "INSERT"


def shipped(orders, now):
    Order.objects.update(deliver_type=DeliverType.EXPRESS)
    GroupBuying.objects.update(declared_at=now)
    parcel = {"carrier": "顺丰", "tracking_number": "SF1", "now": now - timedelta(days=11)}
    for order in orders:
        staff = principal_of(factories.StaffFactory(tenant=order.tenant, role=Role.HEADQUARTERS))
        fulfilment.deliver_orders(order_ids=[order.pk], principal=staff, **parcel)
    return "groupbuy_order", f"NEW.status = 4 AND NEW.id = {orders[0].pk}"


def told(orders, now):
    for order in orders:
        OutboxEntry.objects.create(kind="shipping", subject_id=order.pk, tenant=order.tenant, shop_id=order.shop_id, next_try_at=now)
    return "retail_outboxentry", f"NEW.state <> 'sending' AND NEW.subject_id = {orders[0].pk}"


# job → what must be there, how its first row is poisoned, and which orders it has moved
FAMILIES = {
    "expire": ("pair", expired, lambda: Order.objects.filter(status=OrderStatus.EXPIRED).values_list("pk", flat=True)),
    "reconcile": ("pair", asked, lambda: Payment.objects.filter(state=PaymentState.PAID).values_list("order", flat=True)),
    "refunds": ("paid", refunded, lambda: Refund.objects.filter(state=RefundState.SUCCESS).values_list("payment__order", flat=True)),
    "decide": ("paid", decided, lambda: GroupBuying.objects.filter(outcome=Outcome.SUCCEEDED).values_list("orders", flat=True)),
    "carry_out": ("paid", confirmed, lambda: Order.objects.filter(status=OrderStatus.CONFIRMED).values_list("pk", flat=True)),
    "carry_out refunds": ("paid", given_back, lambda: Refund.objects.values_list("payment__order", flat=True)),
    "complete": ("paid", shipped, lambda: Order.objects.filter(status=OrderStatus.COMPLETED).values_list("pk", flat=True)),
    "outbox": ("pair", told, lambda: OutboxEntry.objects.filter(state=OutboxState.DROPPED).values_list("subject_id", flat=True)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_job_goes_on_past_a_row_that_fails_and_comes_back_to_it_later(request, family, now, logged):
    needed, prepare, moved = FAMILIES[family]
    bad, good = request.getfixturevalue(needed)
    name = family.split()[0]
    table, condition, *event = prepare([bad, good], now)
    with poisoned(table, condition, **({"event": event[0]} if event else {})):
        said = []
        done = schedule.run(name, now=now, report=said.append)
        assert (list(moved()), done.failed) == ([good.pk], 1)
        assert said[0].endswith(", 1 failed")
        # It isn't looked at again at once: neither the others nor the log have it all the time.
        assert schedule.run(name, now=now + timedelta(seconds=5)).failed == 0
    # A lease of the outbox that nobody has ended takes five minutes.
    for minutes in (10, 20):
        schedule.run(name, now=now + timedelta(minutes=minutes))
    assert set(moved()) == {bad.pk, good.pk}


def test_a_setting_of_one_shop_stops_nobody_elses_orders(paid, now):
    shipped(paid, now)
    item = ConfigItem.objects.get(code="auto_complete_days")
    ConfigValue.objects.create(item=item, tenant=paid[0].tenant, shop=paid[0].shop, value="99999999999")
    assert schedule.run("complete", now=now) == 2
    assert not Order.objects.exclude(status=OrderStatus.COMPLETED).exists()


def test_a_shop_that_fails_before_its_orders_are_looked_at_stops_no_other():
    def orders_of(shop: int) -> jobs.Done:
        days = 2 // shop
        return jobs.each([1, 0, 2], lambda order: days // order)

    done = jobs.each([0, 1], orders_of)
    # Two orders of the second shop, 2 and 1; its middle one and the first shop failed.
    assert (done, done.failed) == (3, 2)


def test_a_number_whose_bill_cant_be_expected_keeps_no_other_from_its(tenant, now, settings):
    settings.PAYMENT_GATEWAY = "wechat"
    for mch_id in ("1900000001", "1900000002"):
        keys = {"cert_serial": "A1", "private_key": "x", "api_v3_key": "k" * 32, "public_key_id": f"PUB_KEY_ID_{mch_id}", "public_key": "x"}
        MerchantAccount.objects.create(tenant=factories.TenantFactory(), mch_id=mch_id, in_use=True, confirmed_at=now, **keys)
    with poisoned("groupbuy_bill", "NEW.mch_id = '1900000001'", event="INSERT"):
        assert schedule.run("bill", now=now).failed == 1
    assert [bill.mch_id for bill in Bill.objects.all()] == ["1900000002"]


def test_a_bill_that_fails_keeps_no_other_from_being_compared(tenant, now):
    day = now.date() - timedelta(days=5)
    bad, good = (Bill.objects.create(gateway="sandbox", mch_id="", on=day - timedelta(days=n), next_check_at=now) for n in range(2))
    with poisoned("groupbuy_bill", f"NEW.compared_at IS NOT NULL AND NEW.id = {bad.pk}"):
        assert schedule.run("bill", now=now).failed == 1
    assert Bill.objects.get(pk=good.pk).compared_at == now
    assert Bill.objects.get(pk=bad.pk).next_check_at > now


def test_a_payment_that_fails_keeps_no_other_tenants_from_being_booked_by_the_bill_they_share(pair, now):
    """Of the house's number all tenants without one of their own have the same bill."""
    table, condition = asked(pair, now)
    Payment.objects.update(next_check_at=None)
    tomorrow = (now.astimezone(CHINA) + timedelta(days=1)).replace(hour=10, minute=30)
    bad, good = (order.payments.get() for order in pair)
    with poisoned(table, condition):
        done = schedule.run("bill", now=tomorrow)
    assert (done, done.failed) == (1, 1)
    assert Order.objects.get(pk=good.order_id).status == OrderStatus.PAID
    # A person hears of it, and only of it.
    assert [(row.number, row.kind, row.booked) for row in BillDifference.objects.all()] == [
        (bad.out_trade_no, "payment-differs", bad.total)
    ]


def test_a_run_by_hand_says_by_its_exit_that_something_failed(pair, now):
    table, condition = expired(pair, now - timedelta(seconds=1))
    out = StringIO()
    with poisoned(table, condition), pytest.raises(CommandError, match="expire"):
        call_command("work", "--once", "--jobs", "expire", "nonces", stdout=out)
    assert out.getvalue() == "expire: 1, 1 failed\n"
    Order.objects.update(next_job_at=None)
    call_command("work", "--once", "--jobs", "expire", stdout=out)
    assert not Order.objects.exclude(status=OrderStatus.EXPIRED).exists()


def test_a_database_that_is_away_ends_the_run(pair, now, monkeypatch, caplog):
    """It is no row's fault: nothing is put off, and the next run finds all as it was."""
    expired(pair, now)
    looked_at = []

    def lost(row):
        looked_at.append(row)
        raise OperationalError

    monkeypatch.setattr("django.db.connection.is_usable", lambda: False)
    with pytest.raises(OperationalError):
        jobs.each(pair, lost, put_off=lambda row: looked_at.append(row))
    assert looked_at == pair[:1]
    monkeypatch.setitem(schedule.JOBS, "expire", (lambda *, now: jobs.each(pair, lost), 2))
    assert schedule.run("expire", now=now).failed == 1
    assert "job expire: unavailable: OperationalError" in caplog.text


def test_what_cant_be_put_off_stops_nobody_either(now):
    done = jobs.each([0, 1], lambda row: 1 // row, put_off=lambda row: 1 // row)
    assert (done, done.failed) == (1, 1)


def test_the_figures_of_jobs_are_added_up():
    total = jobs.Done(2, failed=1) + jobs.Done(3, failed=4) + 5
    assert (total, total.failed) == (10, 5)
