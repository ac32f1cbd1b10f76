"""The demo as a whole: built once, in one transaction, and renewed by every later run."""

from collections.abc import Callable
from datetime import datetime
from random import Random

from django.db import IntegrityError, transaction
from django.utils import timezone

from config.demo import catalogue, offers, people, pictures, renewing, shops, visits
from config.demo.lives import Fate, Life
from config.demo.money import Cashier
from config.demo.selling import Selling
from config.demo.trade import Books, tell_of_arrivals
from groupbuy.models import GroupBuying
from retail.models import Tenant, User
from shops.models import Shop

DEMO, OTHER = "demo", "other"
SEED = 2026
HISTORY_DAYS, OTHER_HISTORY_DAYS = 30, 7
Tell = Callable[[str], None]


class NotOurs(Exception):
    """A tenant has a code or appId of the demo's, and the demo did not make it."""


@transaction.atomic
def build_or_renew(*, now: datetime, tell: Tell) -> Shop:
    """Make what is missing as a whole, never part of it, and renew the group buys that sell. Returns the demo's first shop.

    What people changed since stays as they left it. ``tell`` hears of every step. Raises NotOurs, UsernameTaken.
    """
    tell("pictures")
    pictures.copy_pictures()
    demo = Tenant.objects.filter(code=DEMO).first()
    if demo is None:
        demo, other = make_tenants()
        build(demo=demo, other=other, now=now, tell=tell)
    renewing.renew(tenant=demo, now=now)
    first = Shop.objects.filter(tenant=demo, code=shops.DEMO_PLACES[0].code).first()
    if first is None:
        raise NotOurs
    return first


def make_tenants() -> tuple[Tenant, Tenant]:
    try:
        demo = Tenant.objects.create(code=DEMO, name="青禾鲜铺", app_id="wx-demo")
        return demo, Tenant.objects.create(code=OTHER, name="海棠果园", app_id="wx-other")
    except IntegrityError as error:
        raise NotOurs from error


def build(*, demo: Tenant, other: Tenant, now: datetime, tell: Tell) -> None:
    # The same names, numbers and habits in every installation; nothing here is a secret.
    random = Random(SEED)  # noqa: S311
    today = timezone.localdate(now)
    tell("shops")
    demo_shops = shops.make_shops(tenant=demo, places=shops.DEMO_PLACES, area_code="021", today=today, random=random)
    other_shops = shops.make_shops(tenant=other, places=shops.OTHER_PLACES, area_code="0571", today=today, random=random)
    shops.make_settings(tenant=demo, shops=demo_shops)
    tell("people")
    staff = people.make_staff(demo=demo, other=other, first_shop=demo_shops[0])
    buyers = people.make_buyers(tenant=demo, now=now, random=random)
    tell("products and prices")
    make_catalogue(tenant=demo, own_shops=demo_shops, files=("fruit", "vegetables"), days=HISTORY_DAYS, now=now, random=random)
    make_catalogue(tenant=other, own_shops=other_shops, files=("fruit",), days=OTHER_HISTORY_DAYS, now=now, random=random)
    catalogue.discount_leaves(shop=demo_shops[0], manager=staff.manager, now=now)
    shops.acknowledge_prices([*demo_shops, *other_shops])
    tell("group buys and orders")
    make_trade(demo=demo, demo_shops=demo_shops, staff=staff, buyers=buyers, now=now, random=random)


def make_catalogue(*, tenant: Tenant, own_shops: list[Shop], files: tuple[str, ...], days: int, now: datetime, random: Random) -> None:
    catalogue.import_catalogue(tenant=tenant, shops=own_shops, files=files, days=days, now=now)
    catalogue.arrange(tenant=tenant, random=random)
    catalogue.make_stock(shops=own_shops, random=random)


def make_trade(*, demo: Tenant, demo_shops: list[Shop], staff: people.Staff, buyers: list[User], now: datetime, random: Random) -> None:
    by_code = {shop.code: shop for shop in demo_shops}
    fate = Fate(staff=staff, now=now, random=random)
    regular, *others = buyers
    made: list[tuple[offers.Offer, GroupBuying]] = []
    sold: list[list[Life]] = []
    for offer, cut_off in offers.with_earlier_ones(now):
        group_buying = offers.make_group_buying(offer, tenant=demo, shop=by_code[offer.shop], staff=staff, cut_off=cut_off, now=now)
        sold.append(Selling(offer, group_buying, regular, others, fate).run())
        # Saved with the counters that its orders have left.
        group_buying.save()
        made.append((offer, group_buying))
    offers.make_images(made)
    for (_offer, group_buying), lives in zip(made, sold, strict=True):
        visits.make_visits(group_buying=group_buying, lives=lives, buyers=buyers, now=now, random=random)
    lives = sorted((life for own in sold for life in own), key=lambda life: life.created_at)
    books = Books(lives=lives, random=random)
    orders = books.write_orders()
    books.write_timelines(orders)
    tell_of_arrivals(orders)
    Cashier(headquarters=staff.headquarters, now=now, random=random).write(orders, lives)
