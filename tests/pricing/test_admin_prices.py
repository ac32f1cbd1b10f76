"""Prices in the admin go through the price service: logged, versioned, undone."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from pricing import prices
from pricing.models import PriceChange, PriceLog, ShopProduct, StockFigure
from retail.principals import principal_of
from tests.support import factories
from tests.support.back_office import answered, edit, marks, page, said
from tests.support.pages import browser_of, words

pytestmark = pytest.mark.django_db
LIST = "/admin/pricing/shopproduct/"


@pytest.fixture
def row(shop):
    return factories.ShopProductFactory(shop=shop, price="5.90", member_price="5.50")


def edited(row, **new):
    """What the form sends."""
    return {name: str(getattr(row, name)) for name in ("price", "member_price", "sort")} | new


def errors(answer):
    return answer.context["adminform"].form.errors


def test_an_edited_price_is_logged_and_reaches_the_scales(manager, row):
    edit(browser_of(manager), row, edited(row, price="6.20"))
    log = PriceLog.objects.get()
    assert (str(log.old_price), str(log.new_price), log.user) == ("5.90", "6.20", manager)
    row.refresh_from_db()
    row.shop.refresh_from_db()
    assert (str(row.price), row.version, row.shop.price_version) == ("6.20", 1, 1)


def test_saving_without_a_change_writes_nothing(manager, row):
    edit(browser_of(manager), row, edited(row))
    assert not PriceChange.objects.exists()


def test_two_people_on_one_price_the_second_is_told_by_whom_as_the_log_of_prices_has_it(manager, headquarters, row):
    browser = browser_of(manager)
    opened = marks(browser.get(page(row)))
    change = prices.Change(shop_product_id=row.pk, price=Decimal("35.50"))
    prices.change_prices(changes=[change], principal=principal_of(headquarters), now=timezone.now())
    answer = browser.post(page(row), opened | edited(row, price="6.20"))
    (told,) = errors(answer)["price"]
    assert told.startswith(f"已被{headquarters} 于 ")
    assert told.endswith("改为「35.50」，您填的是「6.20」。再次保存则以您填的为准")
    assert str(ShopProduct.objects.get().price) == "35.50"


@pytest.mark.parametrize("price", ["-1", "1e20", "abc", "", "1.234"])
def test_a_bad_price_is_refused(manager, row, price):
    assert "price" in errors(edit(browser_of(manager), row, edited(row, price=price)))
    assert not PriceLog.objects.exists()


def test_a_clerk_reads_prices_only(clerk, row):
    browser = browser_of(clerk)
    assert browser.get(page(row)).status_code == 200
    assert browser.post(page(row), edited(row, price="6.20")).status_code == 403
    take_off = {"action": "take_off_sale", "_selected_action": [row.pk]} | answered()
    browser.post(LIST, take_off)
    assert ShopProduct.objects.get().removed_at is None


def test_a_product_comes_on_sale_at_the_masters_price_or_its_own(manager, shop):
    plain, special = (factories.ProductFactory(tenant=shop.tenant, price="8.80") for _ in range(2))
    browser = browser_of(manager)
    browser.post(f"{LIST}add/", {"shop": shop.pk, "product": plain.pk})
    browser.post(f"{LIST}add/", {"shop": shop.pk, "product": special.pk, "price": "7.70"})
    prices = {row.product_id: str(row.price) for row in ShopProduct.objects.all()}
    assert prices == {plain.pk: "8.80", special.pk: "7.70"}
    again = browser.post(f"{LIST}add/", {"shop": shop.pk, "product": plain.pk})
    assert "该门店已在售此商品" in errors(again)["product"]


def test_rows_are_taken_off_sale_after_a_page_with_figures_and_come_back(manager, shop):
    rows = [factories.ShopProductFactory(shop=shop) for _ in range(3)]
    browser = browser_of(manager)
    chosen = {"action": "take_off_sale", "_selected_action": [rows[0].pk, rows[1].pk]}
    asked = browser.post(LIST, chosen | {"index": "0"})
    assert "商品 2" in words(asked)
    assert ShopProduct.objects.live().count() == 3
    done = browser.post(LIST, chosen | answered(), follow=True)
    assert said(done) == ["已下架 2 个商品，24 小时内可在「调价批次」撤销"]
    assert ShopProduct.objects.live().count() == 1

    batch = PriceChange.objects.get()
    answer = browser.post(page(batch, "undo"), answered(), follow=True)
    assert said(answer) == ["已恢复 2 个商品"]
    assert ShopProduct.objects.live().count() == 3
    assert "撤销这批" not in words(browser.get(page(batch)))


def test_a_batch_of_yesterday_can_not_be_undone(manager, row, now):
    browser = browser_of(manager)
    edit(browser, row, edited(row, price="6.20"))
    PriceChange.objects.update(created_at=now - timedelta(hours=25))
    batch = PriceChange.objects.get()
    assert "撤销这批" not in words(browser.get(page(batch)))
    assert said(browser.post(page(batch, "undo"), answered(), follow=True)) == ["已超过 24 小时，不能撤销"]


def test_a_batch_over_two_shops_shows_each_manager_the_own_rows(headquarters, manager, shop):
    own, other = factories.ShopProductFactory(shop=shop), factories.ShopProductFactory(shop=factories.ShopFactory(tenant=shop.tenant))
    log = factories.log_of(own, user=headquarters, old_price="1.00", new_price="2.00")
    elsewhere = factories.log_of(other, user=headquarters, old_price="3.00", new_price="4.00")
    foreign_batch = elsewhere.change
    # Past the model, which refuses to change a log.
    QuerySet(type(elsewhere)).filter(pk=elsewhere.pk).update(change=log.change)
    browser = browser_of(manager)
    seen = words(browser.get(page(log.change)))
    assert own.product.name in seen
    assert other.product.name not in seen
    assert browser.get(page(foreign_batch)).status_code == 404
    refused = browser.post(page(log.change, "undo"), answered(), follow=True)
    assert said(refused) == ["不存在或无权查看"]


def test_a_stock_figure_is_edited_by_managers_without_touching_group_buys(manager, shop, group_buying):
    figure = factories.StockFigureFactory(shop=shop, product=group_buying.product)
    edit(browser_of(manager), figure, {"qty": "3.5", "cost_price": "2.00", "last_price": "2.10"})
    assert str(StockFigure.objects.get().qty) == "3.500"
    group_buying.refresh_from_db()
    assert group_buying.quota == 100


def test_a_product_gets_new_initials_with_its_new_name(headquarters):
    product = factories.ProductFactory(tenant=headquarters.tenant)
    form = {"name": "脐橙", "code": product.code, "product_class": product.product_class_id, "unit": "斤", "pricing_type": 0}
    form |= {
        "storage": "ambient",
        "pack_size": 0,
        "price": "5.90",
        "member_price": "5.50",
        "images-TOTAL_FORMS": 0,
        "images-INITIAL_FORMS": 0,
    }
    edit(browser_of(headquarters), product, form)
    product.refresh_from_db()
    assert (product.name, product.pinyin) == ("脐橙", "qc")


def test_a_class_can_not_hang_below_itself(headquarters):
    top = factories.ProductClassFactory(tenant=headquarters.tenant)
    below = factories.ProductClassFactory(tenant=headquarters.tenant, parent=top)
    answer = edit(browser_of(headquarters), top, {"code": top.code, "name": top.name, "parent": below.pk, "sort": 0})
    assert "parent" in errors(answer)
