"""Who shared and who looked, and the small tables behind the scenes, which only the platform opens."""

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from groupbuy.models import IdempotencyKey, OrderEvent, SandboxRefund, SandboxTrade, Share, ShareVisitor, Visitor, VisitTimes, WrongCode
from retail.backoffice import AutocompleteFilter, RangeDateFilter, ReadOnlyAdmin, RelatedFilter, display


class OfGroupBuyingAdmin(ReadOnlyAdmin):
    tenant_path, shop_path = "group_buying__tenant", "group_buying__shop"


@admin.register(Share)
class ShareAdmin(OfGroupBuyingAdmin):
    list_display = ("user", "group_buying", "visitor_count", "created_at")
    list_filter = (("group_buying", AutocompleteFilter), ("created_at", RangeDateFilter))
    list_select_related = ("user", "group_buying")
    search_fields = ("user__nickname", "group_buying__name")
    fieldsets = ((None, {"fields": ("user_name", "group_buying", "visitor_count", "created_at")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(visitor_total=Count("visitors"))

    @display(description=gettext_lazy("带来的访客"), ordering="visitor_total")
    def visitor_count(self, share: Any) -> int:
        return int(share.visitor_total)

    @display(description=gettext_lazy("分享人"))
    def user_name(self, share: Share) -> str:
        return share.user.nickname


@admin.register(Visitor)
class VisitorAdmin(OfGroupBuyingAdmin):
    list_display = ("user", "group_buying", "last_at")
    list_filter = (("group_buying", AutocompleteFilter), ("last_at", RangeDateFilter))
    list_select_related = ("user", "group_buying")
    search_fields = ("user__nickname", "group_buying__name")
    fieldsets = ((None, {"fields": ("user_name", "group_buying", "last_at")}),)

    @display(description=gettext_lazy("访客"))
    def user_name(self, visitor: Visitor) -> str:
        return visitor.user.nickname


@admin.register(VisitTimes)
class VisitTimesAdmin(OfGroupBuyingAdmin):
    list_display = ("group_buying", "times")
    list_select_related = ("group_buying",)
    fieldsets = ((None, {"fields": ("group_buying", "times")}),)


@admin.register(ShareVisitor)
class ShareVisitorAdmin(ReadOnlyAdmin):
    tenant_path, shop_path = "share__group_buying__tenant", "share__group_buying__shop"
    list_display = ("share", "visitor")
    list_select_related = ("share", "visitor")
    fieldsets = ((None, {"fields": ("share", "visitor")}),)


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    tenant_path, shop_path = "order__tenant", "order__shop"
    list_display = ("created_at", "order", "from_status", "to_status", "actor_kind", "actor", "reason")
    list_filter = (("order__shop", RelatedFilter), ("created_at", RangeDateFilter))
    list_select_related = ("order", "actor")
    search_fields = ("order__code",)
    fieldsets = ((None, {"fields": ("created_at", "order", "from_status", "to_status", "actor_kind", "actor_name", "reason")}),)

    @display(description=gettext_lazy("操作人"))
    def actor_name(self, event: OrderEvent) -> str:
        return event.actor.nickname if event.actor else "—"


@admin.register(WrongCode)
class WrongCodeAdmin(ReadOnlyAdmin):
    tenant_path = "shop__tenant"
    list_display = ("tried_at", "user", "shop")
    list_select_related = ("user", "shop")
    fieldsets = ((None, {"fields": ("tried_at", "user", "shop")}),)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    tenant_path, shop_path = "user__tenant", ""
    list_display = ("key", "user", "order", "created_at")
    list_select_related = ("user", "order")
    fieldsets = ((None, {"fields": ("key", "user", "order", "created_at")}),)


@admin.register(SandboxTrade)
class SandboxTradeAdmin(ReadOnlyAdmin):
    """The pretended bank belongs to no tenant."""

    tenant_path = ""
    list_display = ("out_trade_no", "total", "state", "paid_at", "created_at")
    search_fields = ("out_trade_no",)
    fieldsets = ((None, {"fields": ("out_trade_no", "total", "state", "paid_at", "created_at")}),)


@admin.register(SandboxRefund)
class SandboxRefundAdmin(ReadOnlyAdmin):
    tenant_path = ""
    list_display = ("out_refund_no", "trade", "amount", "created_at")
    list_select_related = ("trade",)
    fieldsets = ((None, {"fields": ("out_refund_no", "trade", "amount", "created_at")}),)
