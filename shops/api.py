"""``/api/shop/…``: shops, their terminals' licences and their configuration."""

from dataclasses import replace
from typing import ClassVar

from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from retail.money import to_cents
from retail.principals import Principal
from retail.refusals import Invalid, NotThere
from retail.rights import Right
from retail.throttles import ActivationFailures, CountsFailures, PerDevice, StaffWrite
from retail.wire.envelope import ok
from retail.wire.paging import Pages
from retail.wire.views import WireViewSet, endpoint
from shops import configuration, devices, licences, shops
from shops.filters import ShopFilter
from shops.models import Shop
from shops.serializers import (
    CheckInTakes,
    ConfigGives,
    ConfigTakes,
    ShopAuthGives,
    ShopOfTenantGives,
    ShopOfTerminalTakes,
    ShopRowGives,
    ShopTakes,
)

# A shop's secrets are decrypted when they are loaded.
SECRETS = ("app_secret", "previous_secret")


class OfOneShop(WireViewSet):
    """A viewset whose endpoints are about a shop: a device need not name its own, and has no other."""

    def shop_id(self, named: int | None) -> int | None:
        """Raises NotThere when a device names another shop."""
        if not self.principal.is_device:
            return named
        (own,) = self.principal.shop_ids or {0}
        if named not in (None, own):
            raise NotThere
        return own

    def must_shop_id(self, named: int | None) -> int:
        shop_id = self.shop_id(named)
        if shop_id is None:
            raise Invalid(_("请指定门店"))
        return shop_id


class ShopViewSet(OfOneShop, CountsFailures):
    without_licence: ClassVar[tuple[str, ...]] = ("get_shop_info", "get_shop_auth")

    @endpoint(
        "GET",
        "getlist",
        right=Right.SEE_SHOPS,
        title="获取门店分页列表",
        takes=ShopFilter,
        gives=ShopRowGives,
        pages=Pages,
        throttles=(PerDevice,),
    )
    def get_list(self, request: Request) -> Response:
        rows = self.asked().filter_queryset(listed(self.principal))
        return self.page(devices.with_devices(rows), ShopRowGives, sums=area_of(rows))

    @endpoint(
        "GET",
        "getalllist",
        right=Right.SEE_ALL_SHOPS,
        title="获取所有门店分页列表",
        takes=ShopFilter,
        gives=ShopOfTenantGives,
        pages=Pages,
    )
    def get_all_list(self, request: Request) -> Response:
        rows = self.asked().filter_queryset(listed(replace(self.principal, shop_ids=None)))
        return self.page(rows, ShopOfTenantGives, sums=area_of(rows))

    @endpoint("POST", "delete", right=Right.CLOSE_SHOPS, title="删除", takes=ShopTakes, throttles=(StaffWrite,))
    def remove_shop(self, request: Request) -> Response:
        shops.remove_shop(**self.valid(), principal=self.principal, now=timezone.now())
        return ok(_("门店已删除"))

    @endpoint(
        "GET",
        "getshopinfo",
        right=Right.CHECK_IN,
        title="获取门店信息",
        takes=CheckInTakes,
        gives=ShopAuthGives,
        throttles=(ActivationFailures, PerDevice),
    )
    def get_shop_info(self, request: Request) -> Response:
        sent = self.valid()
        shop_id = self.must_shop_id(sent["shop_id"])
        standing = licences.check_in(shop_id=shop_id, machine_key=sent["machine_key"], principal=self.principal)
        return Response(self.give(ShopAuthGives, standing))

    @endpoint(
        "GET",
        "getshopauth",
        right=Right.SEE_LICENCES,
        title="获取有效期",
        takes=ShopOfTerminalTakes,
        gives=ShopAuthGives,
        throttles=(PerDevice,),
    )
    def get_shop_auth(self, request: Request) -> Response:
        shop_id = self.must_shop_id(self.valid()["shop_id"])
        return Response(self.give(ShopAuthGives, licences.look_up(shop_id=shop_id, principal=self.principal)))

    @endpoint(
        "GET", "getconfig", right=Right.SEE_SETTINGS, title="获取配置信息", takes=ConfigTakes, gives=ConfigGives, throttles=(PerDevice,)
    )
    def get_config(self, request: Request) -> Response:
        sent = self.valid()
        item = configuration.item_for(code=sent["code"], shop_id=self.shop_id(sent["shop_id"]), principal=self.principal)
        return Response(self.give(ConfigGives, item))


def listed(principal: Principal) -> QuerySet[Shop]:
    return Shop.objects.visible_to(principal).open().defer(*SECRETS).order_by("code")


def area_of(rows: QuerySet[Shop]) -> dict[str, float]:
    return {"shopArea": float(to_cents(rows.aggregate(area=Sum("area"))["area"]))}
