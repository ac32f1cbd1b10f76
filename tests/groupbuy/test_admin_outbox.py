"""The list of what WeChat and buyers were told, and what staff can do about what was not."""

import pytest
from django.urls import reverse

from groupbuy.models import Order
from retail.models import OutboxEntry
from tests.support import factories
from tests.support.back_office import answered, fill, page, said
from tests.support.pages import browser_of, words

pytestmark = pytest.mark.django_db
LIST = reverse("admin:retail_outboxentry_changelist")


@pytest.fixture
def order(shop, manager) -> Order:
    """With an upload of shipping information that was given up."""
    order = fill(shop, manager)
    OutboxEntry.objects.update(state="given_up", next_try_at=None, note="微信拒绝：errcode 10060004", attempts=3)
    return order


@pytest.fixture
def refund_entry(order, shop) -> OutboxEntry:
    refund = order.payments.get().refunds.get()
    return OutboxEntry.objects.create(tenant=shop.tenant, shop_id=shop.pk, kind="refunded", subject_id=refund.pk, state="sent")


def test_a_failure_is_shown_with_its_order_and_its_reason(order, refund_entry, manager):
    seen = words(browser_of(manager).get(LIST))
    for expected in ("发货信息上报", "需人工处理", "微信拒绝：errcode 10060004", "退款到账通知"):
        assert expected in seen
    assert seen.count(order.code) == 2


def test_the_failed_uploads_have_a_list_of_their_own(order, refund_entry, manager):
    seen = words(browser_of(manager).get(LIST, {"kind__exact": "shipping", "state__exact": "given_up"}))
    assert seen.count(order.code) == 1


def test_it_is_found_by_the_orders_code(order, manager):
    browser = browser_of(manager)
    assert order.code in words(browser.get(LIST, {"q": order.code}))
    assert "10060004" not in words(browser.get(LIST, {"q": "nothing"}))


def test_a_manager_has_it_sent_again(order, manager):
    entry = OutboxEntry.objects.get()
    assert said(browser_of(manager).post(page(entry, "send_one_again"), answered(), follow=True)) == ["1 条将重新发送"]
    entry.refresh_from_db()
    assert (entry.state, entry.attempts, entry.note) == ("waiting", 0, "")


def test_several_at_once_from_the_list(order, shop, headquarters):
    ids = [entry.pk for entry in OutboxEntry.objects.all()]
    form = answered(action="send_again", _selected_action=ids)
    assert said(browser_of(headquarters).post(LIST, form, follow=True)) == ["1 条将重新发送"]


def test_what_was_sent_offers_no_button_and_refuses(refund_entry, manager):
    browser = browser_of(manager)
    assert "重新发送" not in words(browser.get(page(refund_entry)))
    assert said(browser.post(page(refund_entry, "send_one_again"), answered(), follow=True)) == ["只有“需人工处理”的条目可以重新发送"]


def test_staff_of_other_shops_and_clerks_do_not_see_it(order, clerk, tenant):
    entry = OutboxEntry.objects.get()
    next_door = factories.StaffFactory(tenant=tenant, role="manager", shops=[factories.ShopFactory(tenant=tenant)])
    assert browser_of(clerk).get(LIST).status_code == 403
    assert order.code not in words(browser_of(next_door).get(LIST))
    for person in (clerk, next_door):
        assert browser_of(person).post(page(entry, "send_one_again"), answered()).status_code in (403, 404)
    entry.refresh_from_db()
    assert entry.state == "given_up"


def test_the_overview_says_that_somebody_must_look(order, manager):
    assert "通知与上报失败 1" in words(browser_of(manager).get(reverse("admin:index")))
