"""Each invariant, broken on purpose, is found; a sound database is clean."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet

from config import invariants
from groupbuy import orders, payments
from groupbuy.models import DeliverType, GroupBuying, Order, OrderEvent, OrderStatus, Payment, Refund, SandboxTrade
from groupbuy.payments import settling
from groupbuy.payments.gateways import sandbox
from pricing.models import PriceChange, PriceLog
from retail.principals import principal_of
from tests.support import factories
from tests.support.wechat import account_of, house_merchant, own_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(buyer, group_buying, now):
    caller = principal_of(buyer)
    order = orders.create_order(principal=caller, buyer_id=None, wish=orders.Wish(group_buying.pk, 2), now=now)
    parameters = payments.start_payment(order_id=order.pk, principal=caller, now=now)
    settling.settle(sandbox.pay(parameters.pre_pay_id, now=now), source="test", now=now)
    order.refresh_from_db()
    return order


@pytest.fixture
def repriced(shop, now):
    row = factories.ShopProductFactory(shop=shop, price="6.50", member_price="6.00")
    change = PriceChange.objects.create(tenant=shop.tenant, source="change")
    for old, new in (("5.90", "6.20"), ("6.20", "6.50")):
        PriceLog.objects.create(
            change=change,
            shop_product=row,
            shop=shop,
            product=row.product,
            old_price=old,
            new_price=new,
            old_member_price="6.00",
            new_member_price="6.00",
            created_at=now,
        )
    return row


def numbers():
    return {found.split()[0] for found in invariants.findings()}


def test_a_sound_database_is_clean(paid, repriced, capsys):
    call_command("doctor")
    assert capsys.readouterr().out.count(" ok ") == len(invariants.CHECKS)


def test_the_doctor_says_a_promise_in_one_line(db, capsys):
    call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    *promises, hint = lines
    assert [line.split()[0] for line in promises] == list(invariants.CHECKS)
    assert "--ask-gateway" in hint


def behind_the_back(model) -> QuerySet:
    """As somebody at the database would change rows that the code only ever adds."""
    return QuerySet(model)


def refund(paid, amount, state="success"):
    Refund.objects.create(payment=paid.payments.get(), out_refund_no=f"r{amount}", intent=f"i{amount}", amount=amount, state=state)


BREAKS = {
    "I1": lambda paid, row: GroupBuying.objects.update(taken=3),
    "I2": lambda paid, row: OrderEvent.objects.create(order=paid, from_status=0, to_status=5, actor_kind="system"),
    "I4 bought": lambda paid, row: Payment.objects.update(use="held"),
    "I4 surplus": lambda paid, row: Payment.objects.update(use="surplus"),
    "I4 unpaid": lambda paid, row: Order.objects.update(status=0),
    "I4 refunded": lambda paid, row: Order.objects.update(status=2),
    "I5": lambda paid, row: refund(paid, "19.81"),
    "I6 chain": lambda paid, row: behind_the_back(OrderEvent).filter(to_status=OrderStatus.PAID).update(from_status=7),
    "I6 missing": lambda paid, row: Order.objects.update(status=8),
    "I6 empty": lambda paid, row: behind_the_back(OrderEvent).delete(),
    "I7": lambda paid, row: GroupBuying.objects.update(last_sequence=0),
    "I8 chain": lambda paid, row: behind_the_back(PriceLog).filter(old_price="6.20").update(old_price="6.10"),
    "I8 row": lambda paid, row: type(row).objects.update(price="7.00"),
    "I9": lambda paid, row: Order.objects.update(buyer=factories.BuyerFactory()),
}


def change(order, **columns):
    """Of the order, without a row in its timeline."""
    Order.objects.filter(pk=order.pk).update(**columns)


def complete(order, **event):
    """As no service would: nobody has the goods."""
    change(order, status=OrderStatus.COMPLETED)
    OrderEvent.objects.create(order=order, from_status=OrderStatus.PAID, to_status=OrderStatus.COMPLETED, **event)


def give_goods_after_the_money(order):
    OrderEvent.objects.create(order=order, from_status=1, to_status=2, actor_kind="system", created_at=order.paid_at)
    change(order, status=OrderStatus.REFUNDED, handed_over_at=order.paid_at + timedelta(seconds=1))


def give_goods_of_an_undecided_group(order):
    GroupBuying.objects.update(min_qty=3)
    complete(order, actor_kind="staff")
    change(order, handed_over_at=order.paid_at)
    OrderEvent.objects.create(order=order, kind="handed-over", from_status=4, to_status=4, actor_kind="staff")


# Each with what is found, and nothing else of that invariant.
BREAKS_OF_GOODS = {
    "unpaid goods": ("handed over, but not paid for", lambda paid: change(paid, status=OrderStatus.UNPAID, handed_over_at=paid.paid_at)),
    "goods in a parcel": (
        "handed over, but not paid for",
        lambda paid: change(paid, status=OrderStatus.COMPLETED, deliver_type=DeliverType.EXPRESS, handed_over_at=paid.paid_at),
    ),
    "undecided": ("handed over, and its group buy may still fail", give_goods_of_an_undecided_group),
    "refunded": ("handed over after its money went back", give_goods_after_the_money),
    "code of an unpaid one": ("has a pick-up code and nothing to fetch", lambda paid: change(paid, status=OrderStatus.UNPAID)),
    "code of a parcel": ("has a pick-up code and nothing to fetch", lambda paid: change(paid, deliver_type=DeliverType.EXPRESS)),
    "by itself": ("completed, and nobody has the goods", lambda paid: complete(paid, actor_kind="system", reason="到期自动完成")),
    "by staff": ("completed, and nobody has the goods", lambda paid: complete(paid, actor_kind="staff")),
}


@pytest.mark.parametrize(("words", "break_it"), BREAKS_OF_GOODS.values(), ids=BREAKS_OF_GOODS)
def test_goods_that_went_wrong_are_found(paid, words, break_it):
    break_it(paid)
    of_goods = [found.split(maxsplit=1)[1] for found in invariants.findings() if found.startswith(("I10", "I11"))]
    assert of_goods == [f"order {paid.pk}: {words}"]


@pytest.mark.parametrize("event", [{"actor_kind": "buyer"}, {"actor_kind": "staff", "reason": "已变质处理"}])
def test_a_pick_up_may_end_with_its_buyer_or_for_a_reason(paid, event):
    complete(paid, **event)
    assert numbers() == set()


def test_money_that_waits_for_a_person_is_listed_and_breaks_nothing(paid, headquarters, now, capsys):
    other = orders.create_order(principal=principal_of(paid.buyer), buyer_id=None, wish=orders.Wish(paid.group_buying_id, 1), now=now)
    parameters = payments.start_payment(order_id=other.pk, principal=principal_of(paid.buyer), now=now)
    trade = replace(sandbox.pay(parameters.pre_pay_id, now=now), total=Decimal("9.89"))
    held = settling.settle(trade, source="test", now=now)
    refund(paid, "19.80", "rejected")
    call_command("doctor")
    said = capsys.readouterr().out
    assert "Money that waits for a person: 2" in said
    assert f"payment {held.pk} of order {other}: 9.89 held, 9.90 was due" in said
    assert f"of order {paid}: 19.80 rejected" in said


def test_a_refused_refund_of_money_that_was_never_the_orders_waits_until_it_is_given_up(paid, headquarters):
    Order.objects.update(status=OrderStatus.CLOSED, holds_stock=False)
    Payment.objects.update(use="surplus")
    refund(paid, "19.80", "rejected")
    assert "I4" not in numbers()
    Refund.objects.update(settled_by=headquarters, note="x")
    assert "I4" in numbers()


@pytest.mark.parametrize("name", BREAKS)
def test_each_broken_invariant_is_found(paid, repriced, name):
    BREAKS[name](paid, repriced)
    assert name.split()[0] in numbers()
    with pytest.raises(CommandError, match="finding"):
        call_command("doctor")


def test_the_doctor_writes_nothing(paid):
    before = list(Order.objects.values()) + list(Payment.objects.values())
    list(invariants.findings())
    assert list(Order.objects.values()) + list(Payment.objects.values()) == before


def test_asked_to_it_asks_the_gateway_too(paid, capsys):
    call_command("doctor", "--ask-gateway")
    assert "1 sound, 0 wrong, 0 not known" in capsys.readouterr().out
    SandboxTrade.objects.all().delete()
    call_command("doctor")
    assert "audit_payments" in capsys.readouterr().out
    with pytest.raises(CommandError, match="1 finding"):
        call_command("doctor", "--ask-gateway")
    assert "the gateway doesn't know the trade" in capsys.readouterr().out
    call_command("doctor", "--ask-gateway", "--since", "2030-01-01")
    assert "0 sound, 0 wrong" in capsys.readouterr().out


def test_merchant_accounts_without_effect_are_listed_and_break_nothing(fake_wechat, tenant, capsys):
    account_of(tenant, own_merchant(fake_wechat), in_use=False).save()
    call_command("doctor")
    assert "without effect" not in capsys.readouterr().out
    account_of(factories.TenantFactory(code="squatter"), house_merchant(fake_wechat)).save()
    account_of(factories.TenantFactory(code="new"), own_merchant(fake_wechat), confirmed_at=None).save()
    call_command("doctor")
    said = capsys.readouterr().out
    assert "Merchant accounts without effect: 2" in said
    assert "of tenant squatter: it has the environment's number" in said
    assert "of tenant new: in use, and waits" in said
