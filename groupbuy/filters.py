"""What lists of orders and of group buys may be asked for: by the API, the buyers' pages and the back office."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.http import QueryDict

from groupbuy.models import DeliverType, GroupBuying, GroupBuyingQuerySet, Order, OrderQuerySet, OrderStatus
from retail.filters import Ordering, WireFilter, WireFilterSet
from retail.models import Product, ProductClass, Tenant
from retail.principals import Principal
from retail.wire.fields import Flag, Id, Moment, Money, Text, WholeNumber, enumeration

ANY_STATUS = -1
ENDING_SOON = timedelta(hours=24)


def moment() -> Moment:
    return Moment(required=False, default=None)


def money() -> Money:
    return Money(required=False, default=None)


class OrderFilter(WireFilterSet):
    """The first three are the documented arguments of getorderlist; no documented request has a name of the others."""

    keyword = WireFilter(Text(max_length=100), method="matching")
    userId = WireFilter(Id(), method="of")
    status = WireFilter(
        WholeNumber(required=False, default=ANY_STATUS, least=ANY_STATUS, most=max(OrderStatus.values), help_text=enumeration(OrderStatus)),
        method="in_status",
    )
    createdFrom = WireFilter(moment(), "created_at", "gte")
    createdTo = WireFilter(moment(), "created_at", "lt")
    paidFrom = WireFilter(moment(), "paid_at", "gte")
    paidTo = WireFilter(moment(), "paid_at", "lt")
    moneyFrom = WireFilter(money(), "money", "gte")
    moneyTo = WireFilter(money(), "money", "lte")
    filterShopId = WireFilter(Id(), "shop")
    filterGroupBuyingId = WireFilter(Id(), "group_buying")
    filterDeliverType = WireFilter(Id(most=max(DeliverType.values), help_text=enumeration(DeliverType)), "deliver_type")
    ordering = Ordering(nullable=("payTime",), createTime="pk", payTime="paid_at", money="money", qty="qty")

    class Meta(WireFilterSet.Meta):
        model = Order

    def matching(self, rows: OrderQuerySet, _name: str, keyword: str) -> OrderQuerySet:
        return rows.matching(keyword, self.principal)

    def of(self, rows: OrderQuerySet, _name: str, user_id: int) -> OrderQuerySet:
        """For staff a filter; a buyer sees the own orders anyway."""
        return rows.of(user_id) if self.principal.is_staff else rows

    def in_status(self, rows: OrderQuerySet, _name: str, status: int) -> OrderQuerySet:
        return rows if status == ANY_STATUS else rows.filter(status=status)


class GroupBuyingFilter(WireFilterSet):
    """The search on the buyers' pages, among the group buys of one tenant."""

    q = WireFilter(Text(max_length=50), method="matching")
    shop = WireFilter(Id(), "shop")
    kind = WireFilter(Id(), method="of_class")
    deliver = WireFilter(Id(most=max(DeliverType.values)), "deliver_type")
    soon = WireFilter(Flag(required=False, default=False), method="ending_soon")

    class Meta(WireFilterSet.Meta):
        model = GroupBuying

    def __init__(self, sent: QueryDict, *, principal: Principal, tenant: Tenant, now: datetime) -> None:
        super().__init__(sent, principal=principal)
        self.tenant, self.now = tenant, now

    def matching(self, rows: GroupBuyingQuerySet, _name: str, text: str) -> GroupBuyingQuerySet:
        """The group buy's name, or its product's name, code, barcode or pinyin initials."""
        products = Product.objects.filter(tenant=self.tenant).matching(text)
        return rows.filter(Q(name__icontains=text) | Q(product__in=products))

    def of_class(self, rows: GroupBuyingQuerySet, _name: str, class_id: int) -> GroupBuyingQuerySet:
        classes = ProductClass.objects.filter(tenant=self.tenant).with_descendants({class_id})
        return rows.filter(product__product_class__in=classes)

    def ending_soon(self, rows: GroupBuyingQuerySet, _name: str, wanted: bool) -> GroupBuyingQuerySet:
        return rows.filter(end_at__gt=self.now, end_at__lte=self.now + ENDING_SOON) if wanted else rows
