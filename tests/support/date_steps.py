"""Steps of the order machine in which staff move dates: of a group buy, and of some of its orders."""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from groupbuy.models import GroupBuying, Order, OrderEvent, PickUpWindow
from groupbuy.orders import rescheduling
from retail.refusals import Invalid, Refusal
from tests.support.money_steps import RECEIVED, left_of, still_to_come

HOUR = timedelta(hours=1)
WHEN = st.sampled_from(["later", "later", "much later", "same", "before the end"])


class DateSteps:
    """For a machine with ``attempt``, ``newest``, ``now``, ``offered``, ``order``, ``statuses`` and ``world``."""

    attempt: Any
    newest: Callable[[Any, int], Any]
    now: datetime
    offered: Callable[[int], GroupBuying]
    order: Callable[[int], Order]
    statuses: list[int]
    world: Any

    @rule(offer=st.integers(0, 1), when=WHEN)
    def reschedule(self, offer, when):
        group_buying = self.offered(offer)
        wanted, held = self.dates_of(group_buying, when), dates_held(group_buying)
        expected = why_not(group_buying, wanted, when)
        # Whoever is still to pay isn't counted here.
        own = group_buying.orders.filter(status__in=RECEIVED, pick_up_from=None)
        waiting = [order.pk for order in own if still_to_come(order) > 0 and left_of(order) > 0]
        call = partial(rescheduling.reschedule, group_buying_id=group_buying.pk, **wanted)
        self.expect_told([] if expected else waiting, call, expected or int)
        group_buying.refresh_from_db()
        assert dates_held(group_buying) == (held if expected else held | wanted)

    def dates_of(self, group_buying: GroupBuying, when: str) -> dict[str, Any]:
        """``ships_on`` of parcels, else ``pick_up_from`` and ``pick_up_until``."""
        if when == "same":
            return {name: value for name, value in dates_held(group_buying).items() if value}
        window = self.window_of([group_buying], when)
        if group_buying.deliver_type == 1:
            return {"pick_up_from": window.start, "pick_up_until": window.end}
        late = timedelta(days=when != "before the end")
        return {"ships_on": timezone.localdate(window.start) + late}

    def window_of(self, group_buyings: Collection[GroupBuying], when: str) -> PickUpWindow:
        end_at = max(row.end_at for row in group_buyings)
        hours = {"later": 2, "much later": 50}.get(when)
        start = max(self.now, end_at) + hours * HOUR if hours else end_at - HOUR
        return PickUpWindow(start, start + 4 * HOUR)

    @precondition(lambda self: set(self.statuses) & RECEIVED)
    @rule(number=st.integers(0, 4), other=st.sampled_from([None, None, 0, 1, 2]), when=WHEN)
    def reschedule_orders(self, number, other, when):
        """Of one that may be waiting in the shop, and now and then of another of any kind."""
        fetched = Order.objects.filter(deliver_type=1, handed_over_at=None, status__in=RECEIVED)
        orders = [self.newest(fetched, number) if fetched.exists() else self.order(number)]
        orders += {self.order(other)}.difference(orders) if other is not None else []
        group_buyings = [order.group_buying for order in orders]
        own = orders[0].pick_up_window if when == "same" else None
        window = own or self.window_of(group_buyings, "later" if when == "same" else when)
        changed = [order.pk for order in orders if order.pick_up_window != window]
        expected: type[Refusal] | None = None
        if not all(map(self.may_come_later, orders)):
            expected = rescheduling.CannotBeRescheduled
        elif window.end <= self.now or any(window.start < row.end_at for row in group_buyings):
            expected = Invalid
        elif not changed:
            expected = rescheduling.Unchanged
        ids = [order.pk for order in orders]
        call = partial(rescheduling.reschedule_orders, order_ids=ids, pick_up_from=window.start, pick_up_until=window.end)
        self.expect_told([] if expected else changed, call, expected or int)
        assert expected or {order.pick_up_window for order in Order.objects.filter(pk__in=ids)} == {window}

    def may_come_later(self, order: Order) -> bool:
        """Paid for, and neither the goods nor the money are out; an undecided group may be told another day."""
        still_here = order.deliver_type == 1 and order.status in (1, 3, 8) and order.handed_over_at is None
        return still_here and left_of(order) > 0 and order.group_buying.outcome in ("", "succeeded")

    def expect_told(self, orders: Collection[int], call: partial[int], answer: type[Any]) -> None:
        """Of all that were ever paid for, the timelines of these orders say it once, and their reminders count anew."""
        before = dates_told()
        result = self.attempt(partial(call, principal=self.world.manager))
        assert isinstance(result, answer), result
        assert dates_told() - before == Counter(orders)
        assert not Order.objects.filter(pk__in=orders).exclude(reminders=0).exists()


def why_not(group_buying: GroupBuying, wanted: dict[str, Any], when: str) -> type[Refusal] | None:
    held = dates_held(group_buying)
    if group_buying.outcome in ("failed", "cancelled"):
        return rescheduling.CannotBeRescheduled
    if wanted and held | wanted == held:
        return rescheduling.Unchanged
    return None if wanted and when != "before the end" else Invalid


def dates_held(group_buying: GroupBuying) -> dict[str, Any]:
    return {name: getattr(group_buying, name) for name in ("pick_up_from", "pick_up_until", "ships_on")}


def dates_told() -> Counter[int]:
    """How often each order that was ever paid for was given other dates."""
    told = OrderEvent.objects.filter(kind="dates", order__status__in=RECEIVED)
    return Counter(told.values_list("order", flat=True))
