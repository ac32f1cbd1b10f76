"""A group buy at one moment, as its page and its card show it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Case, F, Sum, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from groupbuy.models import DeliverType, GroupBuying, GroupBuyingQuerySet, Order, Outcome, Phase
from groupbuy.models.orders import paid_units, with_units
from groupbuy.orders.pick_up_dates import Dates, dates_of
from retail.models import User

CARDS = 48
OVER_CARDS = 8
DIME = Decimal("0.10")


# While one of these lasts, the page asks for news: everything else is final or a person's decision.
CHANGING = (Phase.UPCOMING, Phase.RUNNING, Phase.SOLD_OUT)
EXPLANATIONS: dict[Phase, str | Promise] = {
    Phase.UPCOMING: _("还没开团，到点就能下单"),
    Phase.RUNNING: "",
    Phase.SOLD_OUT: _("已经抢光了，有人超时未付款时会放出来"),
    Phase.UNDECIDED: _("已经截止，正在确认是否成团"),
    Phase.ENDED: _("这个团已经结束了"),
    Phase.OFF: _("商家暂时下架了这个团"),
    Phase.SUCCEEDED: _("已经成团，商家正在备货"),
    Phase.FAILED: _("没有凑够份数，已付的款项全部原路退回"),
    Phase.CANCELLED: _("商家取消了这个团，已付的款项全部原路退回"),
}


@dataclass(frozen=True)
class Offer:
    """``paid_qty``: units paid for; ``unpaid_qty``: units held by who hasn't paid, and may let them go; ``bought_qty``: units in the
    viewer's own live orders."""

    group_buying: GroupBuying
    now: datetime
    paid_qty: int = 0
    bought_qty: int = 0
    unpaid_qty: int = 0

    @cached_property
    def phase(self) -> Phase:
        return self.group_buying.phase(self.now)

    @property
    def explanation(self) -> str | Promise:
        return EXPLANATIONS[self.phase]

    @property
    def is_running(self) -> bool:
        return self.phase == Phase.RUNNING

    @property
    def is_upcoming(self) -> bool:
        return self.phase == Phase.UPCOMING

    @property
    def is_sold_out(self) -> bool:
        return self.phase == Phase.SOLD_OUT

    @property
    def is_closed(self) -> bool:
        """Nothing can be ordered, now or at a time that is known."""
        return self.phase not in (Phase.RUNNING, Phase.UPCOMING)

    @property
    def is_changing(self) -> bool:
        return self.phase in CHANGING

    @property
    def turns_at(self) -> datetime | None:
        """When the clock alone changes the phase."""
        if self.phase == Phase.UPCOMING:
            return self.group_buying.start_at
        return self.group_buying.end_at if self.is_changing else None

    @property
    def is_scarce(self) -> bool:
        return self.is_running and self.group_buying.stock <= max(5, self.group_buying.quota // 10)

    @property
    def qty_max(self) -> int:
        """How many the viewer may still order; 0 when the own limit is used up."""
        limit = self.group_buying.per_buyer_limit
        left = limit - self.bought_qty if limit else self.group_buying.stock
        return max(0, min(left, self.group_buying.stock))

    @property
    def unit_price(self) -> Decimal | None:
        """Yuan for one of the product's unit; None where that is the price itself, or says nothing (¥0.02 a gram)."""
        price = self.group_buying.price_per_unit
        return price if price and price >= DIME and self.group_buying.content != 1 else None

    @property
    def missing_qty(self) -> int:
        """Until the minimum is reached; 0 also when a manager declared that it is."""
        return 0 if self.group_buying.declared_at else max(0, self.group_buying.min_qty - self.paid_qty)

    @property
    def is_express(self) -> bool:
        return self.group_buying.deliver_type == DeliverType.EXPRESS

    @property
    def dates(self) -> Dates:
        return dates_of(self.group_buying)

    @cached_property
    def pictures(self) -> list[str]:
        """Addresses; the group buy's own before its product's. Needs both prefetched: see ``GroupBuying.objects.for_wire``."""
        row = self.group_buying
        return addresses(row.images.all()) or addresses(row.product.images.all())

    @property
    def picture(self) -> str:
        return self.pictures[0] if self.pictures else ""

    @property
    def subtitle(self) -> str:
        """What the name leaves open: the product, unless it says it, and the spec."""
        row = self.group_buying
        product = "" if row.product.name in row.name else row.product.name
        return " · ".join(part for part in (product, row.spec) if part)

    @property
    def visits(self) -> int:
        visit_times = getattr(self.group_buying, "visit_times", None)
        return visit_times.times if visit_times else 0

    @property
    def version(self) -> str:
        """Changes with everything that the page's live parts show; begins with the phase."""
        row = self.group_buying
        units = f"{row.taken}_{row.quota}_{self.unpaid_qty}_{self.paid_qty}_{self.bought_qty}"
        return f"{self.phase}_{row.price}_{units}_{bool(row.declared_at)}_{self.dates.stamp}"


def addresses(images: Any) -> list[str]:
    return [image.image.url for image in sorted(images, key=lambda image: (image.sort, image.pk))]


def look_at(group_buying: GroupBuying, *, viewer: User | None, now: datetime) -> Offer:
    """The offer with the figures that its page needs, for a buyer of its tenant or for anybody (None). Of a row of ``for_page``."""
    own = group_buying.orders.live().of(viewer.pk).aggregate(qty=Sum("qty", default=0))["qty"] if viewer else 0
    return replace(card(group_buying, now), bought_qty=own)


def for_page(rows: GroupBuyingQuerySet) -> GroupBuyingQuerySet:
    """With everything that a page or a card shows of a group buy, in a constant number of queries."""
    return with_units(rows.for_wire())


def card(row: Any, now: datetime) -> Offer:
    """Of a row of ``for_page``."""
    return Offer(row, now, paid_qty=paid_units(row), unpaid_qty=row.unpaid)


def on_sale(rows: GroupBuyingQuerySet, *, now: datetime, skip: int = 0) -> tuple[list[Offer], bool]:
    """Cards of what runs, then of what will run, then of what is sold out, the soonest end first; and whether there are more."""
    rank = Case(When(taken__gte=F("quota"), then=2), When(start_at__gt=now, then=1), default=0)
    chosen = for_page(rows.running_or_coming(now)).order_by(rank, "end_at", "pk")
    offers = [card(row, now) for row in chosen[skip : skip + CARDS + 1]]
    return offers[:CARDS], len(offers) > CARDS


def over(rows: GroupBuyingQuerySet, *, now: datetime) -> list[Offer]:
    """Cards of what ended lately; what the shop took off the shelf, or cancelled, nobody needs to see there."""
    ended = rows.filter(in_use=True, end_at__lte=now).exclude(outcome=Outcome.CANCELLED)
    chosen = for_page(ended).order_by("-end_at", "-pk")
    return [card(row, now) for row in chosen[:OVER_CARDS]]


def recent_orders(group_buying: GroupBuying) -> Sequence[Order]:
    """The newest bought orders with their buyers, newest first."""
    return list(group_buying.orders.bought().select_related("buyer").order_by("-sequence")[: settings.FEED_SIZE])
