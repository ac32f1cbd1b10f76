"""What WeChat and buyers were told, and what a person must look at because it could not be."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import BigIntegerField, Case, F, OuterRef, QuerySet, Subquery, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.models import Order, OrderEvent, Refund
from groupbuy.notices import shipping
from groupbuy.notices.messages import OF_EVENTS, Kind
from retail import outbox
from retail.backoffice import (
    ChoicesDropdownFilter,
    Question,
    RangeDateFilter,
    ReadOnlyAdmin,
    caller,
    counted,
    display,
    page_action,
    page_of,
)
from retail.models import OutboxEntry, OutboxState
from retail.rights import Right

STATES = {
    OutboxState.WAITING: "info",
    OutboxState.SENDING: "info",
    OutboxState.SENT: "success",
    OutboxState.DROPPED: "default",
    OutboxState.GIVEN_UP: "danger",
}
LABELS = {
    shipping.KIND: gettext_lazy("发货信息上报"),
    shipping.CORRECTION: gettext_lazy("物流更正上报"),
    shipping.LATE: gettext_lazy("预计发货时间报备"),
    **dict(Kind.choices),
}


def label_of(entry: OutboxEntry) -> str:
    """What it tells, in words."""
    return str(LABELS.get(entry.kind, entry.kind))


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):
    """In this app, since it knows the kinds and the orders that they are about."""

    list_display = ("kind_label", "order_link", "state_label", "note", "attempts", "created_at", "sent_at")
    list_filter = (("state", ChoicesDropdownFilter), ("created_at", RangeDateFilter))
    linked = ("kind",)
    search_fields = ("order_code",)
    search_help_text = gettext_lazy("订单编号")
    pills = (
        (gettext_lazy("全部"), ""),
        (gettext_lazy("需人工处理"), "state__exact=given_up"),
        (gettext_lazy("发货上报失败"), "kind__exact=shipping&state__exact=given_up"),
        (gettext_lazy("待发送"), "state__in=waiting,sending"),
        (gettext_lazy("已发送"), "state__exact=sent"),
    )
    actions = ("send_again",)
    actions_detail = ("send_one_again",)
    fieldsets = (
        (None, {"fields": (("kind_label", "order_link"), ("state", "note"))}),
        (gettext_lazy("时间"), {"fields": (("created_at", "sent_at"), ("next_try_at", "attempts"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxEntry]:
        """Each with the order that it is about."""
        of_refund = Subquery(Refund.objects.filter(pk=OuterRef("subject_id")).values("payment__order"))
        of_event = Subquery(OrderEvent.objects.filter(pk=OuterRef("subject_id")).values("order"))
        told_of = (When(kind=Kind.REFUNDED, then=of_refund), When(kind__in=OF_EVENTS, then=of_event))
        order_id = Case(*told_of, default=F("subject_id"), output_field=BigIntegerField())
        code = Order.objects.filter(pk=OuterRef("order_id")).values("code")
        rows: QuerySet[OutboxEntry] = super().get_queryset(request).annotate(order_id=order_id)
        return rows.annotate(order_code=Subquery(code))

    def has_send_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.SEND_AGAIN)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        given_up = self.get_object(request, str(object_id)).state == OutboxState.GIVEN_UP
        actions: list[Any] = super().get_actions_detail(request, object_id)
        return actions if given_up else []

    @admin.action(description=gettext_lazy("重新发送"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxEntry]) -> HttpResponse | None:
        rows = self.chosen(request, queryset)
        return self.ask_send(request, rows, request.get_full_path()) if rows else None

    @page_action(description=gettext_lazy("重新发送"), path="send", permission="send", icon="send")
    def send_one_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        entry = self.get_object(request, object_id)
        return self.ask_send(request, [entry], page_of(entry))

    def ask_send(self, request: HttpRequest, rows: Sequence[Any], back: str) -> HttpResponse:
        ids = [row.pk for row in rows]
        note = _("结果不明的消息可能已经送达，重新发送后顾客可能收到两次。发货信息重复上报不会有影响。")
        names = [f"{self.kind_label(row)} · {row.order_code}" for row in rows]
        question = Question(title=_("重新发送"), rows=names, note=note, button=_("重新发送"))
        service = partial(outbox.send_again, entry_ids=ids, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, counted(_("%(count)s 条将重新发送")), touched=rows, back=back)

    @display(description=gettext_lazy("类型"), ordering="kind")
    def kind_label(self, entry: OutboxEntry) -> str:
        return label_of(entry)

    @display(description=gettext_lazy("订单"))
    def order_link(self, entry: Any) -> str:
        address = reverse("admin:groupbuy_order_change", args=[entry.order_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, entry.order_code)

    @display(description=gettext_lazy("状态"), label=STATES, ordering="state")
    def state_label(self, entry: OutboxEntry) -> tuple[str, str]:
        return entry.state, entry.get_state_display()
