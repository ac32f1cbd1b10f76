"""The admin of tenants, people and the catalogue."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.validators import RegexValidator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail import mini_program
from retail.backoffice import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    Question,
    RangeDateFilter,
    ReadOnlyAdmin,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    ScopedInline,
    caller,
    display,
    page_action,
    visible,
)
from retail.backoffice.theme import dress
from retail.models import AppSecret, Product, ProductClass, ProductImage, Tenant, WeChatIdentity
from retail.refusals import Refusal
from retail.rights import Right

is_host_name = re.compile(r"(?:[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?\.)+[0-9a-z-]{2,63}", re.ASCII).fullmatch
is_app_secret = RegexValidator(r"\A[0-9A-Za-z]{32}\Z", gettext_lazy("AppSecret 为 32 位字母和数字"))


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


class AppSecretForm(ScopedForm):
    """The secret goes in and is never shown again; left empty, what is stored stays."""

    write_only = ("value",)
    value = forms.CharField(
        label=gettext_lazy("小程序 AppSecret"),
        validators=[is_app_secret],
        # Without its value: a form that comes back with a complaint would show it.
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("value", None)
        dress([self.fields["value"]])
        if not self.instance._state.adding:
            self.fields["value"].required = False
            self.fields["value"].help_text = _("已保存，留空则不变。")

    def _get_validation_exclusions(self) -> set[str]:
        # Its rule, one for each tenant, is told in words that fit headquarters' form, which has no tenant.
        return super()._get_validation_exclusions() | {"tenant"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        tenant_id = getattr(cleaned.get("tenant"), "pk", None) or self.instance.tenant_id
        if self.instance._state.adding and AppSecret.objects.filter(tenant=tenant_id).exists():
            raise forms.ValidationError(_("已登记小程序密钥，请在原记录上更换"))
        return cleaned

    def clean_value(self) -> str:
        return str(self.cleaned_data["value"] or self.instance.value)


def require_secret(tenant: Tenant) -> None:
    """Raises Refusal with what is wrong with the tenant's own secret."""
    if wrong := mini_program.try_secret(tenant):
        raise Refusal(wrong)


@admin.register(AppSecret)
class AppSecretAdmin(ScopedAdmin):
    form = AppSecretForm
    list_display = ("tenant", "app_id")
    list_select_related = ("tenant",)
    shop_path = ""
    readonly_fields = ("app_id", "advice")
    actions_detail = ("try_secret",)
    fieldsets = ((None, {"fields": ("tenant", "app_id", "value", "advice")}),)

    @display(description=gettext_lazy("小程序 AppId"))
    def app_id(self, secret: AppSecret) -> str:
        return getattr(secret.tenant, "app_id", None) or _("平台尚未登记")

    @display(description=gettext_lazy("说明"))
    def advice(self, secret: AppSecret) -> str:
        return _("用于本商家的小程序：登录、订阅消息、分享码、发货上报。AppId 由平台登记，没有时用平台的小程序。保存后请验证。")

    def has_try_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.KEEP_APP_SECRET)

    @page_action(description=gettext_lazy("验证密钥"), path="try", permission="try", icon="verified")
    def try_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        secret = self.get_object(request, object_id)

        note = _("用 AppId 和 AppSecret 向微信要一个访问令牌。不发送任何消息，正在使用的令牌不受影响。")
        facts = [(_("商家"), secret.tenant), (_("小程序 AppId"), self.app_id(secret))]
        question = Question(title=_("验证密钥"), facts=facts, note=note, button=_("立即验证"))
        return self.ask(request, question, partial(require_secret, secret.tenant), _("微信接受了这个密钥"), touched=[secret])


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
        ("storage", ChoicesDropdownFilter),
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
        "storage",
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
        (None, {"fields": ("tenant", "name", ("code", "barcode"), "product_class", ("unit", "spec"), ("storage", "in_use"))}),
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
