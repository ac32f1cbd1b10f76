"""The admin of tenants, people and the catalogue."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail.backoffice import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    RangeDateFilter,
    ReadOnlyAdmin,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    ScopedInline,
    display,
    visible,
)
from retail.models import Product, ProductClass, ProductImage, Tenant, WeChatIdentity

is_host_name = re.compile(r"(?:[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?\.)+[0-9a-z-]{2,63}", re.ASCII).fullmatch


class TenantForm(ScopedForm):
    def clean_host_name(self) -> str | None:
        """The host name in the form in which browsers send it. The installation's own is refused here, another tenant's by the model."""
        host = (self.cleaned_data["host_name"] or "").lower().rstrip(".") or None
        if host and not is_host_name(host):
            raise forms.ValidationError(_("请填写域名，如 shop.example.com，不带协议、端口和路径"))
        if host and host == urlsplit(settings.PUBLIC_BASE_URL).hostname:
            raise forms.ValidationError(_("这是平台自己的域名"))
        return host


@admin.register(Tenant)
class TenantAdmin(ScopedAdmin):
    form = TenantForm
    list_display = ("name", "code", "app_id", "host_name", "in_use", "created_at")
    list_filter = (("in_use", BooleanRadioFilter),)
    search_fields = ("name", "code")
    tenant_path, shop_path = "pk", ""
    fixed = ("code",)
    fieldsets = ((None, {"fields": ("code", "name", "app_id", "host_name", "in_use")}),)


@admin.register(WeChatIdentity)
class WeChatIdentityAdmin(ReadOnlyAdmin):
    list_display = ("user", "app_id", "open_id", "union_id")
    list_select_related = ("user",)
    search_fields = ("open_id", "user__nickname")
    tenant_path, shop_path = "user__tenant", ""
    fieldsets = ((None, {"fields": ("user", "app_id", "open_id", "union_id")}),)


class ProductClassForm(ScopedForm):
    def clean_parent(self) -> ProductClass | None:
        parent: ProductClass | None = self.cleaned_data["parent"]
        below = visible(ProductClass, self.principal).with_descendants({self.instance.pk})
        if parent and parent.pk in below:
            raise forms.ValidationError(_("上级分类不能是自己或自己的下级"))
        return parent


@admin.register(ProductClass)
class ProductClassAdmin(ScopedAdmin):
    form = ProductClassForm
    list_display = ("name", "code", "parent", "sort", "tenant")
    list_filter = (("parent", RelatedFilter), ("tenant", RelatedFilter))
    list_select_related = ("parent", "tenant")
    search_fields = ("name", "code")
    autocomplete_fields = ("parent",)
    ordering = ("sort", "code")
    fieldsets = ((None, {"fields": ("tenant", "code", "name", "parent", "sort")}),)


class ProductImageInline(ScopedInline):
    model = ProductImage
    fields = ("image", "sort")


@admin.register(Product)
class ProductAdmin(ScopedAdmin):
    list_display = ("named", "product_class", "unit", "pricing_type", "price", "member_price", "in_use", "tenant")
    list_filter = (
        ("product_class", RelatedFilter),
        ("in_use", BooleanRadioFilter),
        ("pricing_type", ChoicesDropdownFilter),
        ("tenant", RelatedFilter),
    )
    list_select_related = ("product_class", "tenant")
    search_fields = ("name", "code", "barcode", "pinyin")
    search_help_text = gettext_lazy("名称、货号、条码、拼音首字母")
    autocomplete_fields = ("product_class",)
    pills = ((gettext_lazy("全部"), ""), (gettext_lazy("在用"), "in_use__exact=1"), (gettext_lazy("停用"), "in_use__exact=0"))
    exported = (
        "code",
        "barcode",
        "name",
        "spec",
        "product_class",
        "unit",
        "pricing_type",
        "pack_size",
        "price",
        "member_price",
        "in_use",
        "source",
        "created_at",
        "tenant",
    )
    inlines = (ProductImageInline,)
    readonly_fields = ("pinyin", "source", "created_at")
    fieldsets = (
        (None, {"fields": ("tenant", "name", ("code", "barcode"), "product_class", ("unit", "spec"), "in_use")}),
        (
            gettext_lazy("价格"),
            {
                "fields": (("price", "member_price"), ("pricing_type", "pack_size")),
                "description": gettext_lazy("门店上架时以此为初始价格；已上架的门店商品不受影响。"),
            },
        ),
        (gettext_lazy("其他"), {"fields": ("pinyin", "source", "created_at"), "classes": ("collapse",)}),
    )

    def written(self, instance: Model, changed: Sequence[str]) -> list[str]:
        names = super().written(instance, changed)
        return [*names, "pinyin"] if "name" in names else names

    @display(description=gettext_lazy("商品"), header=True, ordering="name")
    def named(self, product: Product) -> tuple[str, str]:
        return product.name, " · ".join(part for part in (product.code, product.spec) if part)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Who did what in the admin."""

    list_display = ("action_time", "user", "content_type", "object_repr", "what")
    list_filter = (("action_time", RangeDateFilter),)
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "user__nickname", "user__username")
    tenant_path, shop_path = "user__tenant", ""
    fieldsets = ((None, {"fields": ("action_time", "user", "content_type", "object_repr", "what")}),)

    @display(description=gettext_lazy("操作"))
    def what(self, entry: LogEntry) -> str:
        return entry.get_change_message() or str(entry.get_action_flag_display())
