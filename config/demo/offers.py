"""The group buys of the demo: one of each kind that a visitor should meet, and the earlier rounds of those that sell."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum, auto
from operator import itemgetter
from typing import Any, NamedTuple

from django.utils import timezone

from config.demo import pictures
from config.demo.people import Staff
from config.demo.rhythm import CUT_OFF, OPENING, at, last_cut_off, next_cut_off
from groupbuy.models import DeliverType, GroupBuying, GroupBuyingImage, Outcome
from groupbuy.models.content import told_by
from groupbuy.orders import pick_up_dates
from retail.models import Product, Tenant
from shops.models import Shop

# By then who ordered in the last minute has paid, or never will.
DECIDED_AFTER = timedelta(minutes=16)
DECLARED_BEFORE = timedelta(hours=3)
OVER = "\n本期已经截单，谢谢大家。"


class Span(NamedTuple):
    """When orders are taken."""

    start_at: datetime
    end_at: datetime


class Kind(StrEnum):
    RUNNING = "running"
    NEARLY_SOLD_OUT = "nearly sold out"
    SOLD_OUT = "sold out"
    NOT_STARTED = "not started"
    ENDED = "ended"
    SWITCHED_OFF = "switched off"
    EXPRESS = "express"
    PICK_UP = "pick-up"


# These sell, or would if they had anything left.
SELLING = (Kind.RUNNING, Kind.NEARLY_SOLD_OUT, Kind.SOLD_OUT, Kind.EXPRESS, Kind.PICK_UP)
# Every run of the demo renews them.
RENEWED = (*SELLING, Kind.SWITCHED_OFF)


class Story(StrEnum):
    """What becomes of an order of the regular, who has one in every stage."""

    UNPAID = auto()
    # Paid, and as far on its way as the shop alone can bring it.
    NOT_FETCHED = auto()
    FETCHED = auto()
    FETCHED_LATE = auto()
    EXTENDED = auto()
    EXTENDED_UNTIL_TODAY = auto()
    RECEIVED = auto()
    GIVEN_UP = auto()
    CLOSED = auto()
    EXPIRED = auto()
    REFUNDED = auto()


@dataclass(frozen=True)
class Round:
    """An earlier group buy of an offer. It ended ``ago`` evenings before the last one that is past."""

    ago: int
    orders: int
    stories: tuple[Story, ...] = ()
    outcome: Outcome = Outcome.SUCCEEDED
    declared: bool = False


@dataclass(frozen=True)
class Offer:
    """A group buy as it is made. ``starts`` and ``ends`` in days from a cut-off: the next one, of an earlier round the last one.

    ``sells_until``: the evening of its last order, None while it sells; ``left``: units that stay unsold, None where it doesn't matter.
    ``outcome`` and ``declared`` matter where there is a minimum and the end is past. ``orders`` are those besides ``stories``.
    """

    kind: Kind
    shop: str
    product: str
    name: str
    description: str
    spec: str
    price: str
    pictures: tuple[str, ...]
    quota: int
    orders: int
    starts: int = -2
    ends: int = 0
    sells_until: int | None = None
    left: int | None = None
    deliver_type: DeliverType = DeliverType.PICK_UP
    per_buyer_limit: int = 0
    min_qty: int = 0
    stories: tuple[Story, ...] = ()
    rounds: tuple[Round, ...] = ()
    outcome: Outcome = Outcome.SUCCEEDED
    declared: bool = False

    @property
    def is_running(self) -> bool:
        return self in OFFERS and self.kind in SELLING


S = Story
OFFERS = (
    Offer(
        kind=Kind.RUNNING,
        shop="SH01",
        product="熟台农小芒果",
        name="小台农芒果 · 天天到店",
        description="自然熟，皮薄核小，放一两天更甜。每晚十点截单，次日下午四点起凭取货码到店取。\n坏果包赔：拍照发给店员，当天处理。",
        spec="3 斤装，约 15 个",
        price="26.80",
        pictures=("mango", "fruit-basket"),
        quota=150,
        orders=47,
        stories=(S.NOT_FETCHED, S.UNPAID),
        rounds=(
            Round(0, 36, (S.NOT_FETCHED,)),
            Round(1, 36, (S.NOT_FETCHED, S.EXTENDED)),
            Round(2, 36, (S.EXTENDED_UNTIL_TODAY,)),
            Round(5, 70, (S.NOT_FETCHED, S.FETCHED_LATE)),
            Round(8, 70, (S.GIVEN_UP, S.REFUNDED)),
            Round(11, 70, (S.FETCHED, S.CLOSED)),
            Round(14, 70),
            Round(17, 70, (S.EXPIRED,)),
            Round(20, 70),
            Round(23, 70),
            Round(26, 70),
        ),
    ),
    Offer(
        kind=Kind.NEARLY_SOLD_OUT,
        shop="SH01",
        product="红颜草莓",
        name="红颜草莓 · 今晚最后几盒",
        description="早上六点进棚采摘，当天下午到店，单层铺盒不压果。草莓娇贵，请取货后两天内吃完。",
        spec="2 斤礼盒",
        price="39.90",
        pictures=("strawberry",),
        quota=60,
        orders=34,
        left=4,
        rounds=tuple(Round(ago, 38) for ago in (4, 7, 10, 13, 16, 19, 22, 25)),
    ),
    Offer(
        kind=Kind.SOLD_OUT,
        shop="SH02",
        product="美早",
        name="美早大樱桃 · 首批 40 盒",
        description="果径 28 毫米以上，紫红时采，冷链一夜到店。首批 40 盒已售完，谢谢大家，下一批请看门店通知。",
        spec="1 斤盒，冰袋保鲜",
        price="56.00",
        pictures=("cherries", "fruit-basket"),
        starts=-3,
        sells_until=-2,
        quota=40,
        orders=30,
        left=0,
    ),
    Offer(
        kind=Kind.NOT_STARTED,
        shop="SH01",
        product="麒麟西瓜",
        name="开团预告 · 麒麟西瓜",
        description="皮薄瓤脆，中心糖度 12 度以上。开团后每人限购 2 个，到店自提，店员可以帮忙对半切开。",
        spec="整个，8–10 斤",
        price="25.80",
        pictures=("watermelon-whole", "watermelon"),
        starts=2,
        ends=3,
        quota=150,
        orders=0,
        per_buyer_limit=2,
    ),
    Offer(
        kind=Kind.ENDED,
        shop="SH03",
        product="番茄",
        name="往期 · 沙瓤番茄",
        description="自然熟的沙瓤番茄，生吃、炒蛋都好。本期已经结束，谢谢大家，下一期请看门店通知。",
        spec="5 斤装",
        price="12.90",
        pictures=("tomato", "vegetable-basket"),
        starts=-16,
        ends=-14,
        quota=200,
        orders=90,
        min_qty=80,
    ),
    Offer(
        kind=Kind.SWITCHED_OFF,
        shop="SH02",
        product="春雪大桃",
        name="春雪大桃 · 产地阴雨，暂停接单",
        description="产地连日阴雨，为保证甜度暂停采摘。已付款的订单照常备货，恢复时间请看门店通知。",
        spec="5 斤装",
        price="45.80",
        pictures=("peach",),
        starts=-5,
        sells_until=-4,
        quota=120,
        orders=24,
        stories=(S.NOT_FETCHED,),
    ),
    Offer(
        kind=Kind.EXPRESS,
        shop="SH01",
        product="库尔勒香梨",
        name="库尔勒香梨 · 快递到家",
        description="皮薄无渣，汁水足。江浙沪包邮，每晚十点截单，次日下午发出，送到家门口。",
        spec="6 斤整箱",
        price="35.80",
        pictures=("pear", "fruit-basket"),
        quota=150,
        orders=34,
        deliver_type=DeliverType.EXPRESS,
        per_buyer_limit=8,
        stories=(S.NOT_FETCHED,),
        rounds=(
            Round(0, 36),
            Round(3, 48, (S.NOT_FETCHED,)),
            Round(7, 48, (S.FETCHED,)),
            Round(11, 48, (S.NOT_FETCHED,)),
            Round(15, 48),
            Round(19, 48),
            Round(23, 48),
        ),
    ),
    Offer(
        kind=Kind.PICK_UP,
        shop="SH03",
        product="铁棍山药",
        name="铁棍山药 · 满 90 份成团，到店自提",
        description="沙土地铁棍山药，粉糯香甜，蒸着吃最好。满 90 份成团后统一发车，未成团全额退款。",
        spec="4 斤装",
        price="19.90",
        pictures=("yam", "root-basket"),
        quota=250,
        orders=43,
        min_qty=90,
        stories=(S.NOT_FETCHED,),
        rounds=(
            Round(1, 40, (S.NOT_FETCHED,), declared=True),
            Round(5, 40, (S.NOT_FETCHED,), outcome=Outcome.FAILED),
            Round(9, 100, (S.RECEIVED,)),
            Round(16, 100),
            Round(23, 100),
        ),
    ),
)


def with_earlier_ones(now: datetime) -> Iterator[tuple[Offer, datetime]]:
    """Every offer and then every earlier round, the oldest first, with the cut-off from which its days count."""
    yield from ((offer, next_cut_off(now)) for offer in OFFERS)
    last = last_cut_off(now)
    rounds = sorted(((one.ago, offer, one) for offer in OFFERS for one in offer.rounds), key=itemgetter(0), reverse=True)
    yield from ((round_of(offer, one, last), last) for _ago, offer, one in rounds)


def round_of(offer: Offer, one: Round, last: datetime) -> Offer:
    """An earlier round as an offer with a name of its own."""
    evening = timezone.localdate(last) - timedelta(days=one.ago)
    return replace(
        offer,
        name=f"{offer.name.partition(' · ')[0]} · {evening.month}月{evening.day}日截单",
        description=offer.description + OVER,
        orders=one.orders,
        starts=-one.ago - 2,
        ends=-one.ago,
        left=None,
        stories=one.stories,
        rounds=(),
        outcome=one.outcome,
        declared=one.declared,
    )


def make_group_buying(offer: Offer, *, tenant: Tenant, shop: Shop, staff: Staff, cut_off: datetime, now: datetime) -> GroupBuying:
    """The row of ``offer``, not saved: its counters wait for its orders."""
    start_at, end_at = span(offer, cut_off)
    product = Product.objects.get(tenant=tenant, name=offer.product)
    creator = staff.manager if shop.code == OFFERS[0].shop else staff.headquarters
    return GroupBuying(
        tenant=tenant,
        shop=shop,
        product=product,
        name=offer.name,
        description=offer.description,
        spec=offer.spec,
        content=told_by(offer.spec, product.unit),
        price=Decimal(offer.price),
        quota=offer.quota,
        start_at=start_at,
        end_at=end_at,
        deliver_type=offer.deliver_type,
        **pick_up_dates.proposed(shop=shop, product=product, deliver_type=offer.deliver_type, end_at=end_at)._asdict(),
        per_buyer_limit=offer.per_buyer_limit,
        min_qty=offer.min_qty,
        **pick_up_contact(shop),
        in_use=offer.kind != Kind.SWITCHED_OFF,
        **decision(offer, end_at, now) | ({"declared_at": end_at - DECLARED_BEFORE, "declared_by": creator} if offer.declared else {}),
        creator=creator,
        created_at=min(start_at, now) - timedelta(hours=4),
    )


def span(offer: Offer, cut_off: datetime) -> Span:
    evening = timezone.localdate(cut_off)
    return Span(at(evening + timedelta(days=offer.starts), OPENING), at(evening + timedelta(days=offer.ends), CUT_OFF))


def decision(offer: Offer, end_at: datetime, now: datetime) -> dict[str, Any]:
    if not offer.min_qty or end_at + DECIDED_AFTER > now:
        return {}
    return {"outcome": offer.outcome, "decided_at": end_at + DECIDED_AFTER}


def pick_up_contact(shop: Shop) -> dict[str, str]:
    return {"address": shop.address, "lbs": shop.lbs_point, "phone": shop.phone}


def make_images(group_buyings: Iterable[tuple[Offer, GroupBuying]]) -> None:
    GroupBuyingImage.objects.bulk_create(
        GroupBuyingImage(group_buying=group_buying, image=pictures.stored(f"{picture}.webp"), sort=sort)
        for offer, group_buying in group_buyings
        for sort, picture in enumerate(offer.pictures)
    )
