"""The public face of a group buy: itself, its figures, and who bought lately. A constant number of queries at any size."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from groupbuy.models import GroupBuying, Order, Visitor
from groupbuy.models.orders import BOUGHT, LIVE
from retail.models import User
from retail.principals import Principal

OWN_MAX = 500
VISITORS_MAX = 500
VISITORS_SHOWN = 20


@dataclass(frozen=True)
class Face:
    """What ``get`` answers: ``paid_units`` in units, ``live_orders`` in orders, ``feed`` ascending by sequence."""

    group_buying: GroupBuying
    paid_units: int
    live_orders: int
    visits: int
    feed: list[Order]
    feed_buyers: list[User]


def face_of(group_buying: GroupBuying, principal: Principal) -> Face:
    """The face as ``principal`` gets to see it: the newest bought orders and the caller's own live ones."""
    figures = group_buying.orders.aggregate(
        paid=Sum("qty", filter=Q(status__in=BOUGHT), default=0), live=Count("pk", filter=Q(status__in=LIVE))
    )
    feed = feed_of(group_buying, principal)
    visit_times = getattr(group_buying, "visit_times", None)
    return Face(
        group_buying=group_buying,
        paid_units=figures["paid"],
        live_orders=figures["live"],
        visits=visit_times.times if visit_times else 0,
        feed=feed,
        feed_buyers=list({order.buyer_id: order.buyer for order in feed}.values()),
    )


def feed_of(group_buying: GroupBuying, principal: Principal) -> list[Order]:
    orders = Order.objects.for_wire().filter(group_buying=group_buying)
    found = {order.pk: order for order in orders.bought().order_by("-sequence")[: settings.FEED_SIZE]}
    if principal.is_buyer:
        found |= {order.pk: order for order in orders.live().filter(buyer=principal.user).order_by("-sequence")[:OWN_MAX]}
    return sorted(found.values(), key=lambda order: order.sequence)


def visitors_of(group_buying: GroupBuying, principal: Principal, sharer_id: int | None) -> tuple[list[User], bool]:
    """Distinct visitors, newest first, and whether their names may be shown; ``sharer_id``: only those who came through that person."""
    visitors = Visitor.objects.filter(group_buying=group_buying).order_by("-last_at", "-pk")
    if sharer_id:
        visitors = visitors.filter(shares__share__user=sharer_id)
    if principal.is_trade:
        in_scope = principal.covers(tenant_id=group_buying.tenant_id, shop_id=group_buying.shop_id)
        return people(visitors, VISITORS_MAX if in_scope else 0), in_scope
    if not principal.is_buyer or principal.tenant_id != group_buying.tenant_id:
        return [], False
    own = principal.user is not None and sharer_id == principal.user.pk
    return people(visitors, VISITORS_MAX if own else VISITORS_SHOWN), own


def people(visitors: QuerySet[Visitor], most: int) -> list[User]:
    chosen = visitors.select_related("user").prefetch_related("user__wechat_identities")[:most]
    return [visitor.user for visitor in chosen]
