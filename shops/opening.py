"""When a shop is open: its weekly rest days and its holidays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shops.models import Shop, ShopHoliday

# Of a shop that opens on no day of a year, every day counts as open.
SEARCHED = 366


@dataclass(frozen=True)
class OpenDays:
    """On which days somebody can come. ``rest_days``: digits, Monday is 1."""

    rest_days: str
    holidays: Sequence[ShopHoliday]

    def __contains__(self, day: date) -> bool:
        return str(day.isoweekday()) not in self.rest_days and not any(one.first_day <= day <= one.last_day for one in self.holidays)

    def first_from(self, day: date) -> date:
        """``day`` itself, or the next on which the shop is open."""
        days = (day + timedelta(days=count) for count in range(SEARCHED))
        return next((one for one in days if one in self), day)

    def after(self, day: date, count: int) -> date:
        """The ``count``-th open day after ``day``; of 0 ``day`` itself, or the next open one."""
        found = self.first_from(day) if count == 0 else day
        for _turn in range(count):
            found = self.first_from(found + timedelta(days=1))
        return found


def open_days_of(shop: Shop) -> OpenDays:
    """In one statement."""
    return OpenDays(shop.rest_days, list(shop.holidays.order_by("first_day")))
