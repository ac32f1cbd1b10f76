"""One run of the import: files in, one transaction, a tally out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from pathlib import Path

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pricing.market.catalogue import Catalogue
from pricing.market.files import EARLIEST, BadFile, MarketRow, Reason, Skipped, count_rows, read_rows, source_of
from pricing.market.following import follow_market
from pricing.market.retail_prices import retail_prices
from pricing.market.tally import Progress, Tally, silently
from pricing.models import MarketPrice
from retail.models import Product, Tenant
from shops.models import Shop

MASTER_MARKUP = Decimal("0.30")
CHUNK = 2000


@transaction.atomic
def import_prices(
    *,
    tenant: Tenant,
    shops: Sequence[Shop],
    paths: Sequence[Path],
    now: datetime,
    report: Callable[[Path, Skipped], None],
    progress: Progress = silently,
) -> Tally:
    """Bring the market's files into ``tenant``: products (key: file, name, 规格), classes, one market history per product.

    The master price is the newest average + 30 %; each of ``shops`` gets the average plus its own markup, rounded to 0.10, day by day
    as the market went, with a log for every real change (``follow_market``). A repeat with the same files writes nothing. Rows that
    can't be used go to ``report``. Raises BadFile when a file can't be read as a whole; then nothing is written. Memory grows with
    the products and the shops, not with the rows.
    """
    totals = check_files(paths)
    # One import of a tenant at a time: two would make the same products.
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    tally = Tally()
    before = MarketPrice.objects.aggregate(newest=Max("pk"))["newest"] or 0
    for path, total in totals.items():
        rows = progress(read_rows(path, today=timezone.localdate(now)), total=total, label=path.name)
        FileImport(path=path, tenant=tenant, tally=tally, report=report).run(rows)
    set_master_prices(tenant=tenant, before=before)
    follow_market(tenant=tenant, shops=shops, tally=tally, progress=progress)
    return tally


def check_files(paths: Sequence[Path]) -> dict[Path, int]:
    """The number of rows of each. Raises BadFile."""
    sources = [source_of(path) for path in paths]
    for path, source in zip(paths, sources, strict=True):
        if sources.count(source) > 1:
            raise BadFile(_("{name} 出现了两次：同名文件是同一批商品，每次只能导入一个").format(name=path.name))
    return {path: count_rows(path) for path in paths}


class FileImport:
    """The rows of one file, a chunk at a time."""

    def __init__(self, *, path: Path, tenant: Tenant, tally: Tally, report: Callable[[Path, Skipped], None]) -> None:
        self.path, self.tally, self.report = path, tally, report
        self.catalogue = Catalogue(tenant=tenant, source=source_of(path))
        # Of each product the days that the file has named: a bit for a day, so that a long file needs no more memory.
        self.days: dict[int, int] = {}

    def run(self, rows: Iterable[MarketRow | Skipped]) -> None:
        for chunk in in_chunks(rows):
            self.tally.read += len(chunk)
            self.take(chunk)
        self.tally.products += self.catalogue.products_made
        self.tally.classes += self.catalogue.classes_made

    def take(self, chunk: list[MarketRow | Skipped]) -> None:
        """Write what is new; report the rest in the order of the file."""
        usable = [row for row in chunk if isinstance(row, MarketRow)]
        skipped = [row for row in chunk if isinstance(row, Skipped)]
        product_ids = self.catalogue.ids_of(usable)
        prices = known_prices(usable, product_ids)
        new: list[MarketPrice] = []
        for row, product_id in zip(usable, product_ids, strict=True):
            again, first = self.named_again(product_id, row.on), prices.get((product_id, row.on))
            if first is None:
                prices[product_id, row.on] = row.prices
                new.append(MarketPrice(product_id=product_id, on=row.on, low=row.low, average=row.average, high=row.high))
            elif again or row.prices != first:
                skipped.append(Skipped(row.number, why_repeated(again=again, same=row.prices == first), row.text))
            else:
                self.tally.already += 1
        MarketPrice.objects.bulk_create(new)
        self.tally.imported += len(new)
        for skip in sorted(skipped, key=attrgetter("number")):
            self.tally.skipped[skip.reason] += 1
            self.report(self.path, skip)

    def named_again(self, product_id: int, on: date) -> bool:
        """Whether the file has named that day before; it has now."""
        bit, days = 1 << (on - EARLIEST).days, self.days.get(product_id, 0)
        self.days[product_id] = days | bit
        return bool(days & bit)


def why_repeated(*, again: bool, same: bool) -> Reason:
    if not again:
        return Reason.OTHER_BEFORE
    return Reason.SAME_AGAIN if same else Reason.OTHER_AGAIN


def known_prices(rows: list[MarketRow], product_ids: list[int]) -> dict[tuple[int, date], tuple[Decimal, Decimal, Decimal]]:
    """What is stored of the products and days of ``rows``."""
    wanted = {(product_id, row.on) for row, product_id in zip(rows, product_ids, strict=True)}
    # Every product with every day: a superset, which stays small since files go by the day.
    near = MarketPrice.objects.filter(product__in=set(product_ids), on__in={row.on for row in rows})
    lines = near.values_list("product_id", "on", "low", "average", "high").iterator()
    return {(product_id, on): (low, average, high) for product_id, on, low, average, high in lines if (product_id, on) in wanted}


def in_chunks(rows: Iterable[MarketRow | Skipped]) -> Iterator[list[MarketRow | Skipped]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk


def set_master_prices(*, tenant: Tenant, before: int) -> None:
    """Of the products whose newest market day came in this run: what headquarters has set by hand stands until then."""
    newest = MarketPrice.objects.filter(product=OuterRef("product")).order_by("-on").values("pk")[:1]
    new = MarketPrice.objects.filter(product__tenant=tenant, pk__gt=before)
    products = []
    for market in new.filter(pk=Subquery(newest)).select_related("product"):
        market.product.price, market.product.member_price = retail_prices(market.average, MASTER_MARKUP)
        products.append(market.product)
    Product.objects.bulk_update(products, ["price", "member_price"])
