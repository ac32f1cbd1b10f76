"""Staff call the buyers whom no message reached."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import EventKind, Order
from groupbuy.notices import told
from groupbuy.notices.messages import Kind
from groupbuy.orders import overdue
from retail.models import OutboxEntry
from retail.principals import Principal
from retail.refusals import Refusal, found
from retail.rights import Right

ABOUT_FETCHING = (Kind.ARRIVED, Kind.REMINDED)


class Settled(Refusal):
    message = gettext_lazy("这条通知已经处理过，或者订单有了新的进展")


@transaction.atomic
def record_call(*, order_id: int, notice_id: int, principal: Principal, now: datetime) -> Order:
    """The buyer knows by phone what the newest notice should have said. Once; raises Forbidden, NotThere, Settled.

    A call to come and fetch is a reminder in the timeline, and counts as one when the last day is over.
    """
    principal.must(Right.HAND_OVER)
    order = found(Order.objects.visible_to(principal).select_for_update(of=("self",)), pk=order_id)
    notice = OutboxEntry.objects.filter(pk=notice_id)
    # Under the order's lock: of two calls at once the second finds the notice settled.
    is_newest = told.unreached(Order.objects.filter(pk=order.pk), now=now).filter(notice_id=notice_id).exists()
    if not is_newest:
        raise Settled
    notice.update(settled_at=now, settled_by=principal.user)
    if notice.filter(kind__in=ABOUT_FETCHING).exists():
        note_call(order, principal, now=now)
    return order


def note_call(order: Order, principal: Principal, *, now: datetime) -> None:
    actor, reason = moves.actor_of(principal), _("已电话告知")
    if order.is_overdue(now):
        overdue.write_reminder(order, actor=actor, now=now, reason=reason)
    else:
        moves.note(order, EventKind.REMINDED, actor=actor, now=now, reason=reason)
