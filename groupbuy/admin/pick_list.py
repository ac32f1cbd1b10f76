"""The list that a shop prints and ticks off when a group buy's goods are handed over."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from groupbuy.admin import content
from groupbuy.admin.narrowing import Narrowing
from groupbuy.models import DeliverType, GroupBuying, Order
from groupbuy.models.orders import TO_DELIVER
from groupbuy.orders import pick_up_dates
from retail.backoffice import page_of

# Some 40 sheets of paper; more is a matter for the export.
ROWS_MAX = 1000


def show(request: HttpRequest, group_buying: GroupBuying) -> HttpResponse:
    """Paid and not yet handed over, by sequence; phones and addresses as the list of orders shows them to this person."""
    order_admin: Any = admin.site.get_model_admin(Order)
    narrowing = Narrowing(request)
    own = order_admin.get_queryset(request).filter(group_buying=group_buying)
    waiting = (own.to_hand_over() | own.filter(status__in=TO_DELIVER)).order_by("sequence")
    orders = list(narrowing.of(waiting).prefetch_related("payments__refunds")[: ROWS_MAX + 1])
    rows = [line(order_admin, order) for order in orders[:ROWS_MAX]]
    units = sum(row["order"].qty for row in rows if not row["refunding"])
    context = admin.site.each_context(request) | {
        "title": _("配货单"),
        "opts": group_buying._meta,
        "group_buying": group_buying,
        "dates": pick_up_dates.dates_of(group_buying).in_words(),
        "narrowing": narrowing,
        "rows": rows,
        "units": units,
        "goods": content.in_words(group_buying, units),
        "is_express": group_buying.deliver_type == DeliverType.EXPRESS,
        "is_cut": len(orders) > ROWS_MAX,
        "now": timezone.now(),
        "back": page_of(group_buying),
    }
    return TemplateResponse(request, "admin/groupbuy/pick_list.html", context)


def line(order_admin: Any, order: Order) -> dict[str, Any]:
    return {
        "order": order,
        "refunding": order.is_refunding(),
        "own_dates": pick_up_dates.dates_of_order(order).in_words() if order.pick_up_from else "",
        "stage": order_admin.stage_text(order),
        "phone": order_admin.phone_shown(order),
        "recipient": order_admin.recipient_shown(order),
        "address": order_admin.address_shown(order),
        "remark": order_admin.remark_shown(order),
    }
