"""The truck brought less than was bought: everybody's money for what is missing, in one step or not at all."""

from decimal import Decimal

import pytest

from config import invariants
from groupbuy.models import DeliverType, GroupBuying, Order, OrderStatus, Refund
from groupbuy.orders import fulfilment, hand_over
from groupbuy.payments import refunds, short_delivery
from retail.principals import principal_of
from retail.refusals import Forbidden, Invalid, NotThere
from retail.rights import Role
from tests.support import factories
from tests.support.pages import ordered, pay
from tests.support.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def headquarters(tenant):
    return principal_of(factories.StaffFactory(tenant=tenant, role=Role.HEADQUARTERS))


@pytest.fixture
def sold(tenant, group_buying, now):
    """Three paid orders of 3, 1 and 2 units at 9.90, in this order."""
    buyers = factories.BuyerFactory.create_batch(3, tenant=tenant)
    return [pay(ordered(buyer, group_buying, now=now, qty=qty), now=now) for buyer, qty in zip(buyers, (3, 1, 2), strict=True)]


def short(missing, who, now, **values):
    units = {order.pk: count for order, count in missing.items()}
    return short_delivery.refund_missing(missing=units, principal=who, now=now, **{"reason": "", "intent": "form-1"} | values)


def proposed(total, group_buying, who):
    orders = short_delivery.to_hand_over(group_buying_id=group_buying.pk, principal=who)
    return short_delivery.distribute(total, orders)


def status(order):
    return Order.objects.get(pk=order.pk).status


def test_the_latest_orders_are_hit_first(sold, group_buying, headquarters):
    assert proposed(1, group_buying, headquarters) == {sold[2].pk: 1}
    assert proposed(4, group_buying, headquarters) == {sold[2].pk: 2, sold[1].pk: 1, sold[0].pk: 1}
    assert sum(proposed(99, group_buying, headquarters).values()) == 6


def test_only_what_is_paid_and_still_here_is_proposed(sold, tenant, group_buying, headquarters, now):
    ordered(factories.BuyerFactory(tenant=tenant), group_buying, now=now)
    fulfilment.deliver_orders(order_ids=[sold[0].pk], principal=headquarters, now=now)
    hand_over.verify_code(shop_id=sold[1].shop_id, code=sold[1].deliver_code, principal=headquarters, now=now)
    refunds.refund_order(order_id=sold[2].pk, amount=None, reason="", principal=headquarters, now=now)
    assert proposed(9, group_buying, headquarters) == {sold[0].pk: 3}


def test_a_parcel_that_was_sent_off_is_no_longer_here(sold, group_buying, headquarters):
    Order.objects.update(status=OrderStatus.SHIPPED, deliver_type=DeliverType.EXPRESS)
    assert proposed(9, group_buying, headquarters) == {}


def test_each_missing_unit_is_paid_back_and_what_is_missing_entirely_is_refunded_whole(sold, group_buying, headquarters, now):
    wanted = short({sold[0]: 1, sold[2]: 2}, headquarters, now, reason="产地少发")
    told = [(one.amount, one.missing_units, one.reason) for one in wanted]
    assert told == [(Decimal("9.90"), 1, "缺货 1 份 产地少发"), (Decimal("19.80"), 2, "缺货 2 份 产地少发")]
    assert [one.user for one in wanted] == [headquarters.user] * 2
    refunds.send_due(now=now)
    assert [status(order) for order in sold] == [OrderStatus.PAID, OrderStatus.PAID, OrderStatus.REFUNDED]
    kept = Order.objects.prefetch_related("payments__refunds").get(pk=sold[0].pk)
    assert (kept.qty, kept.missing_units()) == (3, 1)
    assert not list(invariants.findings())


def test_a_unit_that_does_not_exist_is_not_put_on_sale_again(sold, group_buying, headquarters, now):
    short({sold[0]: 1}, headquarters, now)
    refunds.send_due(now=now)
    assert GroupBuying.objects.get().taken == 6


def test_never_more_than_what_is_left(sold, headquarters, now):
    refunds.refund_order(order_id=sold[2].pk, amount=Decimal("15.00"), reason="坏果", principal=headquarters, now=now)
    [wanted] = short({sold[2]: 1}, headquarters, now)
    assert wanted.amount == Decimal("4.80")


def test_what_came_short_before_is_not_to_come_any_more(sold, headquarters, now):
    short({sold[0]: 2}, headquarters, now)
    with pytest.raises(short_delivery.NotRefundable, match="只有 1 份待交货"):
        short({sold[0]: 2}, headquarters, now, intent="form-2")
    short({sold[0]: 1}, headquarters, now, intent="form-2")
    for minute in range(2):
        refunds.send_due(now=now + minute * refunds.APART)
    assert status(sold[0]) == OrderStatus.REFUNDED


def test_a_rejected_refund_leaves_its_units_to_come(sold, headquarters, now):
    short({sold[0]: 3}, headquarters, now)
    Refund.objects.update(state="rejected")
    assert len(short({sold[0]: 3}, headquarters, now, intent="form-2")) == 1


def test_the_same_form_twice_is_the_same_refunds(sold, headquarters, now):
    first = short({sold[0]: 1, sold[2]: 2}, headquarters, now)
    refunds.send_due(now=now)
    assert short({sold[0]: 1, sold[2]: 2}, headquarters, now) == first
    assert short({sold[1]: 1}, headquarters, now) == first
    assert Refund.objects.count() == 2


def test_all_that_stands_against_it_is_named_and_nothing_is_written(sold, tenant, group_buying, headquarters, now):
    fine = pay(ordered(factories.BuyerFactory(tenant=tenant), group_buying, now=now), now=now)
    refunds.refund_order(order_id=sold[0].pk, amount=None, reason="", principal=headquarters, now=now)
    parts = {"payment": sold[2].payments.get(), "amount": "0.01", "state": "success"}
    Refund.objects.bulk_create(Refund(out_refund_no=f"p{n}", intent=f"p{n}", **parts) for n in range(50))
    hand_over.verify_code(shop_id=sold[1].shop_id, code=sold[1].deliver_code, principal=headquarters, now=now)
    before = Refund.objects.count()
    with pytest.raises(short_delivery.NotRefundable) as refused:
        short({fine: 1, sold[0]: 1, sold[1]: 1, sold[2]: 1}, headquarters, now)
    said = str(refused.value).split("；")
    assert said == [
        f"{sold[0].code}：退款中",
        f"{sold[1].code}：不是待交货的订单",
        f"{sold[2].code}：已退款 50 次，不能再分次退款",
    ]
    assert Refund.objects.count() == before


def test_an_order_of_another_tenant_is_missing_and_nothing_is_written(sold, headquarters, now):
    foreign = factories.GroupBuyingFactory()
    theirs = pay(ordered(factories.BuyerFactory(tenant=foreign.tenant), foreign, now=now), now=now)
    with pytest.raises(NotThere):
        short({sold[0]: 1, theirs: 1}, headquarters, now)
    assert not Refund.objects.exists()


@pytest.mark.parametrize("units", [0, -1])
def test_nothing_missing_is_refused(sold, headquarters, now, units):
    with pytest.raises(Invalid):
        short({sold[0]: 1, sold[1]: units}, headquarters, now)
    with pytest.raises(Invalid):
        short({}, headquarters, now)
    assert not Refund.objects.exists()


def test_only_headquarters_refunds(sold, shop, now):
    for role in (Role.CLERK, Role.MANAGER):
        person = principal_of(factories.StaffFactory(tenant=shop.tenant, shops=[shop], role=role))
        with pytest.raises(Forbidden):
            short({sold[0]: 1}, person, now)
    assert not Refund.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_once_one_refunds(sold, headquarters, now):
    both = at_once(lambda _click: [one.pk for one in short({sold[0]: 1, sold[2]: 2}, headquarters, now)], range(2))
    assert both[0] == both[1]
    assert Refund.objects.count() == 2
