from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from groupbuy.models.payments import Gateway, Payment, Refund
from retail.models import Tenant
from retail.money import MoneyField
from retail.principals import Principal
from retail.rights import Right


class BillQuerySet(models.QuerySet["Bill"]):
    def visible_to(self, principal: Principal) -> Self:
        """Headquarters sees its tenant's; the platform also what belongs to none. Nobody in a shop sees any."""
        return self.filter(principal.scope(shop="")) if principal.may(Right.SEE_BILLS) else self.none()

    def due(self, now: datetime) -> Self:
        return self.filter(compared_at=None, next_check_at__lte=now)


class Bill(models.Model):
    """What a gateway booked for one merchant number on one day, compared with our payments and refunds; sums as the bill says."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="bills", null=True, blank=True, verbose_name=_("商家"))
    gateway = models.CharField(_("渠道"), max_length=16, choices=Gateway.choices)
    mch_id = models.CharField(_("商户号"), max_length=32, blank=True)
    on = models.DateField(_("账单日"))
    payment_count = models.PositiveIntegerField(_("收款笔数"), default=0)
    received = models.DecimalField(_("收款金额"), max_digits=14, decimal_places=2, default=0)
    refund_count = models.PositiveIntegerField(_("退款笔数"), default=0)
    refunded = models.DecimalField(_("退款金额"), max_digits=14, decimal_places=2, default=0)
    found_count = models.PositiveIntegerField(_("补记笔数"), default=0, help_text=_("靠账单才得知的收款。"))
    compared_at = models.DateTimeField(_("核对时间"), null=True, blank=True)
    next_check_at = models.DateTimeField(_("下次获取"), default=timezone.now)
    checks = models.PositiveIntegerField(_("获取次数"), default=0)

    objects = BillQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("账单")
        indexes = [models.Index(fields=["next_check_at"], condition=Q(compared_at=None), name="bill_due")]
        constraints = [models.UniqueConstraint(fields=["gateway", "mch_id", "on"], name="bill_unique")]

    def __str__(self) -> str:
        return " ".join(part for part in (self.mch_id, str(self.on)) if part)


class DifferenceKind(models.TextChoices):
    """Where a bill and our books part."""

    UNKNOWN_PAYMENT = "unknown-payment", _("账单有收款，系统没有")
    UNKNOWN_REFUND = "unknown-refund", _("账单有退款，系统没有")
    PAYMENT_DIFFERS = "payment-differs", _("收款不一致")
    REFUND_DIFFERS = "refund-differs", _("退款不一致")
    PAYMENT_MISSING = "payment-missing", _("系统有收款，账单没有")
    REFUND_MISSING = "refund-missing", _("系统有退款，账单没有")


class BillDifferenceQuerySet(models.QuerySet["BillDifference"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(shop="")) if principal.may(Right.SEE_BILLS) else self.none()

    def unresolved(self) -> Self:
        return self.filter(resolved_at=None)


class BillDifference(models.Model):
    """One number on which a bill and our books don't agree, until a person says what it was about."""

    bill = models.ForeignKey(Bill, models.PROTECT, related_name="differences", verbose_name=_("账单"))
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="bill_differences", null=True, blank=True, verbose_name=_("商家"))
    kind = models.CharField(_("差异"), max_length=20, choices=DifferenceKind.choices)
    number = models.CharField(_("商户单号"), max_length=64)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("支付"))
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("退款"))
    billed = MoneyField(_("账单金额"), null=True, blank=True)
    booked = MoneyField(_("系统金额"), null=True, blank=True)
    found_at = models.DateTimeField(_("发现时间"), default=timezone.now)
    resolved_at = models.DateTimeField(_("处理时间"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("处理人")
    )
    note = models.CharField(_("处理说明"), max_length=200, blank=True)

    objects = BillDifferenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("账单差异")
        constraints = [
            models.UniqueConstraint(fields=["bill", "kind", "number"], name="bill_difference_unique"),
            models.CheckConstraint(condition=Q(kind__in=DifferenceKind.values), name="bill_difference_kind_known"),
        ]

    def __str__(self) -> str:
        return self.number
