"""The files that the admin exports, read back."""

import csv
import io
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from groupbuy.models import GroupBuying, Order, Payment, Refund
from pricing.models import PriceLog, ShopProduct, StockFigure
from retail.models import Product

EXPORTED = (Order, ShopProduct, StockFigure, PriceLog, Payment, Refund, GroupBuying, Product)


def address_of(model: type, kind: str = "export") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}")


def export(browser: Client, model: type, query: str = "", *, kind: str = "csv", **more: Any) -> HttpResponse:
    """Press the button of the list that ``query`` shows."""
    return browser.post(f"{address_of(model)}?{query}", {"kind": kind}, **more)


def content(response: HttpResponse) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def csv_rows(response: HttpResponse) -> list[dict[str, str]]:
    text = content(response).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def xlsx_cells(response: HttpResponse) -> list[dict[str, Any]]:
    """The cells of each row by head."""
    heads, *rows = load_workbook(io.BytesIO(content(response))).active.iter_rows()
    return [dict(zip([head.value for head in heads], row, strict=True)) for row in rows]


def text_of(browser: Client, model: type) -> str:
    """All that a person gets out of a list, by both kinds; nothing where the list is not for them."""
    if export(browser, model).status_code == 403:
        return ""
    cells = (str(cell.value) for row in xlsx_cells(export(browser, model, kind="xlsx")) for cell in row.values())
    return "\n".join([content(export(browser, model)).decode(), *cells])
