"""The sandbox's pay page: it plays the bank, whose customer is whoever holds the prepay id."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from groupbuy.models import Gateway, Payment, TradeState
from groupbuy.payments import settling
from groupbuy.payments.gateways import sandbox
from groupbuy.storefront.views.base import Page
from retail.refusals import Invalid, NotThere, found


# The prepay id is the capability, no cookie is looked at but to find the way back, and the money is not real.
# So a mini-program's tester may press the buttons from a script.
@method_decorator(csrf_exempt, name="dispatch")
class SandboxPay(Page):
    def get(self, request: HttpRequest, prepay_id: str) -> HttpResponse:
        return self.show_trade(self.payment())

    def post(self, request: HttpRequest, prepay_id: str) -> HttpResponse:
        payment = self.payment()
        outcome = request.POST.get("outcome", "")
        if outcome == "pay":
            settling.settle(sandbox.pay(prepay_id, now=self.now), source="sandbox", now=self.now)
        elif outcome == "fail":
            settling.settle(sandbox.fail(prepay_id, now=self.now), source="sandbox", now=self.now)
        elif outcome != "leave":
            raise Invalid
        if self.buyer is not None and payment.order.buyer_id == self.buyer.pk:
            return self.go(reverse("storefront:order", args=[payment.order.code]))
        return self.show_trade(payment, outcome=outcome)

    def payment(self) -> Payment:
        if settings.PAYMENT_GATEWAY != Gateway.SANDBOX:
            raise NotThere
        payments = Payment.objects.filter(gateway=Gateway.SANDBOX).select_related("order__tenant", "order__shop")
        return found(payments, prepay_id=self.kwargs["prepay_id"])

    def show_trade(self, payment: Payment, **context: Any) -> HttpResponse:
        trade = sandbox.SandboxGateway().query(payment.out_trade_no)
        is_own = self.buyer is not None and payment.order.buyer_id == self.buyer.pk
        is_open = trade.state == TradeState.NOTPAY
        is_paid = trade.state in sandbox.PAID_STATES
        return self.show(
            "storefront/sandbox_pay.html", payment=payment, order=payment.order, is_open=is_open, is_paid=is_paid, is_own=is_own, **context
        )
