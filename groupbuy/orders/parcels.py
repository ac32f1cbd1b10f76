"""Parcels that were sent off under a wrong number."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import DeliverType, EventKind, Order, OrderStatus
from groupbuy.notices import shipping
from retail.principals import Principal
from retail.refusals import Refusal, found
from retail.rights import Right


class NotUnderWay(Refusal):
    message = gettext_lazy("只有已发货、还没签收的快递订单可以更正物流")


class Corrected(Refusal):
    """WeChat takes one correction of a payment, ever."""

    message = gettext_lazy("物流已经更正过一次，微信不接受第二次更正")


@transaction.atomic
def correct_parcel(*, order_id: int, carrier: str, tracking_number: str, principal: Principal, now: datetime) -> Order:
    """Put the carrier and number of a parcel right, once, and let WeChat know.

    Raises Forbidden, NotThere, NotUnderWay, Corrected, and Refusal when something is missing or nothing has changed.
    """
    principal.must(Right.HAND_OVER)
    order = found(Order.objects.visible_to(principal).select_for_update(of=("self",)), pk=order_id)
    before = (order.carrier, order.tracking_number)
    if order.status != OrderStatus.SHIPPED or order.deliver_type != DeliverType.EXPRESS:
        raise NotUnderWay
    if is_corrected(order):
        raise Corrected
    if not (carrier and tracking_number) or (carrier, tracking_number) == before:
        raise Refusal(_("请填写与原来不同的快递公司或单号"))
    moves.write(order, carrier=carrier, tracking_number=tracking_number)
    changed = f"{' '.join(before)} → {carrier} {tracking_number}"
    moves.note(order, EventKind.PARCEL, actor=moves.actor_of(principal), now=now, reason=changed[:200])
    shipping.put_correction(order, now=now)
    return order


def is_corrected(order: Order) -> bool:
    return order.events.filter(kind=EventKind.PARCEL).exists()
