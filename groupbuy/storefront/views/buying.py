"""A buyer's own orders: looking, paying, closing, receiving, deleting."""

import json
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from groupbuy import orders, payments
from groupbuy.models import Gateway, Order, OrderEvent
from groupbuy.models.orders import AWAITING_PAYMENT, TO_DELIVER
from groupbuy.orders import fulfilment
from groupbuy.payments.gateways import PayParameters
from groupbuy.storefront.purchases import TAB_STATUSES, Purchase, Tab, shown
from groupbuy.storefront.views.base import Page, number_in
from groupbuy.storefront.views.shopping import tenant_by_host
from retail import mini_program
from retail.refusals import Refusal, found
from retail.throttles import PerBuyerCheck, PerBuyerPay
from shops import configuration

PAGE = 20


class OrderList(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        tab = Tab(request.GET["tab"]) if request.GET.get("tab") in Tab.values else Tab.ALL
        mine = Order.objects.visible_to(self.principal).not_hidden() if self.buyer else Order.objects.none()
        to_pay, to_get = (Count("pk", filter=Q(status__in=statuses)) for statuses in (AWAITING_PAYMENT, TO_DELIVER))
        counts = mine.aggregate(to_pay=to_pay, to_get=to_get)
        rows = shown(mine.filter(status__in=TAB_STATUSES[tab]))
        before = number_in(request.GET, "before")
        rows = rows.filter(pk__lt=before) if before else rows
        orders_found = list(rows.order_by("-pk")[: PAGE + 1])
        return self.show(
            "storefront/orders.html",
            tenant=self.buyer.tenant if self.buyer else tenant_by_host(request),
            tab=tab,
            tabs=[(choice, counts.get(choice.name.lower())) for choice in Tab],
            purchases=[Purchase(order, self.now) for order in orders_found[:PAGE]],
            next_before=orders_found[PAGE - 1].pk if len(orders_found) > PAGE else None,
        )


class OwnOrderPage(Page):
    """Pages of one order, for its buyer alone: to everybody else it does not exist."""

    def order(self) -> Order:
        events = Prefetch("events", OrderEvent.objects.order_by("-pk"))
        rows = shown(Order.objects.visible_to(self.principal).not_hidden()).select_related("tenant").prefetch_related(events)
        return found(rows if self.buyer else rows.none(), code=self.kwargs["code"])

    def purchase(self, order: Order) -> Purchase:
        codes = ("buyer_receives_pick_up", "auto_complete_days")
        set_to = configuration.values_of(codes, tenant_id=order.tenant_id, shop_id=order.shop_id)
        return Purchase(order, self.now, may_receive=set_to[codes[0]], days=set_to[codes[1]])

    def refused(self, error: Refusal) -> HttpResponse:
        if error.http_status not in (200, 429):
            return super().refused(error)
        messages.error(self.request, str(error.message))
        return self.go(reverse("storefront:order", args=[self.kwargs["code"]]))


class OrderPage(OwnOrderPage):
    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        order = self.order()
        return self.show("storefront/order.html", tenant=order.tenant, purchase=self.purchase(order), order=order)


class OrderNews(OwnOrderPage):
    """Asks how the payment went; nothing (204) while the order is as the page has it."""

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        order = self.order()
        if order.status in AWAITING_PAYMENT:
            payments.check_payment(order_id=order.pk, principal=self.principal, now=self.now, may_ask=self.has_room(PerBuyerCheck))
            order = self.order()
        purchase = self.purchase(order)
        if request.POST.get("seen") == purchase.version:
            return HttpResponse(status=204)
        return self.show("storefront/_order.html", purchase=purchase, order=order, is_news=True)


class Pay(OwnOrderPage):
    """Sends the buyer to the bank: the sandbox's page, or WeChat's own window."""

    throttle = PerBuyerPay
    start: Callable[..., PayParameters] = staticmethod(payments.start_payment)

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        order = self.order()
        parameters = self.start(order_id=order.pk, principal=self.principal, now=self.now)
        if settings.PAYMENT_GATEWAY == Gateway.SANDBOX:
            return self.go(reverse("storefront:sandbox_pay", args=[parameters.pre_pay_id]))
        window = window_parameters(parameters, app_id=mini_program.app_id_of(order.tenant))
        return self.show("storefront/pay.html", tenant=order.tenant, order=order, window_parameters=json.dumps(window))


def window_parameters(parameters: PayParameters, *, app_id: str) -> dict[str, str]:
    """What WeChat's browser wants for its pay window (getBrandWCPayRequest)."""
    return {
        "appId": app_id,
        "timeStamp": parameters.time_stamp,
        "nonceStr": parameters.nonce_str,
        "package": f"prepay_id={parameters.pre_pay_id}",
        "signType": parameters.sign_type,
        "paySign": parameters.pay_sign,
    }


class PayAgain(Pay):
    start = staticmethod(payments.restart_payment)


class CloseOrder(OwnOrderPage):
    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        orders.close_order(order_id=self.order().pk, principal=self.principal, now=self.now)
        messages.success(request, _("订单已取消"))
        return self.go(reverse("storefront:order", args=[code]))


class ReceiveOrder(OwnOrderPage):
    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        fulfilment.receive_order(order_id=self.order().pk, principal=self.principal, now=self.now)
        messages.success(request, _("已确认"))
        return self.go(reverse("storefront:order", args=[code]))


class DeleteOrder(OwnOrderPage):
    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        orders.hide_order(order_id=self.order().pk, principal=self.principal, now=self.now)
        messages.success(request, _("订单已删除"))
        return self.go(reverse("storefront:orders"))
