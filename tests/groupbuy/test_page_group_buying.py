"""The page of a group buy: its phases, its figures, and who sees what."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from groupbuy.models import GroupBuyingImage, VisitTimes
from retail.models import ProductImage
from retail.rights import Role
from tests.support import factories
from tests.support.pages import browser_of, ordered, pay, submit, words

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def change(group_buying, **fields):
    for name, value in fields.items():
        setattr(group_buying, name, value)
    group_buying.save()


def look(group_buying, client=None):
    return words((client or Client()).get(f"/g/{group_buying.pk}/"))


def test_a_running_one_shows_price_stock_countdown_and_the_button(group_buying, shop):
    change(group_buying, taken=40, per_buyer_limit=5, description="今早采摘")
    page = look(group_buying)
    for part in ("进行中", "门店自提", "每人限 5 份", "¥ 9 .90", "已订 40 / 100 份", "距截单", "立即跟团", "今早采摘", shop.name):
        assert part in page
    assert "仅剩" not in page


def test_few_left_is_said(group_buying):
    change(group_buying, taken=97)
    assert "仅剩 3 份" in look(group_buying)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"start_at": HOUR, "end_at": 2 * HOUR}, "还没开团，到点就能下单"),
        ({"taken": 100}, "已经抢光了"),
        ({"start_at": -2 * HOUR, "end_at": -HOUR}, "这个团已经结束了"),
        ({"start_at": -2 * HOUR, "end_at": -HOUR, "min_qty": 5}, "正在确认是否成团"),
        ({"in_use": False}, "商家暂时下架了这个团"),
        ({"outcome": "succeeded"}, "已经成团"),
        ({"outcome": "failed"}, "没有凑够份数，已付的款项全部原路退回"),
        ({"outcome": "cancelled"}, "商家取消了这个团，已付的款项全部原路退回"),
    ],
)
def test_every_other_phase_says_what_it_is_and_sells_nothing(group_buying, now, fields, part):
    change(group_buying, **{name: now + value if isinstance(value, timedelta) else value for name, value in fields.items()})
    page = look(group_buying)
    assert part in page
    assert "立即跟团" not in page
    assert "提交订单" not in page


def test_a_minimum_counts_paid_units_only(group_buying, buyer, now):
    change(group_buying, min_qty=10)
    pay(ordered(buyer, group_buying, now=now, qty=3), now=now)
    ordered(buyer, group_buying, now=now, qty=4)
    assert "还差 7 份成团（满 10 份）" in look(group_buying)


def test_recent_orders_are_masked_newest_first_and_the_own_is_named(group_buying, buyer, tenant, now):
    other = factories.BuyerFactory(tenant=tenant, nickname="李小姐")
    pay(ordered(other, group_buying, now=now - HOUR / 2), now=now - HOUR / 2)
    pay(ordered(buyer, group_buying, now=now), now=now)
    page = look(group_buying)
    assert "李小姐" not in page
    assert page.index("买**") < page.index("李**")
    assert "#2" in page
    assert " 我 刚刚" in look(group_buying, browser_of(buyer))


def test_own_orders_stand_on_the_page_with_a_link(group_buying, buyer, now):
    order = ordered(buyer, group_buying, now=now, qty=2)
    page = browser_of(buyer).get(f"/g/{group_buying.pk}/").content.decode()
    assert "您在本团订了 2 份，待付款" in page
    assert f"/o/{order.code}/" in page
    assert order.code not in look(group_buying)


def test_who_has_used_up_the_limit_reads_so(group_buying, buyer, now):
    change(group_buying, per_buyer_limit=2)
    ordered(buyer, group_buying, now=now, qty=2)
    assert "每人限购 2 份，您已经买够了" in look(group_buying, browser_of(buyer))
    assert "立即跟团" in look(group_buying)


def test_its_own_pictures_come_before_the_products(group_buying, settings):
    ProductImage.objects.create(product=group_buying.product, image=ContentFile(b"p", "product.webp"))
    assert "/media/products/product" in Client().get(f"/g/{group_buying.pk}/").content.decode()
    GroupBuyingImage.objects.create(group_buying=group_buying, image=ContentFile(b"g", "own.webp"))
    page = Client().get(f"/g/{group_buying.pk}/").content.decode()
    assert "/media/groupbuys/own" in page
    assert "/media/products/product" not in page


def test_what_people_wrote_is_escaped(group_buying, buyer, now):
    change(group_buying, name="<script>alert(1)</script>", description="<img src=x onerror=alert(1)>")
    buyer.nickname = "<b>大"
    buyer.save()
    pay(ordered(buyer, group_buying, now=now), now=now)
    page = Client().get(f"/g/{group_buying.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_look_counts_and_a_head_the_news_and_staff_do_not(group_buying, tenant):
    client, path = Client(), f"/g/{group_buying.pk}/"
    client.get(path)
    client.head(path)
    client.get(path + "news/")
    client.get(path + "?order=1")
    browser_of(factories.StaffFactory(tenant=tenant)).get(path)
    assert VisitTimes.objects.get().times == 1


def test_a_buyer_counts_once_in_half_an_hour(group_buying, buyer):
    client = browser_of(buyer)
    for _ in range(3):
        client.get(f"/g/{group_buying.pk}/")
    assert VisitTimes.objects.get().times == 1


def test_news_are_empty_until_something_changes(group_buying):
    page = Client().get(f"/g/{group_buying.pk}/").content.decode()
    address = page[page.index('hx-get="') + 8 :]
    address = address[: address.index('"')]
    assert Client().get(address).status_code == 204
    change(group_buying, taken=97)
    news = Client().get(address)
    assert news.status_code == 200
    assert "仅剩 3 份" in words(news)
    assert 'id="bar"' in news.content.decode()


def test_the_page_asks_for_news_only_while_something_can_change(group_buying, now):
    assert "every 20s" in Client().get(f"/g/{group_buying.pk}/").content.decode()
    change(group_buying, end_at=now)
    assert "every 20s" not in Client().get(f"/g/{group_buying.pk}/").content.decode()


def test_a_buyer_of_another_tenant_sees_the_public_face_and_cannot_order(group_buying, tenant, buyer, now):
    pay(ordered(buyer, group_buying, now=now), now=now)
    stranger = browser_of(factories.BuyerFactory())
    page = look(group_buying, stranger)
    assert "当前账号属于另一家商户，只能浏览" in page
    assert "提交订单" not in page
    response = stranger.post(f"/g/{group_buying.pk}/", {"qty": 1, "unit_price": "9.90", "key": "k" * 22, "phone": "13800008000"})
    assert response.status_code == 404


def test_staff_look_but_do_not_order_and_may_leave_their_session(group_buying, tenant):
    staff = browser_of(factories.StaffFactory(tenant=tenant, role=Role.MANAGER))
    assert "员工身份不能下单" in look(group_buying, staff)
    refused = staff.post(f"/g/{group_buying.pk}/", {"qty": 1, "unit_price": "9.90", "key": "k" * 22, "phone": "13800008000"})
    assert refused.status_code == 403
    left = staff.post("/leave/", {"next": f"/g/{group_buying.pk}/"})
    assert left.url == f"/g/{group_buying.pk}/"
    assert "立即跟团" in look(group_buying, staff)


def test_leaving_goes_home_rather_than_to_a_foreign_address(group_buying):
    assert Client().post("/leave/", {"next": "https://evil.example/"}).url == "/"


def test_the_group_buy_of_a_tenant_that_is_off_is_404(group_buying, tenant):
    tenant.in_use = False
    tenant.save()
    assert Client().get(f"/g/{group_buying.pk}/").status_code == 404


def test_the_page_takes_the_same_queries_with_1_and_30_orders(group_buying, tenant, now, django_assert_num_queries):
    change(group_buying, min_qty=5)
    client = browser_of(factories.BuyerFactory(tenant=tenant))
    ordered_by = [factories.BuyerFactory(tenant=tenant) for _ in range(30)]
    pay(ordered(ordered_by[0], group_buying, now=now), now=now)
    client.get(f"/g/{group_buying.pk}/")
    with django_assert_num_queries(15):
        client.get(f"/g/{group_buying.pk}/")
    for someone in ordered_by[1:]:
        pay(ordered(someone, group_buying, now=now), now=now)
    with django_assert_num_queries(15):
        client.get(f"/g/{group_buying.pk}/")


def test_a_share_is_the_buyers_own_and_a_visitor_gets_the_plain_link(group_buying, buyer):
    mine = browser_of(buyer).post(f"/g/{group_buying.pk}/share/").content.decode()
    share = group_buying.shares.get(user=buyer)
    assert f"http://testserver/g/{group_buying.pk}/?share={share.pk}" in mine
    assert "<svg" in mine
    plain = Client().post(f"/g/{group_buying.pk}/share/").content.decode()
    assert "?share=" not in plain
    part = Client().post(f"/g/{group_buying.pk}/share/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part


def test_who_comes_through_a_share_is_its_visitor_also_when_made_by_the_order(group_buying, buyer, tenant):
    browser_of(buyer).post(f"/g/{group_buying.pk}/share/")
    share = group_buying.shares.get()
    friend = factories.BuyerFactory(tenant=tenant)
    browser_of(friend).get(f"/g/{group_buying.pk}/?share={share.pk}")
    submit(Client(), group_buying, share=str(share.pk))
    assert share.visitors.count() == 2
    assert share.visitors.filter(visitor__user=friend).exists()
    # Three looks: the friend's, and the visitor's with and without a name, which is one.
    assert VisitTimes.objects.get().times == 2


def test_a_share_of_another_group_buy_or_nonsense_counts_as_a_plain_look(group_buying, tenant, buyer):
    other = factories.GroupBuyingFactory(tenant=tenant)
    browser_of(buyer).post(f"/g/{other.pk}/share/")
    for share in (other.shares.get().pk, "9" * 30, "x", "-1", "１"):
        assert Client().get(f"/g/{group_buying.pk}/?share={share}").status_code == 200
    assert VisitTimes.objects.get().group_buying == group_buying
