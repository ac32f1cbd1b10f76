"""The order's status machine: every move there is, each compare-and-set, each with its row in the timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from groupbuy import stock
from groupbuy.models import ActorKind, DeliverType, EventKind, Order, OrderEvent, OrderStatus
from groupbuy.notices import messages, shipping
from retail import jobs
from retail.models import User
from retail.principals import Principal
from retail.refusals import Refusal

S = OrderStatus
MOVES = frozenset(
    [
        (S.UNPAID, S.PAID),
        (S.PAY_FAILED, S.PAID),
        (S.UNPAID, S.PAY_FAILED),
        (S.PAY_FAILED, S.UNPAID),
        (S.UNPAID, S.EXPIRED),
        (S.PAY_FAILED, S.EXPIRED),
        (S.UNPAID, S.CLOSED),
        (S.PAY_FAILED, S.CLOSED),
        (S.PAID, S.CONFIRMED),
        (S.PAID, S.SHIPPED),
        (S.CONFIRMED, S.SHIPPED),
        (S.PAID, S.COMPLETED),
        (S.SHIPPED, S.COMPLETED),
        (S.CONFIRMED, S.COMPLETED),
        (S.PAID, S.REFUNDED),
        (S.SHIPPED, S.REFUNDED),
        (S.COMPLETED, S.REFUNDED),
        (S.CONFIRMED, S.REFUNDED),
        (S.EXPIRED, S.PAID),
        (S.EXPIRED, S.REFUNDED),
        (S.CLOSED, S.REFUNDED),
    ]
)
# From shipped and completed the goods are gone: refunding them gives no stock back.
GIVES_BACK = frozenset(
    [
        (S.UNPAID, S.EXPIRED),
        (S.PAY_FAILED, S.EXPIRED),
        (S.UNPAID, S.CLOSED),
        (S.PAY_FAILED, S.CLOSED),
        (S.PAID, S.REFUNDED),
        (S.CONFIRMED, S.REFUNDED),
    ]
)


class IllegalMove(Refusal):
    """No row of the table: the order is not in a status that allows this."""


class SomebodyWasFirst(Refusal):
    message = _("订单状态刚刚发生变化，请刷新后再试")


@dataclass(frozen=True)
class Actor:
    """Who moves an order, for the timeline."""

    kind: ActorKind
    user: User | None = None


SYSTEM = Actor(ActorKind.SYSTEM)
GATEWAY = Actor(ActorKind.GATEWAY)


def buyer_actor(user: User) -> Actor:
    return Actor(ActorKind.BUYER, user)


def actor_of(principal: Principal) -> Actor:
    return Actor(ActorKind.BUYER if principal.is_buyer else ActorKind.STAFF, principal.user)


@transaction.atomic
def move(order: Order, to: OrderStatus, *, actor: Actor, now: datetime, reason: str = "", **changes: Any) -> None:
    """Move ``order`` from the status it was read in, with ``changes`` to its other columns. Raises IllegalMove, SomebodyWasFirst."""
    step = (OrderStatus(order.status), to)
    if step not in MOVES:
        raise IllegalMove
    if step in GIVES_BACK:
        changes["holds_stock"] = False
    if not Order.objects.filter(pk=order.pk, status=order.status).update(status=to, **changes):
        raise SomebodyWasFirst
    if step in GIVES_BACK:
        stock.give_back(order)
    OrderEvent.objects.create(
        order=order, from_status=order.status, to_status=to, actor_kind=actor.kind, actor=actor.user, reason=reason, created_at=now
    )
    order.status = to
    for name, value in changes.items():
        setattr(order, name, value)
    announce(order, now=now)


def write(order: Order, **changes: Any) -> None:
    """Columns of ``order`` that are no move, provided that it is as it was read; the row in hand has them too. Raises SomebodyWasFirst."""
    if not jobs.claim(order, "status", *changes, **changes):
        raise SomebodyWasFirst


def note(order: Order, kind: EventKind, *, actor: Actor, now: datetime, reason: str = "") -> OrderEvent:
    """A row of the timeline that is no move."""
    event = fact(order, kind, actor=actor, now=now, reason=reason)
    event.save()
    return event


def fact(order: Order, kind: EventKind, *, actor: Actor, now: datetime, reason: str = "") -> OrderEvent:
    """The row of ``note``, unsaved: for many orders at once."""
    return OrderEvent(
        order=order,
        kind=kind,
        from_status=order.status,
        to_status=order.status,
        actor_kind=actor.kind,
        actor=actor.user,
        reason=reason,
        created_at=now,
    )


def announce(order: Order, *, now: datetime) -> None:
    """What WeChat and the buyer hear of the status that an order has come to, written with the move."""
    if order.status in (S.SHIPPED, S.COMPLETED):
        shipping.put(order, now=now)
    if order.status == S.SHIPPED and order.deliver_type == DeliverType.PICK_UP:
        messages.put(messages.Kind.ARRIVED, order, now=now)
    if order.status == S.PAID:
        messages.put(messages.Kind.PAID, order, now=now)


def beginning(order: Order, *, actor: Actor, now: datetime) -> OrderEvent:
    """The first row of a new order's timeline, unsaved."""
    return OrderEvent(order=order, to_status=order.status, actor_kind=actor.kind, actor=actor.user, created_at=now)
