"""When goods can be collected or are sent off: what is proposed for a group buy, and what nobody may set."""

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from groupbuy.models import DeliverType, GroupBuying, Order, PickUpWindow
from groupbuy.notices import shipping
from retail import dates
from retail.models import Product
from shops import configuration, opening
from shops.models import Shop
from shops.opening import OpenDays

SHORTEST = timedelta(hours=1)


class Dates(NamedTuple):
    """Of a pick-up its window, of a parcel the day of sending; all None: nobody has said."""

    pick_up_from: datetime | None = None
    pick_up_until: datetime | None = None
    ships_on: date | None = None

    @property
    def are_set(self) -> bool:
        return any(self)

    @property
    def stamp(self) -> str:
        """Other for other dates."""
        return "-".join(f"{value:%m%dT%H%M}" for value in self if value)

    def in_words(self, today: date | None = None) -> str:
        """``12月1日 16:00–20:00``, ``12月2日 发货``; "" when nobody has said."""
        if self.pick_up_from and self.pick_up_until:
            return dates.span_in_words(self.pick_up_from, self.pick_up_until, today)
        return _("%(day)s 发货") % {"day": dates.day_in_words(self.ships_on, today)} if self.ships_on else ""


def dates_of(group_buying: GroupBuying) -> Dates:
    return Dates(group_buying.pick_up_from, group_buying.pick_up_until, group_buying.ships_on)


def dates_of_order(order: Order) -> Dates:
    """The order's own, else its group buy's: join ``group_buying``."""
    if order.deliver_type == DeliverType.EXPRESS:
        return Dates(ships_on=order.group_buying.ships_on)
    return Dates(*(order.pick_up_window or ()))


def proposed(*, shop: Shop, product: Product, deliver_type: int, end_at: datetime) -> Dates:
    """Counted from the end in days on which the shop is open, by its settings and by how the product is kept."""
    open_days = opening.open_days_of(shop)
    if deliver_type == DeliverType.EXPRESS:
        days = setting("ships_after_days", shop)
        return Dates(ships_on=open_days.after(timezone.localdate(end_at), days))
    return Dates(*proposed_window(setting(f"pick_up_{product.storage}", shop), shop, open_days, end_at))


def setting(code: str, shop: Shop) -> Any:
    return configuration.value_of(code=code, tenant_id=shop.tenant_id, shop_id=shop.pk)


def proposed_window(text: str, shop: Shop, open_days: OpenDays, end_at: datetime) -> PickUpWindow:
    """``text``: the first and the last day after the end, each with its hour, within which the shop's own hours are kept."""
    first, begins, last, ends = text.split()
    end_day = timezone.localdate(end_at)
    opens, closes = time.fromisoformat(begins), time.fromisoformat(ends)
    opens, closes = max(opens, shop.opens_at or opens), min(closes, shop.closes_at or closes)
    start = at(open_days.after(end_day, int(first)), opens)
    if start < end_at:
        # "The same day" of an end in the evening.
        start = at(open_days.after(end_day, 1), opens)
    until = at(max(open_days.after(end_day, int(last)), start.date()), closes)
    return PickUpWindow(start, max(until, start + SHORTEST))


def at(day: date, clock: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, clock))


def complaints(wanted: Dates, *, end_at: datetime, open_days: OpenDays, now: datetime) -> dict[str, str]:
    """What is wrong, in sentences by the name of the date; what is None is nobody's mistake here."""
    found = {
        "pick_up_from": wanted.pick_up_from and wrong_start(wanted.pick_up_from, end_at=end_at, open_days=open_days, now=now),
        "pick_up_until": wanted.pick_up_until and wrong_end(wanted.pick_up_until, wanted.pick_up_from, now=now),
        "ships_on": wanted.ships_on and wrong_day(wanted.ships_on, end_at=end_at, open_days=open_days, now=now),
    }
    return {name: words for name, words in found.items() if words}


def wrong_start(start: datetime, *, end_at: datetime, open_days: OpenDays, now: datetime) -> str:
    if start < end_at:
        return _("取货不能早于截单（%(end)s）") % {"end": moment(end_at)}
    # What has begun is no longer to be chosen: only its end is.
    return closed_on(timezone.localdate(start), open_days) if start > now else ""


def wrong_end(until: datetime, start: datetime | None, *, now: datetime) -> str:
    if start and until <= start:
        return _("取货截止须晚于取货开始")
    if until <= now:
        return _("取货截止已经过去，请填以后的时间")
    return too_far(timezone.localdate(until), now)


def wrong_day(ships_on: date, *, end_at: datetime, open_days: OpenDays, now: datetime) -> str:
    if ships_on <= timezone.localdate(end_at):
        return _("发货日期须在截单（%(end)s）的第二天或以后") % {"end": moment(end_at)}
    if ships_on < timezone.localdate(now):
        return _("发货日期已经过去，请填以后的日期")
    return closed_on(ships_on, open_days) or too_far(ships_on, now)


def closed_on(day: date, open_days: OpenDays) -> str:
    if day in open_days:
        return ""
    following = open_days.first_from(day)
    return _("%(day)s门店休息，下一个营业日是%(next)s") % {"day": dates.day_in_words(day), "next": dates.day_in_words(following)}


def too_far(day: date, now: datetime) -> str:
    """Farther than WeChat takes for goods that come late."""
    farthest = timezone.localdate(now) + shipping.LONGEST
    return _("最晚可到 %(day)s（%(days)d 天以内）") % {"day": farthest, "days": shipping.LONGEST.days} if day > farthest else ""


def moment(value: datetime) -> str:
    return f"{dates.day_in_words(timezone.localdate(value))} {timezone.localtime(value):%H:%M}"
