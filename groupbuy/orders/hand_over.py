"""At the counter: a pick-up code leads to its order, the goods go into hands, and that is a fact of its own."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import EventKind, Order, OrderEvent, OrderStatus, WrongCode
from groupbuy.orders.fulfilment import require_goods_may_go
from retail.models import User
from retail.principals import Principal
from retail.refusals import NotThere, Refusal, found
from retail.rights import Right
from shops.models import Shop

WRONG_CODES_MAX = 5
PAUSE = timedelta(minutes=15)
# A scanner sends Enter after the page has sent the code by itself.
ONE_SCAN = timedelta(seconds=10)
SALT = "groupbuy.wrong_codes"


class WrongPickUpCode(Refusal):
    message = gettext_lazy("取货码不正确，请核对后重新输入，并看清是不是本店的订单")


class Paused(Refusal):
    """``until``: when the person may try again."""

    def __init__(self, until: datetime) -> None:
        super().__init__(_("连续输错次数过多，请在 %(time)s 后再试，或请店长解除") % {"time": f"{timezone.localtime(until):%H:%M:%S}"})
        self.until = until


class HandedOver(Refusal):
    """The goods are gone already: not a wrong code."""


class Pause(NamedTuple):
    """Who may not try codes in a shop, and until when."""

    user: User
    shop: Shop
    until: datetime


def find_by_code(*, shop_id: int, code: str, principal: Principal, now: datetime) -> Order:
    """The order whose goods this code fetches. A wrong code counts, until goods are handed over.

    Raises Forbidden, NotThere, Paused, WrongPickUpCode; HandedOver, with when and by whom, for a code that was used.
    """
    principal.must(Right.HAND_OVER)
    shop = found(Shop.objects.visible_to(principal), pk=shop_id)
    if principal.user is None:
        raise NotThere
    order = try_code(shop, code, principal.user, now=now)
    if order is None:
        raise WrongPickUpCode
    require_not_handed_over(order)
    return order


@transaction.atomic
def try_code(shop: Shop, code: str, user: User, *, now: datetime) -> Order | None:
    """None, and one more wrong code, when no order has it. Many tries at once queue up. Raises Paused."""
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    until = paused_until(user, shop.pk, now=now)
    if until:
        raise Paused(until)
    order = holder_of(shop, code)
    if order is None:
        count_wrong(shop, code, user, now=now)
    return order


def paused_until(user: User, shop_id: int, *, now: datetime) -> datetime | None:
    wrong = WrongCode.objects.filter(user=user, shop=shop_id).order_by("-tried_at")
    return end_of_pause([one.tried_at for one in wrong[:WRONG_CODES_MAX]], now=now)


def end_of_pause(tries: list[datetime], *, now: datetime) -> datetime | None:
    """``tries``: the newest wrong codes in a row, newest first. None when the person may try."""
    if len(tries) < WRONG_CODES_MAX or tries[-1] <= now - PAUSE:
        return None
    return tries[-1] + PAUSE


def holder_of(shop: Shop, code: str) -> Order | None:
    """The order that waits for this code, of which there is one at most, else the newest that used it."""
    if not code:
        return None
    with_code = Order.objects.filter(shop=shop, deliver_code=code)
    return with_code.order_by(F("handed_over_at").desc(nulls_first=True), "-pk").first()


def count_wrong(shop: Shop, code: str, user: User, *, now: datetime) -> None:
    digest = salted_hmac(SALT, f"{shop.pk} {code}", algorithm="sha256").hexdigest()
    scan = WrongCode.objects.filter(user=user, shop=shop, digest=digest, tried_at__gt=now - ONE_SCAN)
    if not scan.exists():
        WrongCode.objects.create(user=user, shop=shop, digest=digest, tried_at=now)


def verify_code(*, shop_id: int, code: str, principal: Principal, now: datetime) -> Order:
    """Hand over the goods of this code. Raises what ``find_by_code`` and ``hand_over`` raise."""
    order = find_by_code(shop_id=shop_id, code=code, principal=principal, now=now)
    return hand_over(order_id=order.pk, principal=principal, now=now)


@transaction.atomic
def hand_over(*, order_id: int, principal: Principal, now: datetime) -> Order:
    """Write down that the goods are in hand, by whom they were given, and complete the order unless its buyer did.

    Raises Forbidden, NotThere, HandedOver, Refunding, Undecided, IllegalMove of an order that isn't paid for or was refunded.
    """
    principal.must(Right.HAND_OVER)
    order = found(Order.objects.visible_to(principal).select_for_update(of=("self",)), pk=order_id)
    require_not_handed_over(order)
    require_goods_may_go(order)
    actor = moves.actor_of(principal)
    fact: dict[str, Any] = {"handed_over_at": now, "handed_over_by": principal.user}
    if order.status == OrderStatus.COMPLETED:
        moves.write(order, **fact)
    else:
        moves.move(order, OrderStatus.COMPLETED, actor=actor, now=now, completed_at=now, **fact)
    moves.note(order, EventKind.HANDED_OVER, actor=actor, now=now)
    # Not before: whoever knows one code, or a used one, could guess others for ever between looking it up.
    WrongCode.objects.filter(user=principal.user, shop=order.shop_id).delete()
    return order


def require_not_handed_over(order: Order) -> None:
    if order.handed_over_at is None:
        return
    when = f"{timezone.localtime(order.handed_over_at):%m-%d %H:%M}"
    if order.handed_over_by is None:
        raise HandedOver(_("这个取货码已于 %(when)s 核销") % {"when": when})
    raise HandedOver(_("这个取货码已于 %(when)s 由%(name)s核销") % {"when": when, "name": order.handed_over_by.nickname})


def completion_of(order: Order) -> OrderEvent | None:
    """Of an order that is over and whose goods still wait: who ended it, its buyer or a person with a reason."""
    if order.status != OrderStatus.COMPLETED or order.handed_over_at:
        return None
    return order.events.filter(kind=EventKind.MOVE, to_status=OrderStatus.COMPLETED).select_related("actor").last()


def own_pause(*, shop_id: int, principal: Principal, now: datetime) -> datetime | None:
    """Until when the caller may not try codes in this shop."""
    return paused_until(principal.user, shop_id, now=now) if principal.user else None


def pauses(*, principal: Principal, now: datetime) -> list[Pause]:
    """Who waits in the caller's shops, for those who may end it; empty for everyone else."""
    if not principal.may(Right.LIFT_PAUSES):
        return []
    recent = WrongCode.objects.filter(shop__in=Shop.objects.visible_to(principal), tried_at__gt=now - PAUSE)
    tries: dict[tuple[User, Shop], list[datetime]] = {}
    for one in recent.select_related("user", "shop").order_by("-tried_at"):
        tries.setdefault((one.user, one.shop), []).append(one.tried_at)
    ends = {key: end_of_pause(moments[:WRONG_CODES_MAX], now=now) for key, moments in tries.items()}
    return [Pause(user, shop, until) for (user, shop), until in ends.items() if until]


def lift_pause(*, user_id: int, shop_id: int, principal: Principal, now: datetime) -> User:
    """Let a person try codes again, and return who that is. Raises Forbidden; NotThere also when nothing is counted against them."""
    principal.must(Right.LIFT_PAUSES)
    shop = found(Shop.objects.visible_to(principal), pk=shop_id)
    wrong = WrongCode.objects.filter(shop=shop, user=user_id)
    person: User = found(User.objects.filter(pk__in=wrong.values("user")))
    wrong.delete()
    return person
