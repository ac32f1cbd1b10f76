"""A browser without script, for the buyer pages."""

import html
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.test import Client

from groupbuy import orders, payments
from groupbuy.models import GroupBuying, Order, Payment, SandboxTrade
from groupbuy.payments import settling
from groupbuy.payments.gateways import sandbox
from retail.models import User
from retail.principals import principal_of

BACKEND = "retail.login.backend.PeopleBackend"
TAG = re.compile(r"<(?:script|style)[^>]*>.*?</(?:script|style)>|<[^>]+>", re.S)


def words(response: HttpResponse) -> str:
    """What a person reads on a page, in one line."""
    return " ".join(html.unescape(TAG.sub(" ", response.content.decode())).split())


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def order_sheet(client: Client, group_buying: GroupBuying) -> dict[str, str]:
    """The fields of the order sheet as the page fills them in."""
    page = client.get(f"/g/{group_buying.pk}/").content.decode()
    form = page[page.index('id="order-form"') :]
    fields = [dict(re.findall(r'(\w+)="([^"]*)"', field)) for field in re.findall(r"<input[^>]*>", form[: form.index("</form>")])]
    return {field["name"]: html.unescape(field.get("value", "")) for field in fields if "name" in field}


def submit(client: Client, group_buying: GroupBuying, **typed: Any) -> HttpResponse:
    """Fill in and send the order sheet."""
    sheet = order_sheet(client, group_buying)
    return client.post(f"/g/{group_buying.pk}/", sheet | {"phone": "13800008000"} | typed)


def ordered(buyer: User, group_buying: GroupBuying, *, now: datetime, qty: int = 1, **wish: Any) -> Order:
    """An unpaid order of ``buyer``."""
    wished = orders.Wish(group_buying.pk, qty, phone="13800008000", **wish)
    return orders.create_order(principal=principal_of(buyer), buyer_id=None, wish=wished, now=now)


def pay(order: Order, *, now: datetime, press: Any = sandbox.pay) -> Order:
    """Press a button at the pretended bank for ``order``."""
    parameters = payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    settling.settle(press(parameters.pre_pay_id, now=now), source="sandbox", now=now)
    order.refresh_from_db()
    return order


def underpay(order: Order, *, now: datetime) -> Payment:
    """19.79, which isn't what it costs, comes in for ``order``, and the bank has it so too."""
    prepay_id = payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now).pre_pay_id
    SandboxTrade.objects.filter(prepay_id=prepay_id).update(total=Decimal("19.79"))
    settling.settle(sandbox.pay(prepay_id, now=now), source="test", now=now)
    return Payment.objects.get(prepay_id=prepay_id)
