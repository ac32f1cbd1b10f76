"""What was told about an order, and which buyers could not be told what they must know: a person calls them."""

from typing import Any

from django.db.models import DecimalField, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest

from groupbuy.models import Order, OrderEvent, OrderQuerySet, PaymentUse, Refund
from groupbuy.models.orders import TO_DELIVER
from groupbuy.notices import shipping
from groupbuy.notices.messages import MUST_REACH, OF_EVENTS, Kind
from retail.models import OutboxEntry, OutboxState
from retail.money import CENT, ZERO

UNREACHED = (OutboxState.DROPPED, OutboxState.GIVEN_UP)
ABOUT_ORDERS = [*shipping.SENDERS, *(kind for kind in Kind if kind not in (Kind.REFUNDED, *OF_EVENTS))]


def about(order: Order) -> QuerySet[OutboxEntry]:
    """Everything that the buyer and WeChat were told of an order, or are to be told, newest first."""
    refunds = Refund.objects.filter(payment__order=order).values("pk")
    of_refunds = Q(kind=Kind.REFUNDED, subject_id__in=refunds)
    of_events = Q(kind__in=OF_EVENTS, subject_id__in=order.events.values("pk"))
    return OutboxEntry.objects.filter(Q(kind__in=ABOUT_ORDERS, subject_id=order.pk) | of_refunds | of_events).order_by("-pk")


def unreached(orders: OrderQuerySet) -> QuerySet[Any]:
    """Those that are alive and whose buyers don't know what they must, each with ``notice_id``: the newest entry that should tell them.

    Whose money is on its way back needs no call to come and fetch.
    """
    of_order = newest(Q(kind__in=[kind for kind in MUST_REACH if kind not in OF_EVENTS], subject_id=OuterRef("pk")))
    events = OrderEvent.objects.filter(order=OuterRef(OuterRef("pk"))).values("pk")
    of_events = newest(Q(kind__in=[kind for kind in MUST_REACH if kind in OF_EVENTS], subject_id__in=events))
    live = orders.filter(status__in=TO_DELIVER, handed_over_at=None).annotate(notice_id=Greatest(of_order, of_events))
    notice = OutboxEntry.objects.filter(pk=OuterRef("notice_id"), state__in=UNREACHED, settled_at=None)
    keeps_money = Q(going_back__lt=F("money") - CENT / 2)
    return live.alias(going_back=going_back()).filter(Exists(notice), keeps_money | Exists(notice.filter(kind=Kind.FAILED)))


def is_unreached(entry: OutboxEntry) -> bool:
    """Whether it should have told a buyer what must be known, and didn't."""
    return entry.kind in MUST_REACH and entry.state in UNREACHED


def newest(which: Q) -> Coalesce:
    """The id of the newest entry, 0 where there is none."""
    return Coalesce(Subquery(OutboxEntry.objects.filter(which).order_by("-pk").values("pk")[:1]), 0)


def going_back() -> Coalesce:
    """Yuan of an order that have gone back or are about to."""
    refunds = Refund.objects.counting().filter(payment__order=OuterRef("pk"), payment__use=PaymentUse.APPLIED)
    sums = refunds.order_by().values("payment").annotate(sum=Sum("amount")).values("sum")
    return Coalesce(Subquery(sums), ZERO, output_field=DecimalField(max_digits=15, decimal_places=2))
