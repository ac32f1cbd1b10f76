"""What is on record stays there, and whatever staff do in the admin is on record."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import ProtectedError
from django.utils import timezone

from groupbuy.models import BillDifference, GroupBuying, MerchantAccount, Order, OrderEvent, OrderStatus, Payment, Refund, RefundState
from groupbuy.payments import refunds
from groupbuy.payments.gateways import sandbox
from pricing.models import PriceChange, PriceLog, ShopProduct
from retail.database.append_only import WrittenOnce
from retail.models import AppSecret, OutboxEntry, OutboxState, User
from shops.models import Device, Shop
from tests.support import factories
from tests.support.back_office import answered, edit, fill, page
from tests.support.pages import browser_of, ordered, underpay
from tests.support.wechat import account_of, own_merchant

pytestmark = pytest.mark.django_db
PASSWORD = "xiguan-2026-tuan"
DAY = timezone.localtime().replace(hour=16, minute=0, second=0, microsecond=0) + timedelta(days=30)
LATER = {"pick_up_from": f"{DAY:%Y-%m-%dT%H:%M}", "pick_up_until": f"{DAY + timedelta(days=1):%Y-%m-%dT%H:%M}"}
WAYS: dict[str, Callable[[Any], object]] = {
    "save": lambda row: row.save(),
    "delete": lambda row: row.delete(),
    "update": lambda row: type(row).objects.filter(pk=row.pk).update(created_at=row.created_at),
    "delete of many": lambda row: type(row).objects.filter(pk=row.pk).delete(),
    "bulk_update": lambda row: type(row).objects.bulk_update([row], ["created_at"]),
    "update_or_create": lambda row: type(row).objects.update_or_create(pk=row.pk, defaults={"created_at": row.created_at}),
}


@pytest.fixture
def order(shop, manager) -> Order:
    return fill(shop, manager)


@pytest.mark.parametrize("model", [PriceLog, OrderEvent])
@pytest.mark.parametrize("way", WAYS)
def test_a_log_is_only_ever_added_to(order, model, way):
    row = model.objects.order_by("pk").first()
    with pytest.raises(WrittenOnce):
        WAYS[way](row)
    assert model.objects.filter(pk=row.pk).exists()


def test_what_a_log_is_about_can_not_be_deleted_under_it(order):
    with pytest.raises(ProtectedError):
        order.delete()
    with pytest.raises(ProtectedError):
        PriceLog.objects.first().shop_product.delete()


def first(model: Any, **values: Any) -> Callable[[Shop, Order], Any]:
    return lambda shop, order: model.objects.filter(**values).order_by("pk").first()


def the_order(shop: Shop, order: Order) -> Order:
    return order


def unpaid(shop: Shop, order: Order) -> Order:
    return ordered(order.buyer, order.group_buying, now=order.created_at)


def clerk_of(shop: Shop, order: Order) -> User:
    return factories.StaffFactory(tenant=shop.tenant, shops=[shop])


def fresh_shop(shop: Shop, order: Order) -> Shop:
    return factories.ShopFactory(tenant=shop.tenant)


def given_up(shop: Shop, order: Order) -> OutboxEntry:
    OutboxEntry.objects.update(state=OutboxState.GIVEN_UP, next_try_at=None)
    return OutboxEntry.objects.order_by("pk").first()


def held(shop: Shop, order: Order) -> Payment:
    return underpay(unpaid(shop, order), now=order.created_at)


def stuck(shop: Shop, order: Order) -> Refund:
    """The bank has it, and we took its answer for a no."""
    payment = order.payments.get()
    refund = Refund.objects.create(payment=payment, out_refund_no="R9", intent="R9", amount=Decimal("1.00"), user=order.buyer)
    refunds.ask_or_send(sandbox.SandboxGateway(), refund)
    Refund.objects.update(state=RefundState.REJECTED)
    return refund


def undecided(shop: Shop, order: Order) -> GroupBuying:
    GroupBuying.objects.update(min_qty=50)
    return order.group_buying


def dated(shop: Shop, order: Order) -> GroupBuying:
    GroupBuying.objects.update(pick_up_from=DAY + timedelta(days=1), pick_up_until=DAY + timedelta(days=2))
    return order.group_buying


def overdue_order(shop: Shop, order: Order) -> Order:
    dated(shop, order)
    gone = timezone.now() - timedelta(days=1)
    Order.objects.update(status=OrderStatus.SHIPPED, pick_up_from=gone - timedelta(days=1), pick_up_until=gone, reminders=2)
    return order


def sent(shop: Shop, order: Order) -> Order:
    Order.objects.update(status=OrderStatus.SHIPPED, deliver_type=2, carrier="顺丰", tracking_number="SF1")
    return order


def undoable(shop: Shop, order: Order) -> PriceChange:
    row = factories.ShopProductFactory(shop=shop, price="2.00", member_price="2.00")
    return factories.log_of(row, old_price="1.00", new_price="2.00").change


# Every button of the admin: at which row, and with what it is answered.
BUTTONS: dict[tuple[str, str], tuple[Callable[[Shop, Order], Any], dict[str, Any]]] = {
    ("user", "new_password"): (clerk_of, {"password": PASSWORD, "again": PASSWORD}),
    ("user", "unlock"): (clerk_of, {}),
    ("shop", "show_secret"): (first(Shop), {}),
    ("shop", "rotate_secret"): (first(Shop), {}),
    ("shop", "close_down"): (fresh_shop, {}),
    ("device", "reset_download"): (first(Device), {}),
    ("shopproduct", "take_off_sale"): (first(ShopProduct, removed_at=None), {}),
    ("pricechange", "undo"): (undoable, {}),
    ("groupbuying", "switch"): (first(GroupBuying), {}),
    ("groupbuying", "close_early"): (first(GroupBuying), {}),
    ("groupbuying", "declare_reached"): (undecided, {}),
    ("groupbuying", "reschedule"): (dated, LATER),
    ("groupbuying", "short_delivery"): (first(GroupBuying), {}),
    ("groupbuying", "cancel"): (first(GroupBuying), {"reason": "货没到", "understood": "on"}),
    ("order", "confirm"): (the_order, {}),
    ("order", "deliver"): (the_order, {}),
    ("order", "short_delivery"): (the_order, {}),
    ("order", "confirm_one"): (the_order, {}),
    ("order", "deliver_one"): (the_order, {}),
    ("order", "reschedule"): (the_order, LATER),
    ("order", "reschedule_one"): (the_order, LATER),
    ("order", "record_reminder"): (overdue_order, {"note": "打过电话"}),
    ("order", "complete_overdue"): (overdue_order, {"ending": "spoiled"}),
    ("order", "correct_parcel"): (sent, {"carrier": "顺丰", "tracking_number": "SF2"}),
    ("order", "recheck"): (the_order, {}),
    ("order", "close_order"): (unpaid, {}),
    ("order", "refund"): (the_order, {"amount": "1.00", "reason": "坏了一个", "intent": "a"}),
    ("payment", "recheck"): (first(Payment), {}),
    ("payment", "refund_held"): (held, {}),
    ("payment", "record_returned"): (held, {"note": "商户平台已退", "intent": "a"}),
    ("refund", "ask_again"): (stuck, {}),
    ("refund", "send_again"): (stuck, {}),
    ("refund", "record_returned"): (stuck, {"note": "银行转账 0042"}),
    ("refund", "drop"): (stuck, {"note": "换货"}),
    ("billdifference", "resolve"): (first(BillDifference), {"note": "已核实"}),
    ("billdifference", "resolve_one"): (first(BillDifference), {"note": "已核实"}),
    ("merchantaccount", "try_credentials"): (first(MerchantAccount), {}),
    ("appsecret", "try_secret"): (first(AppSecret), {}),
    ("merchantaccount", "confirm_number"): (first(MerchantAccount), {}),
    ("merchantaccount", "withdraw_confirmation"): (first(MerchantAccount), {}),
    ("outboxentry", "send_again"): (given_up, {}),
    ("outboxentry", "send_one_again"): (given_up, {}),
}

# Pages that change nothing.
LOOKS = {("groupbuying", "print_pick_list")}
# Not answered by one question about one row, or not headquarters' to press (``test_admin_merchants``, ``test_admin_app_secret``).
APART = ("try_credentials", "try_secret", "short_delivery", "confirm_number", "withdraw_confirmation")


def names_of(model: Any, kind: str) -> tuple[str, ...]:
    return tuple(getattr(admin.site.get_model_admin(model), kind) or ())


def test_every_button_of_the_admin_is_tried_here():
    kinds = ("actions", "actions_detail")
    found = {(model._meta.model_name, name) for model in admin.site._registry for kind in kinds for name in names_of(model, kind)}
    assert found == set(BUTTONS) | LOOKS


@pytest.mark.parametrize(("model_name", "action"), [button for button in BUTTONS if button[1] not in APART])
def test_what_a_button_did_is_on_record(headquarters, shop, order, model_name, action):
    find, values = BUTTONS[model_name, action]
    row = find(shop, order)
    factories.grant(headquarters, "shops.see_secret")
    entries = LogEntry.objects.filter(user=headquarters, object_id=str(row.pk), content_type__model=model_name)
    before, browser = entries.count(), browser_of(headquarters)
    if action in names_of(type(row), "actions"):
        address = page(row).removesuffix(f"{row.pk}/change/")
        browser.post(address, answered(action=action, _selected_action=[row.pk], **values))
    else:
        browser.post(page(row, action), answered(**values))
    assert entries.count() == before + 1
    assert entries.latest("pk").change_message


def test_who_tried_a_merchants_keys_is_on_record(fake_wechat, headquarters):
    account = account_of(headquarters.tenant, own_merchant(fake_wechat))
    account.save()
    browser_of(headquarters).post(page(account, "try_credentials"), answered())
    assert LogEntry.objects.filter(user=headquarters, object_id=str(account.pk)).count() == 1


def test_a_short_delivery_is_on_record_at_each_order(headquarters, order):
    form = {"step": "confirm", "intent": "a", "orders": order.pk, f"units_{order.pk}": 1, "seen": f"{order.pk}:1"}
    browser_of(headquarters).post(page(order.group_buying, "short_delivery"), form)
    entry = LogEntry.objects.get(user=headquarters, object_id=str(order.pk), content_type__model="order")
    assert "缺货退款" in entry.change_message


def test_a_handed_over_parcel_is_on_record(clerk, order, shop):
    browser_of(clerk).post("/admin/groupbuy/verify/", {"shop": shop.pk, "code": order.deliver_code, "handed_over": "1"})
    assert LogEntry.objects.filter(user=clerk, object_id=str(order.pk), change_message="核销取货码").count() == 1


def test_an_edit_says_which_fields_it_changed(headquarters, clerk, shop):
    form = {"nickname": "小李", "phone": "", "is_active": "on", "role": "manager", "shops": [shop.pk]}
    edit(browser_of(headquarters), clerk, form)
    entry = LogEntry.objects.get(user=headquarters, object_id=str(clerk.pk))
    assert "角色" in entry.get_change_message()


def test_a_price_that_is_edited_is_on_record_twice(headquarters, shop):
    """In the history of who did what, and in the log of prices."""
    row = factories.ShopProductFactory(shop=shop, price="5.00", member_price="5.00", sort=1)
    shown = {"price": "6.00", "member_price": "5.00", "sort": "1"}
    edit(browser_of(headquarters), row, shown)
    assert LogEntry.objects.filter(user=headquarters, object_id=str(row.pk)).count() == 1
    assert PriceLog.objects.get(shop_product=row).user == headquarters
