"""The wholesale market's files: from bytes to rows that can be used, and the prices that follow from them. No database.

A file is CSV in UTF-8, plain or gzip, one row per product and day, prices in yuan per unit. Real files are dirty: what can't be used
is skipped with its line number and a reason. A name such as ``椰青/个`` or ``红玉/600`` stays whole, since it is what tells one product
from another; the column 单位 says 斤 even there, so a trailing ``/个`` (or ``（个）``) decides: sold by piece. A size (``/600``) decides
nothing. An average outside of lowest and highest is what the market published: it stands.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from retail import dates
from retail.money import MAX_MONEY, to_cents
from retail.refusals import Invalid

COLUMNS = ("品名", "最低价", "平均价", "最高价", "规格", "单位", "发布日期")
GZIP_MAGIC = b"\x1f\x8b"
BLOCK = 2**16
NUMBER = re.compile(r"\A-?[0-9]+(\.[0-9]+)?\Z")
DAY = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
PIECE = re.compile(r"[/（(](个|只|盘)[)）]?\Z")
EARLIEST = dates.FIRST_DAY
TEXT_SHOWN = 300
LENGTHS = {"name": 100, "spec": 64, "unit": 16}


class Reason(TextChoices):
    """Why a row was skipped."""

    EMPTY = "empty", _("空行")
    COLUMNS = "columns", _("列数不对")
    NAME = "name", _("缺少品名")
    UNIT = "unit", _("缺少单位")
    TEXT = "text", _("文字过长或含控制字符")
    DAY = "day", _("日期不对")
    FUTURE = "future", _("日期晚于今天")
    NOT_A_NUMBER = "not_a_number", _("价格不是数字")
    NEGATIVE = "negative", _("价格为负数")
    TOO_HIGH = "too_high", _("价格超过 8 位整数")
    ZERO = "zero", _("价格为 0")
    LOW_ABOVE_HIGH = "low_above_high", _("最低价高于最高价")
    SAME_AGAIN = "same_again", _("同一商品同日重复，价格相同")
    OTHER_AGAIN = "other_again", _("同一商品同日重复，价格不同，以先出现的为准")
    OTHER_BEFORE = "other_before", _("与以前导入的价格不同，保留以前的")


class BadFile(Invalid):
    """Nothing of the file can be imported; the message says what to do."""


class Dirty(Exception):
    """A row that can't be used."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class MarketRow:
    """A usable row; ``number`` is its line in the file, the header being line 1."""

    number: int
    name: str
    spec: str
    unit: str
    on: date
    low: Decimal
    average: Decimal
    high: Decimal

    @property
    def prices(self) -> tuple[Decimal, Decimal, Decimal]:
        return self.low, self.average, self.high

    @property
    def text(self) -> str:
        return ",".join(map(str, (self.name, *self.prices, self.spec, self.unit, self.on)))


@dataclass(frozen=True, slots=True)
class Skipped:
    number: int
    reason: Reason
    text: str = ""


def source_of(path: Path) -> str:
    """``fruit.csv.gz`` → ``fruit``, which becomes part of the products' keys and of the classes' codes."""
    source = path.name.removesuffix(".gz").removesuffix(".csv")
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,24}", source):
        raise BadFile(_("文件名 {name} 须由不超过 24 个字母、数字、连字符或下划线组成：请先改名").format(name=path.name))
    return source


def count_rows(path: Path) -> int:
    """The number of rows below the header, after reading the file to its end: a broken one is found before anything is written."""
    # Bytes first: a damaged gzip yields nonsense, which would look like another encoding, before its checksum tells.
    with explained(path), path.open("rb") as raw:
        binary = unpacked(raw)
        while binary.read(BLOCK):
            pass
    lines = cells_of(path)
    order_of_columns(path, next(lines, (1, []))[1])
    count = sum(1 for _line in lines)
    if not count:
        raise BadFile(_("{path} 没有数据行：请检查是否选错了文件").format(path=path))
    return count


def read_rows(path: Path, *, today: date) -> Iterator[MarketRow | Skipped]:
    """Every row below the header, in file order. Raises BadFile."""
    lines = cells_of(path)
    order = order_of_columns(path, next(lines, (1, []))[1])
    for number, cells in lines:
        try:
            yield clean_row(number, cells, order, today=today)
        except Dirty as dirty:
            yield Skipped(number, dirty.reason, ",".join(clean_text(cell) for cell in cells)[:TEXT_SHOWN])


# The first that fits.
DEFECTS: tuple[tuple[tuple[type[Exception], ...], str | Promise], ...] = (
    ((gzip.BadGzipFile, EOFError, zlib.error), _("{path} 压缩包已损坏：请重新获取该文件")),
    ((FileNotFoundError,), _("找不到文件 {path}：请检查路径")),
    ((IsADirectoryError,), _("{path} 是目录：请指定文件")),
    ((PermissionError,), _("没有读取 {path} 的权限：请检查文件权限")),
    ((UnicodeDecodeError,), _("{path} 不是 UTF-8 编码：请先转换，例如 iconv -f GB18030 -t UTF-8")),
    ((csv.Error,), _("{path} 不是有效的 CSV（{error}）：请重新导出")),
    ((OSError,), _("{path} 无法读取（{error}）：请检查该文件")),
)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file becomes a BadFile."""
    try:
        yield
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        message = next(message for kinds, message in DEFECTS if isinstance(error, kinds))
        raise BadFile(str(message).format(path=path, error=error)) from error


def cells_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row, header included."""
    with explained(path), path.open("rb") as raw, io.TextIOWrapper(unpacked(raw), encoding="utf-8", newline="") as text:
        reader = csv.reader(text)
        for cells in reader:
            yield reader.line_num, cells


def unpacked(raw: io.BufferedReader) -> gzip.GzipFile | io.BufferedReader:
    return gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == GZIP_MAGIC else raw


def order_of_columns(path: Path, header: Sequence[str]) -> list[int]:
    """Where each of ``COLUMNS`` stands. Raises BadFile."""
    names = [clean_text(cell) for cell in header]
    if not any(names):
        raise BadFile(_("{path} 是空文件：请检查是否选错了文件").format(path=path))
    expected = ",".join(COLUMNS)
    for name in names:
        if name not in COLUMNS or names.count(name) > 1:
            raise BadFile(_("{path} 有不认识或重复的列“{name}”：首行须为 {expected}").format(path=path, name=name, expected=expected))
    missing = "、".join(name for name in COLUMNS if name not in names)
    if missing:
        raise BadFile(_("{path} 缺少列“{missing}”：首行须为 {expected}").format(path=path, missing=missing, expected=expected))
    return [names.index(name) for name in COLUMNS]


def clean_row(number: int, cells: Sequence[str], order: Sequence[int], *, today: date) -> MarketRow:
    """Raises Dirty."""
    texts = [clean_text(cell) for cell in cells]
    if not any(texts):
        raise Dirty(Reason.EMPTY)
    if len(texts) != len(order):
        raise Dirty(Reason.COLUMNS)
    name, low, average, high, spec, unit, day = (texts[place] for place in order)
    check_texts(name=name, spec=spec, unit=unit)
    on = clean_day(day, today=today)
    prices = clean_price(low), clean_price(average), clean_price(high)
    if prices[0] > prices[2]:
        raise Dirty(Reason.LOW_ABOVE_HIGH)
    return MarketRow(number, name, spec, unit, on, *prices)


def clean_text(cell: str) -> str:
    """Without byte-order marks, which stand inside of cells too, and with single spaces."""
    return " ".join(cell.replace("\ufeff", "").split())


def check_texts(**texts: str) -> None:
    if not texts["name"]:
        raise Dirty(Reason.NAME)
    if not texts["unit"]:
        raise Dirty(Reason.UNIT)
    if any(len(text) > LENGTHS[column] or not text.isprintable() for column, text in texts.items()):
        raise Dirty(Reason.TEXT)


def clean_day(text: str, *, today: date) -> date:
    try:
        # fromisoformat alone takes 20130610 and 2013-W24-1 too.
        on = date.fromisoformat(text if DAY.match(text) else "")
    except ValueError:
        raise Dirty(Reason.DAY) from None
    if on < EARLIEST:
        raise Dirty(Reason.DAY)
    if on > today:
        raise Dirty(Reason.FUTURE)
    return on


def clean_price(text: str) -> Decimal:
    if not NUMBER.match(text):
        raise Dirty(Reason.NOT_A_NUMBER)
    if text.startswith("-"):
        raise Dirty(Reason.NEGATIVE)
    if len(text.partition(".")[0].lstrip("0")) > 8:
        raise Dirty(Reason.TOO_HIGH)
    price = to_cents(Decimal(text))
    if price > MAX_MONEY:
        raise Dirty(Reason.TOO_HIGH)
    if not price:
        raise Dirty(Reason.ZERO)
    return price


def piece_of(name: str) -> str:
    """``椰青/个`` → ``个``; empty where the name says nothing of the kind."""
    found = PIECE.search(name)
    return found[1] if found else ""
