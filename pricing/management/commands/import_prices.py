"""``manage.py import_prices fruit.csv.gz vegetables.csv.gz --tenant demo --shops tianlin caohejing``."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from tqdm import tqdm

from pricing import market
from pricing.market.files import Reason, Skipped
from pricing.market.tally import Item
from retail.backoffice.sheets import harmless
from retail.models import Tenant
from retail.refusals import Refusal
from shops.models import Shop

SHOWN = 20


class Command(BaseCommand):
    help = "Import wholesale market prices: products, classes, the market's history and the shops' prices that follow it. Repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV in UTF-8, plain or gzip; its name is part of the key")
        parser.add_argument("--tenant", required=True, metavar="CODE")
        parser.add_argument("--shops", required=True, nargs="+", metavar="CODE", help="their prices follow the market by their markup")
        parser.add_argument("--report", type=Path, metavar="PATH", help="write every skipped row to this CSV file")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, shops = find_shops(options["tenant"], options["shops"])
        try:
            # The report is closed before the commit: a full disk undoes the import.
            with transaction.atomic(), report_to(options["report"]) as report:
                tally = market.import_prices(
                    tenant=tenant, shops=shops, paths=options["files"], now=timezone.now(), report=report.add, progress=show_bar
                )
        except Refusal as error:
            raise CommandError(str(error.message)) from error
        except OperationalError as error:
            raise CommandError(_("数据库忙或不可用（{error}）：没有导入任何内容，请稍后重试").format(error=str(error).strip())) from error
        if options["report"] is None and tally.skipped:
            self.stderr.write("\n".join(report.first_lines(sum(tally.skipped.values()))))
        self.stdout.write("\n".join(summary(tally)))


def find_shops(tenant_code: str, shop_codes: Sequence[str]) -> tuple[Tenant, list[Shop]]:
    """Raises CommandError that names what there is to choose from."""
    tenant = Tenant.objects.filter(code=tenant_code).first()
    if tenant is None:
        known = "、".join(Tenant.objects.order_by("code").values_list("code", flat=True)[:SHOWN])
        raise CommandError(_("没有编码为 {code} 的商家；现有：{known}").format(code=tenant_code, known=known or "—"))
    shops = {shop.code: shop for shop in Shop.objects.filter(tenant=tenant).open().only("code").order_by("code")}
    missing = "、".join(code for code in shop_codes if code not in shops)
    if missing:
        known = "、".join(list(shops)[:SHOWN])
        raise CommandError(_("没有编码为 {codes} 的营业门店；现有：{known}").format(codes=missing, known=known or "—"))
    return tenant, [shops[code] for code in dict.fromkeys(shop_codes)]


class Report:
    """The skipped rows: every one into the file, if there is one; the first few are kept to be shown."""

    def __init__(self, file: TextIO | None) -> None:
        self.lines = csv.writer(file) if file else None
        self.first: list[str] = []
        if self.lines:
            self.lines.writerow([_("文件"), _("行号"), _("原因"), _("内容")])

    def add(self, path: Path, skipped: Skipped) -> None:
        if self.lines:
            self.lines.writerow([harmless(path.name), skipped.number, skipped.reason.label, harmless(skipped.text)])
        if len(self.first) < SHOWN:
            self.first.append(
                _("{file} 第 {number} 行：{reason}　{text}").format(
                    file=path.name, number=skipped.number, reason=skipped.reason.label, text=skipped.text
                )
            )

    def first_lines(self, count: int) -> list[str]:
        if count <= len(self.first):
            return self.first
        return [*self.first, _("……另有 {count} 行被跳过；加 --report 路径 可写入文件").format(count=count - len(self.first))]


@contextmanager
def report_to(path: Path | None) -> Iterator[Report]:
    """Opened before anything is imported; a failed import leaves no report behind. Raises CommandError."""
    if path is None:
        yield Report(None)
        return
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            yield Report(file)
    except OSError as error:
        raise CommandError(_("无法写入报告 {path}（{error}）：请换一个路径").format(path=path, error=error.strerror)) from error
    except Exception:
        if path.is_file():
            path.unlink()
        raise


def show_bar(items: Iterable[Item], *, total: int, label: str) -> Iterable[Item]:
    """Nothing where there is no terminal."""
    return tqdm(items, total=total, desc=label, disable=None, leave=False)


def summary(tally: market.Tally) -> Iterator[str]:
    yield _("读取 {read} 行：导入 {imported}，此前已有 {already}，跳过 {skipped}").format(
        read=tally.read, imported=tally.imported, already=tally.already, skipped=sum(tally.skipped.values())
    )
    for reason in Reason:
        if tally.skipped[reason]:
            yield f"  {reason.label}：{tally.skipped[reason]}"
    yield _("新商品 {products}，新分类 {classes}；门店上架 {first_prices}，调价 {logs} 次").format(
        products=tally.products, classes=tally.classes, first_prices=tally.first_prices, logs=tally.logs
    )
