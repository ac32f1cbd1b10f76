"""``/api/shop/…``: a shop's whole record, which shows and takes prices; the other endpoints of shops are in ``shops.api``."""

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pricing import listing, shop_records
from pricing.models import ShopProduct
from pricing.serializers import CreateShopTakes, ShopGives, UpdateShopTakes
from retail.refusals import NotThere
from retail.rights import Right
from retail.throttles import PerDevice, StaffWrite
from retail.wire.envelope import ok
from retail.wire.views import WireViewSet, endpoint
from shops.devices import with_devices
from shops.models import Shop
from shops.serializers import ShopTakes


class ShopRecordViewSet(WireViewSet):
    @endpoint("GET", "get", right=Right.SEE_SHOPS, title="根据id获取门店信息", takes=ShopTakes, gives=ShopGives, throttles=(PerDevice,))
    def get_one(self, request: Request) -> Response:
        rows = Shop.objects.visible_to(self.principal).open().filter(pk=self.valid()["shop_id"])
        sold = ShopProduct.objects.visible_to(self.principal).live()
        found = listing.with_products(listing.with_newest_logs(with_devices(rows)), sold)
        if not found:
            raise NotThere
        return Response(self.give(ShopGives, found[0]))

    @endpoint("POST", "create", right=Right.OPEN_SHOPS, title="新增", takes=CreateShopTakes, throttles=(StaffWrite,))
    def create_shop(self, request: Request) -> Response:
        sent = self.valid() | {"tenant_id": self.principal.tenant_id, "principal": self.principal, "now": timezone.now()}
        shop_records.create_record(**sent)
        return ok(_("门店已新增"))

    @endpoint("POST", "update", right=Right.CHANGE_SHOPS, title="修改", takes=UpdateShopTakes, throttles=(StaffWrite,))
    def update_shop(self, request: Request) -> Response:
        left = shop_records.update_record(**self.valid(), principal=self.principal, now=timezone.now())
        return ok(_("门店已修改；{left} 个商品的价格与现价不同，未改动，请使用调价接口").format(left=left) if left else _("门店已修改"))
