"""The gateway's daily bills beside our books, and what a person has to look into."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.admin.forms import NoteForm
from groupbuy.admin.payments import order_link
from groupbuy.models import Bill, BillDifference, DifferenceKind
from groupbuy.payments import bills
from retail.backoffice import (
    ChoicesDropdownFilter,
    Question,
    RangeDateFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    RelatedFilter,
    caller,
    counted,
    display,
    page_action,
    page_of,
)
from retail.rights import Right

BADGES = dict.fromkeys(DifferenceKind, "warning") | {DifferenceKind.UNKNOWN_PAYMENT: "danger", DifferenceKind.PAYMENT_MISSING: "danger"}


class BillDifferenceInline(ReadOnlyInline):
    model = BillDifference
    fields = ("kind", "number", "billed", "booked", "resolved_at", "note")
    show_change_link = True


@admin.register(Bill)
class BillAdmin(ReadOnlyAdmin):
    list_display = ("on", "mch_id", "state", "payments", "refunds", "found_count", "differences", "tenant")
    list_filter = (("gateway", ChoicesDropdownFilter), ("on", RangeDateFilter), ("tenant", RelatedFilter))
    list_select_related = ("tenant",)
    search_fields = ("mch_id",)
    inlines = (BillDifferenceInline,)
    fieldsets = (
        (None, {"fields": (("on", "mch_id", "gateway"), ("payments", "refunds", "found_count"), "tenant")}),
        (gettext_lazy("时间"), {"fields": (("compared_at", "next_check_at", "checks"),)}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        unresolved = Count("differences", filter=Q(differences__resolved_at=None))
        return super().get_queryset(request).annotate(unresolved=unresolved)

    @display(description=gettext_lazy("状态"), label={"done": "success", "waiting": "warning"})
    def state(self, bill: Bill) -> tuple[str, str]:
        return ("done", _("已核对")) if bill.compared_at else ("waiting", _("等待账单"))

    @display(description=gettext_lazy("收款"))
    def payments(self, bill: Bill) -> str:
        return _("%(count)s 笔 ¥%(money)s") % {"count": bill.payment_count, "money": bill.received}

    @display(description=gettext_lazy("退款"))
    def refunds(self, bill: Bill) -> str:
        return _("%(count)s 笔 ¥%(money)s") % {"count": bill.refund_count, "money": bill.refunded}

    @display(description=gettext_lazy("待处理差异"), ordering="unresolved")
    def differences(self, bill: Any) -> Any:
        if not bill.unresolved:
            return "—"
        address = reverse("admin:groupbuy_billdifference_changelist")
        return format_html('<a class="text-link" href="{}?bill__id__exact={}">{}</a>', address, bill.pk, bill.unresolved)


@admin.register(BillDifference)
class BillDifferenceAdmin(ReadOnlyAdmin):
    list_display = ("kind_label", "number", "order", "billed", "booked", "day", "solution", "tenant")
    list_filter = (("kind", ChoicesDropdownFilter), ("bill__on", RangeDateFilter), ("tenant", RelatedFilter))
    linked = ("bill", "resolved_at")
    list_select_related = ("bill", "payment__order", "resolved_by", "tenant")
    search_fields = ("number", "payment__order__code")
    search_help_text = gettext_lazy("商户单号、退款单号、订单编号")
    pills = (
        (gettext_lazy("待处理"), "resolved_at__isnull=True"),
        (gettext_lazy("已处理"), "resolved_at__isnull=False"),
        (gettext_lazy("全部"), ""),
    )
    actions = ("resolve",)
    actions_detail = ("resolve_one",)
    fieldsets = (
        (None, {"fields": (("kind", "number"), ("billed", "booked"), ("bill", "order", "refund"))}),
        (gettext_lazy("处理"), {"fields": (("found_at", "resolved_at"), "solution")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*self.list_select_related, "refund")

    def has_resolve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.RESOLVE_BILLS)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        return [] if self.get_object(request, str(object_id)).resolved_at else super().get_actions_detail(request, object_id)

    @admin.action(description=gettext_lazy("标记为已处理"), permissions=["resolve"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[BillDifference]) -> HttpResponse | None:
        rows = self.chosen(request, queryset)
        return self.ask_resolve(request, rows, request.get_full_path()) if rows else None

    @page_action(description=gettext_lazy("标记为已处理"), path="resolve", permission="resolve", icon="task_alt")
    def resolve_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        difference = self.get_object(request, object_id)
        return self.ask_resolve(request, [difference], page_of(difference))

    def ask_resolve(self, request: HttpRequest, rows: Sequence[BillDifference], back: str) -> HttpResponse:
        ids = [row.pk for row in rows]
        facts = [(_("差异"), len(rows))]
        note = _("这里只记录核实的结论，不产生收款或退款。")
        names = [f"{row.get_kind_display()} · {row.number} · {row.bill.on}" for row in rows]
        question = Question(title=_("处理账单差异"), facts=facts, rows=names, note=note, button=_("标记为已处理"), form=NoteForm)
        service = partial(bills.resolve_differences, difference_ids=ids, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, counted(_("已处理 %(count)s 条差异：%(note)s")), touched=rows, back=back)

    @display(description=gettext_lazy("差异"), label=BADGES, ordering="kind")
    def kind_label(self, difference: BillDifference) -> tuple[str, str]:
        return difference.kind, difference.get_kind_display()

    @display(description=gettext_lazy("订单"))
    def order(self, difference: BillDifference) -> str:
        return order_link(difference.payment.order) if difference.payment else "—"

    @display(description=gettext_lazy("账单日"), ordering="bill__on")
    def day(self, difference: BillDifference) -> Any:
        return difference.bill.on

    @display(description=gettext_lazy("处理说明"))
    def solution(self, difference: BillDifference) -> str:
        return f"{difference.note} · {difference.resolved_by or ''}" if difference.resolved_at else "—"
