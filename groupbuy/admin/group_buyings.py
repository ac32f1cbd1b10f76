"""Group buys: written down, switched, ended and cancelled."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.admin import content, pick_list, rescheduling, short_delivery
from groupbuy.admin.forms import CancelForm
from groupbuy.admin.group_buying_form import GroupBuyingForm
from groupbuy.models import GroupBuying, GroupBuyingImage, Order, Outcome, Phase
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT, units_where
from groupbuy.models.phases import OVER
from groupbuy.orders import group_buyings, pick_up_dates
from retail.backoffice import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    Question,
    RangeDateFilter,
    RelatedFilter,
    ScopedInline,
    caller,
    display,
    page_action,
)
from retail.money import ZERO, to_cents
from retail.rights import Right
from shops.admin.bases import OfShopAdmin

# What buyers have agreed to.
AGREED = ("shop", "product", "price", "content", "deliver_type", *rescheduling.DATES)


class PhaseFilter(admin.SimpleListFilter):
    title = gettext_lazy("状态")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Phase.choices, ("over", _("全部已结束"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if not self.value():
            return queryset
        wanted = OVER if self.value() == "over" else [self.value()]
        return queryset.in_phase(*wanted, now=timezone.now())


class ImageInline(ScopedInline):
    model = GroupBuyingImage
    fields = ("image", "sort")
    verbose_name_plural = gettext_lazy("图片")


@admin.register(GroupBuying)
class GroupBuyingAdmin(OfShopAdmin):
    form = GroupBuyingForm
    tenant_path = "tenant"
    list_display = ("named", "shop", "amount", "sold", "order_count", "ends", "collected", "state_label", "link")
    pills = (
        (gettext_lazy("全部"), ""),
        (gettext_lazy("进行中"), "state=running"),
        (gettext_lazy("即将开团"), "state=upcoming"),
        (gettext_lazy("已结束"), "state=over"),
    )
    list_filter = (
        PhaseFilter,
        ("shop", RelatedFilter),
        ("in_use", BooleanRadioFilter),
        ("outcome", ChoicesDropdownFilter),
        ("end_at", RangeDateFilter),
    )
    list_select_related = ("shop", "product", "creator")
    search_fields = ("name", "product__name", "product__code", "product__pinyin")
    search_help_text = gettext_lazy("团购名称、商品名称、货号、拼音首字母")
    autocomplete_fields = ("product",)
    exported = (
        "name",
        "shop",
        "product__code",
        (gettext_lazy("商品"), "product__name"),
        "spec",
        "content",
        "price",
        "quota",
        "taken",
        "paid_units",
        "unpaid_units",
        "goods_paid",
        (gettext_lazy("订单数"), "live"),
        "min_qty",
        "deliver_type",
        "start_at",
        "end_at",
        "pick_up_from",
        "pick_up_until",
        "ships_on",
        "state",
        "creator_name",
        "tenant",
    )
    inlines = (ImageInline,)
    fixed = ("in_use",)
    readonly_fields = (
        "taken",
        "paid_units",
        "unpaid_units",
        "goods_paid",
        "order_count",
        "visits",
        "creator_name",
        "created_at",
        "state",
        "declared_at",
        "declarer",
    )
    actions_detail = ("print_pick_list", "reschedule", "switch", "close_early", "declare_reached", "short_delivery", "cancel")
    fieldsets = (
        (None, {"fields": ("name", "shop", "product", ("spec", "content"), "description")}),
        (gettext_lazy("价格与库存"), {"fields": (("price", "quota"), ("per_order_limit", "per_buyer_limit"), "min_qty")}),
        (gettext_lazy("时间"), {"fields": ("start_at", "end_at", "in_use")}),
        (
            gettext_lazy("配送"),
            {
                "fields": ("deliver_type", "pick_up_from", "pick_up_until", "ships_on", "address", ("lbs", "phone")),
                "description": gettext_lazy("自提地址、坐标和电话留空则用门店的。"),
            },
        ),
        (
            gettext_lazy("进展"),
            {"fields": (("state", "taken"), ("paid_units", "unpaid_units"), ("goods_paid", "order_count"), ("visits", "creator_name"))},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        own = Order.objects.filter(group_buying=OuterRef("pk")).order_by()
        count = own.live().values("group_buying").annotate(n=Count("pk")).values("n")
        figures = {"units": units_where(Q(status__in=BOUGHT)), "unpaid": units_where(Q(status__in=AWAITING_PAYMENT))}
        return super().get_queryset(request).annotate(live=Coalesce(Subquery(count), 0), **figures)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        readonly = super().get_readonly_fields(request, obj)
        if obj is None or not obj.last_sequence:
            return readonly
        # What one of before never said can still be said.
        return [*readonly, *(name for name in AGREED if name != "content" or obj.content)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        *fieldsets, (title, progress) = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        declared = [("declared_at", "declarer")] if obj.declared_at else []
        return [*fieldsets, (title, progress | {"fields": (*progress["fields"], *declared)})]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        now = timezone.localtime().replace(second=0, microsecond=0)
        evening = now.replace(hour=20, minute=0) + timedelta(days=1)
        return {"start_at": now, "end_at": evening} | super().get_changeform_initial_data(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        decided = isinstance(obj, GroupBuying) and obj.outcome != Outcome.OPEN
        return bool(super().has_change_permission(request, obj)) and not decided

    def has_manage_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.MANAGE_GROUP_BUYS)

    def has_orders_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.HAND_OVER)

    def begin(self, request: HttpRequest, instance: GroupBuying) -> None:
        instance.creator = caller(request).user  # type: ignore[assignment]
        instance.spec = instance.spec or instance.product.spec
        instance.address = instance.address or instance.shop.address
        instance.lbs = instance.lbs or instance.shop.lbs_point
        instance.phone = instance.phone or instance.shop.phone

    def save_model(self, request: HttpRequest, obj: GroupBuying, form: Any, change: bool) -> None:
        """The stock goes through its service, before the rest when it grows and after it when it shrinks: the minimum lies below it."""
        changed = list(form.changed_data)
        if not change or "quota" not in changed:
            super().save_model(request, obj, form, change)
            return
        others = self.written(obj, [name for name in changed if name != "quota"])
        grows = obj.quota > form.initial["quota"]
        if others and not grows:
            obj.save(update_fields=others)
        group_buyings.change_quota(group_buying_id=obj.pk, quota=obj.quota, principal=caller(request), now=timezone.now())
        if others and grows:
            obj.save(update_fields=others)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if content.COMPARED.intersection(form.changed_data):
            content.warn(request, form.instance)

    def written(self, instance: Model, changed: Sequence[str]) -> list[str]:
        # With the way of delivery the dates that go with it were proposed.
        dates = rescheduling.DATES if {"deliver_type", *rescheduling.DATES} & set(changed) else ()
        return [name for name in super().written(instance, [*dict.fromkeys([*changed, *dates])]) if name != "in_use"]

    def view_on_site(self, group_buying: GroupBuying) -> str:
        return f"/g/{group_buying.pk}/"

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        group_buying = self.get_object(request, str(object_id))
        now, offered = timezone.now(), {"pick-list"}
        if group_buying.outcome == Outcome.OPEN:
            offered |= {"switch", "cancel"} | ({"close"} if group_buying.start_at < now < group_buying.end_at else set())
        if group_buying.is_undecided and group_buying.start_at <= now:
            offered.add("declare")
        if not group_buying.is_unsuccessful:
            offered |= {"reschedule"} | ({"short"} if group_buying.units else set())
        return [action for action in super().get_actions_detail(request, object_id) if action.path in offered]

    @page_action(description=gettext_lazy("配货单"), path="pick-list", permission="orders", icon="print")
    def print_pick_list(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return pick_list.show(request, self.get_object(request, object_id))

    @page_action(description=gettext_lazy("改期"), path="reschedule", permission="manage", icon="event")
    def reschedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return rescheduling.ask_group_buying(self, request, self.get_object(request, object_id))

    @page_action(description=gettext_lazy("启用 / 停用"), path="switch", permission="manage", icon="toggle_on")
    def switch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        group_buying = self.get_object(request, object_id)
        on = not group_buying.in_use
        title = _("启用团购") if on else _("停用团购")
        note = _("启用后顾客可以继续下单。") if on else _("停用后只是不再接受新订单，已有订单照常履约；随时可以再启用。")
        question = Question(title=title, facts=figures(group_buying), note=note, button=title)
        service = partial(group_buyings.switch, group_buying_id=group_buying.pk, in_use=on, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, _("已启用，可以下单") if on else _("已停用，不再接受新订单"), touched=[group_buying])

    @page_action(description=gettext_lazy("提前截单"), path="close", permission="manage", icon="timer_off")
    def close_early(self, request: HttpRequest, object_id: str) -> HttpResponse:
        group_buying = self.get_object(request, object_id)
        note = _("截单时间改为现在。")
        if group_buying.min_qty:
            note += _("成团需要 %(needed)s 份，已付 %(paid)s 份；不足则全部自动退款。") % {
                "needed": group_buying.min_qty,
                "paid": group_buying.units,
            }
        question = Question(title=_("提前截单"), facts=figures(group_buying), note=note, button=_("立即截单"), danger=True)
        service = partial(group_buyings.close_early, group_buying_id=group_buying.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, _("团购已截单"), touched=[group_buying])

    @page_action(description=gettext_lazy("提前成团"), path="declare", permission="manage", icon="verified")
    def declare_reached(self, request: HttpRequest, object_id: str) -> HttpResponse:
        group_buying = self.get_object(request, object_id)
        facts = [*figures(group_buying), (_("成团份数"), group_buying.min_qty)]
        note = _("不等凑满就算成团，不能撤销：已付的订单开始备货，可以发货和取货，截单后也不会因为份数不足退款；截单前顾客还能继续下单。")
        question = Question(title=_("提前成团"), facts=facts, note=note, button=_("确认成团"), danger=True)
        service = partial(group_buyings.declare_reached, group_buying_id=group_buying.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, _("已提前成团，订单开始备货"), touched=[group_buying])

    def has_refund_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.REFUND)

    @page_action(description=gettext_lazy("缺货退款"), path="short", permission="refund", icon="production_quantity_limits")
    def short_delivery(self, request: HttpRequest, object_id: str) -> HttpResponse:
        group_buying = self.get_object(request, object_id)
        return short_delivery.ask(self, request, group_buying, short_delivery.orders_on_page(request, group_buying))

    @page_action(description=gettext_lazy("取消团购"), path="cancel", permission="manage", icon="block", danger=True)
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        group_buying = self.get_object(request, object_id)
        facts = figures(group_buying)
        note = _("取消不能撤销：待付款的订单一并取消，已付款的订单全部原路退款。只想停止接单请用「停用」。")
        question = Question(
            title=_("取消团购"),
            facts=facts,
            note=note,
            button=_("取消并退款"),
            danger=True,
            form=CancelForm,
            form_options=bought_in(group_buying),
        )
        service = partial(group_buyings.cancel, group_buying_id=group_buying.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, cancelled_for, touched=[group_buying])

    @display(description=gettext_lazy("团购"), header=True, ordering="name")
    def named(self, group_buying: GroupBuying) -> tuple[str, str]:
        return group_buying.name, " · ".join(part for part in (group_buying.product.name, group_buying.spec) if part)

    @display(description=gettext_lazy("单价"), ordering="price")
    def amount(self, group_buying: GroupBuying) -> str:
        return f"¥{group_buying.price}"

    @display(description=gettext_lazy("已付 / 库存"))
    def sold(self, group_buying: Any) -> str:
        unpaid = _("（待付 %(unpaid)s）") % {"unpaid": group_buying.unpaid} if group_buying.unpaid else ""
        return f"{group_buying.units} / {group_buying.quota}{unpaid}"

    @display(description=gettext_lazy("已付份数"))
    def paid_units(self, group_buying: Any) -> int:
        return int(group_buying.units)

    @display(description=gettext_lazy("待付份数"))
    def unpaid_units(self, group_buying: Any) -> int:
        return int(group_buying.unpaid)

    @display(description=gettext_lazy("已付合计"))
    def goods_paid(self, group_buying: Any) -> str:
        return content.in_words(group_buying, group_buying.units) or "—"

    @display(description=gettext_lazy("订单"))
    def order_count(self, group_buying: Any) -> str:
        address = reverse("admin:groupbuy_order_changelist")
        return format_html('<a class="text-link" href="{}?group_buying__id__exact={}">{}</a>', address, group_buying.pk, group_buying.live)

    @display(description=gettext_lazy("访问次数"))
    def visits(self, group_buying: GroupBuying) -> int:
        return group_buying.visit_times.times if hasattr(group_buying, "visit_times") else 0

    @display(description=gettext_lazy("创建人"))
    def creator_name(self, group_buying: GroupBuying) -> str:
        return group_buying.creator.nickname

    @display(description=gettext_lazy("提前成团的人"))
    def declarer(self, group_buying: GroupBuying) -> str:
        return group_buying.declared_by.nickname if group_buying.declared_by else "—"

    @display(description=gettext_lazy("截单时间"), ordering="end_at")
    def ends(self, group_buying: GroupBuying) -> Any:
        return group_buying.end_at

    @display(description=gettext_lazy("取货时间"), ordering="pick_up_from")
    def collected(self, group_buying: GroupBuying) -> str:
        return pick_up_dates.dates_of(group_buying).in_words() or "—"

    @display(
        description=gettext_lazy("状态"),
        label={
            Phase.RUNNING: "success",
            Phase.SUCCEEDED: "success",
            Phase.UPCOMING: "info",
            Phase.UNDECIDED: "info",
            Phase.SOLD_OUT: "warning",
            Phase.OFF: "danger",
            Phase.FAILED: "danger",
            Phase.CANCELLED: "danger",
            Phase.ENDED: "default",
        },
    )
    def state_label(self, group_buying: GroupBuying) -> tuple[str, str]:
        phase = group_buying.phase(timezone.now())
        return phase.value, str(phase.label)

    @display(description=gettext_lazy("状态"))
    def state(self, group_buying: GroupBuying) -> str:
        return str(group_buying.phase(timezone.now()).label)

    @display(description=gettext_lazy("顾客页面"))
    def link(self, group_buying: GroupBuying) -> str:
        return format_html('<a class="text-link" href="{}" target="_blank">{}</a>', self.view_on_site(group_buying), _("打开"))


def cancelled_for(cancelled: GroupBuying, reason: str) -> str:
    return _("团购已取消，已付订单将自动退款：%(reason)s") % {"reason": reason}


def figures(group_buying: Any) -> list[tuple[Any, Any]]:
    """What a decision about a group buy touches."""
    bought = bought_in(group_buying)
    return [
        (_("团购"), group_buying.name),
        (_("待付款订单"), group_buying.orders.awaiting_payment().count()),
        (_("已付订单"), bought["orders"]),
        (_("已付份数"), f"{group_buying.units} / {group_buying.quota}"),
        (_("已付金额"), f"¥{bought['money']}"),
    ]


def bought_in(group_buying: GroupBuying) -> dict[str, Any]:
    """How many orders are paid for, and their yuan."""
    sums = group_buying.orders.bought().aggregate(orders=Count("pk"), money=Sum("money"))
    return {"orders": sums["orders"], "money": to_cents(sums["money"] or ZERO)}
