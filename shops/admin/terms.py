"""The admin of licences and settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Field
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail.backoffice import (
    ChoicesDropdownFilter,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    caller,
    display,
)
from retail.rights import Right
from shops import configuration
from shops.admin.bases import OfShopAdmin
from shops.models import ConfigItem, ConfigValue, Licence


@admin.register(Licence)
class LicenceAdmin(OfShopAdmin):
    list_display = ("shop", "validity_key", "ends")
    list_filter = (("shop", RelatedFilter),)
    list_select_related = ("shop",)
    search_fields = ("shop__name", "shop__code")
    fieldsets = ((None, {"fields": ("shop", "validity_key", "contract_ends_on")}),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_add_permission(request)) and caller(request).may(Right.PROLONG_LICENCES)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Headquarters unbinds a machine that was replaced; the end of a contract is the platform's."""
        readonly = super().get_readonly_fields(request, obj)
        return readonly if caller(request).may(Right.PROLONG_LICENCES) else [*readonly, "contract_ends_on"]

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
        if db_field.name != "item" or caller(request).may(Right.SET_PLATFORMS_OWN):
            return super().choices_of(db_field, rows, request)
        return rows.exclude(code__in=configuration.PLATFORMS_OWN)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "shop" in form.base_fields:
            # Only headquarters may set a value for all shops.
            form.base_fields["shop"].required = not caller(request).may(Right.SET_FOR_ALL_SHOPS)
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
