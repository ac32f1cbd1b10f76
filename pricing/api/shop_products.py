"""``/api/shop/shopproduct/…``: what shops sell at which price, and what their tills and scales pull."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from pricing import downloads, listing, prices
from pricing.filters import ProductFilter, StockFilter
from pricing.models import ShopProduct
from pricing.prices import Change, Outcome
from pricing.serializers import (
    AcknowledgeTakes,
    AddProductTakes,
    ChangePriceTakes,
    ClearTakes,
    DownloadGives,
    IdTakes,
    ProductOfShopTakes,
    ProductsOfClassTakes,
    ProductsTakes,
    PullTakes,
    ResetTakes,
    SellersTakes,
    ShopProductGives,
    ShopProductTakes,
    ShopWithProductsGives,
    StockGives,
    StockSumsGives,
    UnifyPriceTakes,
)
from retail.refusals import NotThere, found
from retail.rights import Right
from retail.throttles import PerBuyerList, PerDevice, StaffWrite
from retail.wire.envelope import ok
from retail.wire.paging import PagesOfIds
from retail.wire.views import endpoint
from shops import devices
from shops.api import SECRETS, OfOneShop
from shops.devices import with_devices
from shops.models import Device

READS = (PerBuyerList, PerDevice)
SHOPS_NAMED = 20


class ProductPages(PagesOfIds):
    limit = "shop_products"


class ShopProductViewSet(OfOneShop):
    def page_of(self, serializer: Any, details: Any, *, with_sums: bool = False) -> Response:
        """The page that the filter set asks for. Staff need not name a shop."""
        filters = self.asked()
        named = filters.asked["shopId"]
        shop_id = self.must_shop_id(named) if self.principal.is_buyer else self.shop_id(named)
        rows = filters.filter_queryset(listing.on_sale(self.principal, shop_id=shop_id))
        sums = self.give(StockSumsGives, listing.stock_sums(rows)) if with_sums else {}
        pages: Any = self.paginator
        pages.few = shop_id is not None
        answer = self.page(rows, serializer, sums=sums, details=details)
        if not pages.total:
            listing.check_open(self.principal, shop_id=shop_id)
        return answer

    def shop_rows(self, named: int | None) -> QuerySet[ShopProduct]:
        shop_id = self.must_shop_id(named)
        listing.check_open(self.principal, shop_id=shop_id)
        return listing.on_sale(self.principal, shop_id=shop_id)

    def class_rows(self) -> QuerySet[ShopProduct]:
        sent = self.valid()
        return listing.in_order(listing.found(self.shop_rows(sent["shop_id"]), self.principal, class_ids=sent["class_ids"]))

    def one(self, rows: QuerySet[ShopProduct]) -> Response:
        found = listing.lines(rows)
        if not found:
            raise NotThere
        return Response(self.give(ShopProductGives, found[0]))

    @endpoint(
        "GET", "get", right=Right.SEE_PRICES, title="获取门店商品", takes=ShopProductTakes, gives=ShopProductGives, throttles=(PerDevice,)
    )
    def get_one(self, request: Request) -> Response:
        return self.one(listing.on_sale(self.principal).filter(pk=self.valid()["id"]))

    @endpoint(
        "GET",
        "getbyproductid",
        right=Right.SEE_PRICES,
        title="根据商品id获取门店商品",
        takes=ProductOfShopTakes,
        gives=ShopProductGives,
        throttles=(PerDevice,),
    )
    def get_by_product_id(self, request: Request) -> Response:
        sent = self.valid()
        rows = listing.on_sale(self.principal, shop_id=self.must_shop_id(sent["shop_id"]))
        return self.one(rows.filter(product=sent["product_id"]))

    @endpoint(
        "GET",
        "getlist",
        right=Right.SEE_PRICES,
        title="获取门店商品列表",
        takes=ProductFilter,
        gives=ShopProductGives,
        pages=ProductPages,
        throttles=READS,
    )
    def get_list(self, request: Request) -> Response:
        return self.page_of(ShopProductGives, listing.lines_of_ids)

    @endpoint(
        "GET",
        "getlistbyclass",
        right=Right.SEE_PRICES,
        title="根据分类获取门店商品列表",
        takes=ProductsOfClassTakes,
        gives=ShopProductGives(many=True),
        throttles=READS,
    )
    def get_list_by_class(self, request: Request) -> Response:
        return Response(self.give(ShopProductGives, listing.lines(self.class_rows()), many=True))

    @endpoint(
        "GET",
        "getstockproductlist",
        right=Right.SEE_STOCK,
        title="获取门店商品库存列表",
        takes=StockFilter,
        gives=StockGives,
        pages=ProductPages,
        throttles=(PerDevice,),
    )
    def get_stock_list(self, request: Request) -> Response:
        return self.page_of(StockGives, listing.stock_of_ids, with_sums=True)

    @endpoint(
        "GET",
        "getstockproductlistbyclass",
        right=Right.SEE_STOCK,
        title="获取门店分类商品库存列表",
        takes=ProductsOfClassTakes,
        gives=StockGives(many=True),
        throttles=(PerDevice,),
    )
    def get_stock_list_by_class(self, request: Request) -> Response:
        ids = self.class_rows().values_list("pk", flat=True)
        return Response(self.give(StockGives, listing.stock_of_ids(list(ids)), many=True))

    @endpoint(
        "GET",
        "getlistbyproductids",
        right=Right.SEE_PRICES,
        title="根据商品id集合获取门店商品列表",
        takes=ProductsTakes,
        gives=ShopProductGives(many=True),
        throttles=READS,
    )
    def get_list_by_product_ids(self, request: Request) -> Response:
        sent = self.valid()
        rows = self.shop_rows(sent["shop_id"])
        by_product = {line.product_id: line for line in listing.lines(rows.filter(product__in=sent["product_ids"]))}
        return Response(self.give(ShopProductGives, [by_product[pk] for pk in sent["product_ids"] if pk in by_product], many=True))

    @endpoint(
        "GET",
        "getshoplist",
        right=Right.SEE_SHOPS,
        title="根据商品id集合获取门店列表",
        takes=SellersTakes,
        gives=ShopWithProductsGives(many=True),
        throttles=(PerDevice,),
    )
    def get_shop_list(self, request: Request) -> Response:
        rows = listing.on_sale(self.principal).filter(product__in=self.valid()["product_ids"])
        shops = listing.open_shops(self.principal).filter(pk__in=rows.values("shop")).defer(*SECRETS).order_by("code")
        return Response(self.give(ShopWithProductsGives, listing.with_products(with_devices(shops), rows), many=True))

    @endpoint("POST", "addproduct", right=Right.CHANGE_PRICES, title="添加商品", takes=AddProductTakes, throttles=(StaffWrite,))
    def add_product(self, request: Request) -> Response:
        return added(prices.add_products(**self.valid(), principal=self.principal, now=timezone.now()))

    @endpoint(
        "POST", "addproductbyclass", right=Right.CHANGE_PRICES, title="按分类添加商品", takes=AddProductTakes, throttles=(StaffWrite,)
    )
    def add_product_by_class(self, request: Request) -> Response:
        return added(prices.add_products_of_class(**self.valid(), principal=self.principal, now=timezone.now()))

    @endpoint("POST", "changeprice", right=Right.CHANGE_PRICES, title="商品调价", takes=ChangePriceTakes, throttles=(StaffWrite,))
    def change_price(self, request: Request) -> Response:
        changes = [Change(**self.valid())]
        return changed(prices.change_prices(changes=changes, principal=self.principal, now=timezone.now()))

    @endpoint(
        "POST", "changeprices", right=Right.CHANGE_PRICES, title="商品批量调价", takes=ChangePriceTakes, many=True, throttles=(StaffWrite,)
    )
    def change_prices(self, request: Request) -> Response:
        changes = [Change(**sent) for sent in self.valid_list()]
        return changed(prices.change_prices(changes=changes, principal=self.principal, now=timezone.now()))

    @endpoint("POST", "unifychangeprice", right=Right.CHANGE_PRICES, title="商品统一调价", takes=UnifyPriceTakes, throttles=(StaffWrite,))
    def unify_price(self, request: Request) -> Response:
        return changed(prices.unify_price(**self.valid(), principal=self.principal, now=timezone.now()))

    @endpoint("POST", "delete", right=Right.CHANGE_PRICES, title="删除", takes=IdTakes, many=True, throttles=(StaffWrite,))
    def remove_products(self, request: Request) -> Response:
        return removed(prices.remove_products(shop_product_ids=self.valid_list(), principal=self.principal, now=timezone.now()))

    @endpoint(
        "POST",
        "deleteall",
        right=Right.CLEAR_SHOPS,
        title="清空",
        takes=ClearTakes,
        throttles=(StaffWrite,),
    )
    def remove_all(self, request: Request) -> Response:
        shop_id = self.must_shop_id(self.valid()["shop_id"])
        return removed(prices.remove_all(shop_id=shop_id, principal=self.principal, now=timezone.now()))

    @endpoint("POST", "resetdownload", right=Right.RESET_DOWNLOADS, title="重置下载", takes=ResetTakes, throttles=(StaffWrite, PerDevice))
    def reset_download(self, request: Request) -> Response:
        sent = self.valid()
        shop_id = self.must_shop_id(sent["shop_id"])
        count = devices.reset_downloads(shop_id=shop_id, device_id=sent["device_id"], principal=self.principal)
        return ok(_("已重置 {count} 台设备，下次下载将全部重新加载").format(count=count))

    @endpoint(
        "GET",
        "getdownload",
        right=Right.DOWNLOAD_PRICES,
        title="设备下载价格",
        takes=PullTakes,
        gives=DownloadGives,
        throttles=(PerDevice,),
    )
    def get_download(self, request: Request) -> Response:
        device = found(Device.objects.visible_to(self.principal).in_use(), pk=self.valid()["device_id"])
        return Response(self.give(DownloadGives, downloads.changes_for(device=device)))

    @endpoint("POST", "ackdownload", right=Right.DOWNLOAD_PRICES, title="设备确认下载", takes=AcknowledgeTakes, throttles=(PerDevice,))
    def acknowledge_download(self, request: Request) -> Response:
        downloads.acknowledge(**self.valid(), principal=self.principal)
        return ok()


def added(outcome: Outcome) -> Response:
    return ok(_("新增 {added} 个，已有 {unchanged} 个").format(added=outcome.added, unchanged=outcome.unchanged))


def changed(outcome: Outcome) -> Response:
    message = _("已调价 {changed} 个，{unchanged} 个未变").format(changed=outcome.changed, unchanged=outcome.unchanged)
    names = outcome.shops_without
    if names:
        named = _("、").join(names[:SHOPS_NAMED])
        message += _("；{count} 家门店不销售该商品：{named}").format(count=len(names), named=named)
    return ok(message + ("…" if len(names) > SHOPS_NAMED else ""))


def removed(outcome: Outcome) -> Response:
    return ok(_("已下架 {removed} 个").format(removed=outcome.removed))
