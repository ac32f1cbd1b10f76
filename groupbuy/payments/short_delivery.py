"""Fewer units came than were bought: whom that hits, and their money back in one step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from groupbuy.models import Order, OrderQuerySet, Payment, PaymentUse, Refund
from groupbuy.payments import refunds, settling
from retail.money import ZERO
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, Refusal
from retail.rights import Right


class NotRefundable(Refusal):
    """Names each order that can't be refunded, and why."""


@dataclass(frozen=True)
class Shortfall:
    """``units`` of ``order`` that didn't come. Of an order whose payments and refunds are prefetched."""

    order: Order
    units: int

    @cached_property
    def payment(self) -> Payment | None:
        return next((payment for payment in self.order.payments.all() if payment.use == PaymentUse.APPLIED), None)

    @cached_property
    def left(self) -> Decimal:
        return self.payment.left_to_refund() if self.payment else ZERO

    @cached_property
    def expected(self) -> int:
        """The units that were still to come: those bought, without what was missing before."""
        return self.order.qty - self.order.missing_units()

    @property
    def amount(self) -> Decimal:
        """Yuan: the price of each unit, never more than what is left; when nothing came, all that is left."""
        return self.left if self.units >= self.expected else min(self.units * self.order.price, self.left)

    @property
    def is_whole(self) -> bool:
        return self.amount == self.left

    @property
    def refusal(self) -> str:
        """Why this order can't be refunded; empty when it can."""
        if self.order.is_refunding():
            return _("退款中")
        if not self.order.is_to_hand_over():
            return _("不是待交货的订单")
        if self.payment is None or self.left <= ZERO:
            return _("没有可退的款项")
        if self.payment.refunds.count() >= refunds.PARTS_MAX:
            return _("已退款 50 次，不能再分次退款")
        if self.units > self.expected:
            return _("只有 %(units)d 份待交货") % {"units": self.expected}
        return ""


def to_hand_over(*, group_buying_id: int, principal: Principal) -> OrderQuerySet:
    """The paid orders of a group buy that nobody has got yet, the latest first."""
    orders = Order.objects.visible_to(principal).filter(group_buying=group_buying_id).to_hand_over()
    return with_money(orders).order_by("-sequence")


def with_money(orders: OrderQuerySet) -> OrderQuerySet:
    return orders.select_related("buyer", "group_buying").prefetch_related("payments__refunds")


def distribute(total: int, orders: Iterable[Order]) -> dict[int, int]:
    """``total`` missing units over ``orders`` in their order, each hit as far as it goes; those that can't be refunded are passed over."""
    missing = {}
    for order in orders:
        one = Shortfall(order, 1)
        if total > 0 and not one.refusal:
            missing[order.pk] = min(total, one.expected)
            total -= missing[order.pk]
    return missing


@transaction.atomic
def refund_missing(*, missing: Mapping[int, int], reason: str, intent: str, principal: Principal, now: datetime) -> Sequence[Refund]:
    """Write down the refunds of ``missing`` units by order, all or none; the same ``intent`` are the same refunds.

    An order's ``qty`` stays what was bought, and no stock comes back for units that don't exist (``docs/decisions/0015``).
    Raises Forbidden, NotThere, Invalid, NotRefundable.
    """
    principal.must(Right.REFUND)
    if not missing or min(missing.values()) <= 0:
        raise Invalid(_("请填写缺货份数"))
    orders = list(Order.objects.visible_to(principal).select_for_update(of=("self",)).filter(pk__in=missing).order_by("pk"))
    if len(orders) != len(missing):
        raise NotThere
    known = Refund.objects.visible_to(principal).filter(intent__startswith=f"short-{intent}-").order_by("pk")
    if known:
        return list(known)
    shortfalls = locked(orders, missing)
    refused = [f"{one.order.code}：{one.refusal}" for one in shortfalls if one.refusal]
    if refused:
        raise NotRefundable("；".join(refused))
    return [want(one, reason=reason, intent=intent, principal=principal, now=now) for one in shortfalls]


def locked(orders: list[Order], missing: Mapping[int, int]) -> list[Shortfall]:
    """With their payments, locked after all the orders; what has gone back already is read under that lock."""
    list(Payment.objects.select_for_update().filter(order__in=orders, use=PaymentUse.APPLIED).order_by("pk"))
    prefetch_related_objects(orders, "payments__refunds")
    return [Shortfall(order, missing[order.pk]) for order in orders]


def want(one: Shortfall, *, reason: str, intent: str, principal: Principal, now: datetime) -> Refund:
    if one.payment is None:
        raise NotRefundable
    return settling.want_refund(
        one.payment,
        intent=f"short-{intent}-{one.order.pk}",
        amount=one.amount,
        reason=_("缺货 %(units)d 份 %(reason)s") % {"units": one.units, "reason": reason},
        user=principal.user,
        missing_units=one.units,
        now=now,
    )
