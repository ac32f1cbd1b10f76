"""The admin of stalls, tills and scales."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail.backoffice import (
    BooleanRadioFilter,
    Question,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    caller,
    display,
    page_action,
)
from retail.rights import Right
from shops import devices
from shops.admin.bases import OfShopAdmin
from shops.models import Device, DeviceType, Stall


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
        return caller(request).may(Right.RESET_DOWNLOADS)

    @page_action(description=gettext_lazy("重新下载价格"), path="reset", permission="reset", icon="cloud_download")
    def reset_download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        device = self.get_object(request, object_id)
        facts = [(_("设备"), device), (_("门店"), device.shop), (_("价格同步"), self.synced(device))]
        question = Question(title=_("重新下载价格"), facts=facts, note=_("价格不对或换了新秤时使用。"), button=_("重新下载"))
        service = partial(devices.reset_downloads, shop_id=device.shop_id, device_id=device.pk, principal=caller(request))
        return self.ask(request, question, service, _("设备下次连接时会重新下载全部价格"), touched=[device])

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
