"""Money as it came and went: read only, but for asking the gateway again, and for what waits for a person."""

from collections.abc import Callable
from functools import partial
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
from groupbuy.admin.forms import NoteForm, ReferenceForm, ReturnedForm
from groupbuy.models import Order, Payment, PaymentEvent, PaymentState, PaymentUse, Refund, RefundState
from groupbuy.models.stages import stage_of
from groupbuy.payments import by_hand, gateways
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
from retail.backoffice.asking import Done, Service
from retail.rights import Right

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
    fields = ("out_refund_no", "amount", "state", "reason", "created_at", "refunded_at", "note")


class PaymentEventInline(ReadOnlyInline):
    model = PaymentEvent
    fk_name = "payment"
    fields = ("created_at", "source", "state", "result", "user")


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
        (gettext_lazy("待核实收款"), "use__exact=held"),
        (gettext_lazy("多收待退"), "use__exact=surplus"),
        (gettext_lazy("待付款"), "state__exact=open"),
    )
    exported = (
        "out_trade_no",
        "transaction_id",
        "order",
        "order__shop",
        "gateway",
        "total",
        "received",
        "state",
        "use",
        "created_at",
        "received_at",
    )
    inlines = (RefundInline, PaymentEventInline)
    actions_detail = ("recheck", "refund_held", "record_returned")
    fieldsets = (
        (None, {"fields": (("out_trade_no", "transaction_id"), ("order_code", "gateway"), ("total", "received"), ("state", "use"))}),
        (gettext_lazy("时间"), {"fields": (("created_at", "received_at"), ("next_check_at", "checks"))}),
    )

    def has_recheck_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.RECHECK_PAYMENTS)

    @page_action(description=gettext_lazy("查询渠道"), path="recheck", permission="recheck", icon="sync")
    def recheck(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_object(request, object_id)
        facts = [
            (_("商户单号"), payment),
            (_("订单"), payment.order),
            (_("应付"), f"¥{payment.total}"),
            (_("状态"), payment.get_state_display()),
        ]
        question = Question(title=_("查询支付"), facts=facts, note=_("向支付渠道查询这笔支付的结果。"), button=_("立即查询"))
        service = partial(payments.recheck, payment_id=payment.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, result_of, touched=[payment])

    def has_resolve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.REFUND)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        is_held = self.get_object(request, str(object_id)).use == PaymentUse.HELD
        return [action for action in super().get_actions_detail(request, object_id) if is_held or action.path == "recheck"]

    @page_action(description=gettext_lazy("退回款项"), path="refund", permission="resolve", icon="currency_exchange", danger=True)
    def refund_held(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_object(request, object_id)
        facts = held_figures(payment)
        note = _("全额原路退回。登记后订单不再被这笔款项占住：仍在支付时限内的，顾客可以重新支付。")
        question = Question(title=_("退回待核实的收款"), facts=facts, note=note, button=_("确认退回"), danger=True)
        service = partial(by_hand.refund_held, payment_id=payment.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, refund_wanted(), touched=[payment, payment.order])

    @page_action(description=gettext_lazy("已在系统外退回"), path="returned", permission="resolve", icon="task_alt")
    def record_returned(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_object(request, object_id)
        facts = held_figures(payment)
        note = _("只记录：系统不会再退这部分款项。只退回了一部分的填写金额，其余仍待核实。")
        question = Question(
            title=_("登记系统外退回"),
            facts=facts,
            note=note,
            button=_("登记"),
            form=ReturnedForm,
            form_options={"left": payment.left_to_refund()},
        )
        service = partial(by_hand.record_held_returned, payment_id=payment.pk, principal=caller(request), now=timezone.now())
        done = of_refund(_("已登记系统外退回 ¥%(amount)s：%(note)s"))
        return self.ask(request, question, service, done, touched=[payment, payment.order])

    @display(description=gettext_lazy("订单"), ordering="order__code")
    def order_code(self, payment: Payment) -> str:
        return order_link(payment.order)

    @display(description=gettext_lazy("状态"), label=STATES, ordering="state")
    def state_label(self, payment: Payment) -> tuple[str, str]:
        return payment.state, payment.get_state_display()

    @display(description=gettext_lazy("用途"), label=USES, ordering="use")
    def use_label(self, payment: Payment) -> tuple[str, str]:
        return payment.use, payment.get_use_display()


def result_of(asked: Payment) -> str:
    return _("支付渠道的结果：%(state)s") % {"state": asked.get_state_display()}


def result_of_refund(answer: gateways.RefundAnswer) -> str:
    return _("支付渠道的结果：%(state)s") % {"state": RefundState(answer.state).label}


def of_refund(text: str) -> Done:
    """The text about the refund that the service returned."""
    return lambda refund, **given: text % {"amount": refund.amount, "note": refund.note}


def refund_wanted() -> Done:
    return of_refund(_("已登记退款 ¥%(amount)s，稍后由系统提交到支付渠道"))


def held_figures(payment: Payment) -> list[tuple[Any, Any]]:
    return [
        (_("订单"), payment.order),
        (_("订单状态"), stage_of(payment.order, timezone.now()).label),
        (_("应付"), f"¥{payment.total}"),
        (_("实收"), f"¥{payment.received}"),
        (_("待处理"), f"¥{payment.left_to_refund()}"),
    ]


class StuckFilter(admin.SimpleListFilter):
    """What nothing happens to by itself."""

    title = gettext_lazy("处理")
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("需人工处理"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.stuck() if self.value() == "yes" else queryset


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("out_refund_no", "order_code", "amount", "state_label", "reason", "user", "created_at", "refunded_at")
    list_filter = (StuckFilter, ("state", ChoicesDropdownFilter), ("payment__order__shop", RelatedFilter), ("created_at", RangeDateFilter))
    list_select_related = ("payment__order", "user")
    search_fields = ("out_refund_no", "payment__out_trade_no", "payment__order__code")
    search_help_text = gettext_lazy("退款单号、商户单号、订单编号")
    pills = (
        (gettext_lazy("全部"), ""),
        (gettext_lazy("处理中"), "state__in=new,processing,closed"),
        (gettext_lazy("需人工处理"), "stuck=yes"),
        (gettext_lazy("已退款"), "state__exact=success"),
    )
    exported = (
        "out_refund_no",
        "refund_id",
        "payment__order",
        "payment__out_trade_no",
        "payment__order__shop",
        "amount",
        "state",
        "reason",
        "missing_units",
        "note",
        "user_name",
        "created_at",
        "refunded_at",
    )
    actions_detail = ("ask_again", "send_again", "record_returned", "drop")
    fieldsets = (
        (None, {"fields": (("out_refund_no", "refund_id"), ("order_code", "payment_link"), ("amount", "state"), ("reason", "user_name"))}),
        (gettext_lazy("人工处理"), {"fields": (("settled_by", "note"),)}),
        (gettext_lazy("时间"), {"fields": (("created_at", "refunded_at"), ("next_check_at", "checks"))}),
    )

    def has_resolve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.REFUND)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        offered = steps_for(self.get_object(request, str(object_id)))
        return [action for action in super().get_actions_detail(request, object_id) if action.path in offered]

    @page_action(description=gettext_lazy("查询渠道"), path="ask", permission="resolve", icon="sync")
    def ask_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = _("向支付渠道查询这笔退款。渠道已退款的记为完成，已关闭的由系统换单号重新提交。")
        question = partial(Question, title=_("查询退款"), note=note, button=_("立即查询"))
        return self.resolve(request, object_id, question, by_hand.ask_again, result_of_refund)

    @page_action(description=gettext_lazy("重新提交"), path="again", permission="resolve", icon="redo")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = _("被拒的退款用原单号提交，不会重复退款；渠道关闭的退款换新单号。请先排除原因，如商户余额不足。")
        question = partial(Question, title=_("重新提交退款"), note=note, button=_("重新提交"))
        done = of_refund(_("退款 ¥%(amount)s 稍后由系统重新提交"))
        return self.resolve(request, object_id, question, by_hand.send_again, done)

    @page_action(description=gettext_lazy("登记线下退款"), path="returned", permission="resolve", icon="task_alt")
    def record_returned(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = _("款项确实已退给顾客后再登记：登记后系统不再退这笔款，全部退完的订单变为已退款。")
        question = partial(Question, title=_("登记线下退款"), note=note, button=_("款项已退，登记"), form=ReferenceForm)
        done = of_refund(_("已登记线下退款 ¥%(amount)s：%(note)s"))
        return self.resolve(request, object_id, question, by_hand.record_returned, done)

    @page_action(description=gettext_lazy("作废"), path="drop", permission="resolve", icon="block", danger=True)
    def drop(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = _("这笔退款不再提交。不属于订单的款项会回到「待核实收款」。")
        question = partial(Question, title=_("作废退款"), note=note, button=_("确认作废"), danger=True, form=NoteForm)
        done = of_refund(_("退款 ¥%(amount)s 已作废：%(note)s"))
        return self.resolve(request, object_id, question, by_hand.drop, done)

    def resolve(
        self, request: HttpRequest, object_id: str, question: Callable[..., Question], service: Service, done: Done
    ) -> HttpResponse:
        """Ask the question with the figures of a stuck refund beside it."""
        refund = self.get_object(request, object_id)
        bound = partial(service, refund_id=refund.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question(facts=stuck_figures(refund)), bound, done, touched=[refund, refund.payment.order])

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


def steps_for(refund: Refund) -> set[str]:
    """The paths of the actions that make sense in the refund's state; the services decide."""
    if not refund.is_stuck:
        return set()
    more = {RefundState.REJECTED: {"again", "drop"}, RefundState.CLOSED: {"again"}}
    return {"ask", "returned"} | more.get(RefundState(refund.state), set())


def stuck_figures(refund: Refund) -> list[tuple[Any, Any]]:
    payment = refund.payment
    return [
        (_("退款单号"), refund),
        (_("订单"), payment.order),
        (_("订单状态"), stage_of(payment.order, timezone.now()).label),
        (_("实收"), f"¥{payment.received}"),
        (_("退款"), f"¥{refund.amount}"),
        (_("状态"), refund.get_state_display()),
    ]


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    """What fits no payment has no tenant: only the platform sees it."""

    tenant_path, shop_path = "payment__order__tenant", "payment__order__shop"
    list_display = ("created_at", "source", "state", "result", "payment", "refund", "user")
    list_filter = (("created_at", RangeDateFilter),)
    list_select_related = ("payment", "refund", "user")
    search_fields = ("payment__out_trade_no", "event_id")
    fieldsets = ((None, {"fields": ("created_at", "source", "event_id", "state", "result", "payment", "refund", "user")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentEvent]:
        return super().get_queryset(request).select_related("payment", "refund", "user")
