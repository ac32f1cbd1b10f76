"""The counter: eight digits in, goods out, next please."""

import pytest

from groupbuy.models import Order, OrderStatus, Refund, WrongCode
from retail.rights import Role
from tests.support import factories
from tests.support.back_office import said
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
COUNTER = "/admin/groupbuy/verify/"


@pytest.fixture
def paid(buyer, group_buying, now):
    return pay(ordered(buyer, group_buying, now=now, qty=2, remark="要红一点的"), now=now)


def typed(order, **values):
    return {"shop": order.shop_id, "code": order.deliver_code} | values


def test_the_code_leads_to_the_order_and_the_button_completes_it(clerk, paid):
    browser = browser_of(clerk)
    found = words(browser.post(COUNTER, typed(paid)))
    for expected in (paid.product_name, "×2", paid.buyer.nickname, "要红一点的"):
        assert expected in found
    assert Order.objects.get().status == OrderStatus.PAID
    done = browser.post(COUNTER, typed(paid, handed_over="1"), follow=True)
    assert "已核销" in said(done)[0]
    assert Order.objects.get().status == OrderStatus.COMPLETED
    assert 'name="code"' in done.content.decode()
    assert "autofocus" in done.content.decode()


@pytest.mark.parametrize("spelt", ["{0} {1}", " {0}{1} ", "{0}-{1}", "full width"])
def test_a_code_may_be_typed_as_it_is_read_out(clerk, paid, spelt):
    code = paid.deliver_code
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    sent = wide if spelt == "full width" else spelt.format(code[:4], code[4:])
    assert paid.product_name in words(browser_of(clerk).post(COUNTER, typed(paid, code=sent)))


@pytest.mark.parametrize("code", ["", "123", "123456789", "abcdefgh", "²²²²²²²²"])
def test_what_is_no_code_is_said_at_once_and_not_counted(clerk, paid, code):
    answer = browser_of(clerk).post(COUNTER, typed(paid, code=code))
    assert answer.context["form"].errors
    assert not WrongCode.objects.exists()


def test_wrong_codes_are_counted_and_end_in_a_pause(clerk, paid):
    Order.objects.update(deliver_code="11112222")
    browser = browser_of(clerk)
    for _ in range(5):
        wrong = browser.post(COUNTER, typed(paid, code="99998888"), follow=True)
    assert said(wrong) == ["取货码不正确，请核对后重新输入"]
    paused = browser.post(COUNTER, {"shop": paid.shop_id, "code": "11112222"}, follow=True)
    assert said(paused) == ["输错次数过多，请 15 分钟后再试"]


def test_a_used_code_opens_nothing(clerk, paid):
    browser = browser_of(clerk)
    browser.post(COUNTER, typed(paid, handed_over="1"))
    again = browser.post(COUNTER, typed(paid, handed_over="1"), follow=True)
    assert said(again)[-1] == "取货码不正确，请核对后重新输入"


def test_an_order_being_refunded_is_not_handed_over(clerk, paid):
    Refund.objects.create(payment=paid.payments.get(), out_refund_no="R1", intent="x", amount=paid.money)
    browser = browser_of(clerk)
    assert "正在退款，请不要交付商品" in words(browser.post(COUNTER, typed(paid)))
    refused = browser.post(COUNTER, typed(paid, handed_over="1"), follow=True)
    assert said(refused) == ["退款中"]
    assert Order.objects.get().status == OrderStatus.PAID


def test_another_shops_code_is_wrong_here_and_the_other_shop_no_choice(clerk, paid, tenant):
    other = factories.ShopFactory(tenant=tenant)
    stranger = factories.StaffFactory(tenant=tenant, role=Role.CLERK, shops=[other])
    browser = browser_of(stranger)
    assert "shop" in browser.post(COUNTER, typed(paid)).context["form"].errors
    wrong = browser.post(COUNTER, typed(paid, shop=other.pk), follow=True)
    assert said(wrong) == ["取货码不正确，请核对后重新输入"]


def test_the_only_shop_needs_no_choice_and_a_chosen_one_is_remembered(clerk, headquarters, paid, tenant):
    assert "<select" not in browser_of(clerk).get(COUNTER).content.decode()
    factories.ShopFactory(tenant=tenant, code="aaa")
    browser = browser_of(headquarters)
    assert browser.get(COUNTER).context["chosen"] != paid.shop_id
    browser.post(COUNTER, typed(paid, handed_over="1"))
    assert browser.get(COUNTER).context["chosen"] == paid.shop_id


def test_a_clerk_without_a_shop_is_told_so(tenant):
    nobody = factories.StaffFactory(tenant=tenant, role=Role.CLERK)
    assert "还没有分配门店" in words(browser_of(nobody).get(COUNTER))


def test_a_phone_gets_a_number_pad(clerk):
    assert 'inputmode="numeric"' in browser_of(clerk).get(COUNTER).content.decode()
