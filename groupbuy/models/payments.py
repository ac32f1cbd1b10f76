from datetime import datetime
from decimal import Decimal
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from groupbuy.models.orders import Order
from retail.money import ZERO, MoneyField
from retail.principals import Principal


class Gateway(models.TextChoices):
    SANDBOX = "sandbox", _("演示支付")
    WECHAT = "wechat", _("微信支付")


class PaymentState(models.TextChoices):
    """What we know of the trade: OPEN may still be paid, the others are final."""

    OPEN = "open", _("待付款")
    PAID = "paid", _("已收款")
    CLOSED = "closed", _("已失效")


class PaymentUse(models.TextChoices):
    """What received money was used for: every yuan is applied, held, or has a refund."""

    NONE = "", _("未收款")
    APPLIED = "applied", _("已入账")
    SURPLUS = "surplus", _("多收待退")
    HELD = "held", _("待核实收款")


class RefundState(models.TextChoices):
    """NEW is our intent; PROCESSING was accepted; ABNORMAL needs a person; CLOSED gets a new number; REJECTED is final."""

    NEW = "new", _("待退款")
    PROCESSING = "processing", _("退款中")
    SUCCESS = "success", _("已退款")
    ABNORMAL = "abnormal", _("退款异常")
    CLOSED = "closed", _("退款关闭")
    REJECTED = "rejected", _("退款被拒")


# A closed one too: it is sent again by itself, under its new number.
REFUND_UNDER_WAY = (RefundState.NEW, RefundState.PROCESSING, RefundState.ABNORMAL, RefundState.CLOSED)
# Nothing happens to them by themselves; neither to a closed one that nobody is to look at any more.
REFUND_NEEDS_PERSON = (RefundState.ABNORMAL, RefundState.REJECTED)
# These have left or may still leave the account.
REFUND_COUNTS = (*REFUND_UNDER_WAY, RefundState.SUCCESS)


class PaymentQuerySet(models.QuerySet["Payment"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(tenant="order__tenant", shop="order__shop")) if principal.is_staff else self.none()

    def open(self) -> Self:
        return self.filter(state=PaymentState.OPEN)

    def at(self, gateway: str, mch_id: str) -> Self:
        """What went to one account of a gateway."""
        return self.filter(gateway=gateway, parameters__mch_id=mch_id)

    def held(self) -> Self:
        """Received, and a person must say what becomes of it."""
        return self.filter(use=PaymentUse.HELD)

    def received_between(self, first: datetime, end: datetime | None) -> Self:
        """Paid then as the gateway says, or booked then: whoever forges a message chooses the time in it, not that of our record."""
        received, booked = Q(received_at__gte=first), PaymentEvent.objects.filter(payment=OuterRef("pk"), created_at__gte=first)
        if end is not None:
            received, booked = received & Q(received_at__lt=end), booked.filter(created_at__lt=end)
        return self.filter(received | Exists(booked), state=PaymentState.PAID)

    def due(self, now: datetime) -> Self:
        return self.open().filter(next_check_at__lte=now)


class Payment(models.Model):
    """One attempt to pay an order: one trade at the gateway, under one ``out_trade_no``.

    ``sent_at``: when it was last announced there; ``prepaid_at``: when that was answered.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", verbose_name=_("订单"))
    gateway = models.CharField(_("渠道"), max_length=16, choices=Gateway.choices)
    out_trade_no = models.CharField(_("商户单号"), max_length=32, unique=True)
    total = MoneyField(_("应付"))
    received = MoneyField(_("实收"), null=True, blank=True)
    parameters = models.JSONField(_("下单参数"), default=dict, blank=True, help_text=_("同一单号再次下单须完全一致，故冻结。"))
    state = models.CharField(_("状态"), max_length=16, choices=PaymentState.choices, default=PaymentState.OPEN)
    use = models.CharField(_("用途"), max_length=16, choices=PaymentUse.choices, default=PaymentUse.NONE, blank=True)
    prepay_id = models.CharField(_("预支付会话"), max_length=64, blank=True, db_index=True)
    sent_at = models.DateTimeField(_("下单发送时间"), default=timezone.now, editable=False)
    prepaid_at = models.DateTimeField(_("预支付时间"), null=True, blank=True)
    transaction_id = models.CharField(_("渠道单号"), max_length=64, unique=True, null=True, blank=True)  # unique: "" could stand only once
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now)
    received_at = models.DateTimeField(_("收款时间"), null=True, blank=True)
    next_check_at = models.DateTimeField(_("下次查询"), null=True, blank=True)
    checks = models.PositiveIntegerField(_("查询次数"), default=0)
    asked_at = models.DateTimeField(_("顾客触发查询时间"), null=True, blank=True, editable=False)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("支付")
        indexes = [models.Index(fields=["next_check_at"], condition=Q(state=PaymentState.OPEN), name="payment_due")]
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=Q(state=PaymentState.OPEN), name="payment_one_open"),
            models.UniqueConstraint(fields=["order"], condition=Q(use=PaymentUse.APPLIED), name="payment_one_applied"),
            models.CheckConstraint(condition=Q(total__gt=0), name="payment_has_total"),
            models.CheckConstraint(condition=Q(state__in=PaymentState.values), name="payment_state_known"),
            models.CheckConstraint(condition=Q(gateway__in=Gateway.values), name="payment_gateway_known"),
            models.CheckConstraint(
                condition=(Q(state=PaymentState.PAID) & ~Q(use=PaymentUse.NONE) & Q(received__isnull=False))
                | (~Q(state=PaymentState.PAID) & Q(use=PaymentUse.NONE)),
                name="payment_use_iff_paid",
            ),
            models.CheckConstraint(condition=~Q(use=PaymentUse.APPLIED) | Q(received=models.F("total")), name="payment_applied_whole"),
        ]

    def __str__(self) -> str:
        return self.out_trade_no

    @property
    def is_held(self) -> bool:
        return self.use == PaymentUse.HELD

    @property
    def is_applied(self) -> bool:
        return self.use == PaymentUse.APPLIED

    def left_to_refund(self) -> Decimal:
        """Yuan received that no refund has claimed. Reads the refunds: prefetch them for lists."""
        return (self.received or ZERO) - sum((refund.amount for refund in self.refunds.all() if refund.is_claiming), ZERO)


# Asked about, or sent again, when their time has come.
DUE = [RefundState.NEW, RefundState.PROCESSING, RefundState.CLOSED]


class RefundQuerySet(models.QuerySet["Refund"]):
    def visible_to(self, principal: Principal) -> Self:
        if not principal.is_staff:
            return self.none()
        return self.filter(principal.scope(tenant="payment__order__tenant", shop="payment__order__shop"))

    def counting(self) -> Self:
        return self.filter(state__in=REFUND_COUNTS)

    def under_way(self) -> Self:
        return self.filter(state__in=REFUND_UNDER_WAY)

    def due(self, now: datetime) -> Self:
        return self.filter(state__in=DUE, next_check_at__lte=now)

    def stuck(self) -> Self:
        """Only a person gets them on; of one refund this is ``Refund.is_stuck``."""
        parked = Q(state=RefundState.CLOSED, next_check_at=None)
        return self.filter(Q(state__in=REFUND_NEEDS_PERSON) | parked, settled_by=None)


class Refund(models.Model):
    """Money on its way back. ``intent`` names why, so that the same reason can't refund twice.

    ``missing_units``: so many units of the order weren't delivered. ``settled_by``: a person ended it by hand, as ``note`` says.
    """

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds", verbose_name=_("支付"))
    out_refund_no = models.CharField(_("退款单号"), max_length=64, unique=True)
    intent = models.CharField(_("退款依据"), max_length=100, unique=True)
    amount = MoneyField(_("金额"))
    reason = models.CharField(_("原因"), max_length=80, blank=True)
    state = models.CharField(_("状态"), max_length=16, choices=RefundState.choices, default=RefundState.NEW)
    refund_id = models.CharField(_("渠道退款单号"), max_length=64, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("操作人"))
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now)
    sent_at = models.DateTimeField(_("提交时间"), null=True, blank=True, editable=False)
    refunded_at = models.DateTimeField(_("退款时间"), null=True, blank=True)
    next_check_at = models.DateTimeField(_("下次处理"), null=True, blank=True)
    checks = models.PositiveIntegerField(_("处理次数"), default=0)
    missing_units = models.PositiveIntegerField(_("缺货份数"), default=0)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("人工处理人")
    )
    note = models.CharField(_("处理说明"), max_length=200, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("退款")
        indexes = [
            models.Index(
                fields=["next_check_at"],
                condition=Q(state__in=DUE),
                name="refund_due",
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_has_amount"),
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="refund_state_known"),
            models.CheckConstraint(
                condition=Q(settled_by=None, note="")
                | (Q(settled_by__isnull=False, state__in=[RefundState.SUCCESS, RefundState.REJECTED]) & ~Q(note="")),
                name="refund_settled_with_note",
            ),
        ]

    def __str__(self) -> str:
        return self.out_refund_no

    @property
    def is_under_way(self) -> bool:
        return self.state in REFUND_UNDER_WAY

    @property
    def is_claiming(self) -> bool:
        """Whether the refund's money has left or may still leave."""
        return self.state in REFUND_COUNTS

    @property
    def went_another_way(self) -> bool:
        """A person paid it back without the gateway, which as far as we know never took it."""
        return self.settled_by_id is not None and not self.refund_id

    @property
    def is_stuck(self) -> bool:
        parked = self.state == RefundState.CLOSED and self.next_check_at is None
        return (self.state in REFUND_NEEDS_PERSON or parked) and self.settled_by_id is None


class PaymentEvent(models.Model):
    """Everything that a gateway told us or a person decided, and what we made of it; append-only, also for what fits no payment."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="events", null=True, blank=True, verbose_name=_("支付"))
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="events", null=True, blank=True, verbose_name=_("退款"))
    source = models.CharField(_("来源"), max_length=32)
    event_id = models.CharField(_("消息编号"), max_length=64, blank=True)
    state = models.CharField(_("渠道状态"), max_length=32, blank=True)
    result = models.CharField(_("处理结果"), max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("操作人"))
    created_at = models.DateTimeField(_("时间"), default=timezone.now)

    class Meta:
        verbose_name = verbose_name_plural = _("支付事件")
        indexes = [models.Index(fields=["payment", "id"], name="event_of_payment")]

    def __str__(self) -> str:
        return f"{self.source} {self.state}: {self.result}"
