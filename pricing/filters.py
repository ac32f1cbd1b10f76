"""What lists of shop products may be asked for."""

from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from pricing import listing
from pricing.models import ShopProduct, StockFigure
from retail.filters import Argument, Ordering, WireFilter, WireFilterSet
from retail.wire.fields import Id, Money, Quantity, Text

PRICES = {"price": "price", "memberPrice": "member_price", "productCode": "product__code", "productName": "product__name"}


class ProductFilter(WireFilterSet):
    """``keyword``, ``productClassId`` and ``shopId`` are the documented arguments; no documented request has a name of the others."""

    keyword = Argument(Text(max_length=100))
    productClassId = Argument(Id())
    # What none means depends on who asks: the view knows.
    shopId = Argument(Id())
    priceFrom = WireFilter(Money(required=False, default=None), "price", "gte")
    priceTo = WireFilter(Money(required=False, default=None), "price", "lte")
    ordering = Ordering(**PRICES)

    class Meta(WireFilterSet.Meta):
        model = ShopProduct

    def filter_queryset(self, rows: QuerySet[ShopProduct]) -> QuerySet[Any]:
        class_ids = [self.asked["productClassId"]] if self.asked["productClassId"] else []
        found = listing.found(rows, self.principal, keyword=self.asked["keyword"], class_ids=class_ids)
        narrowed: QuerySet[Any] = super().filter_queryset(listing.in_order(found))
        return narrowed


class StockFilter(ProductFilter):
    """What ``ProductFilter`` takes, and how much is in stock, which buyers aren't told."""

    qtyBelow = WireFilter(Quantity(required=False, default=None, least=Decimal("0.001")), method="short_of")

    def short_of(self, rows: QuerySet[ShopProduct], _name: str, qty: Decimal) -> QuerySet[ShopProduct]:
        """Less than ``qty`` is there; where nothing is known, nothing is."""
        enough = StockFigure.objects.filter(shop=OuterRef("shop"), product=OuterRef("product"), qty__gte=qty)
        return rows.filter(~Exists(enough))
