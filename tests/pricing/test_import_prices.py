"""The market's files come in: products, classes, history, and the shops' prices that follow."""

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from config import invariants
from pricing import market, prices
from pricing.market.files import COLUMNS
from pricing.models import MarketPrice, PriceChange, PriceLog, ShopProduct
from retail.models import PricingType, Product, ProductClass
from shops.models import Shop
from tests.pricing.conftest import count_statements, versions
from tests.support import factories

pytestmark = pytest.mark.django_db
FILES = [Path(__file__).parents[2] / "pricing" / "data" / name for name in ("fruit.csv.gz", "vegetables.csv.gz")]


@pytest.fixture
def places(tenant):
    return [factories.ShopFactory(tenant=tenant, code=f"s{number}", markup=markup) for number, markup in enumerate(("0.300", "0"))]


@pytest.fixture
def run(tenant, places, tmp_path):
    """Import files, or lines of ``name price day`` as the fruit; every line of the report comes back."""

    def run(*files, lines=None, shops=("s0", "s1")):
        report = tmp_path / "report.csv"
        if lines is not None:
            files = [write(tmp_path / "fruit.csv", lines)]
        call_command("import_prices", *files, tenant=tenant.code, shops=list(shops), report=report, verbosity=0)
        return list(csv.reader(report.open(encoding="utf-8-sig")))[1:]

    return run


def write(path, lines):
    rows = [line.split() for line in lines]
    cells = [",".join((name, price, price, price, "普通", "斤", day)) for name, price, day in rows]
    path.write_text("\n".join([",".join(COLUMNS), *cells]))
    return path


def everything():
    """Every row of every table that an import may write."""
    models = (*apps.get_app_config("pricing").get_models(), Product, ProductClass, Shop)
    return {model: list(model.objects.order_by("pk").values()) for model in models}


def price_in(shop, name="红富士"):
    return ShopProduct.objects.live().get(shop=shop, product__name=name).price


def chain(shop, name="红富士"):
    logs = PriceLog.objects.filter(shop=shop, product__name=name).order_by("pk")
    return [(str(log.old_price), str(log.new_price), timezone.localdate(log.created_at).isoformat()) for log in logs]


@pytest.mark.slow
def test_the_files_of_the_demo_come_in_and_a_second_run_changes_nothing(run, places, capsys):
    report = run(*FILES)
    assert "读取 11253 行：导入 11183，此前已有 0，跳过 70" in capsys.readouterr().out
    assert Product.objects.filter(source="fruit").count() + Product.objects.filter(source="vegetables").count() == 317
    assert (ProductClass.objects.count(), MarketPrice.objects.count(), ShopProduct.objects.count()) == (6, 11183, 634)
    reasons = [(line[0], line[2].partition("，")[0]) for line in report]
    assert {reason: reasons.count(reason) for reason in reasons} == {
        ("fruit.csv.gz", "同一商品同日重复"): 2,
        ("fruit.csv.gz", "最低价高于最高价"): 1,
        ("fruit.csv.gz", "价格为 0"): 1,
        ("vegetables.csv.gz", "价格为 0"): 50,
        ("vegetables.csv.gz", "价格不是数字"): 1,
        ("vegetables.csv.gz", "缺少品名"): 1,
        ("vegetables.csv.gz", "最低价高于最高价"): 9,
        ("vegetables.csv.gz", "同一商品同日重复"): 4,
        ("vegetables.csv.gz", "空行"): 1,
    }
    assert [versions(shop) for shop in places] == [list(range(1, 318))] * 2
    assert list(invariants.findings()) == []
    before = everything()
    assert run(*FILES) == report
    assert everything() == before


def test_products_are_made_from_file_name_and_spec(run, tenant):
    run(lines=["翠宝甜瓜 2 2016-05-01", "椰青/个 3 2016-05-01", "红玉/600 4 2016-05-01"])
    melon = Product.objects.get(name="翠宝甜瓜")
    assert (melon.tenant, melon.source, melon.spec, melon.unit) == (tenant, "fruit", "普通", "斤")
    assert (melon.pricing_type, melon.pinyin) == (PricingType.WEIGHT, "cbtg")
    assert (melon.product_class.name, melon.product_class.parent.name) == ("普通", "水果")
    coconut = Product.objects.get(name="椰青/个")
    assert (coconut.unit, coconut.pricing_type) == ("个", PricingType.COUNT)
    assert Product.objects.get(name="红玉/600").pricing_type == PricingType.WEIGHT


def test_codes_have_six_digits_and_tell_the_file_in_the_order_of_first_appearance(run, tenant):
    factories.ProductFactory(tenant=tenant, code="100002")
    run(lines=["红富士 2 2016-05-01", "雪花梨 3 2016-05-01", "香蕉 4 2016-05-02"])
    assert list(Product.objects.filter(source="fruit").order_by("pk").values_list("code", flat=True)) == ["100001", "100003", "100004"]


def test_another_file_takes_the_next_free_block_of_codes_and_keeps_it(run, tmp_path):
    run(write(tmp_path / "meat.csv", ["五花肉 9 2016-05-01"]), write(tmp_path / "fish.csv", ["鲤鱼 8 2016-05-01"]))
    run(write(tmp_path / "meat.csv", ["后臀尖 9 2016-05-02"]))
    codes = Product.objects.exclude(source="").order_by("pk").values_list("name", "code")
    assert list(codes) == [("五花肉", "300001"), ("鲤鱼", "400001"), ("后臀尖", "300002")]


def test_the_same_name_in_two_files_is_two_products(run, tmp_path):
    lines = ["丑橘 3 2016-05-01"]
    run(write(tmp_path / "fruit.csv", lines), write(tmp_path / "vegetables.csv", lines))
    assert set(Product.objects.values_list("name", "source", "code")) == {("丑橘", "fruit", "100001"), ("丑橘", "vegetables", "200001")}


def test_master_prices_are_the_newest_average_plus_thirty_percent(run):
    run(lines=["红富士 3 2016-05-02", "红富士 2 2016-05-01"])
    apple = Product.objects.get(name="红富士")
    assert (apple.price, apple.member_price) == (Decimal("3.90"), Decimal("3.70"))


def test_a_master_price_that_was_set_by_hand_stands_until_the_next_market_day(run):
    run(lines=["红富士 2 2016-05-01"])
    Product.objects.update(price="9.00")
    run(lines=["红富士 2 2016-05-01", "红富士 4 2016-04-01"])
    assert Product.objects.get().price == Decimal("9.00")
    run(lines=["红富士 3 2016-05-02"])
    assert Product.objects.get().price == Decimal("3.90")


def test_a_shops_prices_follow_the_market_with_a_log_for_every_real_change(run, places):
    run(lines=["红富士 2 2016-05-01", "红富士 2 2016-05-02", "红富士 2.01 2016-05-03", "红富士 3 2016-05-04"])
    assert chain(places[0]) == [("2.60", "3.90", "2016-05-04")]
    assert (price_in(places[0]), price_in(places[1])) == (Decimal("3.90"), Decimal("3.00"))
    log = PriceLog.objects.filter(shop=places[0]).get()
    assert (log.user, log.change.source, log.created_at) == (None, "import", datetime.fromisoformat("2016-05-04T06:00+08:00"))
    assert ShopProduct.objects.get(shop=places[0]).created_at == datetime.fromisoformat("2016-05-01T06:00+08:00")


def test_the_days_count_and_not_the_order_of_the_rows(run, places):
    run(lines=["红富士 4 2016-05-03", "红富士 2 2016-05-01", "红富士 3 2016-05-02"])
    assert chain(places[1]) == [("2.00", "3.00", "2016-05-02"), ("3.00", "4.00", "2016-05-03")]


def test_one_batch_a_day_holds_the_changes_of_all_shops(run):
    run(lines=["红富士 2 2016-05-01", "雪花梨 2 2016-05-01", "红富士 3 2016-05-02", "雪花梨 4 2016-05-02", "红富士 4 2016-05-03"])
    assert [(batch.reason, batch.logs.count()) for batch in PriceChange.objects.order_by("pk")] == [
        ("2016-05-02 行情", 4),
        ("2016-05-03 行情", 2),
    ]


def test_newer_rows_continue_the_history(run, places):
    run(lines=["红富士 2 2016-05-01", "红富士 3 2016-05-02"])
    before = versions(places[1])
    run(lines=["红富士 3 2016-05-02", "红富士 5 2016-05-03"])
    assert chain(places[1]) == [("2.00", "3.00", "2016-05-02"), ("3.00", "5.00", "2016-05-03")]
    assert versions(places[1]) == [before[0] + 1]


def test_older_rows_complete_the_market_but_not_what_shops_asked(run, places):
    run(lines=["红富士 2 2016-05-02"])
    before = everything()
    run(lines=["红富士 9 2016-05-01"])
    after = everything()
    assert [row["average"] for row in after.pop(MarketPrice)] == [Decimal(2), Decimal(9)]
    assert before.pop(MarketPrice) and after == before


def test_a_shop_that_comes_later_gets_the_whole_history(run, places):
    lines = ["红富士 2 2016-05-01", "红富士 3 2016-05-02"]
    run(lines=lines, shops=["s0"])
    assert not ShopProduct.objects.filter(shop=places[1]).exists()
    run(lines=lines)
    assert chain(places[1]) == [("2.00", "3.00", "2016-05-02")]


def test_a_shop_that_was_left_out_catches_up(run, places):
    run(lines=["红富士 2 2016-05-01"])
    run(lines=["红富士 3 2016-05-02"], shops=["s0"])
    run(lines=["红富士 4 2016-05-03"])
    assert chain(places[1]) == [("2.00", "3.00", "2016-05-02"), ("3.00", "4.00", "2016-05-03")]


def test_a_price_set_by_hand_stands_until_the_market_moves(run, places, boss, now):
    lines = ["红富士 2 2016-05-01", "红富士 3 2016-05-02", "红富士 3 2016-05-03"]
    run(lines=lines)
    row = ShopProduct.objects.get(shop=places[1])
    prices.change_prices(changes=[prices.Change(shop_product_id=row.pk, price=Decimal("7.70"))], principal=boss, now=now)
    before = everything()
    run(lines=lines)
    assert everything() == before
    run(lines=["红富士 4 2016-05-04"])
    assert chain(places[1])[-1] == ("7.70", "4.00", "2016-05-04")
    assert list(invariants.findings()) == []


def test_a_first_price_changed_by_hand_stands_too(run, places, boss, now):
    run(lines=["红富士 2 2016-05-01"])
    row = ShopProduct.objects.get(shop=places[1])
    prices.change_prices(changes=[prices.Change(shop_product_id=row.pk, price=Decimal("7.70"))], principal=boss, now=now)
    before = everything()
    run(lines=["红富士 2 2016-05-01", "红富士 2 2016-05-02"])
    after = everything()
    assert (after[ShopProduct], after[PriceLog]) == (before[ShopProduct], before[PriceLog])


def test_a_price_that_was_set_by_hand_ahead_of_the_market_is_no_change(run, places, boss, now):
    run(lines=["红富士 2 2016-05-01"], shops=["s1"])
    row = ShopProduct.objects.get()
    prices.change_prices(
        changes=[prices.Change(shop_product_id=row.pk, price=Decimal(3), member_price=Decimal("2.90"))], principal=boss, now=now
    )
    run(lines=["红富士 3 2016-05-02"], shops=["s1"])
    assert (PriceLog.objects.count(), PriceChange.objects.filter(source="import").count()) == (1, 0)


def test_what_a_shop_took_off_sale_stays_off(run, places, boss, now):
    lines = ["红富士 2 2016-05-01"]
    run(lines=lines)
    prices.remove_all(shop_id=places[1].pk, principal=boss, now=now)
    run(lines=[*lines, "红富士 3 2016-05-02"])
    assert not ShopProduct.objects.live().filter(shop=places[1]).exists()
    assert price_in(places[0]) == Decimal("3.90")


def test_a_product_out_of_use_comes_on_sale_nowhere(run, places):
    run(lines=["红富士 2 2016-05-01"], shops=["s0"])
    Product.objects.update(in_use=False)
    run(lines=["红富士 3 2016-05-02"])
    assert (price_in(places[0]), ShopProduct.objects.count()) == (Decimal("3.90"), 1)


def test_a_row_that_was_put_on_sale_by_hand_follows_the_days_after(run, places, boss, now):
    run(lines=["红富士 2 2016-05-01", "红富士 3 2016-05-02"], shops=["s0"])
    apple = Product.objects.get()
    prices.add_products(shop_ids=[places[1].pk], product_ids=[apple.pk], product_class_id=None, principal=boss, now=now)
    run(lines=["红富士 5 2016-05-03"])
    assert (chain(places[1]), price_in(places[1])) == ([], Decimal("3.90"))


def test_the_first_of_two_rows_of_a_day_stands_and_the_other_is_reported(run):
    report = run(lines=["红富士 2 2016-05-01", "红富士 2 2016-05-01", "红富士 3 2016-05-01"])
    assert [(line[1], line[2]) for line in report] == [
        ("3", "同一商品同日重复，价格相同"),
        ("4", "同一商品同日重复，价格不同，以先出现的为准"),
    ]
    assert MarketPrice.objects.get().average == Decimal(2)


def test_what_differs_from_an_earlier_import_is_reported_and_not_taken(run):
    run(lines=["红富士 2 2016-05-01"])
    assert [line[2] for line in run(lines=["红富士 3 2016-05-01"])] == ["与以前导入的价格不同，保留以前的"]
    assert MarketPrice.objects.get().average == Decimal(2)


@pytest.mark.parametrize("name", ["=1+1", "＝1+1", "\u200b=1+1"])
def test_a_name_that_looks_like_a_formula_is_escaped_in_the_report(run, name):
    assert run(lines=[f"{name} 0 2016-05-01"])[0][3] == f"'{name},0,0,0,普通,斤,2016-05-01"


def test_without_shops_only_the_catalogue_and_the_market_come_in(tenant, tmp_path, now):
    path = write(tmp_path / "fruit.csv", ["红富士 2 2016-05-01"])
    tally = market.import_prices(tenant=tenant, shops=[], paths=[path], now=now, report=lambda path, skipped: None)
    assert (tally.imported, tally.products, tally.first_prices, ShopProduct.objects.count()) == (1, 1, 0, 0)


def test_another_tenants_products_are_another_matter(run, stranger, places):
    factories.ProductFactory(name="红富士", spec="普通", source="fruit", code="100001")
    run(lines=["红富士 2 2016-05-01"])
    assert Product.objects.filter(name="红富士").count() == 2
    assert list(invariants.findings()) == []


def test_statements_grow_with_the_days_and_not_with_the_rows(run):
    def count_for(names):
        return count_statements(lambda: run(lines=[f"{name} {price} 2016-05-0{price}" for price in (1, 2) for name in names]))

    run(lines=["香蕉 1 2016-05-01"])
    assert count_for(["红富士", "雪花梨"]) == count_for([f"苹果{number}" for number in range(20)])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"tenant": "nobody"}, "商家；现有：tenant-"),
        ({"shops": ["s0", "s7"]}, "没有编码为 s7 的营业门店；现有：s0、s1"),
        ({"files": [Path("nowhere.csv")]}, "找不到文件 nowhere.csv"),
        ({"files": [FILES[0], FILES[0]]}, "出现了两次"),
        ({"report": Path("nowhere/report.csv")}, "无法写入报告"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_argument_is_one_clear_line_and_nothing_is_written(tenant, places, tmp_path, options, complaint):
    before = everything()
    files = options.pop("files", [write(tmp_path / "fruit.csv", ["红富士 2 2016-05-01"])])
    with pytest.raises(CommandError, match=complaint) as refusal:
        call_command("import_prices", *files, **{"tenant": tenant.code, "shops": ["s0", "s1"]} | options)
    assert "\n" not in str(refusal.value)
    assert everything() == before


def test_a_bad_second_file_undoes_nothing_because_nothing_was_begun(run, tmp_path):
    before = everything()
    good, bad = write(tmp_path / "fruit.csv", ["红富士 2 2016-05-01"]), tmp_path / "vegetables.csv.gz"
    bad.write_bytes(FILES[1].read_bytes()[:9000])
    with pytest.raises(CommandError, match="已损坏"):
        run(good, bad)
    assert everything() == before
    assert not (tmp_path / "report.csv").exists()


def test_a_failure_in_the_middle_leaves_nothing_behind(run, tmp_path, tenant):
    for number in range(3, 10):
        factories.ProductFactory(tenant=tenant, code=f"{number}00001")
    before = everything()
    with pytest.raises(CommandError, match="货号段"):
        run(write(tmp_path / "fruit.csv", ["红富士 2 2016-05-01"]), write(tmp_path / "meat.csv", ["五花肉 9 2016-05-01"]))
    assert everything() == before


def test_without_a_report_the_first_twenty_are_shown(tenant, places, tmp_path, capsys):
    path = write(tmp_path / "fruit.csv", [f"红富士{number} 0 2016-05-01" for number in range(25)])
    call_command("import_prices", path, tenant=tenant.code, shops=["s0"])
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[0] == "fruit.csv 第 2 行：价格为 0　红富士0,0,0,0,普通,斤,2016-05-01"
    assert (len(lines), "另有 5 行" in lines[-1]) == (21, True)
