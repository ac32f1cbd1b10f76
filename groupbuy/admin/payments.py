"""Money as it came and went: read only, but for asking the gateway again."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import payments
from groupbuy.models import Order, Payment, PaymentEvent, PaymentState, PaymentUse, Refund, RefundState
from retail.backoffice import (
    ChoicesDropdownFilter,
    Question,
    RangeDateFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    RelatedFilter,
    caller,
    display,
    page_action,
    page_of,
)
from retail.principals import Role

STATES = {PaymentState.OPEN: "warning", PaymentState.PAID: "success", PaymentState.CLOSED: "default"}
USES = {PaymentUse.NONE: "default", PaymentUse.APPLIED: "success", PaymentUse.SURPLUS: "info", PaymentUse.HELD: "danger"}
REFUND_STATES = {
    RefundState.NEW: "warning",
    RefundState.PROCESSING: "info",
    RefundState.SUCCESS: "success",
    RefundState.ABNORMAL: "danger",
    RefundState.CLOSED: "warning",
    RefundState.REJECTED: "danger",
}


def order_link(order: Order) -> str:
    return format_html('<a class="text-link" href="{}">{}</a>', page_of(order), order.code)


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = ("out_refund_no", "amount", "state", "reason", "created_at", "refunded_at")


class PaymentEventInline(ReadOnlyInline):
    model = PaymentEvent
    fk_name = "payment"
    fields = ("created_at", "source", "state", "result")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("out_trade_no", "order_code", "gateway", "total", "received", "state_label", "use_label", "created_at")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("use", ChoicesDropdownFilter),
        ("gateway", ChoicesDropdownFilter),
        ("order__shop", RelatedFilter),
        ("created_at", RangeDateFilter),
    )
    list_select_related = ("order",)
    search_fields = ("out_trade_no", "transaction_id", "order__code")
    search_help_text = gettext_lazy("商户单号、渠道单号、订单编号")
    pills = (
        (gettext_lazy("全部"), ""),
        (gettext_lazy("待人工核对"), "use__exact=held"),
        (gettext_lazy("多收待退"), "use__exact=surplus"),
        (gettext_lazy("待支付"), "state__exact=open"),
    )
    inlines = (RefundInline, PaymentEventInline)
    actions_detail = ("recheck",)
    fieldsets = (
        (None, {"fields": (("out_trade_no", "transaction_id"), ("order_code", "gateway"), ("total", "received"), ("state", "use"))}),
        (gettext_lazy("时间"), {"fields": (("created_at", "received_at"), ("next_check_at", "checks"))}),
    )

    def has_recheck_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.role_in(request, Role.MANAGER, Role.HEADQUARTERS)

    @page_action(description=gettext_lazy("查询渠道"), path="recheck", permission="recheck", icon="sync")
    def recheck(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_object(request, object_id)

        def act(values: dict[str, Any]) -> str:
            asked = payments.recheck(payment_id=payment.pk, principal=caller(request), now=timezone.now())
            return _("支付渠道的结果：%(state)s") % {"state": asked.get_state_display()}

        facts = [
            (_("商户单号"), payment),
            (_("订单"), payment.order),
            (_("应付"), f"¥{payment.total}"),
            (_("状态"), payment.get_state_display()),
        ]
        question = Question(title=_("查询支付"), facts=facts, note=_("向支付渠道查询这笔支付的结果。"), button=_("立即查询"))
        return self.ask(request, question, act, touched=[payment], back=page_of(payment))

    @display(description=gettext_lazy("订单"), ordering="order__code")
    def order_code(self, payment: Payment) -> str:
        return order_link(payment.order)

    @display(description=gettext_lazy("状态"), label=STATES, ordering="state")
    def state_label(self, payment: Payment) -> tuple[str, str]:
        return payment.state, payment.get_state_display()

    @display(description=gettext_lazy("用途"), label=USES, ordering="use")
    def use_label(self, payment: Payment) -> tuple[str, str]:
        return payment.use, payment.get_use_display()


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("out_refund_no", "order_code", "amount", "state_label", "reason", "user", "created_at", "refunded_at")
    list_filter = (("state", ChoicesDropdownFilter), ("payment__order__shop", RelatedFilter), ("created_at", RangeDateFilter))
    list_select_related = ("payment__order", "user")
    search_fields = ("out_refund_no", "payment__out_trade_no", "payment__order__code")
    search_help_text = gettext_lazy("退款单号、商户单号、订单编号")
    pills = (
        (gettext_lazy("全部"), ""),
        (gettext_lazy("处理中"), "state__in=new,processing,closed"),
        (gettext_lazy("异常"), "state__in=abnormal,rejected"),
        (gettext_lazy("已退款"), "state__exact=success"),
    )
    fieldsets = (
        (None, {"fields": (("out_refund_no", "refund_id"), ("order_code", "payment_link"), ("amount", "state"), ("reason", "user_name"))}),
        (gettext_lazy("时间"), {"fields": (("created_at", "refunded_at"), ("next_check_at", "checks"))}),
    )

    @display(description=gettext_lazy("订单"))
    def order_code(self, refund: Refund) -> str:
        return order_link(refund.payment.order)

    @display(description=gettext_lazy("支付"))
    def payment_link(self, refund: Refund) -> str:
        address = reverse("admin:groupbuy_payment_change", args=[refund.payment_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, refund.payment)

    @display(description=gettext_lazy("状态"), label=REFUND_STATES, ordering="state")
    def state_label(self, refund: Refund) -> tuple[str, str]:
        return refund.state, refund.get_state_display()

    @display(description=gettext_lazy("操作人"))
    def user_name(self, refund: Refund) -> str:
        return str(refund.user or _("系统"))


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    """What fits no payment has no tenant: only the platform sees it."""

    tenant_path, shop_path = "payment__order__tenant", "payment__order__shop"
    list_display = ("created_at", "source", "state", "result", "payment", "refund")
    list_filter = (("created_at", RangeDateFilter),)
    list_select_related = ("payment", "refund")
    search_fields = ("payment__out_trade_no", "event_id")
    fieldsets = ((None, {"fields": ("created_at", "source", "event_id", "state", "result", "payment", "refund")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentEvent]:
        return super().get_queryset(request).select_related("payment", "refund")
