"""A later start of the demo: the shops have done their work since the last one, and what sells ends at the next cut-off again.

Group buys are found by their names: one that a person renamed, or gave a later end, is left alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q

from config.demo import offers
from config.demo.lives import ARRIVES_BEFORE, CARRIERS, PREPARED_AFTER, SENT_AT
from config.demo.people import REGULAR
from config.demo.rhythm import at, next_cut_off
from groupbuy.models import DeliverType, GroupBuying, Order, OrderQuerySet, OrderStatus, Outcome
from groupbuy.models.orders import AWAITING_PAYMENT
from groupbuy.orders import fulfilment, hand_over, pick_up_dates, rescheduling
from retail.models import Tenant
from retail.principals import Principal
from retail.rights import Role

# One of so many comes a day late.
LATE_ONE_OF, LATE_BY = 20, timedelta(days=1)


def renew(*, tenant: Tenant, now: datetime) -> None:
    """On another evening than the last start's: carry out what the shops have promised until ``now``, then let what sells end
    at the next cut-off, and its dates follow."""
    names = [offer.name for offer in offers.OFFERS]
    rows = GroupBuying.objects.filter(Q(created_at__lt=tenant.created_at) | Q(name__in=names), tenant=tenant)
    own = rows.select_related("shop", "product", "creator").order_by("pk")
    sells = own.filter(name__in=[offer.name for offer in offers.OFFERS if offer.kind in offers.RENEWED])
    if sells.exclude(outcome=Outcome.OPEN, end_at__gte=next_cut_off(now)).exists():
        for group_buying in own:
            if not (group_buying.is_undecided or group_buying.is_unsuccessful):
                Shopkeeper(group_buying, made_at=tenant.created_at, now=now).work()
    for offer in offers.OFFERS:
        renew_offer(offer, list(own.filter(name=offer.name)), now=now)


def renew_offer(offer: offers.Offer, rows: list[GroupBuying], *, now: datetime) -> None:
    """Of the rows of that name, the oldest first: those without an outcome sell on, and if all have one, another one begins."""
    span = offers.span(offer, next_cut_off(now))
    undecided = [row for row in rows if row.outcome == Outcome.OPEN]
    if offer.kind == offers.Kind.NOT_STARTED:
        for row in undecided:
            if row.start_at <= now and not row.last_sequence:
                move(row, span, now=now)
    elif offer.kind in offers.RENEWED:
        for row in undecided:
            if row.end_at < span.end_at:
                move(row, span._replace(start_at=row.start_at), now=now)
        if rows and not undecided:
            begin_again(rows[-1], span, now=now)


def move(row: GroupBuying, span: offers.Span, *, now: datetime) -> None:
    """Other dates than before, also for whoever waits for a minimum; who bought for certain keeps what was promised."""
    wanted = pick_up_dates.proposed(shop=row.shop, product=row.product, deliver_type=row.deliver_type, end_at=span.end_at)
    if not row.is_undecided:
        promised = row.orders.filter(pick_up_from=None, deliver_type=DeliverType.PICK_UP).exclude(status__in=AWAITING_PAYMENT)
        promised.update(pick_up_from=row.pick_up_from, pick_up_until=row.pick_up_until)
    if wanted != pick_up_dates.dates_of(row):
        rescheduling.reschedule(group_buying_id=row.pk, principal=keeper_of(row), now=now, **wanted._asdict())
    GroupBuying.objects.filter(pk=row.pk).update(**span._asdict())


def begin_again(row: GroupBuying, span: offers.Span, *, now: datetime) -> None:
    """Another group buy like ``row``, without its orders."""
    images = list(row.images.all())
    wanted = pick_up_dates.proposed(shop=row.shop, product=row.product, deliver_type=row.deliver_type, end_at=span.end_at)
    fresh = {"outcome": Outcome.OPEN, "decided_at": None, "declared_at": None, "declared_by": None, "taken": 0, "last_sequence": 0}
    copied = {field.attname: getattr(row, field.attname) for field in GroupBuying._meta.concrete_fields if not field.primary_key}
    again = GroupBuying.objects.create(**copied | fresh | {"created_at": now} | span._asdict() | wanted._asdict())
    for image in images:
        again.images.create(image=image.image.name, sort=image.sort)


def keeper_of(row: GroupBuying) -> Principal:
    """Who runs the demo's shop, whatever became of that account's rights."""
    return Principal(Role.HEADQUARTERS, row.creator, row.tenant_id, None)


@dataclass(frozen=True)
class Shopkeeper:
    """Does what is due of one group buy, at the hours at which it was due. ``made_at``: older orders are the demo's own."""

    row: GroupBuying
    made_at: datetime
    now: datetime

    def work(self) -> None:
        prepared_at = self.row.end_at + PREPARED_AFTER
        for order in self.waiting().filter(status=OrderStatus.PAID):
            self.act(fulfilment.confirm_orders, order, prepared_at)
        for order in self.waiting().filter(status=OrderStatus.CONFIRMED):
            self.send(order)
        arrived = self.waiting().filter(status=OrderStatus.SHIPPED, deliver_type=DeliverType.PICK_UP, created_at__lt=self.made_at)
        for order in arrived.exclude(buyer__nickname=REGULAR):
            self.hand_over(order)

    def waiting(self) -> OrderQuerySet:
        """With ``last_at``, the time of the newest row of their timelines; none of whose money anything went back."""
        rows = self.row.orders.exclude(payments__refunds__isnull=False).select_related("group_buying")
        return rows.annotate(last_at=Max("events__created_at")).order_by("pk")

    def act(self, service: Callable[..., int], order: Order, due_at: datetime, **facts: str) -> None:
        moment = max(due_at, order.last_at)  # type: ignore[attr-defined]  # annotated
        if moment <= self.now:
            service(order_ids=[order.pk], principal=keeper_of(self.row), now=moment, **facts)

    def send(self, order: Order) -> None:
        if order.pick_up_window:
            self.act(fulfilment.deliver_orders, order, order.pick_up_window.start - ARRIVES_BEFORE)
        elif self.row.ships_on:
            carrier, prefix = CARRIERS[order.pk % len(CARRIERS)]
            number = f"{prefix}{order.code[-13:]}"
            # Rather early than with the next ones, whose day the group buy will name.
            due_at = min(at(self.row.ships_on, *SENT_AT), self.now)
            self.act(fulfilment.deliver_orders, order, due_at, carrier=carrier, tracking_number=number)

    def hand_over(self, order: Order) -> None:
        """When the time for collecting is over, hardly anybody hasn't come: some time after the order was last heard of."""
        window, is_late = order.pick_up_window, order.sequence % LATE_ONE_OF == 0
        if window is None or window.end + is_late * LATE_BY > self.now:
            return
        moment = max(window.start, order.last_at) + timedelta(minutes=10 + order.sequence * 7 % 180)  # type: ignore[attr-defined]
        if moment <= self.now:
            hand_over.hand_over(order_id=order.pk, principal=keeper_of(self.row), now=moment)
