"""Orders: looked up, moved on, refunded; never written by hand."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import orders as order_services
from groupbuy import payments
from groupbuy.admin import rescheduling
from groupbuy.admin import short_delivery as short_delivery_page
from groupbuy.admin.forms import DeliverForm, RefundForm
from groupbuy.admin.in_words import figures, goods_of, lines
from groupbuy.admin.narrowing import OrderListFilter
from groupbuy.admin.order_story import BADGES, notices_of, timeline
from groupbuy.admin.overdue import OverdueMixin
from groupbuy.admin.payments import refund_wanted, result_of
from groupbuy.models import DeliverType, Order, OrderQuerySet, OrderStatus, PaymentUse, Stage
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT
from groupbuy.models.stages import DONE, TO_COLLECT, TO_PAY, in_stage, with_stage
from groupbuy.orders import fulfilment, parcels, pick_up_dates
from groupbuy.payments import refunds, short_delivery
from retail.backoffice import (
    AutocompleteFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    Question,
    RangeDateFilter,
    ReadOnlyAdmin,
    RelatedFilter,
    caller,
    counted,
    display,
    page_action,
    page_of,
)
from retail.money import ZERO
from retail.rights import Right
from retail.wire.masking import mask_phone

CODE_LENGTH = 8


def stage_is(*wanted: Stage) -> str:
    """The query of the list that shows orders in these."""
    return f"stage={','.join(wanted)}"


class StageFilter(DropdownFilter):  # type: ignore[misc]  # the theme is untyped
    """One stage, or several with commas between them."""

    title = gettext_lazy("状态")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Stage.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = self.value()
        return in_stage(queryset, *wanted.split(","), now=timezone.now()) if wanted else queryset


@admin.register(Order)
class OrderAdmin(OverdueMixin, ReadOnlyAdmin):
    """``deliver_code`` is nowhere here: the clerk types what the buyer shows."""

    list_display = ("number", "person", "goods", "amount", "stage_label", "collected", "shop", "created_at")
    list_filter = (
        StageFilter,
        ("shop", RelatedFilter),
        ("group_buying", AutocompleteFilter),
        ("deliver_type", ChoicesDropdownFilter),
        rescheduling.PickUpFilter,
        ("created_at", RangeDateFilter),
        ("paid_at", RangeDateFilter),
        OrderListFilter,
    )
    list_select_related = ("shop", "buyer", "group_buying")
    # What is searched for depends on who asks: see get_search_results.
    search_fields = ("code",)
    search_help_text = gettext_lazy("订单编号、电话、顾客、商品")
    pills = (
        (gettext_lazy("全部"), ""),
        (gettext_lazy("待付款"), stage_is(*TO_PAY)),
        (gettext_lazy("待备货"), stage_is(Stage.PAID)),
        (gettext_lazy("备货中"), stage_is(Stage.CONFIRMED)),
        (gettext_lazy("待取货"), stage_is(*TO_COLLECT)),
        (gettext_lazy("逾期未取"), stage_is(Stage.OVERDUE)),
        (gettext_lazy("已发货"), stage_is(Stage.SHIPPED)),
        (gettext_lazy("已完成"), stage_is(*DONE)),
        (gettext_lazy("已退款"), stage_is(Stage.REFUNDED)),
    )
    exported = (
        "code",
        "group_buying",
        "sequence",
        "shop",
        "buyer_name",
        "phone_shown",
        "deliver_type",
        "recipient_shown",
        "address_shown",
        "remark_shown",
        "product_name",
        "spec",
        "price",
        "qty",
        "money",
        "stage_text",
        "created_at",
        "paid_at",
        "pick_up_start",
        "pick_up_end",
        "shipped_at",
        "completed_at",
        "carrier",
        "tracking_number",
        "tenant",
    )
    actions = ("confirm", "deliver", "reschedule", "short_delivery")
    actions_detail = (
        "confirm_one",
        "deliver_one",
        "reschedule_one",
        "record_reminder",
        "complete_overdue",
        "recheck",
        "close_order",
        "refund",
        "correct_parcel",
    )
    change_form_outer_after_template = "admin/groupbuy/order_story.html"
    compressed_fields = False
    fieldsets = (
        (
            gettext_lazy("订单"),
            {"fields": (("stage_text", "amount", "code", "sequence"), ("group_buying_name", "shop_name", "created_at", "paid_at"))},
        ),
        (gettext_lazy("商品"), {"fields": (("product_name", "spec", "price", "qty"),)}),
        (
            gettext_lazy("顾客与配送"),
            {
                "fields": (
                    ("buyer_name", "phone_shown", "deliver_type", "address_shown"),
                    ("collected", "recipient_shown", "carrier", "tracking_number", "remark_shown"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        found: Any = super().get_queryset(request)
        return with_stage(found.masked_for(caller(request)), timezone.now()).select_related(*self.list_select_related)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Order], search_term: str) -> tuple[QuerySet[Order], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if len(term) == CODE_LENGTH and term.isdigit() and not caller(request).may(Right.LOOK_UP_PICK_UP_CODES):
            # Shops, which could try them out, have the page that counts the wrong ones.
            messages.info(request, _("按取货码查找请用「取货核销」"))
        return queryset.matching(term, caller(request), pick_up_codes=True), False  # type: ignore[attr-defined]

    def has_fulfil_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.HAND_OVER)

    def has_reschedule_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.RESCHEDULE)

    def has_close_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.CLOSE_ORDERS)

    def has_recheck_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.RECHECK_PAYMENTS)

    def has_refund_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.REFUND)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        order = self.get_object(request, str(object_id))
        offered = offers(order)
        return [action for action in super().get_actions_detail(request, object_id) if action.path in offered]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Order | None = None, **kwargs: Any) -> Any:
        if obj is not None:
            may_resolve = self.has_refund_permission(request)
            context |= {"timeline": timeline(obj), "payments": self.money_of(request, obj), "may_resolve": may_resolve}
            context |= {"notices": notices_of(obj)}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def money_of(self, request: HttpRequest, order: Order) -> list[Any]:
        if not caller(request).may(Right.SEE_PAYMENTS):
            return []
        return list(order.payments.prefetch_related("refunds__user", "refunds__settled_by").order_by("pk"))

    @admin.action(description=gettext_lazy("开始备货"), permissions=["fulfil"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        rows = self.fit(request, queryset, [OrderStatus.PAID])
        return self.ask_confirm(request, rows, request.get_full_path()) if rows else None

    @admin.action(description=gettext_lazy("发货 / 通知取货"), permissions=["fulfil"])
    def deliver(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        rows = self.fit(request, queryset, [OrderStatus.PAID, OrderStatus.CONFIRMED])
        return self.ask_deliver(request, rows, request.get_full_path()) if rows else None

    @admin.action(description=gettext_lazy("改取货时间"), permissions=["reschedule"])
    def reschedule(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        rows = self.chosen(request, queryset)
        return self.ask_reschedule(request, rows, request.get_full_path()) if rows else None

    @admin.action(description=gettext_lazy("缺货退款"), permissions=["refund"])
    def short_delivery(self, request: HttpRequest, queryset: OrderQuerySet) -> HttpResponse | None:
        rows = self.chosen(request, short_delivery.with_money(queryset)) or []
        if len({row.group_buying_id for row in rows}) > 1:
            messages.error(request, _("请选择同一个团购的订单"))
            return None
        return short_delivery_page.ask(self, request, rows[0].group_buying, rows) if rows else None

    def fit(self, request: HttpRequest, queryset: QuerySet[Order], statuses: Sequence[OrderStatus]) -> list[Order]:
        """The chosen orders in one of ``statuses``; the person hears of the others."""
        rows = self.chosen(request, queryset) or []
        fitting = [row for row in rows if row.status in statuses]
        if len(fitting) < len(rows):
            skipped = _("%(count)s 个订单的状态不符，已跳过") % {"count": len(rows) - len(fitting)}
            messages.warning(request, skipped)
        return fitting

    @page_action(description=gettext_lazy("开始备货"), path="confirm", permission="fulfil", icon="check")
    def confirm_one(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        order = self.get_object(request, object_id)
        return self.ask_confirm(request, [order], page_of(order))

    @page_action(description=gettext_lazy("发货 / 通知取货"), path="deliver", permission="fulfil", icon="local_shipping")
    def deliver_one(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        order = self.get_object(request, object_id)
        return self.ask_deliver(request, [order], page_of(order))

    @page_action(description=gettext_lazy("改取货时间"), path="reschedule", permission="reschedule", icon="event")
    def reschedule_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = self.get_object(request, object_id)
        return self.ask_reschedule(request, [order], page_of(order))

    def ask_reschedule(self, request: HttpRequest, rows: Sequence[Order], back: str) -> HttpResponse:
        return rescheduling.ask_orders(self, request, rows, facts=figures(rows), lines=lines(rows), back=back)

    def ask_confirm(self, request: HttpRequest, rows: Sequence[Order], back: str) -> HttpResponse:
        ids = [row.pk for row in rows]
        question = Question(title=_("开始备货"), facts=figures(rows), rows=lines(rows), button=_("开始备货"))
        service = partial(fulfilment.confirm_orders, order_ids=ids, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, counted(_("%(count)s 个订单开始备货")), touched=rows, back=back)

    def ask_deliver(self, request: HttpRequest, rows: Sequence[Order], back: str) -> HttpResponse | None:
        express = [row for row in rows if row.deliver_type == DeliverType.EXPRESS]
        if express and len(rows) > 1:
            messages.error(request, _("快递订单各有单号，请逐单发货"))
            return None
        ids = [row.pk for row in rows]
        title = _("发货") if express else _("通知取货")
        note = "" if express else _("货已到店：自提订单变为待取货，系统通知顾客来取。")
        question = Question(
            title=title, facts=figures(rows), rows=lines(rows), note=note, button=title, form=DeliverForm if express else None
        )
        service = partial(fulfilment.deliver_orders, order_ids=ids, principal=caller(request), now=timezone.now())
        done = _("已发货 %(count)s 个订单") if express else _("已通知 %(count)s 个订单的顾客取货")
        return self.ask(request, question, service, counted(done), touched=rows, back=back)

    @page_action(description=gettext_lazy("取消订单"), path="close", permission="close", icon="cancel")
    def close_order(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = self.get_object(request, object_id)
        question = Question(
            title=_("取消待付款订单"),
            facts=figures([order]),
            note=_("取消前会先到支付渠道关单；如果顾客已经付款，订单按已付款处理。"),
            button=_("取消订单"),
        )
        service = partial(order_services.close_order, order_id=order.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, _("订单 %(code)s 已取消，库存已退回") % {"code": order}, touched=[order])

    @page_action(description=gettext_lazy("查询支付"), path="recheck", permission="recheck", icon="sync")
    def recheck(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = self.get_object(request, object_id)
        payment = order.payments.order_by("pk").last()
        payment_id = payment.pk if payment else 0
        facts = [*figures([order]), (_("商户单号"), payment or "—")]
        question = Question(title=_("查询支付"), facts=facts, note=_("向支付渠道查询最近一次支付的结果。"), button=_("立即查询"))
        service = partial(payments.recheck, payment_id=payment_id, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, result_of, touched=[order])

    @page_action(description=gettext_lazy("退款"), path="refund", permission="refund", icon="currency_exchange", danger=True)
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = self.get_object(request, object_id)
        payment = order.payments.filter(use=PaymentUse.APPLIED).first()
        received, left = (payment.received or ZERO, payment.left_to_refund()) if payment else (ZERO, ZERO)
        facts = [*figures([order]), (_("实付"), f"¥{received}"), (_("已退或退款中"), f"¥{received - left}"), (_("可退"), f"¥{left}")]
        note = _("待取货、已发货和已完成的订单退款后不退回库存。")
        question = Question(
            title=_("退款"), facts=facts, note=note, button=_("确认退款"), danger=True, form=RefundForm, form_options={"left": left}
        )
        service = partial(refunds.refund_order, order_id=order.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, refund_wanted(), touched=[order])

    @page_action(description=gettext_lazy("更正物流"), path="parcel", permission="fulfil", icon="edit_location")
    def correct_parcel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = self.get_object(request, object_id)
        typed = {"carrier": order.carrier, "tracking_number": order.tracking_number}
        question = Question(
            title=_("更正物流"),
            facts=figures([order]),
            note=_("只能更正一次：微信对每笔付款只接受一次更正。"),
            button=_("更正物流"),
            form=DeliverForm,
            form_options={"initial": typed},
        )
        service = partial(parcels.correct_parcel, order_id=order.pk, principal=caller(request), now=timezone.now())
        done = _("订单 %(code)s 的物流已更正") % {"code": order}
        return self.ask(request, question, service, done, touched=[order])

    @display(description=gettext_lazy("订单"), header=True, ordering="code")
    def number(self, order: Order) -> tuple[str, str]:
        return order.code, f"{order.group_buying.name} · #{order.sequence}"

    @display(description=gettext_lazy("顾客"), header=True, ordering="buyer__nickname")
    def person(self, order: Order) -> tuple[str, str]:
        return order.buyer.nickname, self.phone_shown(order)

    @display(description=gettext_lazy("商品"))
    def goods(self, order: Order) -> str:
        return goods_of(order)

    @display(description=gettext_lazy("金额"), ordering="money")
    def amount(self, order: Order) -> str:
        return f"¥{order.money}"

    @display(description=gettext_lazy("状态"), label=BADGES, ordering="status")
    def stage_label(self, order: Any) -> tuple[str, str | Promise]:
        return order.stage, Stage(order.stage).label

    @display(description=gettext_lazy("状态"))
    def stage_text(self, order: Any) -> str | Promise:
        return Stage(order.stage).label

    @display(description=gettext_lazy("取货时间"))
    def collected(self, order: Order) -> str:
        return pick_up_dates.dates_of_order(order).in_words() or "—"

    @display(description=gettext_lazy("取货开始"))
    def pick_up_start(self, order: Order) -> datetime | None:
        return pick_up_dates.dates_of_order(order).pick_up_from

    @display(description=gettext_lazy("取货截止"))
    def pick_up_end(self, order: Order) -> datetime | None:
        return pick_up_dates.dates_of_order(order).pick_up_until

    @display(description=gettext_lazy("团购"))
    def group_buying_name(self, order: Order) -> str:
        return order.group_buying.name

    @display(description=gettext_lazy("门店"))
    def shop_name(self, order: Order) -> str:
        return order.shop.name

    @display(description=gettext_lazy("顾客"))
    def buyer_name(self, order: Order) -> str:
        return order.buyer.nickname

    @display(description=gettext_lazy("电话"))
    def phone_shown(self, order: Any) -> str:
        return mask_phone(order.phone) if order.masked else order.phone

    @display(description=gettext_lazy("收货人"))
    def recipient_shown(self, order: Any) -> str:
        return "—" if order.masked else order.recipient or "—"

    @display(description=gettext_lazy("地址"))
    def address_shown(self, order: Any) -> str:
        return "—" if order.masked else order.address or "—"

    @display(description=gettext_lazy("备注"))
    def remark_shown(self, order: Any) -> str:
        return "—" if order.masked else order.remark or "—"


def offers(order: Order) -> set[str]:
    """The paths of the actions that make sense where the order stands; the services decide."""
    is_overdue, is_sent = order.is_overdue(timezone.now()), order.status == OrderStatus.SHIPPED and order.is_express
    fitting = {
        "confirm": order.status == OrderStatus.PAID,
        "deliver": order.status in (OrderStatus.PAID, OrderStatus.CONFIRMED),
        "reschedule": not order.is_express and order.is_to_hand_over(),
        "remind": is_overdue,
        "end": is_overdue,
        "refund": order.status in BOUGHT,
        "close": order.status in AWAITING_PAYMENT,
        "recheck": order.payments.exists(),
        "parcel": is_sent and not parcels.is_corrected(order),
    }
    return {path for path, fits in fitting.items() if fits}
