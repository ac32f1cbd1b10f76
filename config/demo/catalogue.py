"""The demo's catalogue: a month of real market prices through the real importer, then arranged for people to find their way."""

import csv
import gzip
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from django.conf import settings
from django.utils import timezone

from config.demo import pictures
from config.demo.rhythm import at
from pricing import market, prices
from pricing.market.files import COLUMNS, MarketRow, read_rows
from pricing.models import ShopProduct, StockFigure
from retail.models import PricingType, Product, ProductClass, ProductImage, Tenant, User
from retail.money import to_cents, to_grams
from retail.principals import principal_of
from shops.models import Shop

FILES = Path(settings.BASE_DIR) / "pricing" / "data"
# On sale is what the market still has: what it sold in its last week.
STILL_SOLD = timedelta(days=7)
MASTER_SHARE = Decimal("1.30")
LEAVES = ("leafy", "bok", "choy", "milk", "napa", "cabbage", "spinach", "celery", "herb", "greens", "cauliflower", "broccoli")
ROOTS = ("potato", "sweet", "carrot", "daikon", "radish", "turnip", "taro", "yam", "lotus", "jicama", "kohlrabi", "burdock", "root", "beet")
# Which classes a file's products fall into, by the beginning of their picture's name, and how many units a box of them holds.
CLASSES: dict[str, tuple[tuple[str, str, tuple[str, ...], tuple[int, ...]], ...]] = {
    "fruit": (
        ("fruit-apple", "苹果和梨", ("apple", "pear"), (20, 25, 30)),
        ("fruit-citrus", "柑橘柠檬", ("mandarin", "tangerine", "pomelo", "lemon"), (10, 20)),
        ("fruit-melon", "西瓜甜瓜", ("watermelon", "melon"), (20, 24, 40)),
        ("fruit-berry", "草莓葡萄", ("strawberry", "grapes", "mulberry", "kiwi", "cherry-"), (4, 6, 8)),
        ("fruit-stone", "桃李樱桃", ("peach", "nectarine", "plum", "apricot", "cherries", "jujube", "date"), (5, 10)),
        ("fruit-tropical", "热带水果", ("banana", "mango", "pineapple", "papaya", "coconut", "lychee"), (9, 12, 26)),
        ("fruit-other", "其他水果", ("",), (10,)),
    ),
    "vegetables": (
        ("vegetables-leaf", "叶菜花菜", LEAVES, (0,)),
        ("vegetables-root", "根茎", ROOTS, (20, 40)),
        ("vegetables-fruit", "茄果椒类", ("tomato", "cherry-", "eggplant", "bell", "chili"), (10, 15)),
        ("vegetables-gourd", "瓜类", ("cucumber", "bitter", "loofah", "winter", "pumpkin", "zucchini", "chayote"), (20, 30)),
        ("vegetables-bean", "豆类豆芽", ("pea-pod", "long", "bean", "corn", "sprout", "peanuts"), (10, 20)),
        ("vegetables-spice", "葱姜蒜", ("scallion", "onion", "garlic", "ginger", "chives"), (10, 20)),
        ("vegetables-mushroom", "菌菇", ("mushroom", "enoki", "wood"), (5, 6)),
        ("vegetables-other", "其他蔬菜", ("",), (0, 10)),
    ),
}


def import_catalogue(*, tenant: Tenant, shops: Sequence[Shop], files: Sequence[str], days: int, now: datetime) -> None:
    """The first prices of ``shops`` and ``days`` days of changes after them, the last one yesterday."""
    yesterday = timezone.localdate(now) - timedelta(days=1)
    with TemporaryDirectory() as folder:
        paths = [write_shifted(FILES / f"{file}.csv.gz", Path(folder), days=days, until=yesterday) for file in files]
        market.import_prices(tenant=tenant, shops=shops, paths=paths, now=now, report=lambda path, skipped: None)


def write_shifted(path: Path, folder: Path, *, days: int, until: date) -> Path:
    """The end of a market file, its dates moved so that the last is ``until``; the same name, since that tells the products."""
    rows = [row for row in read_rows(path, today=until) if isinstance(row, MarketRow)]
    last = max(row.on for row in rows)
    still_sold = {(row.name, row.spec) for row in rows if row.on > last - STILL_SOLD}
    shifted = folder / path.name
    with gzip.open(shifted, "wt", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for row in rows:
            if row.on >= last - timedelta(days=days) and (row.name, row.spec) in still_sold:
                writer.writerow((row.name, row.low, row.average, row.high, row.spec, row.unit, row.on + (until - last)))
    return shifted


def arrange(*, tenant: Tenant, random: Random) -> None:
    """Give every product a class that people look for, a barcode, a box size and a picture."""
    products = list(Product.objects.filter(tenant=tenant).exclude(source="").order_by("code"))
    roots = {root.code: root for root in ProductClass.objects.filter(tenant=tenant, parent=None)}
    classes: dict[str, ProductClass] = {}
    images = []
    for product in products:
        picture = pictures.picture_for(product.name, is_fruit=product.source == "fruit")
        code, name, boxes = class_for(product.source, picture)
        if code not in classes:
            classes[code] = ProductClass.objects.create(
                tenant=tenant, parent=roots[product.source], code=code, name=name, sort=sort_of(code)
            )
        product.product_class = classes[code]
        product.barcode = barcode_for(product.code)
        product.pack_size = Decimal(12 if product.pricing_type == PricingType.COUNT else random.choice(boxes))
        images.append(ProductImage(product=product, image=pictures.stored(picture)))
    Product.objects.bulk_update(products, ["product_class", "barcode", "pack_size"])
    ProductImage.objects.bulk_create(images)
    # The importer's classes, by 规格, have nothing left.
    ProductClass.objects.filter(tenant=tenant, parent__in=roots.values(), products=None).delete()


def class_for(source: str, picture: str) -> tuple[str, str, tuple[int, ...]]:
    return next((code, name, boxes) for code, name, stems, boxes in CLASSES[source] if picture.startswith(stems))


def sort_of(code: str) -> int:
    return next(place for rows in CLASSES.values() for place, row in enumerate(rows, start=1) if row[0] == code)


def barcode_for(code: str) -> str:
    """EAN-13 with the prefix 21, which is free for a shop's own goods."""
    digits = f"21{int(code):010d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def make_stock(*, shops: Sequence[Shop], random: Random) -> None:
    """What each shop has of what it sells: most of it enough, some little, some gone, and now and then less than nothing."""
    sizes = {shop.pk: float(shop.area) / 260 for shop in shops}
    rows = ShopProduct.objects.live().filter(shop__in=shops).select_related("product").order_by("shop_id", "product_id")
    StockFigure.objects.bulk_create(
        (stock_figure(row, size=sizes[row.shop_id], random=random) for row in rows.iterator(chunk_size=2000)), batch_size=1000
    )


def stock_figure(row: ShopProduct, *, size: float, random: Random) -> StockFigure:
    luck = random.random()
    if luck < 0.04:
        qty = 0.0
    elif luck < 0.05:
        # Sold before the delivery was booked.
        qty = -random.uniform(0.5, 6)
    else:
        qty = random.lognormvariate(3.2, 0.8) * size
    is_counted = row.product.pricing_type == PricingType.COUNT
    bought_at = row.product.price / MASTER_SHARE
    return StockFigure(
        shop_id=row.shop_id,
        product_id=row.product_id,
        qty=Decimal(round(qty)) if is_counted else to_grams(Decimal(round(qty * 20)) / 20),
        cost_price=to_cents(bought_at * Decimal(random.randint(95, 104)) / 100),
        last_price=to_cents(bought_at * Decimal(random.randint(92, 108)) / 100),
    )


def discount_leaves(*, shop: Shop, manager: User, now: datetime) -> None:
    """A change by hand among those of the market: last evening the manager sold off leafy greens at 80 %."""
    leaves = ShopProduct.objects.live().filter(shop=shop, product__product_class__code="vegetables-leaf").order_by("product__code")[:8]
    prices.change_prices(
        changes=[
            prices.Change(shop_product_id=row.pk, price=to_cents(row.price * 8 / 10), member_price=to_cents(row.member_price * 8 / 10))
            for row in leaves
        ],
        principal=principal_of(manager),
        now=at(timezone.localdate(now) - timedelta(days=1), 18, 30),
        reason="晚市折扣",
    )
