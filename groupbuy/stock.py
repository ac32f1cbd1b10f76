"""Taking again and giving back the units of a group buy; the first taking is ``orders.statement``.

Always ``F()``: a value read earlier may be stale by now.
"""

from datetime import datetime

from django.db.models import F

from groupbuy.models import GroupBuying, Order


def take_again(order: Order, *, now: datetime) -> bool:
    """Reserve the units of an expired order that was paid late, if the group buy is still open and has them."""
    row = GroupBuying.objects.filter(pk=order.group_buying_id).open(now)
    return bool(row.filter(taken__lte=F("quota") - order.qty).update(taken=F("taken") + order.qty))


def give_back(order: Order) -> None:
    """Return the units of an order that holds them; ``moves`` sees to it that this happens once."""
    GroupBuying.objects.filter(pk=order.group_buying_id).update(taken=F("taken") - order.qty)
