"""The lists of the admin as files: what the list shows, to whoever may see it, and nothing that Excel would run."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import NoReverseMatch
from django.utils import timezone

from groupbuy.models import Order, OrderStatus, Payment, Refund
from groupbuy.models.stages import by_status
from pricing.models import PriceLog, StockFigure
from retail.backoffice import exports, sheets
from retail.models import Product
from retail.rights import Role
from shops.models import Shop
from tests.support import factories
from tests.support.back_office import fill, said
from tests.support.pages import browser_of, words
from tests.support.sheets import EXPORTED, address_of, content, csv_rows, export, text_of, xlsx_cells

pytestmark = pytest.mark.django_db


def local(text):
    return timezone.make_aware(datetime.fromisoformat(text))


def order_in(group_buying, number, **more):
    """An order that no service placed: as old, as strange and as many as a test likes."""
    values = {
        "status": OrderStatus.PAID,
        "deliver_type": 1,
        "address": "2 号楼 302 室",
        "phone": "13800008000",
        "remark": "请放柜子",
        "money": Decimal("19.80"),
        "created_at": local("2026-01-15 00:30:05"),
        "paid_at": local("2026-01-15 00:31:06"),
    } | more
    return Order.objects.create(
        tenant=group_buying.tenant,
        shop=group_buying.shop,
        group_buying=group_buying,
        buyer=factories.BuyerFactory(tenant=group_buying.tenant),
        code=f"2601151010{number:06d}",
        sequence=number,
        buyer_sequence=1,
        product_name="赣南脐橙",
        spec="5斤装",
        price=Decimal("9.90"),
        qty=2,
        pay_deadline_at=local("2099-01-01"),
        holds_stock=values["status"] not in (OrderStatus.EXPIRED, OrderStatus.CLOSED),
        **values,
    )


def codes(rows):
    return [row["订单编号"].strip() for row in rows]


# What is exported: the list.


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "",
        "stage=paid,arrived",
        "stage=unverified",
        "q=赣南",
        "q=8001",
        "o=4.-1",
        "o=-1&stage=paid",
        "created_at_from=2026-01-16",
        "created_at_from=2026-01-01&created_at_to=2026-01-15",
        "q=没有这个",
    ],
)
@pytest.mark.parametrize("role", [Role.HEADQUARTERS, Role.CLERK])
def test_the_file_holds_what_the_list_shows_in_its_order(tenant, shop, group_buying, role, query):
    for number, status in enumerate([1, 4, 3, 4, 0, 1], start=1):
        order_in(group_buying, number, status=status, money=Decimal(30 - number % 3), phone=f"1380000800{number % 2}")
    order_in(group_buying, 7, created_at=local("2026-02-01"))
    browser = browser_of(factories.StaffFactory(tenant=tenant, role=role, shops=[shop]))
    shown = browser.get(f"{address_of(Order, 'changelist')}?{query}").context["cl"].result_list
    assert codes(csv_rows(export(browser, Order, query))) == [order.code for order in shown]
    assert [row["订单编号"].value for row in xlsx_cells(export(browser, Order, query, kind="xlsx"))] == [order.code for order in shown]


def test_the_file_goes_on_where_the_page_ends(headquarters, group_buying):
    for number in range(1, 54):
        order_in(group_buying, number)
    browser = browser_of(headquarters)
    assert len(browser.get(address_of(Order, "changelist")).context["cl"].result_list) == 50
    assert len(csv_rows(export(browser, Order, "p=2"))) == 53


def test_a_range_of_days_holds_the_whole_of_its_last_day(headquarters, group_buying):
    for number, moment in enumerate(["2026-01-13 23:59:59", "2026-01-14 00:00:00", "2026-01-15 23:59:59", "2026-01-16 00:00:00"]):
        order_in(group_buying, number, created_at=local(moment))
    rows = csv_rows(export(browser_of(headquarters), Order, "o=1&created_at_from=2026-01-14&created_at_to=2026-01-15"))
    assert [row["序号"] for row in rows] == ["1", "2"]


@pytest.mark.parametrize("model", EXPORTED)
def test_the_button_stands_above_the_list_and_keeps_its_filters(model, headquarters, shop, manager):
    fill(shop, manager)
    browser = browser_of(headquarters)
    answer = browser.get(address_of(model, "changelist") + "?o=1")
    assert "导出当前筛选的" in words(answer)
    assert f'action="{address_of(model)}?o=1"' in answer.content.decode()
    assert len(csv_rows(export(browser, model, "o=1"))) == answer.context["cl"].result_count > 0


def test_reading_a_file_takes_a_press_of_the_button(headquarters, group_buying):
    """A link on a foreign site must not make somebody's browser fetch the list."""
    answer = browser_of(headquarters).get(f"{address_of(Order)}?stage=paid")
    assert (answer.status_code, answer["Location"]) == (302, f"{address_of(Order, 'changelist')}?stage=paid")


# To whom.


@pytest.mark.slow
@pytest.mark.parametrize("model", EXPORTED)
@pytest.mark.parametrize("role", [Role.CLERK, Role.MANAGER, Role.HEADQUARTERS])
def test_no_file_holds_a_row_of_another_shop_or_tenant(tenant, shop, manager, role, model):
    next_door = factories.ShopFactory(tenant=tenant, name="隔壁静安店")
    abroad = factories.ShopFactory(name="外地连锁店")
    for place in (shop, next_door, abroad):
        fill(place, factories.StaffFactory(tenant=place.tenant, role=Role.MANAGER, shops=[place]))
    for product in Product.objects.filter(tenant=abroad.tenant):
        Product.objects.filter(pk=product.pk).update(name=f"外地连锁店的{product.name}")
    text = text_of(browser_of(factories.StaffFactory(tenant=tenant, role=role, shops=[shop])), model)
    assert "外地连锁店" not in text
    assert ("隔壁静安店" in text) == (role == Role.HEADQUARTERS and model is not Product)


@pytest.mark.parametrize("model", [Payment, Refund, PriceLog])
def test_who_may_not_see_a_list_gets_no_file_of_it(clerk, shop, manager, model):
    fill(shop, manager)
    assert export(browser_of(clerk), model).status_code == 403


def test_a_visitor_and_a_buyer_get_no_file(client, buyer, group_buying):
    order_in(group_buying, 1)
    assert export(client, Order).status_code == 302
    assert export(browser_of(buyer), Order).status_code == 302


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_clerks_file_masks_the_orders_that_are_over(clerk, manager, group_buying, kind):
    for number, status in enumerate(OrderStatus, start=1):
        order_in(group_buying, number, status=status, deliver_code="31415926" if status == OrderStatus.PAID else "")

    def seen_by(person):
        answer = export(browser_of(person), Order, "o=1", kind=kind)
        rows = csv_rows(answer) if kind == "csv" else [{head: cell.value for head, cell in row.items()} for row in xlsx_cells(answer)]
        assert not any("31415926" in str(value) for row in rows for value in row.values())
        return {row["状态"]: ((row["电话"] or "").strip(), row["地址"] or "", row["备注"] or "") for row in rows}

    full, masked = ("13800008000", "2 号楼 302 室", "请放柜子"), ("138****8000", "", "")
    waiting = {OrderStatus.PAID, OrderStatus.CONFIRMED, OrderStatus.SHIPPED}
    assert seen_by(clerk) == {by_status(status, is_express=False).label: full if status in waiting else masked for status in OrderStatus}
    assert set(seen_by(manager).values()) == {full}


def test_costs_are_a_column_of_managers(clerk, manager, shop):
    factories.StockFigureFactory(shop=shop, cost_price="3.21")
    costs = {"成本单价", "末次进价"}
    assert costs & csv_rows(export(browser_of(clerk), StockFigure))[0].keys() == set()
    assert costs <= csv_rows(export(browser_of(manager), StockFigure))[0].keys()


def test_who_changed_a_price_is_a_column_of_managers(clerk, manager, shop):
    log = factories.log_of(factories.ShopProductFactory(shop=shop), user=manager, old_price="1.00", new_price="2.00")
    factories.grant(clerk, "pricing.view_pricelog")
    (seen,) = csv_rows(export(browser_of(clerk), PriceLog))
    assert "操作人" not in seen
    assert manager.nickname not in words(browser_of(clerk).get(address_of(PriceLog, "changelist")))
    (seen,) = csv_rows(export(browser_of(manager), PriceLog))
    assert seen["操作人"] == str(log.user)


def test_the_tenant_is_a_column_of_the_platform(headquarters, group_buying, django_user_model):
    order_in(group_buying, 1)
    root = django_user_model.objects.create_superuser("root", "demo-pass-2026")
    assert "商家" not in csv_rows(export(browser_of(headquarters), Order))[0]
    assert csv_rows(export(browser_of(root), Order))[0]["商家"] == group_buying.tenant.name


# In which form.


def test_a_sheet_has_numbers_moments_and_texts_in_their_types(headquarters, group_buying):
    order_in(group_buying, 1)
    (row,) = xlsx_cells(export(browser_of(headquarters), Order, kind="xlsx"))
    assert (row["金额"].value, row["金额"].data_type, row["金额"].number_format) == (19.8, "n", "0.00")
    assert (row["数量"].value, row["数量"].data_type) == (2, "n")
    # Half past midnight in Shanghai is the day before in UTC.
    assert (row["下单时间"].value, row["下单时间"].number_format) == (datetime.fromisoformat("2026-01-15 00:30:05"), "yyyy-mm-dd hh:mm:ss")
    assert (row["电话"].value, row["电话"].data_type) == ("13800008000", "s")
    assert (row["订单编号"].value, row["订单编号"].data_type) == ("2601151010000001", "s")
    assert (row["状态"].value, row["完成时间"].value) == ("待备货", None)


def test_a_csv_has_a_mark_for_excel_and_keeps_the_digits_of_codes(headquarters, group_buying):
    order_in(group_buying, 1)
    answer = export(browser_of(headquarters), Order)
    assert "filename*=utf-8''%E5%9B%A2%E8%B4%AD%E8%AE%A2%E5%8D%95-" in answer["Content-Disposition"]
    lines = content(answer).decode().splitlines()
    assert lines[0].startswith('\ufeff"订单编号","团购","序号"')
    # Excel takes what a tab precedes for text, and shows no tab.
    assert lines[1].startswith('"\t2601151010000001",')
    assert ",9.90,2,19.80," in lines[1]
    assert '"2026-01-15 00:30:05"' in lines[1]


def test_a_file_names_choices_and_yes_and_no_in_chinese(headquarters, shop):
    factories.ProductFactory(tenant=shop.tenant, in_use=False)
    (row,) = csv_rows(export(browser_of(headquarters), Product))
    assert (row["计价方式"], row["启用"]) == ("计数", "否")


NASTY = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠a",
    "  =1",
    "\u3000＝1",
    '=cmd|"/C calc"!A0',
    "-5",
    # What nobody sees stands in front: zero width, a byte-order mark, direction, joiner, soft hyphen, marks, fillers.
    *(f"{unseen}=1" for unseen in "\u200b\ufeff\u200e\u202e\u2060\u00ad\u034f\ufe0f\u3164\u2800\u00a0\u2028"),
    "\ufeff \u200b\u3000＋1",
    "\u200b@SUM(A1)",
    # Small forms, as Chinese input methods offer them.
    *"﹦﹢﹣﹫",
]
HARMLESS = ["放门口=好", "a-1", "（+1）", "·1", "\u200b你好", "\ufeff", ""]


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_of_a_buyer_becomes_a_formula(headquarters, group_buying, nasty):
    order_in(group_buying, 1, remark=nasty, address=nasty)
    browser = browser_of(headquarters)
    (row,) = csv_rows(export(browser, Order))
    (cells,) = xlsx_cells(export(browser, Order, kind="xlsx"))
    assert (row["备注"], row["地址"]) == (f"'{nasty}", f"'{nasty}")
    assert (cells["备注"].data_type, cells["备注"].value.replace("_x000D_", "\r")) == ("s", f"'{nasty}")


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_that_begins_well_is_left_alone(text):
    assert sheets.harmless(text) == text


def test_own_numbers_stay_numbers_below_zero(headquarters, shop):
    factories.StockFigureFactory(shop=shop, qty="-1.500")
    (row,) = csv_rows(export(browser_of(headquarters), StockFigure))
    assert row["数量"] == "-1.500"
    (cells,) = xlsx_cells(export(browser_of(headquarters), StockFigure, kind="xlsx"))
    assert (cells["数量"].value, cells["数量"].data_type) == (-1.5, "n")


# How much.


@pytest.mark.parametrize("model", EXPORTED)
def test_a_file_of_many_rows_takes_as_many_statements_as_one_of_few(headquarters, shop, manager, count_queries, model):
    browser = browser_of(headquarters)
    fill(shop, manager)
    content(export(browser, model))
    first = count_queries(lambda: content(export(browser, model)))
    for _ in range(3):
        fill(factories.ShopFactory(tenant=shop.tenant), manager)
    assert len(csv_rows(export(browser, model))) >= 4
    assert count_queries(lambda: content(export(browser, model))) == first


def test_too_many_rows_are_refused_with_a_word_on_what_to_do(headquarters, group_buying, monkeypatch):
    for number in (1, 2, 3):
        order_in(group_buying, number)
    monkeypatch.setattr(exports, "ROWS_MAX", 2)
    browser = browser_of(headquarters)
    answer = export(browser, Order, follow=True)
    assert said(answer) == ["筛选结果过多（3 条），一次最多导出 2 条，请缩小范围"]
    assert "筛选结果过多（3 条）" in words(browser.get(address_of(Order, "changelist")))
    assert len(csv_rows(export(browser, Order, "q=000003"))) == 1
    assert LogEntry.objects.count() == 1


# What stays of it.


def test_an_export_is_on_record_without_what_was_searched_for(clerk, group_buying):
    order_in(group_buying, 1)
    content(export(browser_of(clerk), Order, "q=13800008000&stage=paid", kind="xlsx"))
    entry = LogEntry.objects.get()
    assert (entry.user, entry.content_type.model_class(), entry.object_repr) == (clerk, Order, "团购订单")
    assert entry.change_message == "导出 1 条（XLSX），筛选：q、stage"


# What breaks nothing.


NONSENSE = [
    "stage=abc",
    "status__in=1,x",
    "shop__id__exact=x",
    "shop__id__exact=99999999999999999999",
    "created_at_from=gestern",
    "created_at_to=9999-12-31",
    "created_at_from=0001-01-01",
    "p=999",
    "p=x",
    "o=99.x",
    "q=%00",
    "use__exact=%00",
    "no_such=1",
    "e=1",
]


@pytest.mark.parametrize("query", NONSENSE)
@pytest.mark.parametrize("model", [Order, Payment])
def test_nonsense_in_the_address_breaks_nothing(headquarters, shop, manager, model, query):
    fill(shop, manager)
    assert export(browser_of(headquarters), model, query).status_code in (200, 302, 400)


def test_columns_that_the_list_hides_are_no_filter(clerk, group_buying):
    assert export(browser_of(clerk), Order, "deliver_code__startswith=3").status_code == 400


@pytest.mark.parametrize("kind", ["", "pdf", "../csv"])
def test_there_is_no_other_kind_of_file(headquarters, group_buying, kind):
    assert export(browser_of(headquarters), Order, kind=kind).status_code == 400


def test_a_list_that_names_no_columns_has_no_export(headquarters, shop):
    browser = browser_of(headquarters)
    assert "导出当前筛选的" not in words(browser.get(address_of(Shop, "changelist")))
    with pytest.raises(NoReverseMatch):
        address_of(Shop)
