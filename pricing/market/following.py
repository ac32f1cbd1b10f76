"""The shops' prices follow the market: what each market day changed, as if the import had run on that morning."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import groupby
from operator import attrgetter, itemgetter

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from pricing.market.retail_prices import retail_prices
from pricing.market.tally import Progress, Tally
from pricing.models import ChangeSource, MarketPrice, PriceChange, PriceLog, ShopProduct
from pricing.prices.batches import lock_shops, write_rows
from pricing.prices.statements import log_of
from retail.models import Product, Tenant
from retail.principals import headquarters_of
from shops.models import Shop

OPENING = time(6)
AT_ONCE = 5000
Prices = tuple[Decimal, Decimal]


@dataclass(slots=True)
class Follower:
    """A row on sale. ``followed``: the prices that the market gave it last, on the day ``since``; a person may have set others by now."""

    row: ShopProduct
    followed: Prices
    since: date
    moved: bool = False


def follow_market(*, tenant: Tenant, shops: Sequence[Shop], tally: Tally, progress: Progress) -> None:
    """Give ``shops`` the prices of every market day that they haven't followed yet, in the order of the days.

    A product in use that a shop never sold comes on sale with its first day's price; what the shop took off sale stays off. A row that
    was put on sale by hand follows the days after that. One batch per day that changed something, its logs dated 06:00 of the day; at
    the end each row that moved takes one version.
    """
    if not shops:
        return
    headquarters = headquarters_of(tenant_id=tenant.pk)
    walk = Walk(tenant=tenant, shops=lock_shops(shop_ids={shop.pk for shop in shops}, principal=headquarters), tally=tally)
    prices = MarketPrice.objects.filter(product__tenant=tenant).exclude(product__source="")
    days = prices.aggregate(days=Count("on", distinct=True))["days"]
    lines = prices.order_by("on", "product_id").values_list("on", "product_id", "average").iterator(chunk_size=AT_ONCE)
    for on, markets in progress(groupby(lines, key=itemgetter(0)), total=days, label=_("门店价格")):
        walk.follow_day(on, [(product_id, average) for _on, product_id, average in markets])
    walk.finish()


class Walk:
    """The way through the market's days, with the shops' rows as they are on the evening of each."""

    def __init__(self, *, tenant: Tenant, shops: dict[int, Shop], tally: Tally) -> None:
        self.tenant, self.shops, self.tally = tenant, shops, tally
        self.for_sale = set(Product.objects.filter(tenant=tenant).in_use().values_list("pk", flat=True))
        rows = list(ShopProduct.objects.filter(shop__in=shops).exclude(product__source=""))
        self.ever_sold = {(row.shop_id, row.product_id) for row in rows}
        self.followers = followers_of([row for row in rows if row.removed_at is None])
        self.logs: list[PriceLog] = []

    def follow_day(self, on: date, markets: list[tuple[int, Decimal]]) -> None:
        morning = timezone.make_aware(datetime.combine(on, OPENING))
        new: list[Follower] = []
        moves: list[tuple[Follower, Prices]] = []
        for shop in self.shops.values():
            for product_id, average in markets:
                prices = retail_prices(average, shop.markup)
                follower = self.followers.get((shop.pk, product_id))
                if follower is not None:
                    if prices != follower.followed and on > follower.since:
                        moves.append((follower, prices))
                elif product_id in self.for_sale and (shop.pk, product_id) not in self.ever_sold:
                    new.append(first_sale(shop, product_id, prices, morning))
        self.put_on_sale(new)
        self.move(moves, on=on, morning=morning)

    def put_on_sale(self, new: list[Follower]) -> None:
        ShopProduct.objects.bulk_create([follower.row for follower in new])
        self.followers |= {(follower.row.shop_id, follower.row.product_id): follower for follower in new}
        self.tally.first_prices += len(new)

    def move(self, moves: list[tuple[Follower, Prices]], *, on: date, morning: datetime) -> None:
        for follower, prices in moves:
            follower.followed = prices
        # A person may have set the very price before: then it isn't a change.
        real = [(follower, prices) for follower, prices in moves if prices != (follower.row.price, follower.row.member_price)]
        if not real:
            return
        reason = _("{on} 行情").format(on=on)
        batch = PriceChange.objects.create(tenant=self.tenant, source=ChangeSource.IMPORT, reason=reason, created_at=morning)
        for follower, prices in real:
            row, old = follower.row, (follower.row.price, follower.row.member_price)
            row.price, row.member_price = prices
            follower.moved = True
            self.logs.append(log_of(row, batch, old_price=old[0], old_member_price=old[1]))
        if len(self.logs) >= AT_ONCE:
            self.write_logs()

    def write_logs(self) -> None:
        PriceLog.objects.bulk_create(self.logs)
        self.tally.logs += len(self.logs)
        self.logs = []

    def finish(self) -> None:
        self.write_logs()
        moved = sorted((follower.row for follower in self.followers.values() if follower.moved), key=attrgetter("pk"))
        write_rows(rows=moved, fields=["price", "member_price"], shops=self.shops)


def first_sale(shop: Shop, product_id: int, prices: Prices, morning: datetime) -> Follower:
    row = ShopProduct(shop_id=shop.pk, product_id=product_id, price=prices[0], member_price=prices[1], created_at=morning)
    return Follower(row=row, followed=prices, since=morning.date(), moved=True)


def followers_of(rows: list[ShopProduct]) -> dict[tuple[int, int], Follower]:
    """Where each row stands: at its last log of an import, or without one at its first price, on the day it came on sale."""
    of_rows = PriceLog.objects.filter(shop__in={row.shop_id for row in rows})
    imported = one_log_each(of_rows.filter(change__source=ChangeSource.IMPORT), Max("pk"))
    first = one_log_each(of_rows, Min("pk"))
    followers = {}
    for row in rows:
        log = imported.get(row.pk)
        if log is not None:
            followed, since = (log.new_price, log.new_member_price), log.created_at
        elif row.pk in first:
            followed, since = (first[row.pk].old_price, first[row.pk].old_member_price), row.created_at
        else:
            followed, since = (row.price, row.member_price), row.created_at
        followers[row.shop_id, row.product_id] = Follower(row=row, followed=followed, since=timezone.localdate(since))
    return followers


def one_log_each(logs: QuerySet[PriceLog], which: Max | Min) -> dict[int, PriceLog]:
    """The last or first log of each row."""
    picked = logs.order_by().values("shop_product").annotate(picked=which).values("picked")
    return {log.shop_product_id: log for log in PriceLog.objects.filter(pk__in=picked)}
