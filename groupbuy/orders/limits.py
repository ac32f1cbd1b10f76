"""How much may be ordered at once and held unpaid, so that nobody empties a shop without paying; and the sentences that say so."""

from dataclasses import dataclass

from django.db.models import Q, Sum
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from groupbuy.models import GroupBuying, Order
from shops import configuration

CODES = ("units_per_order", "unpaid_units", "unpaid_units_of_address")


@dataclass(frozen=True)
class Limits:
    """Units of one order; and what may be unpaid: a buyer's orders in the group buy, a buyer's units in all, units of an address in all."""

    per_order: int
    unpaid_orders: int
    unpaid_units: int
    unpaid_units_of_address: int


def limits_of(group_buying: GroupBuying, *, unpaid_orders: int, is_set: bool = True) -> Limits:
    """What holds in the group buy; ``is_set`` False spares the look at its shop's settings, which nobody has touched.

    One whole order may always be unpaid: a canteen buys 50. Visitors of one address hold a third of the stock at most.
    """
    of_shop = {"tenant_id": group_buying.tenant_id, "shop_id": group_buying.shop_id}
    settings = configuration.values_of(CODES, **of_shop) if is_set else configuration.defaults_of(CODES)
    per_order = units_per_order(group_buying, settings["units_per_order"])
    of_address = min(settings["unpaid_units_of_address"], group_buying.quota // 3)
    return Limits(per_order, unpaid_orders, max(settings["unpaid_units"], per_order), max(of_address, per_order))


def units_per_order(group_buying: GroupBuying, of_shop: int) -> int:
    """``of_shop``: what the shop's setting says."""
    return group_buying.per_order_limit or of_shop


def network_of(address: str) -> str:
    """What ``Order.network`` keeps of a client's address (``client_ip.client_network``): a keyed digest that tells two apart."""
    return salted_hmac("groupbuy.orders.network", address, algorithm="sha256").hexdigest()


def beyond(order: Order, limits: Limits) -> str:
    """Which limit ``order`` is beyond, in words for its buyer, or ""; on the way to the database this is ``statement.TAKE``."""
    if order.qty > limits.per_order:
        return too_many(order.group_buying, limits.per_order)
    mine = Order.objects.filter(group_buying=order.group_buying_id, buyer=order.buyer_id)
    if mine.awaiting_payment().count() >= limits.unpaid_orders:
        return _("您有多笔待付款的订单，请先付款或取消")
    return beyond_own(order, mine.live().aggregate(qty=Sum("qty", default=0))["qty"]) or beyond_unpaid(order, limits)


def too_many(group_buying: GroupBuying, limit: int) -> str:
    phone = group_buying.phone or group_buying.shop.phone
    if not phone:
        return _("每单最多 %(limit)d 份，需要更多请联系门店") % {"limit": limit}
    return _("每单最多 %(limit)d 份，需要更多请联系门店 %(phone)s") % {"limit": limit, "phone": phone}


def beyond_own(order: Order, bought: int) -> str:
    """``bought``: units in the buyer's live orders in the group buy."""
    limit = order.group_buying.per_buyer_limit
    if not limit or bought + order.qty <= limit:
        return ""
    return _("每人限购 %(limit)d 份，您已购 %(bought)d 份") % {"limit": limit, "bought": bought}


def beyond_unpaid(order: Order, limits: Limits) -> str:
    unpaid = unpaid_units(Q(buyer=order.buyer_id))
    if unpaid + order.qty > limits.unpaid_units:
        return _("待付款的订单合计最多 %(limit)d 份，您已有 %(unpaid)d 份，请先付款或取消") % {
            "limit": limits.unpaid_units,
            "unpaid": unpaid,
        }
    if order.network and unpaid_units(Q(network=order.network)) + order.qty > limits.unpaid_units_of_address:
        return _("您所在的网络有太多待付款的订单，请稍后再试，或在微信小程序里下单")
    return ""


def unpaid_units(whose: Q) -> int:
    units: int = Order.objects.awaiting_payment().filter(whose).aggregate(qty=Sum("qty", default=0))["qty"]
    return units
