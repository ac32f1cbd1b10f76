"""Rows of every kind in one shop, and the pages of the admin that show them."""

import datetime
import re
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from groupbuy.models import (
    Bill,
    BillDifference,
    GroupBuyingImage,
    IdempotencyKey,
    MerchantAccount,
    Order,
    PaymentEvent,
    Refund,
    Share,
    ShareVisitor,
    Visitor,
    VisitTimes,
    WrongCode,
)
from pricing.models import MarketPrice, ShopProduct
from retail.models import AppSecret, OutboxEntry, User
from shops.models import ConfigItem, ConfigValue, Shop, ShopHoliday
from tests.support import factories
from tests.support.pages import ordered, pay


def page(row: Any, kind: str = "change") -> str:
    """The address of a row's page: change, history, delete, or the name of one of its actions."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{kind}", args=[row.pk])


def pages_of_lists(kind: str = "changelist") -> Iterator[tuple[type, str]]:
    for model in admin.site._registry:
        yield model, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}")


def marks(opened: HttpResponse) -> dict[str, str]:
    """What an opened page sends back unseen: the marks of what its fields showed."""
    return dict(re.findall(r'<input type="hidden" name="((?:[\w-]+-)?initial-[\w-]+)" value="([^"]*)"', opened.content.decode()))


def edit(browser: Client, row: Any, form: dict[str, Any], **options: Any) -> HttpResponse:
    """Open the page of ``row`` and send it with ``form`` typed in."""
    return browser.post(page(row), marks(browser.get(page(row))) | form, **options)


def said(response: HttpResponse) -> list[str]:
    """The messages of the page that a response leads to; call it with ``follow=True``."""
    return [str(message) for message in response.context["messages"]]


def answered(**values: Any) -> dict[str, Any]:
    """What the button of a question sends."""
    return {"answered": "1"} | values


def fill(shop: Shop, staff: User) -> Order:
    """One more row of every model that a shop leads to; returns the paid order."""
    now = timezone.now()
    order = fill_trade(shop, staff, now)
    row = factories.ShopProductFactory(shop=shop)
    log = factories.log_of(row, user=staff, old_price="1.00", new_price="2.00")
    ShopProduct.objects.create(shop=shop, product=row.product, price=1, member_price=1, removed_at=now, removed_in=log.change)
    factories.StockFigureFactory(shop=shop, product=row.product)
    MarketPrice.objects.create(product=row.product, on=datetime.date(2026, 1, 1), low=1, average=2, high=3)
    stall = factories.StallFactory(shop=shop)
    factories.DeviceFactory(shop=shop, stall=stall)
    item = ConfigItem.objects.create(code=f"item-{ConfigItem.objects.count()}", name="打印份数")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="2")
    ShopHoliday.objects.create(shop=shop, first_day="2026-02-16", last_day="2026-02-22", words="春节休息")
    LogEntry.objects.log_actions(user_id=staff.pk, queryset=[order], action_flag=CHANGE, change_message="确认")
    return order


def fill_trade(shop: Shop, staff: User, now: datetime.datetime) -> Order:
    buyer = factories.BuyerFactory(tenant=shop.tenant)
    factories.IdentityFactory(user=buyer)
    group_buying = factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop, creator=staff)
    GroupBuyingImage.objects.create(group_buying=group_buying, image="groupbuys/a.jpg")
    VisitTimes.objects.create(group_buying=group_buying, times=3)
    visitor = Visitor.objects.create(group_buying=group_buying, user=buyer, last_at=now)
    share = Share.objects.create(group_buying=group_buying, user=staff)
    ShareVisitor.objects.create(share=share, visitor=visitor)
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    payment = order.payments.get()
    refund = Refund.objects.create(payment=payment, out_refund_no=f"R{order.pk}", intent=f"part-{order.pk}", amount="1.00", user=staff)
    PaymentEvent.objects.create(payment=payment, refund=refund, source="test", result="part")
    bill = Bill.objects.create(
        tenant=shop.tenant, gateway="sandbox", on=now - datetime.timedelta(days=Bill.objects.count() + 1), mch_id=f"{order.pk}"
    )
    BillDifference.objects.create(bill=bill, tenant=shop.tenant, kind="payment-missing", number="1", payment=payment, refund=refund)
    OutboxEntry.objects.create(tenant=shop.tenant, shop_id=shop.pk, kind="shipping", subject_id=order.pk, next_try_at=now)
    WrongCode.objects.create(user=staff, shop=shop, tried_at=now)
    IdempotencyKey.objects.create(user=buyer, key=f"key-{order.pk}", fingerprint="x", order=order)
    AppSecret.objects.get_or_create(tenant=shop.tenant, defaults={"value": "the-apps-secret-key"})
    number = MerchantAccount.objects.count()
    MerchantAccount.objects.create(
        tenant=shop.tenant,
        mch_id=f"19000{number}",
        cert_serial="A1",
        private_key="secret-key",
        api_v3_key="k" * 32,
        public_key_id=f"PUB_KEY_ID_0{number}",
        public_key="public",
        in_use=False,
    )
    return order
