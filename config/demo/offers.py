"""The eight group buys of the demo: one of each kind that a visitor should meet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.utils import timezone

from config.demo import pictures
from config.demo.people import Staff
from config.demo.rhythm import at
from groupbuy.models import DeliverType, GroupBuying, GroupBuyingImage, Outcome
from groupbuy.models.content import told_by
from retail.models import Product, Tenant
from shops.models import Shop

RENEWED_FOR = timedelta(days=30)
NOT_BEFORE = timedelta(days=10)
PREVIEW_LASTS = timedelta(days=7)


class Kind(StrEnum):
    RUNNING = "running"
    NEARLY_SOLD_OUT = "nearly sold out"
    SOLD_OUT = "sold out"
    NOT_STARTED = "not started"
    ENDED = "ended"
    SWITCHED_OFF = "switched off"
    EXPRESS = "express"
    PICK_UP = "pick-up"


# These sell, or would if they had anything left: every run of the demo renews them.
RENEWED = (Kind.RUNNING, Kind.NEARLY_SOLD_OUT, Kind.SOLD_OUT, Kind.EXPRESS, Kind.PICK_UP)


@dataclass(frozen=True)
class Offer:
    """A group buy as it is made. ``starts`` and ``ends`` in days from today (None: renewed).

    ``sells_until``: the day of its last order, None while it sells; ``left``: units that stay unsold, None where it doesn't matter.
    """

    kind: Kind
    shop: str
    product: str
    name: str
    description: str
    spec: str
    price: str
    pictures: tuple[str, ...]
    starts: int
    quota: int
    orders: int
    ends: int | None = None
    sells_until: int | None = None
    left: int | None = None
    deliver_type: DeliverType = DeliverType.PICK_UP
    per_buyer_limit: int = 0
    min_qty: int = 0


OFFERS = (
    Offer(
        kind=Kind.RUNNING,
        shop="SH01",
        product="熟台农小芒果",
        name="小台农芒果 · 天天到店",
        description="自然熟，皮薄核小，放一两天更甜。每天早上九点截单，次日下午凭取货码到店取。\n坏果包赔：拍照发给店员，当天处理。",
        spec="3 斤装，约 15 个",
        price="26.80",
        pictures=("mango", "fruit-basket"),
        starts=-27,
        quota=1200,
        orders=430,
    ),
    Offer(
        kind=Kind.NEARLY_SOLD_OUT,
        shop="SH01",
        product="红颜草莓",
        name="红颜草莓 · 本季最后几盒",
        description="早上六点进棚采摘，当天下午到店，单层铺盒不压果。草莓娇贵，请取货后两天内吃完。",
        spec="2 斤礼盒",
        price="39.90",
        pictures=("strawberry",),
        starts=-10,
        quota=480,
        orders=380,
        left=4,
    ),
    Offer(
        kind=Kind.SOLD_OUT,
        shop="SH02",
        product="美早",
        name="美早大樱桃 · 首批 400 盒",
        description="果径 28 毫米以上，紫红时采，冷链一夜到店。首批数量有限，售完等下一批。",
        spec="1 斤盒，冰袋保鲜",
        price="56.00",
        pictures=("cherries", "fruit-basket"),
        starts=-11,
        sells_until=-5,
        quota=400,
        orders=300,
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
        starts=10,
        ends=17,
        quota=600,
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
        starts=-26,
        ends=-12,
        sells_until=-12,
        quota=600,
        orders=330,
        min_qty=200,
    ),
    Offer(
        kind=Kind.SWITCHED_OFF,
        shop="SH02",
        product="春雪大桃",
        name="春雪大桃 · 产地阴雨，暂停接单",
        description="产地连日阴雨，为保证甜度暂停采摘。已付款的订单照常发货，恢复时间请看门店通知。",
        spec="5 斤装",
        price="45.80",
        pictures=("peach",),
        starts=-14,
        ends=90,
        sells_until=-7,
        quota=500,
        orders=120,
    ),
    Offer(
        kind=Kind.EXPRESS,
        shop="SH01",
        product="库尔勒香梨",
        name="库尔勒香梨 · 快递到家",
        description="皮薄无渣，汁水足。江浙沪包邮，每天早上九点截单，当天下午发出，送到家门口。",
        spec="6 斤整箱",
        price="35.80",
        pictures=("pear", "fruit-basket"),
        starts=-20,
        quota=900,
        orders=260,
        deliver_type=DeliverType.EXPRESS,
        per_buyer_limit=8,
    ),
    Offer(
        kind=Kind.PICK_UP,
        shop="SH03",
        product="铁棍山药",
        name="铁棍山药 · 满 300 份成团，到店自提",
        description="沙土地铁棍山药，粉糯香甜，蒸着吃最好。满 300 份成团后统一发车，未成团全额退款。",
        spec="4 斤装",
        price="19.90",
        pictures=("yam", "root-basket"),
        starts=-6,
        quota=800,
        orders=180,
        min_qty=300,
    ),
)


def make_group_buying(offer: Offer, *, tenant: Tenant, shop: Shop, staff: Staff, now: datetime) -> GroupBuying:
    """The row of ``offer``, not saved: its counters wait for its orders."""
    today = timezone.localdate(now)
    start_at = at(today + timedelta(days=offer.starts), 8)
    end_at = now + RENEWED_FOR if offer.ends is None else at(today + timedelta(days=offer.ends), 22)
    decided = bool(offer.min_qty) and end_at < now
    product = Product.objects.get(tenant=tenant, name=offer.product)
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
        per_buyer_limit=offer.per_buyer_limit,
        min_qty=offer.min_qty,
        **pick_up_contact(shop),
        in_use=offer.kind != Kind.SWITCHED_OFF,
        outcome=Outcome.SUCCEEDED if decided else Outcome.OPEN,
        decided_at=end_at + timedelta(minutes=1) if decided else None,
        creator=staff.manager if shop.code == OFFERS[0].shop else staff.headquarters,
        created_at=min(start_at, now) - timedelta(hours=16),
    )


def pick_up_contact(shop: Shop) -> dict[str, str]:
    return {"address": shop.address, "lbs": shop.lbs_point, "phone": shop.phone}


def make_images(group_buyings: Iterable[tuple[Offer, GroupBuying]]) -> None:
    GroupBuyingImage.objects.bulk_create(
        GroupBuyingImage(group_buying=group_buying, image=pictures.stored(f"{picture}.webp"), sort=sort)
        for offer, group_buying in group_buyings
        for sort, picture in enumerate(offer.pictures)
    )


def renew(*, tenant: Tenant, now: datetime) -> int:
    """Let what sells last 30 days from ``now``, and what has not started wait again if it has begun unnoticed; returns how many moved.

    Found by name: a group buy that a person renamed, decided or gave a later end is left alone.
    """
    undecided = GroupBuying.objects.filter(tenant=tenant, outcome=Outcome.OPEN)
    names = {kind: [offer.name for offer in OFFERS if offer.kind == kind] for kind in Kind}
    running = undecided.filter(name__in=[name for kind in RENEWED for name in names[kind]], end_at__lt=now + RENEWED_FOR)
    renewed = running.update(end_at=now + RENEWED_FOR)
    begun = undecided.filter(name__in=names[Kind.NOT_STARTED], start_at__lte=now, last_sequence=0)
    return renewed + begun.update(start_at=now + NOT_BEFORE, end_at=now + NOT_BEFORE + PREVIEW_LASTS)
