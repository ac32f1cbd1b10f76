"""The admin of shops and their keys."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Field
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail import dates
from retail.backoffice import (
    Question,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    ScopedInline,
    become,
    caller,
    display,
    page_action,
    page_of,
    theme,
)
from retail.pictures import kept_with
from retail.rights import Right
from shops import positions, shops
from shops.models import Shop, ShopHoliday


class RestDaysField(forms.MultipleChoiceField):
    """Boxes for the days of the week; the row keeps digits."""

    def prepare_value(self, value: Any) -> Any:
        return list(value or "")

    def clean(self, value: Any) -> Any:
        return "".join(super().clean(value))


class ShopForm(ScopedForm):
    rest_days = RestDaysField(
        label=gettext_lazy("每周休息"),
        required=False,
        choices=[(str(number), name) for number, name in enumerate(dates.WEEKDAYS, 1)],
        widget=theme.Choices(),
        help_text=gettext_lazy("每周都不营业的日子；取货时间会避开。"),
    )

    def clean_lbs_point(self) -> str:
        text = str(self.cleaned_data["lbs_point"])
        # What came before the rule stays until somebody edits it.
        if "lbs_point" in self.changed_data:
            positions.check(text)
        return text

    def clean_rest_days(self) -> str:
        days = str(self.cleaned_data["rest_days"])
        if len(days) == len(dates.WEEKDAYS):
            raise forms.ValidationError(_("每周至少要有一天营业"))
        return days

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        opens_at, closes_at = cleaned.get("opens_at"), cleaned.get("closes_at")
        if bool(opens_at) != bool(closes_at):
            self.add_error("closes_at" if opens_at else "opens_at", _("开门和关门时间请一起填写"))
        elif opens_at and closes_at <= opens_at:
            self.add_error("closes_at", _("关门时间须晚于开门时间"))
        return cleaned


class HolidayInline(ScopedInline):
    model = ShopHoliday
    fields = ("first_day", "last_day", "words")
    ordering = ("first_day",)
    verbose_name_plural = gettext_lazy("假期")


@admin.register(Shop)
class ShopAdmin(ScopedAdmin):
    form = ShopForm
    inlines = (HolidayInline,)
    list_display = ("named", "address", "phone", "markup", "app_key", "state", "tenant")
    list_filter = (("tenant", RelatedFilter),)
    list_select_related = ("tenant",)
    search_fields = ("name", "code", "address")
    search_help_text = gettext_lazy("名称、编码、地址")
    pills = ((gettext_lazy("营业"), "removed_at__isnull=True"), (gettext_lazy("停业"), "removed_at__isnull=False"))
    linked = ("removed_at",)
    ordering = ("code",)
    managers_only = ("app_key",)
    headquarters_only = ("staff", "allows_basic_auth")
    readonly_fields = ("app_key", "previous_secret_until", "created_at")
    fixed = ("code",)
    actions_detail = ("show_secret", "rotate_secret", "close_down")
    fieldsets = (
        (None, {"fields": ("tenant", "name", "code", "phone", "address", "lbs_point", "area", "image")}),
        (gettext_lazy("营业"), {"fields": (("opens_at", "closes_at"), "rest_days")}),
        (gettext_lazy("价格"), {"fields": ("markup",)}),
        (gettext_lazy("员工"), {"fields": ("staff",)}),
        (gettext_lazy("设备接口"), {"fields": ("app_key", "previous_secret_until", "allows_basic_auth")}),
    )

    def choices_of(self, db_field: Field[Any, Any], rows: Any, request: HttpRequest) -> Any:
        if db_field.name != "staff":
            return rows
        # Headquarters is everywhere already.
        return rows.working_in_shops().filter(is_active=True).distinct().order_by("nickname")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(db_field, request, widget=theme.Choices(), **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not (isinstance(obj, Shop) and obj.removed_at)

    def has_close_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.CLOSE_SHOPS)

    def has_secret_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.SEE_APP_SECRETS)

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
        title, facts = _("查看设备密钥"), [(_("门店"), shop), ("AppKey", shop.app_key)]
        if request.method == "POST":
            self.log_change(request, shop, _("查看了 AppSecret"))
            shown = Question(title=title, facts=[*facts, ("AppSecret", shop.app_secret)], note=_("请勿截图或转发。"))
            return self.show_question(request, shown, None, page_of(shop))
        question = Question(title=title, facts=facts, note=_("密钥可代表门店的全部设备。查看会被记录。"), button=_("显示密钥"))
        return self.show_question(request, question, None, page_of(shop))

    @page_action(description=gettext_lazy("更换密钥"), path="rotate", permission="secret", icon="autorenew")
    def rotate_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        shop = self.get_object(request, object_id)
        facts = [(_("门店"), shop), (_("设备"), _("%(count)s 台") % {"count": shop.devices.filter(in_use=True).count()})]
        note = _("换后请在 24 小时内把新密钥填到每台收银机和秤上，过期后旧密钥失效，设备无法下载价格。")
        question = Question(title=_("更换 AppSecret"), facts=facts, note=note, button=_("更换密钥"), danger=True)
        service = partial(shops.rotate_secret, shop_id=shop.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, _("已更换密钥，旧密钥 24 小时内仍可使用"), touched=[shop])

    @page_action(description=gettext_lazy("停业"), path="close", permission="close", icon="block", danger=True)
    def close_down(self, request: HttpRequest, object_id: str) -> HttpResponse:
        shop = self.get_object(request, object_id)
        facts = [
            (_("门店"), shop),
            (_("在售商品"), shop.shop_products.live().count()),
            (_("设备"), shop.devices.filter(in_use=True).count()),
        ]
        note = _("停业不能撤销：密钥立即失效，设备不能再下载价格。有进行中的团购或未完成的订单时不能停业。")
        question = Question(title=_("门店停业"), facts=facts, note=note, button=_("确认停业"), danger=True)
        service = partial(shops.remove_shop, shop_id=shop.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, _("%(shop)s 已停业") % {"shop": shop}, touched=[shop])

    @display(description=gettext_lazy("门店"), header=True, ordering="name")
    def named(self, shop: Shop) -> tuple[str, str]:
        return shop.name, shop.code

    @display(description=gettext_lazy("状态"), label={"open": "success", "closed": "danger"})
    def state(self, shop: Shop) -> tuple[str, str]:
        return ("closed", _("停业")) if shop.removed_at else ("open", _("营业"))
