"""The admin of shops and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Field
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pricing import downloads
from retail.backoffice import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    Question,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    become,
    caller,
    display,
    page_action,
    page_of,
    theme,
)
from retail.pictures import kept_with
from retail.principals import Role
from shops import configuration, shops
from shops.models import ConfigItem, ConfigValue, Device, DeviceType, Licence, Shop, Stall


class OfShopAdmin(ScopedAdmin):
    """For rows of a shop: it is chosen once, among the open ones."""

    tenant_path = "shop__tenant"
    fixed: Sequence[str] = ("shop",)

    def choices_of(self, db_field: Field[Any, Any], rows: Any, request: HttpRequest) -> Any:
        return rows.open() if db_field.name == "shop" else rows

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Who has one shop needn't choose it."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        shop_ids = caller(request).shop_ids
        return initial | ({"shop": next(iter(shop_ids))} if shop_ids is not None and len(shop_ids) == 1 else {})


@admin.register(Shop)
class ShopAdmin(ScopedAdmin):
    list_display = ("named", "address", "phone", "markup", "app_key", "price_version", "state", "tenant")
    list_filter = (("tenant", RelatedFilter),)
    list_select_related = ("tenant",)
    search_fields = ("name", "code", "address")
    search_help_text = gettext_lazy("名称、编码、地址")
    pills = ((gettext_lazy("营业"), "removed_at__isnull=True"), (gettext_lazy("停业"), "removed_at__isnull=False"))
    linked = ("removed_at",)
    ordering = ("code",)
    managers_only = ("app_key",)
    headquarters_only = ("staff", "allows_basic_auth")
    readonly_fields = ("app_key", "price_version", "previous_secret_until", "created_at")
    fixed = ("code",)
    actions_detail = ("show_secret", "rotate_secret", "close_down")
    fieldsets = (
        (None, {"fields": ("tenant", "name", "code", "phone", "address", "lbs_point", "area", "image")}),
        (gettext_lazy("价格"), {"fields": ("markup", "price_version")}),
        (gettext_lazy("员工"), {"fields": ("staff",)}),
        (gettext_lazy("设备接口"), {"fields": ("app_key", "previous_secret_until", "allows_basic_auth")}),
    )

    def choices_of(self, db_field: Field[Any, Any], rows: Any, request: HttpRequest) -> Any:
        if db_field.name != "staff":
            return rows
        # Headquarters is everywhere already.
        return rows.staff().filter(groups__name__in=("店员", "店长"), is_active=True).distinct().order_by("nickname")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(db_field, request, widget=theme.Choices(), **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not (isinstance(obj, Shop) and obj.removed_at)

    def has_close_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.role_in(request, Role.HEADQUARTERS)

    def has_secret_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.role_in(request, Role.HEADQUARTERS) and caller(request).sees_secrets

    def save_model(self, request: HttpRequest, obj: Shop, form: Any, change: bool) -> None:
        names = self.written(obj, form.changed_data)
        fields = {name: getattr(obj, name) for name in names if name != "tenant"}
        with kept_with([form]):
            if change:
                shops.update_shop(shop_id=obj.pk, principal=caller(request), fields=fields)
            else:
                become(obj, shops.create_shop(tenant_id=obj.tenant_id, fields=fields))

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        closed = self.get_object(request, str(object_id)).removed_at
        return [] if closed else list(super().get_actions_detail(request, object_id))

    @page_action(description=gettext_lazy("查看密钥"), path="secret", permission="secret", icon="visibility")
    def show_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        shop = self.get_object(request, object_id)
        title, facts = _("查看 AppSecret"), [(_("门店"), shop), ("AppKey", shop.app_key)]
        if request.method == "POST":
            self.log_change(request, shop, _("查看了 AppSecret"))
            shown = Question(title=title, facts=[*facts, ("AppSecret", shop.app_secret)], note=_("请勿截图或转发。"))
            return self.show_question(request, shown, None, page_of(shop))
        question = Question(title=title, facts=facts, note=_("密钥可代表门店的全部设备。查看会被记录。"), button=_("显示密钥"))
        return self.show_question(request, question, None, page_of(shop))

    @page_action(description=gettext_lazy("更换密钥"), path="rotate", permission="secret", icon="autorenew")
    def rotate_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        shop = self.get_object(request, object_id)

        def act(values: dict[str, Any]) -> str:
            shops.rotate_secret(shop_id=shop.pk, principal=caller(request), now=timezone.now())
            return _("已更换密钥，旧密钥 24 小时内仍可使用")

        facts = [(_("门店"), shop), (_("设备"), _("%(count)s 台") % {"count": shop.devices.filter(in_use=True).count()})]
        note = _("换后请在 24 小时内把新密钥填到每台收银机和秤上，过期后旧密钥失效，设备无法下载价格。")
        question = Question(title=_("更换 AppSecret"), facts=facts, note=note, button=_("更换密钥"), danger=True)
        return self.ask(request, question, act, touched=[shop], back=page_of(shop))

    @page_action(description=gettext_lazy("停业"), path="close", permission="close", icon="block", danger=True)
    def close_down(self, request: HttpRequest, object_id: str) -> HttpResponse:
        shop = self.get_object(request, object_id)

        def act(values: dict[str, Any]) -> str:
            shops.remove_shop(shop_id=shop.pk, principal=caller(request), now=timezone.now())
            return _("%(shop)s 已停业") % {"shop": shop}

        facts = [
            (_("门店"), shop),
            (_("在售商品"), shop.shop_products.live().count()),
            (_("设备"), shop.devices.filter(in_use=True).count()),
        ]
        note = _("停业不能撤销：密钥立即失效，设备不能再下载价格。有进行中的团购或未完成的订单时不能停业。")
        question = Question(title=_("门店停业"), facts=facts, note=note, button=_("确认停业"), danger=True)
        return self.ask(request, question, act, touched=[shop], back=page_of(shop))

    @display(description=gettext_lazy("门店"), header=True, ordering="name")
    def named(self, shop: Shop) -> tuple[str, str]:
        return shop.name, shop.code

    @display(description=gettext_lazy("状态"), label={"open": "success", "closed": "danger"})
    def state(self, shop: Shop) -> tuple[str, str]:
        return ("closed", _("停业")) if shop.removed_at else ("open", _("营业"))


@admin.register(Stall)
class StallAdmin(OfShopAdmin):
    list_display = ("name", "code", "shop", "in_use")
    list_filter = (("shop", RelatedFilter), ("in_use", BooleanRadioFilter))
    list_select_related = ("shop",)
    search_fields = ("name", "code")
    fieldsets = ((None, {"fields": ("shop", "name", "code", "in_use")}),)


class DeviceForm(ScopedForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        stall, shop = cleaned.get("stall"), cleaned.get("shop") or getattr(self.instance, "shop", None)
        if stall is not None and shop is not None and stall.shop_id != shop.pk:
            self.add_error("stall", _("摊位不属于这家门店"))
        return cleaned


@admin.register(Device)
class DeviceAdmin(OfShopAdmin):
    form = DeviceForm
    list_display = ("code", "device_type", "shop", "stall", "ip", "in_use", "progress")
    list_filter = (("shop", RelatedFilter), ("device_type", RelatedFilter), ("in_use", BooleanRadioFilter))
    list_select_related = ("shop", "stall", "device_type")
    search_fields = ("code", "shop__name")
    managers_only = ("ip", "mac")
    readonly_fields = ("synced",)
    actions_detail = ("reset_download",)
    fieldsets = ((None, {"fields": ("shop", "stall", "device_type", "code", "ip", "mac", "in_use", "synced")}),)

    def has_reset_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("shops.change_device"))

    @page_action(description=gettext_lazy("重新下载价格"), path="reset", permission="reset", icon="cloud_download")
    def reset_download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        device = self.get_object(request, object_id)

        def act(values: dict[str, Any]) -> str:
            downloads.reset(shop_id=device.shop_id, device_id=device.pk, principal=caller(request))
            return _("设备下次连接时会重新下载全部价格")

        facts = [(_("设备"), device), (_("门店"), device.shop), (_("价格同步"), self.synced(device))]
        question = Question(title=_("重新下载价格"), facts=facts, note=_("价格不对或换了新秤时使用。"), button=_("重新下载"))
        return self.ask(request, question, act, touched=[device], back=page_of(device))

    @display(description=gettext_lazy("价格同步"), label={"up": "success", "behind": "warning", "reload": "info"})
    def progress(self, device: Device) -> tuple[str, str]:
        behind = device.shop.price_version - device.time_stamp
        if not device.time_stamp:
            return "reload", _("待全量下载")
        return ("behind", _("落后 %(count)s 条") % {"count": behind}) if behind > 0 else ("up", _("已同步"))

    @display(description=gettext_lazy("价格同步"))
    def synced(self, device: Device) -> str:
        return self.progress(device)[1]


@admin.register(DeviceType)
class DeviceTypeAdmin(ScopedAdmin):
    tenant_path = ""
    list_display = ("name", "code")
    search_fields = ("name", "code")
    fieldsets = ((None, {"fields": ("code", "name")}),)


@admin.register(Licence)
class LicenceAdmin(OfShopAdmin):
    list_display = ("shop", "validity_key", "ends")
    list_filter = (("shop", RelatedFilter),)
    list_select_related = ("shop",)
    search_fields = ("shop__name", "shop__code")
    fieldsets = ((None, {"fields": ("shop", "validity_key", "contract_ends_on")}),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_add_permission(request)) and self.role_in(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Headquarters unbinds a machine that was replaced; the end of a contract is the platform's."""
        readonly = super().get_readonly_fields(request, obj)
        return readonly if self.role_in(request) else [*readonly, "contract_ends_on"]

    @display(description=gettext_lazy("合同到期日"), ordering="contract_ends_on")
    def ends(self, licence: Licence) -> str:
        return str(licence.contract_ends_on or _("不限"))


@admin.register(ConfigItem)
class ConfigItemAdmin(ScopedAdmin):
    """The built-in ones are part of the program, which comes back to them after every update: nobody edits them here."""

    tenant_path = ""
    fixed = ("code",)
    list_display = ("name", "code", "group", "value_type", "default", "unit")
    list_filter = (("value_type", ChoicesDropdownFilter),)
    search_fields = ("name", "code")
    ordering = ("group", "code")
    fieldsets = ((None, {"fields": ("code", "name", "description", "group", "value_type", "default", "options", "unit", "module_id")}),)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        built_in = isinstance(obj, ConfigItem) and obj.code in configuration.BUILT_IN
        return bool(super().has_change_permission(request, obj)) and not built_in


class ConfigValueForm(ScopedForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        item = cleaned.get("item") or getattr(self.instance, "item", None)
        if item is not None and "value" in cleaned:
            try:
                configuration.read_value(item, cleaned["value"])
            except configuration.BadValue as error:
                self.add_error("value", forms.ValidationError(error.message))
        return cleaned


@admin.register(ConfigValue)
class ConfigValueAdmin(OfShopAdmin):
    form = ConfigValueForm
    tenant_path = "tenant"
    fixed = ("item", "shop")
    list_display = ("item", "whose", "value", "standard", "tenant")
    list_filter = (("shop", RelatedFilter), ("item", RelatedFilter), ("tenant", RelatedFilter))
    list_select_related = ("item", "shop", "tenant")
    search_fields = ("item__name", "item__code", "value")
    readonly_fields = ("about",)
    fieldsets = ((None, {"fields": ("tenant", "item", "shop", "value", "about")}),)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and self.may_set(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("shops.delete_configvalue")) and self.may_set(request, obj)

    def may_set(self, request: HttpRequest, obj: Any) -> bool:
        return not isinstance(obj, ConfigValue) or configuration.may_set(obj.item, caller(request))

    def choices_of(self, db_field: Field[Any, Any], rows: Any, request: HttpRequest) -> Any:
        if db_field.name != "item" or self.role_in(request):
            return super().choices_of(db_field, rows, request)
        return rows.exclude(code__in=configuration.PLATFORMS_OWN)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "shop" in form.base_fields:
            # Only headquarters may set a value for all shops.
            form.base_fields["shop"].required = not self.role_in(request, Role.HEADQUARTERS)
            form.base_fields["shop"].help_text = "" if form.base_fields["shop"].required else _("留空则对全部门店生效。")
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "item":
            field.label_from_instance = lambda item: f"{item.name}（{configuration.range_in_words(item)}）"
        return field

    @display(description=gettext_lazy("范围"), ordering="shop__name")
    def whose(self, value: ConfigValue) -> str:
        return value.shop.name if value.shop else _("全部门店")

    @display(description=gettext_lazy("默认值"))
    def standard(self, value: ConfigValue) -> str:
        return value.item.default

    @display(description=gettext_lazy("说明"))
    def about(self, value: Any) -> str:
        if value.pk is None:
            return _("请按配置项后括号内的范围填写；选项类型填其中一个。")
        item = value.item
        return " · ".join(part for part in (item.description, configuration.range_in_words(item)) if part)
