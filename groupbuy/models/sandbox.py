"""The sandbox's own books: they play the bank, and nothing but ``groupbuy.payments.gateways.sandbox`` touches them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from retail.money import MoneyField


class TradeState(models.TextChoices):
    """WeChat Pay's words for the state of a trade."""

    NOTPAY = "NOTPAY", _("待付款")
    SUCCESS = "SUCCESS", _("支付成功")
    CLOSED = "CLOSED", _("已失效")
    PAYERROR = "PAYERROR", _("支付失败")
    REFUND = "REFUND", _("转入退款")
    REVOKED = "REVOKED", _("已撤销")
    USERPAYING = "USERPAYING", _("支付中")


class SandboxTrade(models.Model):
    """A trade at the pretended bank."""

    out_trade_no = models.CharField(max_length=32, unique=True)
    prepay_id = models.CharField(max_length=64, unique=True)
    total = MoneyField()
    state = models.CharField(max_length=16, choices=TradeState.choices, default=TradeState.NOTPAY)
    transaction_id = models.CharField(max_length=64, blank=True)
    paid_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = _("演示交易")

    def __str__(self) -> str:
        return self.out_trade_no


class SandboxRefund(models.Model):
    """A refund at the pretended bank; it succeeds at once."""

    trade = models.ForeignKey(SandboxTrade, models.PROTECT, related_name="refunds")
    out_refund_no = models.CharField(max_length=64, unique=True)
    amount = MoneyField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = _("演示退款")

    def __str__(self) -> str:
        return self.out_refund_no
