"""What must always hold, asked of a live database, read-only: by ``manage.py doctor`` and after the scenarios of the tests."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, Max, Model, OuterRef, Q, QuerySet, Subquery, Sum, Window
from django.db.models.functions import Coalesce, Lag

from groupbuy.models import (
    ActorKind,
    BillDifference,
    DeliverType,
    EventKind,
    GroupBuying,
    MerchantAccount,
    Order,
    OrderEvent,
    OrderStatus,
    Outcome,
    Payment,
    PaymentState,
    PaymentUse,
    Refund,
    RefundState,
    Share,
    Visitor,
)
from groupbuy.models.orders import BOUGHT
from groupbuy.models.payments import REFUND_COUNTS
from groupbuy.moves import GIVES_BACK, MOVES
from pricing.models import PriceChange, PriceLog, ShopProduct, StockFigure
from retail.models import Product, ProductClass
from retail.money import to_cents
from shops.models import ConfigValue, Device, Shop

# SQLite sums money as binary floats.
FLOAT_NOISE = Decimal("0.001")
RETAKES = (OrderStatus.EXPIRED, OrderStatus.PAID)


def steps(pairs: Iterable[tuple[int, int]]) -> Q:
    condition = Q(pk__in=[])
    for before, after in pairs:
        condition |= Q(from_status=before, to_status=after)
    return condition


def stock_matches_orders() -> Iterator[str]:
    """I1: ``taken`` is the sum of the quantities of the orders that hold stock, between 0 and ``quota``."""
    held = Coalesce(Sum("orders__qty", filter=Q(orders__holds_stock=True)), 0)
    wrong = GroupBuying.objects.annotate(held=held).filter(~Q(taken=F("held")) | Q(taken__gt=F("quota")))
    for pk, taken, quota, by_orders in wrong.values_list("pk", "taken", "quota", "held"):
        yield f"group buy {pk}: taken {taken} of {quota}, held by orders {by_orders}"


def stock_moves_once() -> Iterator[str]:
    """I2: an order takes its stock once and gives it back at most once; a late payment takes it again."""
    back = Count("events", filter=Q(events__in=OrderEvent.objects.filter(steps(GIVES_BACK))))
    again = Count("events", filter=Q(events__in=OrderEvent.objects.filter(steps([RETAKES]))))
    counted = Order.objects.annotate(back=back - again)
    for pk in counted.exclude(Q(holds_stock=True, back=0) | Q(holds_stock=False, back=1)).values_list("pk", flat=True):
        yield f"order {pk}: its stock went back another number of times than it should"


def one_applied_payment() -> Iterator[str]:
    """I3: one applied payment an order, and no transaction id twice."""
    applied = Payment.objects.filter(use=PaymentUse.APPLIED).values("order").annotate(count=Count("pk")).filter(count__gt=1)
    yield from (f"order {row['order']}: {row['count']} applied payments" for row in applied)
    doubled = Payment.objects.exclude(transaction_id=None).values("transaction_id").annotate(count=Count("pk")).filter(count__gt=1)
    yield from (f"transaction {row['transaction_id']}: on {row['count']} payments" for row in doubled)


def money_is_accounted_for() -> Iterator[str]:
    """I4: paid ⇔ an applied payment of exactly the amount; other received money has its refund or is held.

    A rejected refund counts until somebody gives it up: it is among what ``waiting_for_a_person`` lists.
    """
    applied = Payment.objects.filter(order=OuterRef("pk"), use=PaymentUse.APPLIED)
    orders = Order.objects.annotate(applied=Subquery(applied.values("received")[:1]))
    for row in orders.filter(Q(applied=None) | ~Q(applied=F("money")), status__in=BOUGHT):
        yield f"order {row.pk}: {row.get_status_display()}, but no payment of {row.money} is applied to it"
    unpaid = (OrderStatus.UNPAID, OrderStatus.PAY_FAILED, OrderStatus.EXPIRED, OrderStatus.CLOSED)
    for row in orders.filter(status__in=unpaid).exclude(applied=None):
        yield f"order {row.pk}: {row.get_status_display()}, but a payment is applied to it"
    accounted = Q(refunds__state__in=REFUND_COUNTS) | Q(refunds__state=RefundState.REJECTED, refunds__settled_by=None)
    surplus = with_refunds(accounted).filter(use=PaymentUse.SURPLUS)
    for payment in surplus.exclude(refunded__gt=F("received") - FLOAT_NOISE):
        yield f"payment {payment.pk}: {payment.received} too much was received and not wholly refunded"
    yield from refunded_orders()


def refunded_orders() -> Iterator[str]:
    refunded = with_refunds(Q(refunds__state=RefundState.SUCCESS)).filter(
        order=OuterRef("pk"), refunded__gt=F("received") - FLOAT_NOISE, state=PaymentState.PAID
    )
    orders = Order.objects.filter(status=OrderStatus.REFUNDED).annotate(whole=Subquery(refunded.values("pk")[:1]))
    yield from (f"order {pk}: refunded without its money" for pk in orders.filter(whole=None).values_list("pk", flat=True))


def with_refunds(which: Q) -> QuerySet[Any]:
    return Payment.objects.annotate(refunded=Coalesce(Sum("refunds__amount", filter=which), Decimal(0)))


def refunds_within_received() -> Iterator[str]:
    """I5: no payment gives back more than it received."""
    for payment in with_refunds(Q(refunds__state__in=REFUND_COUNTS)).filter(refunded__gt=Coalesce(F("received"), Decimal(0)) + FLOAT_NOISE):
        yield f"payment {payment.pk}: refunds of {to_cents(payment.refunded)}, received {payment.received}"


def statuses_follow_the_machine() -> Iterator[str]:
    """I6: every status was reached by moves of the table, each with its row in the timeline; other facts leave it as it was."""
    previous = Window(Lag("to_status"), partition_by="order_id", order_by="id")
    events = OrderEvent.objects.annotate(previous=previous).values_list("order_id", "from_status", "to_status", "previous", "kind")
    allowed = {(None, int(OrderStatus.UNPAID))} | {(int(before), int(after)) for before, after in MOVES}
    for order_id, before, after, came_from, kind in events.iterator(chunk_size=5000):
        if not ((before, after) in allowed if kind == EventKind.MOVE else before == after) or before != came_from:
            yield f"order {order_id}: timeline says {came_from} … {before} → {after}"
    last = OrderEvent.objects.filter(order=OuterRef("pk")).order_by("-pk").values("to_status")[:1]
    for order in Order.objects.annotate(last=Subquery(last)).filter(Q(last=None) | ~Q(status=F("last"))):
        yield f"order {order.pk}: status {order.status} has no row in the timeline"


def sequences_are_unique() -> Iterator[str]:
    """I7: ``sequence`` is unique within a group buy, and the counter stands at or above the last."""
    doubled = Order.objects.values("group_buying", "sequence").annotate(count=Count("pk")).filter(count__gt=1)
    yield from (f"group buy {row['group_buying']}: sequence {row['sequence']} on {row['count']} orders" for row in doubled)
    behind = GroupBuying.objects.annotate(highest=Max("orders__sequence")).filter(highest__gt=F("last_sequence"))
    yield from (f"group buy {row.pk}: counter {row.last_sequence} is behind its orders" for row in behind)


def price_logs_are_a_chain() -> Iterator[str]:
    """I8: every log's old price is the new one of the log before it, and the row has the last one's."""
    logs = PriceLog.objects.annotate(
        before=Window(Lag("new_price"), partition_by="shop_product_id", order_by="id"),
        before_member=Window(Lag("new_member_price"), partition_by="shop_product_id", order_by="id"),
    )
    fields = ("pk", "shop_product_id", "old_price", "old_member_price", "before", "before_member")
    for pk, shop_product, old, old_member, before, before_member in logs.values_list(*fields).iterator(chunk_size=5000):
        if before is not None and (to_cents(before), to_cents(before_member)) != (old, old_member):
            yield f"price log {pk} of shop product {shop_product}: starts at {old}, the one before ended at {before}"
    last = PriceLog.objects.filter(shop_product=OuterRef("pk")).order_by("-pk")
    rows = ShopProduct.objects.annotate(
        last=Subquery(last.values("new_price")[:1]), last_member=Subquery(last.values("new_member_price")[:1])
    )
    for shop_product in rows.exclude(last=None).exclude(last=F("price"), last_member=F("member_price")):
        yield f"shop product {shop_product.pk}: price {shop_product.price} has no log"


def goods_go_once() -> Iterator[str]:
    """I10: goods go to who paid for a pick-up, not of an undecided group buy, nor after the money went back; they alone have codes."""
    pick_ups = Order.objects.filter(deliver_type=DeliverType.PICK_UP)
    gone = Order.objects.filter(handed_over_at__isnull=False)
    paid_for = pick_ups.filter(status__in=(OrderStatus.COMPLETED, OrderStatus.REFUNDED))
    yield from (f"order {pk}: handed over, but not paid for" for pk in ids(gone.exclude(pk__in=paid_for)))
    # What was handed over before this was a fact of its own went by other rules.
    by_code = OrderEvent.objects.filter(order=OuterRef("pk"), kind=EventKind.HANDED_OVER)
    undecided = gone.filter(group_buying__min_qty__gt=0, group_buying__outcome=Outcome.OPEN, group_buying__declared_at=None)
    undecided = undecided.filter(Exists(by_code))
    yield from (f"order {pk}: handed over, and its group buy may still fail" for pk in ids(undecided))
    refunded = OrderEvent.objects.filter(order=OuterRef("pk"), to_status=OrderStatus.REFUNDED, kind=EventKind.MOVE)
    late = gone.filter(Exists(refunded.filter(created_at__lt=OuterRef("handed_over_at"))))
    yield from (f"order {pk}: handed over after its money went back" for pk in ids(late))
    paid = pick_ups.filter(status__in=(*BOUGHT, OrderStatus.REFUNDED))
    fetching = Order.objects.filter(handed_over_at=None).exclude(deliver_code="")
    yield from (f"order {pk}: has a pick-up code and nothing to fetch" for pk in ids(fetching.exclude(pk__in=paid)))


def pick_ups_end_in_somebodys_hands() -> Iterator[str]:
    """I11: a pick-up is completed by handing over, by its buyer, or by a person with a reason; never by itself."""
    waiting = Order.objects.filter(status=OrderStatus.COMPLETED, deliver_type=DeliverType.PICK_UP, handed_over_at=None)
    completed = OrderEvent.objects.filter(order=OuterRef("pk"), to_status=OrderStatus.COMPLETED, kind=EventKind.MOVE)
    for_a_reason = Q(actor_kind=ActorKind.BUYER) | (Q(actor_kind=ActorKind.STAFF) & ~Q(reason=""))
    yield from (f"order {pk}: completed, and nobody has the goods" for pk in ids(waiting.exclude(Exists(completed.filter(for_a_reason)))))


def ids(orders: QuerySet[Order]) -> Iterable[int]:
    return orders.values_list("pk", flat=True)


# Model → pairs of paths that must lead to the same row.
SAME: dict[type[Model], list[tuple[str, str]]] = {
    Order: [
        ("tenant", "shop__tenant"),
        ("tenant", "group_buying__tenant"),
        ("tenant", "buyer__tenant"),
        ("shop", "group_buying__shop"),
    ],
    GroupBuying: [("tenant", "shop__tenant"), ("tenant", "product__tenant")],
    BillDifference: [("tenant", "payment__order__tenant"), ("tenant", "refund__payment__order__tenant")],
    Share: [("group_buying__tenant", "user__tenant")],
    Visitor: [("group_buying__tenant", "user__tenant")],
    ShopProduct: [("shop__tenant", "product__tenant")],
    StockFigure: [("shop__tenant", "product__tenant")],
    PriceLog: [("shop", "shop_product__shop"), ("product", "shop_product__product"), ("shop__tenant", "change__tenant")],
    PriceChange: [("tenant", "user__tenant"), ("tenant", "undoes__tenant")],
    Product: [("tenant", "product_class__tenant")],
    ProductClass: [("tenant", "parent__tenant")],
    Device: [("shop", "stall__shop")],
    ConfigValue: [("tenant", "shop__tenant")],
    Shop: [("tenant", "staff__tenant")],
}


def tenants_stay_apart() -> Iterator[str]:
    """I9: no foreign key leads from one tenant into another."""
    for model, pairs in SAME.items():
        for one, other in pairs:
            strays: QuerySet[Any] = model._default_manager.exclude(**{one: F(other)}).exclude(**{f"{other}__isnull": True})
            yield from (f"{model._meta.label} {pk}: {one} and {other} differ" for pk in strays.values_list("pk", flat=True)[:20])


CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "I1": stock_matches_orders,
    "I2": stock_moves_once,
    "I3": one_applied_payment,
    "I4": money_is_accounted_for,
    "I5": refunds_within_received,
    "I6": statuses_follow_the_machine,
    "I7": sequences_are_unique,
    "I8": price_logs_are_a_chain,
    "I9": tenants_stay_apart,
    "I10": goods_go_once,
    "I11": pick_ups_end_in_somebodys_hands,
}


def findings() -> Iterator[str]:
    """Everything that does not hold, each with the number of its invariant in ``CHECKS``."""
    for number, check in CHECKS.items():
        yield from (f"{number} {found}" for found in check())


def waiting_for_a_person() -> Iterator[str]:
    """Nothing is broken, but nothing happens by itself either: money that headquarters must decide about in the admin."""
    for payment in Payment.objects.held().select_related("order").prefetch_related("refunds"):
        yield f"payment {payment.pk} of order {payment.order}: {payment.left_to_refund()} held, {payment.total} was due"
    for refund in Refund.objects.stuck().select_related("payment__order"):
        yield f"refund {refund.pk} of order {refund.payment.order}: {refund.amount} {refund.state}"


def accounts_without_effect() -> Iterator[str]:
    """Merchant numbers that tenants have entered and that nothing is paid to."""
    for account in MerchantAccount.objects.select_related("tenant").defer("private_key", "api_v3_key").order_by("pk"):
        named = f"merchant account {account} of tenant {account.tenant.code}"
        if account.names_the_environment:
            yield f"{named}: it has the environment's number or public key id, and is ignored"
        elif account.in_use and account.confirmed_at is None:
            yield f"{named}: in use, and waits for the platform's confirmation"
