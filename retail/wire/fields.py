"""Fields of the wire: strict about types, lenient about spelling (wire rules 3, 5 and 6)."""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, ClassVar

from django.db.models import IntegerChoices
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from retail import dates
from retail.money import CENT, MAX_MONEY

INT64 = 2**63
DIGITS = re.compile(r"\A[+-]?[0-9]{1,40}\Z", re.ASCII)
NUMBER = re.compile(r"\A[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?\Z", re.ASCII)
FLOAT_TAIL = Decimal("0.00001")
DATETIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def listed(choices: Iterable[IntegerChoices]) -> str:
    """``1:自提; 2:快递``: the enumeration behind a number, as the documents tell it."""
    return "; ".join(f"{choice.value}:{choice.label}" for choice in choices)


# The labels are translated when they are read.
enumeration = lazy(listed, str)


class WholeNumber(serializers.Field):  # type: ignore[type-arg]
    """An integer of 64 bits at most, or a string of ASCII digits."""

    unset: Any = 0

    default_error_messages = {
        "invalid": _("请填写整数"),
        "out_of_range": _("数值须在 {least} 到 {most} 之间"),
    }

    def __init__(self, *, least: int = -INT64, most: int = INT64 - 1, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, value: Any) -> int:
        number = self.whole(value)
        if not self.least <= number <= self.most:
            self.fail("out_of_range", least=self.least, most=self.most)
        return number

    def whole(self, value: Any) -> int:
        if isinstance(value, str) and DIGITS.match(value.strip()):
            return int(value)
        if isinstance(value, Decimal) and abs(value) < INT64 and value == value.to_integral_value():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail("invalid")
        return value

    def to_representation(self, value: Any) -> int:
        return int(value or 0)


def is_none(value: Any) -> bool:
    """What stands for no id at all."""
    if isinstance(value, str):
        return value.strip() in ("", "0")
    return value is empty or value is None or (value == 0 and not isinstance(value, bool))


class Id(WholeNumber):
    """0, absent, null and ``""`` are "none": ``None`` in Python, unless ``must``."""

    default_error_messages = {"none": _("请指定此项")}

    def __init__(self, *, must: bool = False, **options: Any) -> None:
        self.must = must
        options.setdefault("required", must)
        super().__init__(least=0, allow_null=not must, **options)

    def run_validation(self, data: Any = empty) -> int | None:
        number = None if is_none(data) else self.to_internal_value(data)
        if not number and self.must:
            self.fail("none")
        return number or None


class Text(serializers.CharField):
    """Text, or a number that a client sent for it; ``""`` when absent or null."""

    unset: Any = ""

    def __init__(self, *, max_length: int = 200, **options: Any) -> None:
        if not options.get("read_only") and not options.get("required"):
            options = {"required": False, "allow_blank": True, "default": "", "allow_null": True} | options
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, value: Any) -> str:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = str(value)
        return super().to_internal_value(value) if isinstance(value, str) else self.fail("invalid")

    def run_validation(self, data: Any = empty) -> str:
        return super().run_validation(data) or ""

    def to_representation(self, value: Any) -> str:
        return "" if value is None else str(value)


class OneOf(Text):
    """One of some words; ``""`` when absent."""

    default_error_messages = {"choice": _("只能是 {choices} 之一")}

    def __init__(self, choices: Iterable[str], **options: Any) -> None:
        self.choices = tuple(choices)
        super().__init__(**options)

    def to_internal_value(self, value: Any) -> str:
        word = super().to_internal_value(value)
        return word if word in self.choices else self.fail("choice", choices=", ".join(self.choices))


class Number(serializers.Field):  # type: ignore[type-arg]
    """A decimal as a JSON number; the tail of a binary float is rounded away, other surplus places are refused."""

    unset: Any = 0.0

    default_error_messages = {
        "invalid": _("请填写数字"),
        "places": _("最多 {places} 位小数"),
        "out_of_range": _("数值须在 {least} 到 {most} 之间"),
    }
    places = CENT
    places_count = 2

    def __init__(self, *, least: Decimal = Decimal(0), most: Decimal = MAX_MONEY, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, value: Any) -> Decimal:
        number = self.number(value)
        if not self.least <= number <= self.most:
            self.fail("out_of_range", least=self.least, most=self.most)
        rounded = number.quantize(self.places, ROUND_HALF_UP)
        if abs(rounded - number) >= FLOAT_TAIL:
            self.fail("places", places=self.places_count)
        # −0 is 0.
        return rounded if rounded else abs(rounded)

    def number(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            self.fail("invalid")
        if isinstance(value, str) and not NUMBER.match(value.strip()):
            self.fail("invalid")
        try:
            number = Decimal(value.strip() if isinstance(value, str) else value)
        except InvalidOperation:
            self.fail("invalid")
        return number if number.is_finite() else self.fail("invalid")

    def to_representation(self, value: Any) -> float:
        return float(value or 0)


class Money(Number):
    """Yuan with two places."""


class Quantity(Number):
    """A weight or count with three places."""

    places = Decimal("0.001")
    places_count = 3


class Flag(serializers.BooleanField):
    """True or false; 1, 0 and their strings too."""

    unset: Any = False

    def to_representation(self, value: Any) -> bool:
        return bool(value)


@extend_schema_field({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$", "example": "2026-01-15 10:11:10"})
class Moment(serializers.Field):  # type: ignore[type-arg]
    """``yyyy-MM-dd HH:mm:ss`` in the installation's zone; ISO 8601 or a date come in too; unset is null."""

    unset: Any = None

    default_error_messages = {"invalid": _("请填写日期时间，如 2026-01-15 10:11:10"), "out_of_range": dates.OUT_OF_RANGE}

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid")
        try:
            moment = parse_datetime(value.strip())
            day = None if moment else parse_date(value.strip())
        except ValueError:
            self.fail("invalid")
        if day is not None:
            moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # made aware below
        if moment is None:
            self.fail("invalid")
        moment = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
        return moment if dates.is_ours(moment) else self.fail("out_of_range")

    def to_representation(self, value: datetime) -> str:
        return timezone.localtime(value).strftime(DATETIME_FORMAT)


class IdList(serializers.Field):  # type: ignore[type-arg]
    """``[1, 2]`` or ``"1,2"``; order kept, none values left out. ``repeatable``: its name may repeat too, and ids that do count once."""

    unset: ClassVar[list[Any]] = []

    default_error_messages = {"none": _("请指定此项"), "long": _("列表过长"), "again": _("同一 id 出现多次")}

    def __init__(self, *, must: bool = False, repeatable: bool = False, **options: Any) -> None:
        self.must, self.repeatable = must, repeatable
        defaults: dict[str, Any] = {"required": must, "allow_null": not must} | ({} if must else {"default": list})
        super().__init__(**defaults | options)

    def run_validation(self, data: Any = empty) -> list[int]:
        ids = [] if data is empty or data is None else self.to_internal_value(data)
        return ids if ids or not self.must else self.fail("none")

    def to_internal_value(self, value: Any) -> list[int]:
        values = value if isinstance(value, list) else [value]
        parts: list[Any] = []
        for part in values:
            parts.extend(part.split(",") if isinstance(part, str) else part if isinstance(part, list) else [part])
        if len(parts) > self.context["list_max"]:
            self.fail("long")
        whole = Id()
        ids = [number for part in parts if (number := whole.run_validation(part)) is not None]
        once = list(dict.fromkeys(ids))
        return once if self.repeatable or len(once) == len(ids) else self.fail("again")

    def to_representation(self, value: Any) -> list[int]:
        return list(value)
