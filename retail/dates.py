"""Which days there are for us: those of 2000 to 2099, whose last second means "without end" on the wire."""

from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import CheckConstraint, DateField, DateTimeField, Q
from django.utils.translation import gettext_lazy as _

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
# A day is a day in China, whatever zone somebody looks from. In UTC, as databases give moments, these compare the fastest.
CHINA = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2000, 1, 1, tzinfo=CHINA).astimezone(UTC)
LAST = datetime(2099, 12, 31, 23, 59, 59, tzinfo=CHINA).astimezone(UTC)
OUT_OF_RANGE = _("日期须在 2000 年到 2099 年之间")


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
