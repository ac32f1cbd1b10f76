"""When people buy: before work and after supper, more at the weekend; and the evenings at which group buys end."""

from bisect import bisect
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from random import Random

from django.utils import timezone

# Weights by hour of the day; 7–9 and 18–21 are the peaks.
HOURS = (3, 1, 1, 1, 1, 4, 18, 52, 64, 40, 34, 46, 44, 26, 22, 26, 34, 52, 74, 88, 84, 60, 30, 10)
# Weights from Monday to Sunday.
WEEKDAYS = (90, 88, 92, 95, 112, 138, 128)
OPENING, CUT_OFF = 20, 22
# Whoever looks at the demo still has this long to order.
TIME_TO_LOOK = timedelta(hours=1)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """That time of ``day`` in the installation's zone."""
    return timezone.make_aware(datetime.combine(day, time(hour, minute)), timezone.get_default_timezone())


def next_time(after: datetime, hour: int, minute: int = 0) -> datetime:
    """The first such time of the day that is later than ``after``."""
    day = timezone.localdate(after)
    return at(day, hour, minute) if at(day, hour, minute) > after else at(day + timedelta(days=1), hour, minute)


def next_cut_off(now: datetime) -> datetime:
    """Tonight, or tomorrow night when tonight's is near or past."""
    return next_time(now + TIME_TO_LOOK, CUT_OFF)


def last_cut_off(now: datetime) -> datetime:
    return next_time(now, CUT_OFF) - timedelta(days=1)


def moments(*, first: datetime, last: datetime, count: int, random: Random) -> list[datetime]:
    """``count`` believable moments of purchase between ``first`` and ``last``, in their order."""
    start = timezone.localtime(first).replace(minute=0, second=0, microsecond=0)
    hours = [start + timedelta(hours=number) for number in range(int((last - start) / timedelta(hours=1)) + 1)]
    weights = list(accumulate(HOURS[hour.hour] * WEEKDAYS[hour.weekday()] for hour in hours))
    found: list[datetime] = []
    while len(found) < count:
        hour = hours[bisect(weights, random.random() * weights[-1])]
        moment = hour + timedelta(seconds=random.randrange(3600))
        if first <= moment <= last:
            found.append(moment)
    return sorted(found)
