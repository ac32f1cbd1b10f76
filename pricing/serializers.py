"""The wire of ``api/shop/shopproduct``, and of a shop's record with its prices."""

from functools import cached_property
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from pricing.listing import StockLine
from pricing.models import PriceLog
from retail.models import PricingType, is_code
from retail.rights import Right
from retail.wire.fields import Flag, Id, IdList, Moment, Money, Number, Quantity, Text, WholeNumber, enumeration
from retail.wire.serializers import GivesSerializer, TakesSerializer
from shops.models import Shop
from shops.serializers import DeviceTakes, Kept, Picture, SentOnly, ShopRowGives

WITHOUT_COSTS = {"costPrice": 0.0, "costMoney": 0.0, "lastPrice": 0.0}


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class Images(serializers.Field):  # type: ignore[type-arg]
    """The ``/media/…`` paths of a product's pictures."""

    unset: ClassVar[list[str]] = []

    def to_representation(self, paths: list[str]) -> list[str]:
        return paths


class PricingTypeName(Text):
    """Django's own display looks the translation up for every row."""

    @cached_property
    def labels(self) -> dict[int, str]:
        return {kind.value: str(kind.label) for kind in PricingType}

    def to_representation(self, value: int) -> str:  # type: ignore[override]
        return self.labels[value]


class Length(WholeNumber):
    """The number of characters of a text."""

    def to_representation(self, value: str) -> int:
        return len(value)


class ShopProductGives(GivesSerializer):
    """Of a ``listing.Line``."""

    shopId = WholeNumber(source="shop_id")
    shopName = Text(source="shop_name")
    productId = WholeNumber(source="product_id")
    productCode = Text(source="product_code")
    productName = Text(source="product_name")
    productClass = Text(source="product_class")
    productUnit = Text(source="unit")
    price = Money()
    memberPrice = Money(source="member_price")
    pricingType = WholeNumber(source="pricing_type", help_text=enumeration(PricingType))
    pricingTypeName = PricingTypeName(source="pricing_type")
    sort = WholeNumber()
    images = Images()
    id = WholeNumber(source="pk")


class StockGives(GivesSerializer):
    """Of a ``StockLine``; cost fields are 0 for who may not see costs."""

    shopId = WholeNumber(source="line.shop_id")
    shopName = Text(source="line.shop_name")
    productId = WholeNumber(source="line.product_id")
    productName = Text(source="line.product_name")
    productCode = Text(source="line.product_code")
    productClass = Text(source="line.product_class")
    productUnit = Text(source="line.unit")
    qty = Quantity(source="figure.qty")
    costPrice = Money(source="figure.cost_price")
    costMoney = Money(source="cost_money")
    lastPrice = Money(source="figure.last_price")
    boxQty = Quantity(source="box_qty")
    length = Length(source="line.product_name")
    images = Images(source="line.images")
    id = WholeNumber(source="line.pk")

    def to_representation(self, line: StockLine) -> dict[str, Any]:
        given: dict[str, Any] = super().to_representation(line)
        return given if self.principal.may(Right.SEE_COSTS) else given | WITHOUT_COSTS


class StockSumsGives(GivesSerializer):
    """The additive fields of ``StockGives`` over all rows."""

    qty = Quantity()
    boxQty = Quantity(source="box_qty")
    costMoney = Money(source="cost_money")

    def to_representation(self, sums: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = super().to_representation(sums)
        return given if self.principal.may(Right.SEE_COSTS) else given | {"costMoney": 0.0}


class PriceLogGives(GivesSerializer):
    shopId = WholeNumber(source="shop_id")
    productId = WholeNumber(source="product_id")
    productCode = Text(source="product.code")
    productName = Text(source="product.name")
    productClass = Text(source="product.product_class.name")
    oldPrice = Money(source="old_price")
    oldMemberPrice = Money(source="old_member_price")
    newPrice = Money(source="new_price")
    newMemberPrice = Money(source="new_member_price")
    createTime = Moment(source="created_at")
    userId = WholeNumber(source="user_id")
    userName = Text(source="user.nickname")
    id = WholeNumber()

    def to_representation(self, log: PriceLog) -> dict[str, Any]:
        given: dict[str, Any] = super().to_representation(log)
        return given if self.principal.may(Right.SEE_DEVICE_KEYS) else given | {"userId": 0, "userName": ""}


class DownloadGives(GivesSerializer):
    """One pull of a till or scale."""

    timeStamp = WholeNumber(source="time_stamp")
    full = Flag()
    more = Flag()
    data = ShopProductGives(source="rows", many=True)  # type: ignore[assignment]
    deleted = IdList()


class ShopProductTakes(TakesSerializer):
    id = Id(must=True)


class ProductOfShopTakes(TakesSerializer):
    productId = Id(source="product_id", must=True)
    shopId = Id(source="shop_id")


class ProductsOfClassTakes(TakesSerializer):
    productClassId = IdList(source="class_ids", repeatable=True)
    shopId = Id(source="shop_id")


class ProductsTakes(TakesSerializer):
    productIds = IdList(source="product_ids", must=True, repeatable=True)
    shopId = Id(source="shop_id")


class SellersTakes(TakesSerializer):
    productId = IdList(source="product_ids", must=True, repeatable=True)


class AddProductTakes(TakesSerializer):
    shopIds = IdList(source="shop_ids")
    productClassId = Id(source="product_class_id")
    productIds = IdList(source="product_ids", repeatable=True)


class ChangePriceTakes(TakesSerializer):
    """``id``, or else shop and product; what is not sent keeps its value."""

    id = Id(source="shop_product_id")
    shopId = Id(source="shop_id")
    productId = Id(source="product_id")
    price = Money(required=False, allow_null=True, default=None)
    memberPrice = Money(source="member_price", required=False, allow_null=True, default=None)
    sort = WholeNumber(least=-(2**31), most=2**31 - 1, required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("shop_product_id") and not (attrs.get("shop_id") and attrs.get("product_id")):
            raise serializers.ValidationError({"id": [_("请指定 id，或 shopId 和 productId")]})
        return attrs


class UnifyPriceTakes(TakesSerializer):
    shopIds = IdList(source="shop_ids")
    productId = Id(source="product_id", must=True)
    price = Money(required=False, allow_null=True, default=None)
    memberPrice = Money(source="member_price", required=False, allow_null=True, default=None)


class IdTakes(serializers.BaseSerializer[Any]):
    """An item of a list of ids."""

    body_schema: ClassVar = {"application/json": {"type": "array", "items": {"type": "integer"}, "example": [24, 25]}}

    def to_internal_value(self, value: Any) -> int:
        return Id(must=True).run_validation(value) or 0


class ClearTakes(TakesSerializer):
    shopId = Id(source="shop_id")
    aliases: ClassVar[dict[str, tuple[str, ...]]] = {"shopId": ("id",)}


class ResetTakes(ClearTakes):
    deviceId = Id(source="device_id")


class PullTakes(TakesSerializer):
    deviceId = Id(source="device_id", must=True)


class AcknowledgeTakes(PullTakes):
    timeStamp = WholeNumber(source="time_stamp", least=0)


class ShopWithProductsGives(ShopRowGives):
    """A shop with what it sells, as far as that was looked up."""

    shopProducts = ShopProductGives(source="shown_products", many=True, default=list)
    shopProductPriceLogs = PriceLogGives(source="shown_logs", many=True, default=list)


class ShopGives(ShopWithProductsGives):
    """One shop. The secret only for headquarters with the right to see it."""

    appSecret = Text(source="app_secret")

    def to_representation(self, shop: Shop) -> dict[str, Any]:
        given = super().to_representation(shop)
        return given if self.principal.may(Right.SEE_APP_SECRETS) else given | {"appSecret": ""}


class FirstPriceTakes(SentOnly):
    """A product by id or else by code, with the price that the shop starts with; without one, the master's."""

    productId = Id(source="product_id")
    productCode = Kept(source="product_code", max_length=32)
    price = Money(required=False)
    memberPrice = Money(source="member_price", required=False)
    sort = WholeNumber(least=-(2**31), most=2**31 - 1, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("product_id") and not attrs.get("product_code"):
            raise serializers.ValidationError({"productId": [_("请指定商品")]})
        return super().validate(attrs)


class ShopFieldsTakes(SentOnly):
    name: Text = Kept(must=True, max_length=100)
    code: Text = Kept(must=True, max_length=32, validators=[is_code])
    address = Kept(max_length=200)
    lbsPoint = Kept(source="lbs_point", max_length=64)
    shopArea = Number(source="area", required=False)
    imagePath = Picture(source="image", max_length=100, default=empty)
    devices = DeviceTakes(many=True, required=False)
    shopProducts = FirstPriceTakes(source="first_prices", many=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The scalars as ``fields``, the lists beside them."""
        named = {name: attrs.pop(name) for name in ("shop_id",) if name in attrs}
        devices, first_prices = attrs.pop("devices", []), attrs.pop("first_prices", [])
        return named | {"fields": super().validate(attrs), "devices": devices, "first_prices": first_prices}


class CreateShopTakes(ShopFieldsTakes):
    name = Text(required=True, max_length=100)
    code = Text(required=True, max_length=32, validators=[is_code])


class UpdateShopTakes(ShopFieldsTakes):
    id = Id(source="shop_id", must=True)
