"""Files of the market: which rows can be used, and what the prices make of them."""

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.market.files import (
    COLUMNS,
    EARLIEST,
    BadFile,
    Dirty,
    MarketRow,
    Reason,
    Skipped,
    clean_row,
    count_rows,
    piece_of,
    read_rows,
    source_of,
)
from pricing.market.retail_prices import retail_prices

TODAY = date(2016, 5, 5)
HEADER = ",".join(COLUMNS)


@pytest.fixture
def write(tmp_path):
    def write(content, name="fruit.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def cleaned(*cells):
    return clean_row(2, cells, range(7), today=TODAY)


def read(path):
    return list(read_rows(path, today=TODAY))


def test_a_usable_row():
    row = cleaned("红富士", "2", "2.5", "3", "普通", "斤", "2016-05-05")
    assert row == MarketRow(2, "红富士", "普通", "斤", TODAY, Decimal("2.00"), Decimal("2.50"), Decimal("3.00"))


def test_byte_order_marks_and_stray_spaces_are_dropped_wherever_they_stand():
    assert cleaned("\ufeff\ufeff木耳菜 ", "2", "2.25", "\ufeff2.5", "水菜", " 斤", "2016-04-28").name == "木耳菜"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["", "", "", "", "", "", ""], Reason.EMPTY),
        (["\ufeff\ufeff", "", " ", "", "", "", ""], Reason.EMPTY),
        ([], Reason.EMPTY),
        (["红富士", "2", "2.5", "3", "普通", "斤"], Reason.COLUMNS),
        (["", "", "", "", "", "", "2014-08-08"], Reason.NAME),
        (["红富士", "2", "2.5", "3", "普通", "", "2016-05-05"], Reason.UNIT),
        (["红" * 101, "2", "2.5", "3", "普通", "斤", "2016-05-05"], Reason.TEXT),
        (["红富士\x00", "2", "2.5", "3", "普通", "斤", "2016-05-05"], Reason.TEXT),
        (["红富士", "2", "2.5", "3", "普通", "斤", "2016-02-30"], Reason.DAY),
        (["红富士", "2", "2.5", "3", "普通", "斤", "20160505"], Reason.DAY),
        (["红富士", "2", "2.5", "3", "普通", "斤", "0001-01-01"], Reason.DAY),
        (["红富士", "2", "2.5", "3", "普通", "斤", ""], Reason.DAY),
        (["红富士", "2", "2.5", "3", "普通", "斤", "2016-05-06"], Reason.FUTURE),
        (["鸽子蛋", "2.7（个）", "2.85（个）", "3（个）", "普通", "斤", "2014-01-24"], Reason.NOT_A_NUMBER),
        (["红富士", "２", "2.5", "3", "普通", "斤", "2016-05-05"], Reason.NOT_A_NUMBER),
        (["红富士", "2", "1e3", "3", "普通", "斤", "2016-05-05"], Reason.NOT_A_NUMBER),
        (["红富士", "2", "NaN", "3", "普通", "斤", "2016-05-05"], Reason.NOT_A_NUMBER),
        (["红富士", "-2", "2.5", "3", "普通", "斤", "2016-05-05"], Reason.NEGATIVE),
        (["红富士", "2", "2.5", "100000000", "普通", "斤", "2016-05-05"], Reason.TOO_HIGH),
        (["红富士", "2", "2.5", "99999999.995", "普通", "斤", "2016-05-05"], Reason.TOO_HIGH),
        (["红富士", "3", "0.00", "3.5", "普通", "斤", "2016-05-05"], Reason.ZERO),
        (["红富士", "0", "0", "0", "普通", "斤", "2016-05-05"], Reason.ZERO),
        (["红富士", "0.004", "2.5", "3", "普通", "斤", "2016-05-05"], Reason.ZERO),
        (["番茄", "1.6", "1.15", "0.7", "普通", "斤", "2013-11-11"], Reason.LOW_ABOVE_HIGH),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else None,
)
def test_a_dirty_row_has_a_reason(cells, reason):
    with pytest.raises(Dirty) as dirty:
        cleaned(*cells)
    assert dirty.value.reason == reason


def test_an_average_outside_of_lowest_and_highest_stands():
    assert cleaned("玫瑰香", "7.00", "6.80", "7.50", "普通", "斤", "2013-10-10").average == Decimal("6.80")


def test_three_places_are_rounded_half_up():
    assert cleaned("大蒜", "0.75", "1.275", "1.8", "普通", "斤", "2013-06-10").average == Decimal("1.28")


@pytest.mark.slow
@given(st.lists(st.text(max_size=30), max_size=9))
def test_whatever_the_cells_a_row_is_usable_or_dirty(cells):
    try:
        row = cleaned(*cells)
    except Dirty as dirty:
        assert dirty.reason in Reason
    else:
        assert row.name


prices = st.decimals(min_value="0.01", max_value="99999999.99", places=2)


@given(
    st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and text.isprintable() and "\ufeff" not in text),
    prices,
    prices,
    prices,
    st.dates(EARLIEST, TODAY),
)
def test_a_well_formed_row_comes_through_unchanged(name, low, average, high, on):
    low, high = sorted((low, high))
    row = cleaned(name, str(low), str(average), str(high), "普通", "斤", on.isoformat())
    assert (row.name, *row.prices, row.on) == (" ".join(name.split()), low, average, high, on)


@given(prices, st.decimals(min_value=0, max_value="99.999", places=3))
def test_shop_prices_are_dimes_and_no_member_pays_more(average, markup):
    price, member_price = retail_prices(average, markup)
    assert Decimal("0.10") <= member_price <= price <= Decimal("99999999.90")
    assert price % Decimal("0.10") == member_price % Decimal("0.10") == 0


@pytest.mark.parametrize(
    ("average", "markup", "price", "member_price"),
    [("2.50", "0.300", "3.30", "3.10"), ("2.65", "0", "2.70", "2.60"), ("0.01", "0.300", "0.10", "0.10"), ("1.00", "0.25", "1.30", "1.20")],
)
def test_a_shops_price_is_the_average_and_its_markup_rounded_to_a_dime(average, markup, price, member_price):
    assert retail_prices(Decimal(average), Decimal(markup)) == (Decimal(price), Decimal(member_price))


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("椰青/个", "个"),
        ("向日葵/盘", "盘"),
        ("白条鹌鹑（只）", "只"),
        ("鸽子蛋(个)", "个"),
        ("红玉/600", ""),
        ("羊腰子（挂油个）", ""),
        ("无籽(小号-大号)", ""),
    ],
)
def test_a_name_may_say_that_it_is_sold_by_the_piece(name, piece):
    assert piece_of(name) == piece


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["bare", "byte-order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_every_form_of_the_file_reads_the_same(write, pack, mark, end):
    path = write(pack(f"{mark}{HEADER}{end}红富士,2,2.5,3,普通,斤,2016-05-05{end},,,,,,{end}".encode()))
    usable, empty = read(path)
    assert (usable.number, usable.name, empty) == (2, "红富士", Skipped(3, Reason.EMPTY, ",,,,,,"))
    assert count_rows(path) == 2


def test_columns_may_stand_in_any_order(write):
    path = write("发布日期,单位,规格,最高价,平均价,最低价,品名\n2016-05-05,斤,普通,3,2.5,2,红富士\n")
    assert read(path) == [cleaned("红富士", "2", "2.5", "3", "普通", "斤", "2016-05-05")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "空文件"),
        ("\n", "空文件"),
        (f"{HEADER}\n", "没有数据行"),
        ("品名,最低价,平均价,最高价,规格,单位\n", "缺少列“发布日期”"),
        (f"{HEADER},产地\n", "列“产地”"),
        (f"{HEADER},品名\n", "列“品名”"),
        ("红富士,2,2.5,3,普通,斤,2016-05-05\n", "列“红富士”"),
        (f"{HEADER}\n红富士,2,2.5,3,普通,斤,2016-05-05\n".encode("gb18030"), "UTF-8"),
        (gzip.compress(HEADER.encode() * 999)[:-20], "已损坏"),
        (gzip.compress(HEADER.encode())[:12] + b"\xff" * 40, "已损坏"),
        (f'{HEADER}\n"{"红" * 140_000}\n', "CSV"),
    ],
    ids=["empty", "blank", "header only", "missing", "unknown", "twice", "no header", "gb18030", "cut off", "garbled", "quote"],
)
def test_a_bad_file_is_refused_with_what_to_do(write, content, complaint):
    with pytest.raises(BadFile, match=complaint) as refusal:
        count_rows(write(content))
    assert "：" in str(refusal.value.message)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path, complaint in ((tmp_path / "fruit.csv", "找不到"), (tmp_path, "目录")):
        with pytest.raises(BadFile, match=complaint):
            count_rows(path)


@pytest.mark.parametrize(
    ("name", "source"), [("fruit.csv.gz", "fruit"), ("fruit.csv", "fruit"), ("fruit", "fruit"), ("a_b-1.csv", "a_b-1")]
)
def test_the_files_name_without_its_endings_is_the_source(tmp_path, name, source):
    assert source_of(tmp_path / name) == source


@pytest.mark.parametrize("name", ["水果.csv", ".csv", "a b.csv", "a.b.csv", "x" * 25])
def test_a_name_that_no_code_can_hold_is_refused(tmp_path, name):
    with pytest.raises(BadFile, match="改名"):
        source_of(tmp_path / name)


def test_the_dirt_of_the_demo_is_found_on_the_line_where_it_stands():
    path = Path(__file__).parents[2] / "pricing" / "data" / "vegetables.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    skipped = {row.number: row for row in read_rows(path, today=TODAY) if isinstance(row, Skipped)}
    assert len(skipped) == 62
    assert (lines[4].split(",")[1], skipped[5].reason) == ("2.7（个）", Reason.NOT_A_NUMBER)
    assert (lines[-1], skipped[len(lines)].reason) == ("\ufeff\ufeff\ufeff\ufeff,,,,,,", Reason.EMPTY)
