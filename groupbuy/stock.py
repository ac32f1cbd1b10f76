"""Taking and giving back the units of a group buy. Always ``F()``: a value read earlier may be stale by now."""

from datetime import datetime
from decimal import Decimal

from django.db.models import F

from groupbuy.models import GroupBuying, Order


def take(*, group_buying_id: int, qty: int, price: Decimal, now: datetime) -> int | None:
    """Reserve ``qty`` units at ``price`` if the group buy is open and has them; the order's sequence, or None.

    One conditional UPDATE: two buyers at once can't both get the last unit. The caller's transaction keeps the row locked.
    """
    row = GroupBuying.objects.filter(pk=group_buying_id)
    taken = row.open(now).filter(price=price, taken__lte=F("quota") - qty)
    if not taken.update(taken=F("taken") + qty, last_sequence=F("last_sequence") + 1):
        return None
    return row.values_list("last_sequence", flat=True).get()


def take_again(order: Order, *, now: datetime) -> bool:
    """Reserve the units of an expired order that was paid late, if the group buy is still open and has them."""
    row = GroupBuying.objects.filter(pk=order.group_buying_id).open(now)
    return bool(row.filter(taken__lte=F("quota") - order.qty).update(taken=F("taken") + order.qty))


def give_back(order: Order) -> None:
    """Return the units of an order that holds them; ``moves`` sees to it that this happens once."""
    GroupBuying.objects.filter(pk=order.group_buying_id).update(taken=F("taken") - order.qty)
