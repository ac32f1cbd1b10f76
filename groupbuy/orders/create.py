"""Placing an order: who may, why not, and the same key twice."""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import DeliverType, GroupBuying, IdempotencyKey, Order, Phase
from groupbuy.orders import limits, regions, statement
from groupbuy.orders.limits import Limits
from retail import phones
from retail.database.prepared_query import Prepared
from retail.models import User, UserQuerySet
from retail.money import MAX_MONEY
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, Refusal, ResultStatus, found
from shops import configuration

UNPAID_LIMIT = 3
# How often one buyer's simultaneous requests may overtake this one: as often as unpaid orders are allowed, and some.
TRIES = 10


SERVED = "served_regions"
SETTINGS = (*limits.CODES, SERVED)
# With whether its tenant has set anything that decides about orders: mostly nobody has, and then nothing is asked.
OFFER = Prepared(
    lambda pk, *codes: (
        GroupBuying.objects.public()
        .filter(pk=pk)
        .annotate(product_name=F("product__name"), sets_limits=configuration.set_by(OuterRef("tenant"), codes))
    ),
    1,
    *SETTINGS,
)


NOT_OPEN = {
    Phase.CANCELLED: gettext_lazy("团购已取消"),
    Phase.OFF: gettext_lazy("团购已下架"),
    Phase.UPCOMING: gettext_lazy("团购尚未开始"),
    **dict.fromkeys((Phase.FAILED, Phase.SUCCEEDED, Phase.UNDECIDED, Phase.ENDED), gettext_lazy("团购已结束")),
}


class NotBuyable(Refusal):
    """Not started, ended, switched off, limit reached, price moved, delivery way not offered."""

    status = ResultStatus.NOT_BUYABLE
    message = gettext_lazy("当前无法购买")


class SoldOut(Refusal):
    status = ResultStatus.SOLD_OUT
    message = gettext_lazy("已售罄")


class Replayed(Refusal):
    status = ResultStatus.REPLAYED
    message = gettext_lazy("同一 Idempotency-Key 的请求内容不同")


@dataclass(frozen=True)
class Wish:
    """What a buyer asks for. ``money`` is only compared; ``deliver_type`` None is the group buy's own."""

    group_buying_id: int
    qty: int
    money: Decimal | None = None
    deliver_type: int | None = None
    address: str = ""
    phone: str = ""
    remark: str = ""
    recipient: str = ""

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()


def create_order(
    *, principal: Principal, buyer_id: int | None, wish: Wish, now: datetime, idempotency_key: str = "", network: str = ""
) -> Order:
    """Reserve the wished units and return the unpaid order.

    The same ``idempotency_key`` of the same caller returns the same order. ``network``: where a buyer without a WeChat identity sits
    (``limits.network_of``), whose unpaid units are counted together with those of the others there.
    Raises NotThere, Invalid, NotBuyable, SoldOut, Replayed.
    """
    buyer = buyer_for(principal, buyer_id)
    for tries_left in reversed(range(TRIES)):
        try:
            if idempotency_key:
                return place_once(idempotency_key, principal=principal, buyer=buyer, wish=wish, network=network, now=now)
            return place(principal=principal, buyer=buyer, wish=wish, network=network, now=now)
        except IntegrityError:
            # Another request of this buyer was first, with the same key or with an order that counts for the limits.
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def place_once(key: str, *, principal: Principal, buyer: User, wish: Wish, network: str, now: datetime) -> Order:
    """The order placed with ``key``, or a new one.

    Raises what ``place`` raises, and IntegrityError when another request has just used the key.
    """
    caller = principal.user or buyer
    earlier = IdempotencyKey.objects.select_related("order").filter(user=caller, key=key).first()
    if earlier:
        return replayed(earlier, wish, buyer)
    with transaction.atomic():
        # The unique key comes first: a second request waits here until the first has committed or failed.
        used = IdempotencyKey.objects.create(user=caller, key=key, fingerprint=wish.fingerprint, created_at=now)
        used.order = place(principal=principal, buyer=buyer, wish=wish, network=network, now=now)
        used.save(update_fields=["order"])
        return used.order


def replayed(earlier: IdempotencyKey, wish: Wish, buyer: User) -> Order:
    if earlier.fingerprint != wish.fingerprint or earlier.order is None or earlier.order.buyer_id != buyer.pk:
        raise Replayed
    return earlier.order


def buyer_for(principal: Principal, buyer_id: int | None) -> User:
    """Buyers order for themselves, staff for a buyer of their tenant, whom they must name."""
    if principal.is_buyer and principal.user is not None:
        return principal.user
    if not buyer_id:
        raise Invalid(_("userId: 请指定顾客"))
    buyers: UserQuerySet = User.objects.visible_to(principal).buyers()
    return found(buyers, pk=buyer_id, is_active=True)


def place(*, principal: Principal, buyer: User, wish: Wish, network: str, now: datetime) -> Order:
    """Take the stock and write the order. Raises NotThere, NotBuyable, SoldOut; IntegrityError if another order of the buyer was first."""
    group_buying = OFFER.first(wish.group_buying_id, *SETTINGS)
    if group_buying is None or not may_order(principal, group_buying):
        raise NotThere
    # Staff type the phone: an order must not tell them one that they were never told.
    wish = completed(wish, group_buying, known_phone="" if principal.is_staff else buyer.phone)
    order = order_for(group_buying, buyer, wish, network=network, now=now)
    held = limits.limits_of(group_buying, unpaid_orders=UNPAID_LIMIT, is_set=bool(group_buying.sets_limits))  # type: ignore[attr-defined]
    # Spares the crowd before a sold out group buy the way to the row that everybody waits for.
    if not group_buying.is_open(now) or group_buying.stock < wish.qty or wish.qty > held.per_order:
        raise why_not(order, group_buying, held, now=now)
    if not statement.place(order, moves.beginning(order, actor=moves.actor_of(principal), now=now), limits=held):
        raise why_not(order, GroupBuying.objects.get(pk=group_buying.pk), held, now=now)
    return order


def may_order(principal: Principal, group_buying: GroupBuying) -> bool:
    """Buyers in their tenant, staff in their shops."""
    if principal.is_buyer:
        return principal.tenant_id == group_buying.tenant_id
    return principal.covers(tenant_id=group_buying.tenant_id, shop_id=group_buying.shop_id)


def order_for(group_buying: GroupBuying, buyer: User, wish: Wish, *, now: datetime, network: str = "") -> Order:
    """The unsaved order, without its number in the group buy."""
    return Order(
        tenant_id=group_buying.tenant_id,
        shop_id=group_buying.shop_id,
        group_buying=group_buying,
        buyer=buyer,
        code=new_code(now),
        deliver_type=group_buying.deliver_type,
        address=wish.address,
        lbs=group_buying.lbs if group_buying.deliver_type == DeliverType.PICK_UP else "",
        phone=wish.phone,
        remark=wish.remark,
        recipient=wish.recipient,
        network=network,
        product_name=group_buying.product_name,  # type: ignore[attr-defined]  # the annotation
        spec=group_buying.spec,
        price=group_buying.price,
        qty=wish.qty,
        money=group_buying.price * wish.qty,
        created_at=now,
        pay_deadline_at=now + timedelta(minutes=settings.PAY_WINDOW_MINUTES),
    )


def completed(wish: Wish, group_buying: GroupBuying, *, known_phone: str) -> Wish:
    """The wish with what the group buy and the buyer's own record fill in. Raises NotBuyable."""
    if group_buying.price * wish.qty > MAX_MONEY:
        raise NotBuyable(_("金额过大，请减少数量"))
    if wish.money and wish.money != group_buying.price * wish.qty:
        raise NotBuyable(_("价格已变化，请刷新后重新下单"))
    if wish.deliver_type and wish.deliver_type != group_buying.deliver_type:
        raise NotBuyable(_("该团购不提供此配送方式"))
    phone = kept_phone(wish.phone) or known_phone
    if group_buying.deliver_type == DeliverType.EXPRESS:
        if not wish.address or not phone:
            raise NotBuyable(_("快递订单请填写收货地址和电话"))
        assert_served(wish.address, group_buying)
        return replace(wish, phone=phone)
    if not phone and configuration.value_of(code="phone_required", tenant_id=group_buying.tenant_id, shop_id=group_buying.shop_id):
        raise NotBuyable(_("请填写联系电话"))
    return replace(wish, phone=phone, address=group_buying.address, recipient="")


def kept_phone(typed: str) -> str:
    """Raises NotBuyable for what is no telephone number; none is none."""
    try:
        return phones.normalised(typed) if typed.strip() else ""
    except phones.BadPhone as error:
        raise NotBuyable(error.message) from error


def assert_served(address: str, group_buying: GroupBuying) -> None:
    """Raises NotBuyable where the shop sends no parcels."""
    if not group_buying.sets_limits:  # type: ignore[attr-defined]  # the annotation
        return
    served = configuration.value_of(code=SERVED, tenant_id=group_buying.tenant_id, shop_id=group_buying.shop_id)
    if not regions.covers(served, address):
        raise NotBuyable(_("暂不配送到该地区，目前配送：%(regions)s") % {"regions": served})


def why_not(order: Order, group_buying: GroupBuying, held: Limits, *, now: datetime) -> Refusal:
    """The fact that keeps ``order`` from being placed, with the group buy as it was just read."""
    if not group_buying.is_open(now):
        return NotBuyable(NOT_OPEN[group_buying.phase(now)])
    if group_buying.price != order.price:
        return NotBuyable(_("价格已变化，请刷新后重新下单"))
    if group_buying.stock < order.qty:
        return SoldOut(_("库存不足，仅剩 %(left)d 份") % {"left": group_buying.stock} if group_buying.stock else None)
    order.group_buying = group_buying
    words = limits.beyond(order, held)
    return NotBuyable(words) if words else SoldOut()


def new_code(now: datetime) -> str:
    """An order number: the local second, then 8 random digits; the database refuses the same twice."""
    return f"{timezone.localtime(now):%y%m%d%H%M%S}{secrets.randbelow(10**8):08d}"
