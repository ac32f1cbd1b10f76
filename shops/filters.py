"""What lists of shops may be asked for."""

from retail.filters import Ordering, WireFilter, WireFilterSet
from retail.wire.fields import Moment, Number, Text
from shops.models import Shop, ShopQuerySet


class ShopFilter(WireFilterSet):
    """``keyword`` is the documented argument; no documented request has a name of the others."""

    keyword = WireFilter(Text(max_length=100), method="matching")
    areaFrom = WireFilter(Number(required=False, default=None), "area", "gte")
    areaTo = WireFilter(Number(required=False, default=None), "area", "lte")
    openedFrom = WireFilter(Moment(required=False, default=None), "created_at", "gte")
    openedTo = WireFilter(Moment(required=False, default=None), "created_at", "lt")
    ordering = Ordering(code="code", name="name", shopArea="area", opened="created_at")

    class Meta(WireFilterSet.Meta):
        model = Shop

    def matching(self, rows: ShopQuerySet, _name: str, keyword: str) -> ShopQuerySet:
        return rows.matching(keyword)
