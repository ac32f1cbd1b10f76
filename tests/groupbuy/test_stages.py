"""Where an order stands is one rule, said once for a row and once for many: the two must agree, and the words must be true."""

from datetime import timedelta
from decimal import Decimal
from itertools import count, product

import pytest

from groupbuy.models import (
    DeliverType,
    EventKind,
    Order,
    OrderEvent,
    OrderStatus,
    Payment,
    PaymentState,
    PaymentUse,
    Refund,
    RefundState,
    Stage,
)
from groupbuy.models.orders import LIVE, NEVER_PAID
from groupbuy.models.stages import DONE, TO_COLLECT, TO_PAY, in_stage, stage_of, told_by, with_stage
from tests.support import factories

pytestmark = pytest.mark.django_db
S = OrderStatus
HOUR = timedelta(hours=1)
MONEY, THIRD = Decimal("19.80"), Decimal("6.60")
WINDOWS = {"none": None, "coming": (HOUR, 2 * HOUR), "during": (-HOUR, HOUR), "over": (-2 * HOUR, 0 * HOUR)}
GROUPS = {
    "no minimum": {},
    "undecided": {"min_qty": 5},
    "declared": {"min_qty": 5, "declared": True},
    "reached": {"min_qty": 5, "outcome": "succeeded"},
}
# The use of a payment, and the amounts and states of its refunds.
MONEYS = {
    "held": (PaymentUse.HELD, []),
    "held, and partly back": (PaymentUse.HELD, [(THIRD, RefundState.NEW)]),
    "applied": (PaymentUse.APPLIED, []),
    "in part under way": (PaymentUse.APPLIED, [(THIRD, RefundState.NEW)]),
    "whole under way, in thirds": (
        PaymentUse.APPLIED,
        [(THIRD, RefundState.SUCCESS), (THIRD, RefundState.NEW), (THIRD, RefundState.CLOSED)],
    ),
    "whole back": (PaymentUse.APPLIED, [(MONEY, RefundState.SUCCESS)]),
    "whole refused": (PaymentUse.APPLIED, [(MONEY, RefundState.REJECTED)]),
    "surplus under way": (PaymentUse.SURPLUS, [(MONEY, RefundState.PROCESSING)]),
    "surplus refused": (PaymentUse.SURPLUS, [(MONEY, RefundState.REJECTED)]),
    "surplus back": (PaymentUse.SURPLUS, [(MONEY, RefundState.SUCCESS)]),
}
numbers = count(1)


@pytest.fixture
def groups(tenant, shop, now):
    return {name: group_of(tenant, shop, now, **rules) for name, rules in GROUPS.items()}


def group_of(tenant, shop, now, *, declared=False, **rules):
    return factories.GroupBuyingFactory(tenant=tenant, shop=shop, declared_at=now if declared else None, **rules)


def order_of(group_buying, buyer, now, status, *, window=None, deadline=HOUR, **changes):
    """An unsaved order in ``status``."""
    number = next(numbers)
    start, end = window or (None, None)
    return Order(
        **{"tenant": group_buying.tenant, "shop": group_buying.shop, "group_buying": group_buying, "buyer": buyer},
        **{"code": f"S{number}", "sequence": number, "buyer_sequence": number, "qty": 2, "price": "9.90", "money": MONEY},
        **{"status": status, "holds_stock": status in LIVE, "paid_at": None if status in NEVER_PAID else now},
        **{"pick_up_from": window and now + start, "pick_up_until": window and now + end, "pay_deadline_at": now + deadline},
        **({"deliver_type": DeliverType.PICK_UP} | changes),
    )


@pytest.fixture
def every_kind(groups, buyer, now):
    """Every status in every group, by both ways, at every hour, handed over or not, with no money and with every kind of it."""
    kinds = product(S, DeliverType, groups.values(), WINDOWS.values(), (HOUR, 0 * HOUR), (None, now))
    rows = [
        order_of(group, buyer, now, status, window=window, deadline=deadline, deliver_type=way, handed_over_at=handed)
        for status, way, group, window, deadline, handed in kinds
    ]
    Order.objects.bulk_create(rows)
    for status, way, (use, refunds) in product(S, DeliverType, MONEYS.values()):
        row = order_of(groups["undecided"], buyer, now, status, deliver_type=way)
        row.save()
        receive(row, use, refunds)
    return list(Order.objects.select_related("group_buying").prefetch_related("payments__refunds"))


def receive(order, use, refunds):
    payment = Payment.objects.create(
        order=order, gateway="sandbox", out_trade_no=f"P{order.pk}", total=MONEY, received=MONEY, state=PaymentState.PAID, use=use
    )
    for amount, state in refunds:
        number = f"R{next(numbers)}"
        Refund.objects.create(
            payment=payment, out_refund_no=number, intent=number, amount=amount, state=state, next_check_at=order.pay_deadline_at
        )


def test_a_row_and_a_list_agree_on_every_stage(every_kind, now):
    said = {row.pk: stage_of(row, now) for row in every_kind}
    assert dict(with_stage(Order.objects.all(), now).values_list("pk", "stage")) == said
    assert set(said.values()) == set(Stage)
    for stage in Stage:
        found = in_stage(Order.objects.all(), stage, now=now).values_list("pk", flat=True)
        assert set(found) == {pk for pk, one in said.items() if one == stage}


def test_who_is_overdue_is_so_in_both_words(every_kind, now):
    overdue = set(Order.objects.overdue(now).values_list("pk", flat=True))
    assert {row.pk for row in every_kind if stage_of(row, now) == Stage.OVERDUE} <= overdue


@pytest.mark.parametrize(
    ("group", "status", "changes", "word"),
    [
        ("no minimum", S.UNPAID, {}, "待付款"),
        ("undecided", S.PAID, {}, "待成团"),
        ("declared", S.PAID, {}, "待备货"),
        ("reached", S.PAID, {}, "待备货"),
        ("no minimum", S.PAID, {"deliver_type": 2}, "待备货"),
        ("no minimum", S.CONFIRMED, {}, "备货中"),
        ("no minimum", S.SHIPPED, {}, "待取货"),
        ("no minimum", S.SHIPPED, {"window": WINDOWS["over"]}, "逾期未取"),
        ("no minimum", S.SHIPPED, {"deliver_type": 2}, "已发货"),
        ("no minimum", S.COMPLETED, {"handed_over": True}, "已取货"),
        ("no minimum", S.COMPLETED, {}, "已完成（未核销）"),
        ("no minimum", S.COMPLETED, {"deliver_type": 2}, "已签收"),
        ("no minimum", S.REFUNDED, {"handed_over": True}, "已退款"),
        ("no minimum", S.EXPIRED, {}, "超时已取消"),
        ("no minimum", S.CLOSED, {}, "已取消"),
    ],
)
def test_what_people_read(groups, buyer, now, group, status, changes, word):
    handed = now if changes.pop("handed_over", False) else None
    order = order_of(groups[group], buyer, now, status, handed_over_at=handed, **changes)
    order.save()
    assert stage_of(order, now).label == word


def test_every_stage_is_somewhere_in_the_day(every_kind, now):
    """Groups of stages that lists and figures are asked for hold what the statuses behind them hold."""
    awaiting = Order.objects.awaiting_payment().exclude(pk__in=in_stage(Order.objects.all(), Stage.HELD, now=now))
    assert set(in_stage(Order.objects.all(), *TO_PAY, now=now)) == set(awaiting)
    refunding = in_stage(Order.objects.all(), Stage.REFUNDING, now=now)
    assert set(in_stage(Order.objects.all(), *TO_COLLECT, now=now)) == set(Order.objects.arrived().exclude(pk__in=refunding))
    assert set(in_stage(Order.objects.filter(handed_over_at=None), *DONE, now=now)) == set(
        Order.objects.filter(status=S.COMPLETED, handed_over_at=None).exclude(pk__in=refunding)
    )


@pytest.mark.parametrize("is_express", [True, False])
def test_every_row_of_the_timeline_has_a_word(is_express):
    moves = [OrderEvent(to_status=status) for status in S]
    facts = [OrderEvent(kind=kind, to_status=S.SHIPPED) for kind in EventKind if kind != EventKind.MOVE]
    words = [str(told_by(event, is_express=is_express)) for event in moves + facts]
    assert len(set(words)) == len(words)
