"""The trade bill of a day: where it lies, and what stands in it (WeChat Pay: 申请交易账单, 下载账单, 交易账单详细说明)."""

import gzip
import hashlib
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from groupbuy.payments.gateways import BillLine
from groupbuy.payments.gateways.wechat.answers import Malformed, text_in
from groupbuy.payments.gateways.wechat.client import is_trusted
from retail.dates import CHINA

# Nothing was paid or refunded on that day.
NO_BILL = "NO_STATEMENT_EXIST"
BYTES_MAX = 64 * 1024 * 1024
# Texts of ours, which may hold what else separates cells.
FREE_TEXT = "商品名称"
SUMS = "总交易单数"
# Merchants of long ago have the second names.
PAID = ("订单金额", "总金额")
RETURNED = ("申请退款金额", "退款金额")
is_amount = re.compile(r"[0-9]{1,8}(\.[0-9]{1,2})?").fullmatch


@dataclass(frozen=True)
class Announced:
    """Where the bill lies below the merchant's own base URL, and the hash of the file before it was compressed."""

    path: str
    sha1: str


def announced_in(answer: dict[str, Any]) -> Announced | None:
    """None when there is no bill of that day. Raises Malformed."""
    if answer.get("code") == NO_BILL:
        return None
    url = urlsplit(text_in(answer, "download_url", longest=2048))
    # The request for it is signed with the merchant's key: nobody else may get it.
    if not is_trusted(f"{url.scheme}://{url.netloc}") or not url.path.startswith("/v3/"):
        raise Malformed("a bill somewhere else")
    if answer.get("hash_type") != "SHA1":
        raise Malformed("hash_type")
    return Announced(f"{url.path}?{url.query}", text_in(answer, "hash_value").lower())


def original(file: bytes, sha1: str) -> bytes:
    """The file as it was before it was compressed, which WeChat's hash is of. Raises Malformed."""
    try:
        content = gzip.GzipFile(fileobj=BytesIO(file)).read(BYTES_MAX + 1) if file.startswith(b"\x1f\x8b") else file
    except (OSError, EOFError, zlib.error) as error:
        raise Malformed("not a whole file") from error
    # Nothing secret: it tells a broken download.
    if len(content) > BYTES_MAX or hashlib.sha1(content, usedforsecurity=False).hexdigest() != sha1:
        raise Malformed("another file than was announced")
    return content


def lines_in(content: bytes, *, mch_id: str) -> list[BillLine]:
    """The lines of a bill: a header, a line for each payment and refund, each cell behind a backtick, and the sums. Raises Malformed."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed("not a text") from error
    details, mark, sums = text.rpartition(SUMS)
    header, *rows = re.split(r"\r?\n`", details.rstrip())
    columns = header.split(",")
    lines = [line_of(Cells(columns, row.split(",`")), mch_id=mch_id) for row in rows]
    if not mark or sums.partition("`")[2].partition(",")[0] != str(len(lines)):
        raise Malformed("another number of lines than its sums say")
    return lines


@dataclass(frozen=True)
class Cells:
    """One row. The columns stand in no fixed order; a name of goods may look like two cells, so what follows it counts from the end."""

    columns: list[str]
    cells: list[str]

    def text(self, *names: str) -> str:
        """The first of the columns that is there. Raises Malformed."""
        try:
            place = next(self.columns.index(name) for name in names if name in self.columns)
            return self.cells[place if place < self.columns.index(FREE_TEXT) else place - len(self.columns)]
        except (StopIteration, ValueError, IndexError) as error:
            raise Malformed(names[0]) from error

    def money(self, *names: str) -> Decimal:
        amount = self.text(*names)
        if not is_amount(amount):
            raise Malformed(names[0])
        return Decimal(amount).quantize(Decimal("0.01"))

    def moment(self, name: str) -> datetime:
        try:
            return datetime.strptime(self.text(name), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        except ValueError as error:
            raise Malformed(name) from error


def line_of(row: Cells, *, mch_id: str) -> BillLine:
    state = row.text("交易状态")
    if row.text("商户号") != mch_id or state not in ("SUCCESS", "REFUND", "REVOKED"):
        raise Malformed("a line of another merchant, or of an unknown state")
    is_payment = state == "SUCCESS"
    return BillLine(
        out_trade_no=row.text("商户订单号"),
        amount=row.money(*(PAID if is_payment else RETURNED)),
        at=row.moment("交易时间"),
        app_id=row.text("公众账号ID"),
        transaction_id=row.text("微信订单号"),
        # What was revoked may have none.
        out_refund_no="" if is_payment else row.text("商户退款单号") or row.text("商户订单号"),
    )
