"""Headquarters gets stuck money on, from the pages of payments, refunds and orders."""

import pytest

from groupbuy.models import OrderStatus, PaymentUse, Refund, RefundState
from groupbuy.payments import refunds
from groupbuy.payments.gateways import sandbox
from retail.principals import principal_of
from tests.support import factories
from tests.support.back_office import answered, page, said
from tests.support.pages import browser_of, ordered, pay, underpay, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(headquarters):
    return browser_of(headquarters)


@pytest.fixture
def order(buyer, group_buying, now):
    return ordered(buyer, group_buying, now=now, qty=2)


@pytest.fixture
def held(order, now):
    return underpay(order, now=now)


@pytest.fixture
def stuck(order, headquarters, now):
    pay(order, now=now)
    refund = refunds.refund_order(order_id=order.pk, amount=None, reason="坏果", principal=principal_of(headquarters), now=now)
    Refund.objects.update(state=RefundState.REJECTED, next_check_at=None)
    refund.refresh_from_db()
    return refund


def test_held_money_is_refunded_after_a_look_at_the_figures(browser, held):
    assert "待核实收款 1" in words(browser.get("/admin/"))
    assert "退回款项" in words(browser.get(page(held)))
    asked = words(browser.get(page(held, "refund_held")))
    for figure in ("应付 ¥19.80", "实收 ¥19.79", "待处理 ¥19.79"):
        assert figure in asked
    done = browser.post(page(held, "refund_held"), answered(), follow=True)
    assert "已登记退款 ¥19.79" in said(done)[0]
    assert "退回款项" not in words(browser.get(page(held)))
    assert "待核实收款" not in words(browser.get("/admin/"))
    assert "已登记退款 ¥19.79" in words(browser.get(page(held.order, "history")))
    again = browser.post(page(held, "refund_held"), answered(), follow=True)
    assert "已处理" in said(again)[0]


def test_money_that_went_back_elsewhere_needs_its_reference(browser, held):
    refused = browser.post(page(held, "record_returned"), answered(intent="f", note=""))
    assert "note" in refused.context["form"].errors
    done = browser.post(page(held, "record_returned"), answered(intent="f", note="商户平台已退"), follow=True)
    assert said(done) == ["已登记系统外退回 ¥19.79：商户平台已退"]
    held.refresh_from_db()
    assert held.use == PaymentUse.SURPLUS


def test_the_order_says_what_waits_and_leads_there(browser, manager, held):
    answer = browser.get(page(held.order))
    assert "需人工处理" in words(answer)
    assert page(held, "refund_held") in answer.content.decode()
    managers = browser_of(manager).get(page(held.order))
    assert "需人工处理" in words(managers)
    assert page(held, "refund_held") not in managers.content.decode()


def test_a_stuck_refund_is_found_and_ended_by_hand(browser, order, stuck):
    assert "退款异常 1" in words(browser.get("/admin/"))
    assert stuck.out_refund_no in words(browser.get("/admin/groupbuy/refund/?stuck=yes"))
    assert page(stuck) in browser.get(page(order)).content.decode()
    seen = words(browser.get(page(stuck)))
    for action in ("查询渠道", "重新提交", "登记线下退款", "作废"):
        assert action in seen
    done = browser.post(page(stuck, "record_returned"), answered(note="银行转账 0042"), follow=True)
    assert said(done) == ["已登记线下退款 ¥19.80：银行转账 0042"]
    order.refresh_from_db()
    assert order.status == OrderStatus.REFUNDED
    assert "银行转账 0042" in words(browser.get(page(order)))
    assert "登记线下退款" not in words(browser.get(page(stuck)))
    assert stuck.out_refund_no not in words(browser.get("/admin/groupbuy/refund/?stuck=yes"))


def test_it_is_sent_again_asked_about_or_given_up(browser, stuck):
    assert said(browser.post(page(stuck, "ask_again"), answered(), follow=True)) == ["支付渠道没有这笔退款"]
    assert said(browser.post(page(stuck, "send_again"), answered(), follow=True)) == ["退款 ¥19.80 稍后由系统重新提交"]
    Refund.objects.update(state=RefundState.REJECTED)
    assert said(browser.post(page(stuck, "drop"), answered(note="换货"), follow=True)) == ["退款 ¥19.80 已作废：换货"]


def test_the_answer_of_the_gateway_is_told(browser, stuck):
    refunds.ask_or_send(sandbox.SandboxGateway(), stuck)
    assert said(browser.post(page(stuck, "ask_again"), answered(), follow=True)) == ["支付渠道的结果：已退款"]


def test_an_abnormal_refund_offers_neither_another_try_nor_the_bin(browser, stuck):
    Refund.objects.update(state=RefundState.ABNORMAL)
    seen = words(browser.get(page(stuck)))
    assert "登记线下退款" in seen
    assert "重新提交" not in seen
    assert "作废" not in seen


ACTIONS = ("ask_again", "send_again", "record_returned", "drop")


def test_nobody_in_a_shop_and_nobody_of_another_tenant_resolves_anything(manager, buyer, group_buying, held, headquarters, now):
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    stuck = refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=principal_of(headquarters), now=now)
    Refund.objects.update(state=RefundState.REJECTED, next_check_at=None)
    addresses = [page(stuck, name) for name in ACTIONS] + [page(held, name) for name in ("refund_held", "record_returned")]
    foreign = factories.StaffFactory(role="headquarters")
    for person, code in ((manager, 403), (foreign, 404)):
        for address in addresses:
            assert browser_of(person).post(address, answered(note="x", intent="f")).status_code == code
    held.refresh_from_db()
    stuck.refresh_from_db()
    assert (held.use, stuck.state, stuck.settled_by) == (PaymentUse.HELD, RefundState.REJECTED, None)
