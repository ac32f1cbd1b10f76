"""份 is not 斤: how much is in a unit, and every comparison with the product's own unit."""

from decimal import Decimal

import pytest
from django.test import Client

from groupbuy.models import GroupBuying, OrderStatus
from groupbuy.models.content import boxes, shown, told_by
from tests.groupbuy.test_admin_group_buyings import ADD, LIST, edit_of, errors, form_of
from tests.support import factories
from tests.support.back_office import edit, page, said
from tests.support.pages import browser_of, ordered, pay, words


@pytest.mark.parametrize(
    ("spec", "unit", "content"),
    [
        ("3 斤装", "斤", "3"),
        ("３斤装", "斤", "3"),
        ("3斤装，约15个", "斤", "3"),
        ("约 15 个，3 斤装", "斤", "3"),
        ("3斤装，约15个", "个", "15"),
        ("500g", "斤", "1"),
        ("500g", "公斤", "0.5"),
        ("500克", "500g", "1"),
        ("2.5kg", "斤", "5"),
        ("2.5KG", "千克", "2.5"),
        ("5斤", "kg", "2.5"),
        ("8两", "斤", "0.8"),
        ("约8-10斤", "斤", "8"),
        ("8斤—10斤", "斤", "8"),
        ("8 至 10 斤/个", "斤", "8"),
        ("6 个", "个", "6"),
        ("500g×2袋", "斤", "2"),
        ("2袋×500g", "斤", "2"),
        ("250g装*4", "斤", "2"),
        ("250ml×12", "升", "3"),
        ("1.5L x 6", "毫升", "9000"),
        ("400g/盒", "斤", "0.8"),
        ("1盒（500g）", "盒", "1"),
        ("5斤装（净重4.5斤）", "斤", None),
        ("5斤装，每斤约4个", "斤", "5"),
        ("一箱", "箱", None),
        ("3斤", "个", None),
        ("500g/盒", "盒", None),
        ("250ml", "斤", None),
        ("0斤", "斤", None),
        ("9" * 40 + "斤", "斤", None),
        ("", "斤", None),
        ("3 斤", "", None),
    ],
)
def test_a_spec_tells_how_much_of_the_products_unit_there_is(spec, unit, content):
    assert told_by(spec, unit) == (content and Decimal(content))


@pytest.mark.parametrize(
    ("amount", "pack_size", "counted"),
    [("900", "12", (75, "0")), ("910", "12", (75, "10")), ("7.5", "2.5", (3, "0")), ("5", "12", (0, "5"))],
)
def test_whole_boxes_and_what_is_left(amount, pack_size, counted):
    whole, rest = boxes(Decimal(amount), Decimal(pack_size))
    assert (whole, rest) == (counted[0], Decimal(counted[1]))


@pytest.mark.parametrize(("amount", "text"), [("3.000", "3"), ("0.250", "0.25"), ("900", "900"), ("1000.000", "1000")])
def test_an_amount_is_shown_without_idle_zeros(amount, text):
    assert shown(Decimal(amount)) == text


@pytest.fixture
def mango(tenant):
    return factories.ProductFactory(tenant=tenant, name="小台农芒果", unit="斤", spec="", pack_size=12)


@pytest.fixture
def of_mango(group_buying, mango):
    """300 units of 3 斤 at 26.80: 8.93 a 斤, in boxes of 12 斤."""
    group_buying.product, group_buying.content, group_buying.price, group_buying.quota = mango, 3, Decimal("26.80"), 300
    group_buying.save()
    return group_buying


@pytest.fixture
def sold_out(of_mango, now):
    """All 300 units are paid for."""
    GroupBuying.objects.update(per_order_limit=300)
    return pay(ordered(factories.BuyerFactory(tenant=of_mango.tenant), of_mango, qty=300, now=now), now=now)


def added(manager, shop, product, now, **values):
    return browser_of(manager).post(ADD, form_of(shop, product, now, **values), follow=True)


@pytest.mark.parametrize(("spec", "typed", "kept"), [("3 斤装", "", "3"), ("3 斤装", "2.8", "2.8"), ("一大份", "2.8", "2.8")])
def test_a_new_group_buy_takes_its_content_from_the_spec_unless_it_is_typed(manager, shop, mango, now, spec, typed, kept):
    added(manager, shop, mango, now, spec=spec, content=typed)
    assert GroupBuying.objects.get().content == Decimal(kept)


def test_without_a_spec_of_its_own_it_has_the_products(manager, shop, mango, now):
    mango.spec = "约8-10斤"
    mango.save()
    added(manager, shop, mango, now)
    made = GroupBuying.objects.get()
    assert (made.spec, made.content) == ("约8-10斤", 8)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"spec": "一大份"}, "从规格看不出每份有多少斤，请填写数字，如 3"),
        ({"content": "0"}, "每份含量须大于 0"),
        ({"content": "-1"}, "每份含量须大于 0"),
        ({"content": "很多"}, "输入一个数字。"),
    ],
)
def test_a_new_group_buy_needs_a_content(manager, shop, mango, now, values, sentence):
    answer = added(manager, shop, mango, now, **values)
    assert errors(answer) == {"content": [sentence]}
    assert not GroupBuying.objects.exists()


def test_one_from_before_there_was_a_content_is_edited_without(manager, group_buying):
    edit(browser_of(manager), group_buying, edit_of(group_buying, name="改名", spec=""))
    changed = GroupBuying.objects.get()
    assert (changed.name, changed.content) == ("改名", None)


def warnings(answer):
    return [text for text in said(answer) if text.startswith("合每")]


def test_a_price_below_cost_is_warned_of_in_the_products_unit(manager, shop, mango, now):
    factories.StockFigureFactory(shop=shop, product=mango, cost_price="9.00")
    factories.StockFigureFactory(shop=factories.ShopFactory(tenant=shop.tenant), product=mango, cost_price="99.00")
    assert warnings(added(manager, shop, mango, now, price="26.80", spec="3 斤装")) == ["合每斤 ¥8.93，低于成本 ¥9.00"]
    assert GroupBuying.objects.get().price == Decimal("26.80")


@pytest.mark.parametrize(("price", "far"), [("11.22", True), ("11.25", False), ("26.80", False), ("33.75", False), ("33.78", True)])
def test_a_price_further_than_half_from_the_shops_is_warned_of(manager, shop, mango, now, price, far):
    factories.ShopProductFactory(shop=shop, product=mango, price="7.50")
    heard = warnings(added(manager, shop, mango, now, price=price, spec="3 斤装"))
    assert bool(heard) == far
    assert all("与门店价 ¥7.50 相差一半以上" in text for text in heard)


def test_where_nothing_is_known_nothing_is_warned_of(manager, shop, mango, now):
    factories.StockFigureFactory(shop=shop, product=mango, cost_price="0.00")
    assert warnings(added(manager, shop, mango, now, price="0.30", spec="3 斤装")) == []


def test_an_edit_that_leaves_the_price_alone_is_not_warned_of(manager, shop, mango, of_mango):
    factories.StockFigureFactory(shop=shop, product=mango, cost_price="9.00")
    form = edit_of(of_mango, price="26.80", content="3.000", quota=300)
    assert warnings(edit(browser_of(manager), of_mango, form | {"name": "改名"}, follow=True)) == []
    assert warnings(edit(browser_of(manager), of_mango, form | {"price": "26.00"}, follow=True)) == ["合每斤 ¥8.67，低于成本 ¥9.00"]


def test_three_hundred_units_are_seventy_five_boxes_everywhere(sold_out, of_mango, clerk, manager, headquarters):
    assert "900 斤 = 75 箱" in words(browser_of(manager).get(page(of_mango)))
    assert "1 单 300 份 · 900 斤 = 75 箱" in words(browser_of(clerk).get(page(of_mango, "print_pick_list")))
    assert "1 单 300 份 = 900 斤 = 75 箱" in words(browser_of(headquarters).get(page(of_mango, "short_delivery")))


@pytest.mark.parametrize(
    ("pack_size", "content", "counted"), [(12, "3.1", "930 斤 = 77 箱余 6 斤"), (0, "3", "900 斤"), (12, None, "已付合计 —")]
)
def test_what_does_not_fill_boxes_is_said_too(sold_out, of_mango, mango, manager, pack_size, content, counted):
    type(mango).objects.update(pack_size=pack_size)
    GroupBuying.objects.update(content=content)
    assert counted in words(browser_of(manager).get(page(of_mango)))


@pytest.mark.parametrize(
    ("content", "unit", "part"),
    [("3", "斤", "约 ¥8.93/斤"), ("1", "斤", ""), (None, "斤", ""), ("1500", "克", ""), ("6", "个", "约 ¥4.47/个")],
)
def test_buyers_are_told_what_a_unit_of_the_product_costs(of_mango, mango, content, unit, part):
    type(mango).objects.update(unit=unit)
    GroupBuying.objects.update(content=content)
    page_ = words(Client().get(f"/g/{of_mango.pk}/"))
    assert part in page_
    assert bool(part) == ("约 ¥" in page_)


@pytest.fixture
def half_paid(group_buying, now):
    """Three units are paid for, two are not."""
    pay(ordered(factories.BuyerFactory(tenant=group_buying.tenant), group_buying, qty=3, now=now), now=now)
    ordered(factories.BuyerFactory(tenant=group_buying.tenant), group_buying, qty=2, now=now)
    return group_buying


def test_what_is_ordered_is_paid_for_and_what_is_not_stands_beside_it(half_paid, manager):
    assert "已订 3 / 100 份 · 待付 2 份" in words(Client().get(f"/g/{half_paid.pk}/"))
    assert "已订 3 份 · 待付 2" in words(Client().get(f"/s/{half_paid.shop_id}/"))
    staff = browser_of(manager)
    assert "3 / 100（待付 2）" in words(staff.get(LIST))
    assert "3 / 100 （待付 2）" in words(staff.get("/admin/"))


def test_what_was_refunded_after_it_was_handed_over_is_not_ordered_although_its_stock_is_gone(half_paid, api, manager):
    half_paid.orders.bought().update(status=OrderStatus.REFUNDED)
    assert GroupBuying.objects.get(pk=half_paid.pk).taken == 5
    assert "已订 0 / 100 份 · 待付 2 份" in words(Client().get(f"/g/{half_paid.pk}/"))
    assert "0 / 100 （待付 2）" in words(browser_of(manager).get("/admin/"))
    assert api.anonymous.get("/api/marketing/groupbuy/get", id=half_paid.pk).json()["payedCount"] == 0


def test_the_page_hears_of_a_payment(half_paid, now):
    seen = Client().get(f"/g/{half_paid.pk}/").context["offer"].version
    pay(half_paid.orders.awaiting_payment().get(), now=now)
    news = Client().get(f"/g/{half_paid.pk}/news/", {"seen": seen})
    assert "已订 5 / 100 份" in words(news)
    assert "待付" not in words(news)
