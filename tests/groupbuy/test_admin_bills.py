"""Bills and their differences in the admin: looked at, looked into, never written by hand."""

import pytest

from groupbuy.models import Bill, BillDifference
from tests.support import factories
from tests.support.back_office import answered, page, said
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
LIST = "/admin/groupbuy/billdifference/"


@pytest.fixture
def difference(buyer, group_buying, now):
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    bill = Bill.objects.create(tenant=order.tenant, gateway="sandbox", mch_id="1900000001", on=now.date(), compared_at=now)
    kind = "payment-differs"
    return BillDifference.objects.create(
        bill=bill, tenant=order.tenant, kind=kind, number="N1", payment=order.payments.get(), billed="9.89", booked="9.90"
    )


def test_headquarters_sees_it_on_the_first_page_and_in_the_lists(headquarters, difference):
    browser = browser_of(headquarters)
    assert "账单差异 1" in words(browser.get("/admin/"))
    seen = words(browser.get(f"{LIST}?resolved_at__isnull=True"))
    for expected in ("收款不一致", "N1", "9.89", "9.90", difference.payment.order.code):
        assert expected in seen
    assert "已核对" in words(browser.get("/admin/groupbuy/bill/"))
    assert "N1" in words(browser.get(page(difference.bill)))


def test_headquarters_writes_down_what_it_was_about(headquarters, difference):
    browser = browser_of(headquarters)
    asked = browser.post(page(difference, "resolve_one"), answered(note=""))
    assert "note" in asked.context["form"].errors
    done = browser.post(page(difference, "resolve_one"), answered(note="已与微信核实"), follow=True)
    assert said(done) == ["已处理 1 条差异：已与微信核实"]
    difference.refresh_from_db()
    assert (difference.resolved_by, difference.note) == (headquarters, "已与微信核实")
    assert "N1" not in words(browser.get(f"{LIST}?resolved_at__isnull=True"))
    again = browser.post(page(difference, "resolve_one"), answered(note="别的"), follow=True)
    assert said(again) == ["所选差异已处理，请刷新后再试"]


def test_several_are_resolved_together(headquarters, difference):
    other = BillDifference.objects.create(bill=difference.bill, tenant=difference.tenant, kind="unknown-payment", number="N2")
    chosen = {"action": "resolve", "_selected_action": [difference.pk, other.pk]}
    done = browser_of(headquarters).post(LIST, chosen | answered(note="测试单"), follow=True)
    assert said(done) == ["已处理 2 条差异：测试单"]
    assert not BillDifference.objects.unresolved().exists()


def test_nobody_in_a_shop_or_of_another_tenant_gets_there(manager, difference):
    assert browser_of(manager).get(LIST).status_code == 403
    foreign = browser_of(factories.StaffFactory(role="headquarters"))
    assert foreign.post(page(difference, "resolve_one"), answered(note="x")).status_code == 404
    assert "N1" not in words(foreign.get(LIST))


def test_neither_is_written_by_hand(headquarters, difference):
    browser = browser_of(headquarters)
    assert browser.post(page(difference), {"note": "x"}).status_code == 403
    assert browser.get(f"{LIST}add/").status_code == 403
