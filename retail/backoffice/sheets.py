"""Tables as files for Excel: XLSX and CSV in which no text is a formula and no code a number."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any
from unicodedata import east_asian_width, normalize

from django.utils import timezone
from django.utils.translation import gettext as _
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from retail.characters import is_seen

Cell = str | int | Decimal | datetime
Row = Sequence[Cell]

FORMULA_STARTS = tuple("=+-@")
BROKEN_STARTS = ("\t", "\r", "\n")
# What Excel would read from a CSV as a number or a date: 2601151010124711 as 2.6E+15, 000123 as 123, 3-5 as the fifth of March.
LIKE_A_NUMBER = re.compile(r"\d[\d.,:/ eE+-]*\Z")
MOMENT = "%Y-%m-%d %H:%M:%S"
SAMPLE = 200
WIDTH_MIN, WIDTH_MAX = 8, 40


def cell_of(value: Any) -> Cell:
    """Numbers and moments as they are (moments local), everything else as text that Excel will not run."""
    if value is None or value == "—":
        return ""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, datetime):
        return timezone.make_naive(value).replace(microsecond=0)
    return value if isinstance(value, int | Decimal) else harmless(str(value))


def harmless(text: str) -> str:
    """A quote in front makes text of what begins like a formula, also behind what nobody sees: some programs skip that.

    A sign of another width begins one too where Excel is set to an East Asian language (OWASP, CSV Injection).
    """
    first = next((character for character in text if is_seen(character)), "")
    begins_badly = text.startswith(BROKEN_STARTS) or normalize("NFKC", first).startswith(FORMULA_STARTS)
    return f"'{text}" if begins_badly else text


def write_csv(file: IO[bytes], title: str, heads: Sequence[str], rows: Iterable[Row]) -> int:
    """UTF-8 with the byte-order mark by which Excel knows it. The number of rows."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(heads)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  # the last is the answer
        writer.writerow([csv_cell(value) for value in row])
    text.detach()
    return count


def csv_cell(value: Cell) -> str | int | Decimal:
    if isinstance(value, datetime):
        return value.strftime(MOMENT)
    # Excel doesn't show the tab, and takes what is behind it for text.
    return f"\t{value}" if isinstance(value, str) and LIKE_A_NUMBER.match(value) else value


def write_xlsx(file: IO[bytes], title: str, heads: Sequence[str], rows: Iterable[Row]) -> int:
    """One sheet, row by row through temporary files, so that memory doesn't grow with the rows. The number of rows."""
    begun = iter(rows)
    sample = list(islice(begun, SAMPLE))
    with Workbook(file, {"constant_memory": True}) as book:
        sheet = book.add_worksheet(title[:31])
        lay_out(sheet, heads, sample)
        write = cell_writer(book, sheet)
        bold = book.add_format({"bold": True, "bg_color": "#f0fdf4", "bottom": 1})
        for column, head in enumerate(heads):
            sheet.write_string(0, column, head, bold)
        count = 0
        for count, row in enumerate(chain(sample, begun), 1):
            for column, value in enumerate(row):
                write(count, column, value)
        sheet.autofilter(0, 0, count, len(heads) - 1)
    return count


def lay_out(sheet: Worksheet, heads: Sequence[str], sample: Sequence[Row]) -> None:
    """Columns as wide as the first rows need; the heads stay in view, and are on every printed page."""
    for column, texts in enumerate(zip(heads, *sample, strict=True)):
        width = max(map(width_of, texts)) + 2
        sheet.set_column(column, column, min(max(width, WIDTH_MIN), WIDTH_MAX))
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)


def width_of(value: Cell) -> int:
    """In halves of a Chinese character."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in str(value))


def cell_writer(book: Workbook, sheet: Worksheet) -> Callable[[int, int, Cell], Any]:
    """Each type its own way: left to itself the library makes formulas and links of texts."""
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    decimals: dict[int, Format] = {}

    def write(row: int, column: int, value: Cell) -> None:
        if value == "":
            return
        if isinstance(value, str):
            sheet.write_string(row, column, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(row, column, value, moment)
        elif isinstance(value, int):
            sheet.write_number(row, column, value)
        else:
            sheet.write_number(row, column, float(value), decimal_format(value))

    def decimal_format(value: Decimal) -> Format:
        places = -int(value.as_tuple().exponent)
        if places not in decimals:
            decimals[places] = book.add_format({"num_format": f"0.{'0' * places}"})
        return decimals[places]

    return write


WRITERS: dict[str, tuple[str, Callable[[IO[bytes], str, Sequence[str], Iterable[Row]], int]]] = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
    "csv": ("text/csv; charset=utf-8", write_csv),
}
