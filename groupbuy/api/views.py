"""``/api/marketing/groupbuy/…``: the endpoints of ``docs/api/groupbuy.md``."""

from typing import Any

from django.db.models import Sum
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from groupbuy import orders, payments
from groupbuy.api import feed
from groupbuy.api.serializers import (
    ConsentTakes,
    CreateOrderTakes,
    GroupBuyingGives,
    IdTakes,
    KeyValueGives,
    OrderGives,
    OrderIdTakes,
    OrderTakes,
    PayParametersGives,
    PayTakes,
    ResultWithIdGives,
    ResultWithPayParametersGives,
    ShareTakes,
    VisitorGives,
    VisitorTakes,
    VisitTakes,
)
from groupbuy.filters import OrderFilter
from groupbuy.models import DeliverType, GroupBuying, Order, OrderStatus
from groupbuy.notices import consents
from groupbuy.orders import fulfilment, visits
from retail.logs.client_ip import client_network
from retail.money import to_cents
from retail.refusals import Invalid, found
from retail.rights import Right
from retail.throttles import PerAddress, PerBuyerCheck, PerBuyerList, PerBuyerOrder, PerBuyerPay, StaffWrite
from retail.wire.envelope import envelope, ok
from retail.wire.paging import Pages
from retail.wire.views import WireViewSet, endpoint

IDEMPOTENCY_KEY = OpenApiParameter("Idempotency-Key", {"type": "string", "pattern": "^[ -~]{1,64}$"}, OpenApiParameter.HEADER)


class GroupBuyingViewSet(WireViewSet):
    """Looking at group buys, sharing and visiting them."""

    @endpoint("GET", "get", right=Right.SEE_GROUP_BUYS, title="获取团购信息", takes=IdTakes, gives=GroupBuyingGives, throttles=[PerAddress])
    def get_group_buying(self, request: Request) -> Response:
        group_buying = self.find(self.valid()["id"])
        self.sees_names = self.principal.is_trade and self.principal.covers(tenant_id=group_buying.tenant_id, shop_id=group_buying.shop_id)
        return Response(self.give(GroupBuyingGives, feed.face_of(group_buying, self.principal)))

    @endpoint("GET", "getdelivertypelist", right=Right.SEE_GROUP_BUYS, title="获取配送方式列表", gives=KeyValueGives(many=True))
    def list_deliver_types(self, request: Request) -> Response:
        return Response([{"key": key, "value": str(value)} for key, value in DeliverType.choices])

    @endpoint("GET", "getorderstatuslist", right=Right.SEE_GROUP_BUYS, title="获取订单状态列表", gives=KeyValueGives(many=True))
    def list_order_statuses(self, request: Request) -> Response:
        return Response([{"key": key, "value": str(value)} for key, value in OrderStatus.choices])

    @endpoint(
        "GET",
        "getgroupbuyingvisitor",
        right=Right.SEE_GROUP_BUYS,
        title="获取访客列表",
        takes=VisitorTakes,
        gives=VisitorGives(many=True),
        throttles=[PerBuyerList],
    )
    def list_visitors(self, request: Request) -> Response:
        wanted = self.valid()
        people, self.sees_names = feed.visitors_of(self.find(wanted["group_buying_id"]), self.principal, wanted["user_id"])
        return Response(self.give(VisitorGives, people, many=True))

    @endpoint("POST", "sharegroupbuying", right=Right.SHARE_GROUP_BUYS, title="分享团购", takes=ShareTakes, gives=ResultWithIdGives)
    def share(self, request: Request) -> Response:
        wanted = self.valid()
        self.assert_user(wanted["user_id"])
        share = visits.share(group_buying_id=wanted["group_buying_id"], principal=self.principal, now=timezone.now())
        return ok(data=share.pk)

    @endpoint("POST", "visitgroupbuying", right=Right.VISIT_GROUP_BUYS, title="访问团购", takes=VisitTakes, throttles=[PerAddress])
    def visit(self, request: Request) -> Response:
        visited = self.valid()
        if self.principal.is_buyer:
            self.assert_user(visited["user_id"])
        visits.visit(
            share_id=visited["share_id"],
            group_buying_id=visited["group_buying_id"],
            principal=self.principal,
            onlooker=visits.Onlooker(client_network(request._request), request.headers.get("User-Agent", "")),
            now=timezone.now(),
        )
        return ok()

    def find(self, pk: int) -> GroupBuying:
        return found(GroupBuying.objects.public().for_wire(), pk=pk)

    sees_names = False

    def get_serializer_context(self) -> dict[str, Any]:
        return super().get_serializer_context() | {"sees_names": self.sees_names}


class OrderViewSet(WireViewSet):
    """A buyer's orders, and staff's view of them."""

    @endpoint("GET", "getorder", right=Right.SEE_ORDERS, title="获取团购订单信息", takes=OrderTakes, gives=OrderGives)
    def get_order(self, request: Request) -> Response:
        order = found(Order.objects.for_wire().visible_to(self.principal), **self.valid())
        return Response(self.give(OrderGives, order))

    @endpoint(
        "GET",
        "getorderlist",
        right=Right.SEE_ORDERS,
        title="获取团购订单列表",
        takes=OrderFilter,
        gives=OrderGives,
        pages=Pages,
        throttles=[PerBuyerList],
    )
    def list_orders(self, request: Request) -> Response:
        filters = self.asked()
        self.assert_user(filters.asked["userId"])
        visible = Order.objects.visible_to(self.principal)
        matching = filters.filter_queryset((visible.not_hidden() if self.principal.is_buyer else visible).order_by("-pk"))
        totals = matching.aggregate(qty=Sum("qty", default=0), money=Sum("money"))
        sums = {"qty": totals["qty"], "money": float(to_cents(totals["money"]))}
        return self.page(matching.for_wire(), OrderGives, sums=sums)

    @endpoint(
        "POST",
        "createorder",
        right=Right.PLACE_ORDERS,
        title="新增团购订单",
        takes=CreateOrderTakes,
        gives=ResultWithIdGives,
        refused={"data": 0},
        throttles=[PerAddress, PerBuyerOrder, StaffWrite],
        headers=[IDEMPOTENCY_KEY],
    )
    def create_order(self, request: Request) -> Response:
        wish = self.valid()
        buyer_id = wish.pop("user_id")
        self.assert_user(buyer_id)
        order = orders.create_order(
            principal=self.principal,
            buyer_id=buyer_id,
            wish=orders.Wish(**wish),
            idempotency_key=self.idempotency_key(),
            now=timezone.now(),
        )
        return ok(data=order.pk)

    @endpoint("POST", "deleteorder", right=Right.HIDE_ORDERS, title="删除团购订单", takes=OrderIdTakes)
    def delete_order(self, request: Request) -> Response:
        orders.hide_order(**self.valid(), principal=self.principal, now=timezone.now())
        return ok()

    @endpoint("POST", "closeorder", right=Right.CLOSE_ORDERS, title="关闭团购订单", takes=OrderIdTakes, throttles=[StaffWrite])
    def close_order(self, request: Request) -> Response:
        orders.close_order(**self.valid(), principal=self.principal, now=timezone.now())
        return ok()

    @endpoint("POST", "orderreceive", right=Right.RECEIVE_ORDERS, title="订单确认收货", takes=OrderIdTakes)
    def receive_order(self, request: Request) -> Response:
        fulfilment.receive_order(**self.valid(), principal=self.principal, now=timezone.now())
        return ok()

    @endpoint(
        "POST",
        "orderpay",
        right=Right.PAY_ORDERS,
        title="支付",
        takes=PayTakes,
        gives=ResultWithPayParametersGives,
        refused={"data": None},
        throttles=[PerBuyerPay],
    )
    def pay(self, request: Request) -> Response:
        parameters = payments.start_payment(**self.valid(), principal=self.principal, now=timezone.now())
        return ok(data=self.give(PayParametersGives, parameters))

    @endpoint(
        "POST",
        "orderrepay",
        right=Right.PAY_ORDERS,
        title="重新支付",
        takes=PayTakes,
        gives=ResultWithPayParametersGives,
        refused={"data": None},
        throttles=[PerBuyerPay],
    )
    def repay(self, request: Request) -> Response:
        parameters = payments.restart_payment(**self.valid(), principal=self.principal, now=timezone.now())
        return ok(data=self.give(PayParametersGives, parameters))

    @endpoint("POST", "checkorderpay", right=Right.CHECK_ORDER_PAYMENT, title="获取团购订单支付结果", takes=OrderIdTakes)
    def check_payment(self, request: Request) -> Response:
        may_ask = not PerBuyerCheck.is_over(self)
        result = payments.check_payment(**self.valid(), principal=self.principal, now=timezone.now(), may_ask=may_ask)
        return Response(envelope(result, str(result.label)))

    @endpoint("POST", "savesubscribe", right=Right.CONSENT_TO_MESSAGES, title="登记订阅消息", takes=ConsentTakes)
    def save_consent(self, request: Request) -> Response:
        consents.save(**self.valid(), principal=self.principal, now=timezone.now())
        return ok()

    def idempotency_key(self) -> str:
        key: str | None = self.request.headers.get("Idempotency-Key")
        # One that is there and can't be kept must not count as none: the caller believes that it repeats safely.
        if key is not None and not (0 < len(key) <= 64 and key.isascii() and key.isprintable()):
            raise Invalid("Idempotency-Key")
        return key or ""
