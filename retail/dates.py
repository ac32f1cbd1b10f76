"""Which days there are for us: those of 2000 to 2099, whose last second means "without end" on the wire. And how people read them."""

from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import CheckConstraint, DateField, DateTimeField, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
# A day is a day in China, whatever zone somebody looks from. In UTC, as databases give moments, these compare the fastest.
CHINA = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2000, 1, 1, tzinfo=CHINA).astimezone(UTC)
LAST = datetime(2099, 12, 31, 23, 59, 59, tzinfo=CHINA).astimezone(UTC)
OUT_OF_RANGE = _("日期须在 2000 年到 2099 年之间")
WEEKDAYS = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
NEAR = {-1: _("昨天"), 0: _("今天"), 1: _("明天")}


def is_ours(value: date) -> bool:
    """Whether a day, or a moment with its zone, lies within our years. Moments near the edges of the calendar overflow nothing here."""
    if isinstance(value, datetime):
        return FIRST <= value <= LAST
    return FIRST_DAY <= value <= LAST_DAY


def nearest(moment: datetime) -> datetime:
    """``moment``, or the bound that it lies beyond."""
    return max(FIRST, min(moment, LAST))


def check_range(value: date) -> None:
    """A validator for fields. Raises ValidationError."""
    if not is_ours(value):
        raise ValidationError(OUT_OF_RANGE, code="out_of_range")


# For what people type; what a clock says needs no check.
MomentField = partial(DateTimeField, validators=[check_range])
DayField = partial(DateField, validators=[check_range])


def moments_are_ours(*columns: str, name: str) -> CheckConstraint:
    return within((FIRST, LAST), columns, name)


def days_are_ours(*columns: str, name: str) -> CheckConstraint:
    return within((FIRST_DAY, LAST_DAY), columns, name)


def within(bounds: tuple[date, date], columns: tuple[str, ...], name: str) -> CheckConstraint:
    condition = Q(**{f"{column}__range": bounds for column in columns})
    return CheckConstraint(condition=condition, name=name, violation_error_message=OUT_OF_RANGE)


def day_in_words(day: date, today: date | None = None) -> str:
    """``12月1日``; for who reads it ``today``: ``今天``, ``明天``, ``12月1日 周二``."""
    words = gettext("%(month)d月%(day)d日") % {"month": day.month, "day": day.day}
    if today is None:
        return words
    return str(NEAR.get((day - today).days, f"{words} {WEEKDAYS[day.weekday()]}"))


def span_in_words(start: datetime, end: datetime, today: date | None = None) -> str:
    """``12月1日 16:00–20:00``, or ``12月1日 16:00 – 12月2日 20:00``; the days as in ``day_in_words``."""
    first, last = timezone.localtime(start), timezone.localtime(end)
    until = f"{last:%H:%M}"
    if first.date() == last.date():
        return f"{day_in_words(first.date(), today)} {first:%H:%M}–{until}"
    return f"{day_in_words(first.date(), today)} {first:%H:%M} – {day_in_words(last.date(), today)} {until}"
