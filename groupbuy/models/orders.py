from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from groupbuy.models.group_buyings import DeliverType, GroupBuying, GroupBuyingQuerySet, PickUpWindow
from groupbuy.models.turns import TurnQuerySet
from retail import dates
from retail.database.append_only import AppendOnlyModel, AppendOnlyQuerySet
from retail.models import Tenant
from retail.money import MAX_MONEY, MoneyField
from retail.principals import Principal
from retail.rights import Right
from shops.models import Shop


class OrderStatus(models.IntegerChoices):
    """What each means is in ``docs/api/groupbuy.md``; the moves between them are in ``groupbuy.moves`` and nowhere else.

    The labels are the specification's ``statusName``; people read those of ``groupbuy.models.Stage``.
    """

    UNPAID = 0, _("未支付")
    PAID = 1, _("已支付")
    REFUNDED = 2, _("已退款")
    SHIPPED = 3, _("已发货")
    COMPLETED = 4, _("已完成")
    EXPIRED = 5, _("已过期")
    CLOSED = 6, _("已关闭")
    PAY_FAILED = 7, _("支付失败")
    CONFIRMED = 8, _("已确认")


AWAITING_PAYMENT = (OrderStatus.UNPAID, OrderStatus.PAY_FAILED)
# Paid for and not refunded.
BOUGHT = (OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.COMPLETED, OrderStatus.CONFIRMED)
LIVE = (*AWAITING_PAYMENT, *BOUGHT)
ENDED = (OrderStatus.REFUNDED, OrderStatus.COMPLETED, OrderStatus.EXPIRED, OrderStatus.CLOSED)
NEVER_PAID = [OrderStatus.UNPAID, OrderStatus.EXPIRED, OrderStatus.CLOSED, OrderStatus.PAY_FAILED]
# After so many a buyer hears no more of goods that wait.
REMINDERS = 3
# The goods are still to be handed over.
TO_DELIVER = (OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.CONFIRMED)


class OrderQuerySet(TurnQuerySet["Order"]):
    def visible_to(self, principal: Principal) -> Self:
        """A buyer sees the own orders, staff those of their shops, a device none."""
        if principal.is_buyer:
            return self.filter(principal.scope(shop=""), buyer=principal.user)
        return self.filter(principal.scope()) if principal.is_staff else self.none()

    def bought(self) -> Self:
        return self.filter(status__in=BOUGHT)

    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def unfinished(self) -> Self:
        """Unpaid, or paid and not handed over."""
        return self.exclude(status__in=ENDED)

    def to_hand_over(self) -> Self:
        """Paid for, and the goods still with us: a parcel is gone once it was sent off, a pick-up waits until somebody gets it."""
        waiting = Q(status__in=BOUGHT, deliver_type=DeliverType.PICK_UP, handed_over_at=None)
        return self.filter(Q(status__in=(OrderStatus.PAID, OrderStatus.CONFIRMED)) | waiting)

    def awaiting_payment(self) -> Self:
        return self.filter(status__in=AWAITING_PAYMENT)

    def arrived(self) -> Self:
        """Waiting in the shop for their buyers."""
        return self.filter(status=OrderStatus.SHIPPED, deliver_type=DeliverType.PICK_UP, handed_over_at=None)

    def with_window(self) -> Self:
        """With ``window_start`` and ``window_end``, which are the order's own or its group buy's: see ``Order.pick_up_window``."""
        return self.alias(
            window_start=Coalesce("pick_up_from", "group_buying__pick_up_from"),
            window_end=Coalesce("pick_up_until", "group_buying__pick_up_until"),
        )

    def overdue(self, now: datetime) -> Self:
        """Arrived, and nobody came in time."""
        return self.arrived().with_window().filter(window_end__lte=now)

    def collected_between(self, begin: datetime, end: datetime) -> Self:
        """Pick-ups that wait, or will, and can be collected at some time between the two."""
        waiting = self.to_hand_over().filter(deliver_type=DeliverType.PICK_UP)
        return waiting.with_window().filter(window_start__lt=end, window_end__gt=begin)

    def past_deadline(self, now: datetime) -> Self:
        return self.awaiting_payment().filter(pay_deadline_at__lte=now)

    def masked_for(self, principal: Principal) -> Self:
        """With ``masked``: whether the order is over for a caller who sees buyers only until then."""
        return self.annotate(
            masked=Case(When(status__in=TO_DELIVER, then=Value(False)), default=Value(not principal.may(Right.SEE_BUYERS_AFTERWARDS)))
        )

    def matching(self, keyword: str, principal: Principal, *, pick_up_codes: bool = False) -> Self:
        """Code, product or group-buy name contain ``keyword``; for staff also the buyer's name, and the phone where they see it.

        ``pick_up_codes``: it may also be the whole code of an order that waits, for who may look one up.
        """
        if not keyword:
            return self
        found = Q(code__icontains=keyword) | Q(product_name__icontains=keyword) | Q(group_buying__name__icontains=keyword)
        if principal.is_staff:
            # A list that answers to phones would unmask them, one digit after the other.
            found |= Q(buyer__nickname__icontains=keyword) | Q(phone__icontains=keyword, masked=False)
        if pick_up_codes and principal.may(Right.LOOK_UP_PICK_UP_CODES):
            found |= Q(deliver_code=keyword, handed_over_at=None)
        return self.masked_for(principal).filter(found)

    def for_wire(self) -> Self:
        """With everything that an answer shows of an order, in a constant number of queries."""
        related = self.select_related("buyer", "shop", "group_buying")
        return related.prefetch_related("buyer__wechat_identities", "payments__refunds")

    def of(self, buyer_id: int | None) -> Self:
        return self.filter(buyer=buyer_id) if buyer_id else self

    def not_hidden(self) -> Self:
        return self.filter(hidden_at=None)


def units_where(condition: Q) -> Coalesce:
    """Of each row of a queryset of group buys: the units of its orders that meet ``condition``."""
    own = Order.objects.filter(condition, group_buying=OuterRef("pk")).order_by().values("group_buying")
    return Coalesce(Subquery(own.annotate(n=Sum("qty")).values("n")), 0)


def with_units(rows: GroupBuyingQuerySet) -> GroupBuyingQuerySet:
    """With ``unpaid``, the units that orders hold and nobody has paid for, and ``refunded``, those whose goods were out already."""
    unpaid, refunded = Q(status__in=AWAITING_PAYMENT), Q(status=OrderStatus.REFUNDED, holds_stock=True)
    return rows.annotate(unpaid=units_where(unpaid), refunded=units_where(refunded))


def paid_units(row: Any) -> int:
    """Of a row of ``with_units``, from all units down: those that are paid for are the many."""
    units: int = row.taken - row.unpaid - row.refunded
    return max(0, units)


class Order(models.Model):
    """A buyer's order in a group buy. Its amounts and texts are copies: later edits of the group buy don't reach it."""

    # No indexes of their own: each leads one of those below.
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="orders", verbose_name=_("商家"), db_index=False)
    shop = models.ForeignKey(Shop, models.PROTECT, related_name="orders", verbose_name=_("门店"), db_index=False)
    group_buying = models.ForeignKey(GroupBuying, models.PROTECT, related_name="orders", verbose_name=_("团购"), db_index=False)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders", verbose_name=_("顾客"), db_index=False)
    code = models.CharField(_("订单编号"), max_length=32, unique=True)
    sequence = models.PositiveIntegerField(_("序号"))
    buyer_sequence = models.PositiveIntegerField(_("顾客在团内的第几单"), editable=False)
    status = models.IntegerField(_("状态"), choices=OrderStatus.choices, default=OrderStatus.UNPAID)
    holds_stock = models.BooleanField(_("占用库存"), default=True)
    deliver_type = models.IntegerField(_("配送方式"), choices=DeliverType.choices)
    address = models.CharField(_("地址"), max_length=200, blank=True)
    lbs = models.CharField(_("坐标"), max_length=64, blank=True)
    phone = models.CharField(_("电话"), max_length=20, blank=True)
    remark = models.CharField(_("备注"), max_length=200, blank=True)
    recipient = models.CharField(_("收货人"), max_length=50, blank=True, default="", db_default="")
    product_name = models.CharField(_("商品名称"), max_length=100)
    spec = models.CharField(_("规格"), max_length=100, blank=True)
    price = MoneyField(_("单价"))
    qty = models.PositiveIntegerField(_("数量"))
    money = MoneyField(_("金额"))
    deliver_code = models.CharField(_("取货码"), max_length=8, blank=True)
    carrier = models.CharField(_("快递公司"), max_length=64, blank=True)
    tracking_number = models.CharField(_("快递单号"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("下单时间"), default=timezone.now)
    pay_deadline_at = models.DateTimeField(_("支付截止"))
    paid_at = models.DateTimeField(_("支付时间"), null=True, blank=True)
    shipped_at = models.DateTimeField(_("发货时间"), null=True, blank=True)
    completed_at = models.DateTimeField(_("完成时间"), null=True, blank=True)
    hidden_at = models.DateTimeField(_("顾客删除时间"), null=True, blank=True)
    pick_up_from = dates.MomentField(_("取货开始"), null=True, blank=True, help_text=_("空则按团购的取货时间。"))
    pick_up_until = dates.MomentField(_("取货截止"), null=True, blank=True)
    handed_over_at = models.DateTimeField(_("交货时间"), null=True, blank=True)
    handed_over_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("交货人"), db_index=False
    )
    # Since the dates were last set.
    reminders = models.PositiveSmallIntegerField(_("已提醒次数"), default=0, db_default=0, editable=False)
    # A keyed digest of the address that a buyer without a WeChat identity ordered from.
    network = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    next_job_at = models.DateTimeField(_("下次后台处理"), null=True, blank=True, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("团购订单")
        indexes = [
            models.Index(fields=["group_buying", "status", "-sequence"], name="order_feed"),
            models.Index(fields=["buyer", "-id"], name="order_of_buyer"),
            models.Index(fields=["shop", "status", "-id"], name="order_of_shop"),
            models.Index(fields=["tenant", "-id"], name="order_of_tenant"),
            models.Index(fields=["pay_deadline_at"], condition=Q(status__in=list(AWAITING_PAYMENT)), name="order_to_expire"),
            models.Index(
                fields=["network"],
                condition=Q(status__in=list(AWAITING_PAYMENT)) & ~Q(network=""),
                name="order_unpaid_of_network",
            ),
            models.Index(
                fields=["group_buying"],
                condition=Q(
                    status=OrderStatus.SHIPPED, deliver_type=DeliverType.PICK_UP, handed_over_at__isnull=True, reminders__lt=REMINDERS
                ),
                name="order_to_remind",
            ),
            # Used codes are found by it too.
            models.Index(fields=["shop", "deliver_code"], condition=~Q(deliver_code=""), name="order_of_code"),
            models.Index(fields=["shipped_at"], condition=Q(status=OrderStatus.SHIPPED), name="order_to_complete"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["group_buying", "sequence"], name="order_sequence_unique"),
            # Of two orders of one buyer at once, only one was placed knowing all that the buyer had: so limits hold without a lock.
            models.UniqueConstraint(fields=["group_buying", "buyer", "buyer_sequence"], name="order_buyer_sequence_unique"),
            models.UniqueConstraint(
                fields=["shop", "deliver_code"],
                condition=Q(handed_over_at__isnull=True) & ~Q(deliver_code="") & ~Q(status=OrderStatus.REFUNDED),
                name="order_waiting_code_unique",
            ),
            models.CheckConstraint(condition=Q(pick_up_until__gt=F("pick_up_from")), name="order_pick_up_ends_after_start"),
            dates.moments_are_ours("pick_up_from", "pick_up_until", name="order_pick_up_in_our_years"),
            models.CheckConstraint(condition=Q(qty__gt=0), name="order_has_qty"),
            # SQLite would keep what no Decimal of this column can be read from.
            models.CheckConstraint(condition=Q(money__gt=0, money__lte=MAX_MONEY), name="order_has_money"),
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_known"),
            models.CheckConstraint(condition=Q(deliver_type__in=DeliverType.values), name="order_deliver_type_known"),
            models.CheckConstraint(
                condition=(Q(status__in=[OrderStatus.EXPIRED, OrderStatus.CLOSED]) & Q(holds_stock=False))
                | (Q(status__in=sorted(LIVE)) & Q(holds_stock=True))
                | Q(status=OrderStatus.REFUNDED),
                name="order_holds_stock_while_live",
            ),
            models.CheckConstraint(condition=Q(status__in=NEVER_PAID) | Q(paid_at__isnull=False), name="order_paid_has_time"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def live_code(self) -> str:
        """The pick-up code, as long as it fetches the goods: paid for, not handed over, and the money not on its way back."""
        fetches = self.status in BOUGHT and self.deliver_type == DeliverType.PICK_UP and self.handed_over_at is None
        return self.deliver_code if fetches and not self.is_refunding() else ""

    def is_refunding(self) -> bool:
        """The whole amount is on its way back. Reads the payments and their refunds: prefetch them for lists."""
        return any(
            payment.is_applied and payment.left_to_refund() <= 0 and any(refund.is_under_way for refund in payment.refunds.all())
            for payment in self.payments.all()
        )

    def is_money_moving(self) -> bool:
        """Some of the order's money is on its way back. Reads the payments and their refunds: prefetch them for lists."""
        return any(refund.is_under_way or refund.is_stuck for payment in self.payments.all() for refund in payment.refunds.all())

    def missing_units(self) -> int:
        """How many of ``qty`` weren't delivered and are paid back. Reads the payments and their refunds: prefetch them for lists."""
        refunds = [refund for payment in self.payments.all() for refund in payment.refunds.all()]
        return sum(refund.missing_units for refund in refunds if refund.is_claiming)

    def is_masked_for(self, principal: Principal) -> bool:
        """Whether the caller sees the buyer's phone, address and remark no more; on many rows this is ``OrderQuerySet.masked_for``."""
        return self.status not in TO_DELIVER and not principal.may(Right.SEE_BUYERS_AFTERWARDS)

    def is_to_hand_over(self) -> bool:
        """Paid for, and the goods still with us; on many rows this is ``OrderQuerySet.to_hand_over``."""
        if self.deliver_type == DeliverType.PICK_UP:
            return self.status in BOUGHT and self.handed_over_at is None
        return self.status in (OrderStatus.PAID, OrderStatus.CONFIRMED)

    @property
    def pick_up_window(self) -> PickUpWindow | None:
        """The order's own, else its group buy's; of many rows join ``group_buying``, or ask ``OrderQuerySet.with_window``."""
        if self.deliver_type != DeliverType.PICK_UP:
            return None
        if self.pick_up_from and self.pick_up_until:
            return PickUpWindow(self.pick_up_from, self.pick_up_until)
        return self.group_buying.pick_up_window

    def is_overdue(self, now: datetime) -> bool:
        """Arrived, and nobody came in time; on many rows this is ``OrderQuerySet.overdue``."""
        window = self.pick_up_window
        return self.status == OrderStatus.SHIPPED and self.handed_over_at is None and window is not None and window.end <= now

    @property
    def is_express(self) -> bool:
        return self.deliver_type == DeliverType.EXPRESS

    @property
    def is_awaiting_payment(self) -> bool:
        return self.status in AWAITING_PAYMENT

    def is_past_deadline(self, now: datetime) -> bool:
        return self.is_awaiting_payment and self.pay_deadline_at <= now


class ActorKind(models.TextChoices):
    """Who moved an order."""

    BUYER = "buyer", _("顾客")
    STAFF = "staff", _("员工")
    SYSTEM = "system", _("系统")
    GATEWAY = "gateway", _("支付渠道")


class EventKind(models.TextChoices):
    """What a row of the timeline tells. All but moves leave the status as it was."""

    MOVE = "move", _("状态变化")
    HANDED_OVER = "handed-over", _("交货")
    DATES = "dates", _("改期")
    REMINDED = "reminded", _("提醒")
    PARCEL = "parcel", _("更正物流")


class OrderEventQuerySet(AppendOnlyQuerySet["OrderEvent"]):
    pass


class OrderEvent(AppendOnlyModel):
    """One change of an order's status, or another fact about it; append-only. The first has no ``from_status``."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="events", verbose_name=_("订单"), db_index=False)
    kind = models.CharField(_("类型"), max_length=16, choices=EventKind.choices, default=EventKind.MOVE, db_default=EventKind.MOVE)
    from_status = models.IntegerField(_("原状态"), choices=OrderStatus.choices, null=True, blank=True)
    to_status = models.IntegerField(_("新状态"), choices=OrderStatus.choices)
    actor_kind = models.CharField(_("操作方"), max_length=16, choices=ActorKind.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("操作人"))
    reason = models.CharField(_("原因"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("时间"), default=timezone.now)

    objects = OrderEventQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("订单动态")
        indexes = [models.Index(fields=["order", "id"], name="event_of_order")]
        constraints = [
            models.CheckConstraint(condition=Q(actor_kind__in=ActorKind.values), name="order_event_actor_kind_known"),
            models.CheckConstraint(condition=Q(to_status__in=OrderStatus.values), name="order_event_status_known"),
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="order_event_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.from_status} → {self.to_status}"


class IdempotencyKey(models.Model):
    """What a caller's ``Idempotency-Key`` of createorder led to; the same key with another body is refused."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("用户"))
    key = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    order = models.ForeignKey(Order, models.PROTECT, related_name="+", null=True, verbose_name=_("订单"))
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = _("幂等键")
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_unique")]

    def __str__(self) -> str:
        return self.key


class WrongCode(models.Model):
    """A pick-up code that matched nothing: five in a row within 15 minutes pause the person in that shop."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("员工"))
    shop = models.ForeignKey(Shop, models.CASCADE, related_name="+", verbose_name=_("门店"))
    tried_at = models.DateTimeField(_("时间"))
    # Keyed: the same one sent twice counts once, and nobody reads a code here.
    digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("错误取货码")
        indexes = [models.Index(fields=["user", "shop", "tried_at"], name="wrong_code_recent")]

    def __str__(self) -> str:
        return f"{self.user_id}@{self.shop_id}"
