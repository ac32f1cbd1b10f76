"""Where a group buy stands at one moment: for the buyers' page, the back office and its filter, the API, and the refusal of an order."""

from datetime import datetime
from typing import Protocol

from django.db.models import Case, F, Q, TextChoices, Value, When
from django.utils.translation import gettext_lazy as _


class Outcome(TextChoices):
    """What became of a group buy; set once and final."""

    OPEN = "", _("未定")
    SUCCEEDED = "succeeded", _("已成团")
    FAILED = "failed", _("未成团")
    CANCELLED = "cancelled", _("已取消")


class Phase(TextChoices):
    """In the order in which they are asked: the first that fits is the one. The values are also CSS classes."""

    CANCELLED = "cancelled", _("已取消")
    FAILED = "failed", _("未成团")
    SUCCEEDED = "succeeded", _("已成团")
    UNDECIDED = "undecided", _("待确认成团")
    ENDED = "ended", _("已结束")
    OFF = "off", _("已下架")
    UPCOMING = "upcoming", _("即将开团")
    SOLD_OUT = "sold-out", _("已抢光")
    RUNNING = "running", _("进行中")


# An order may be placed, if there is stock.
OPEN = (Phase.RUNNING, Phase.SOLD_OUT)
OVER = (Phase.CANCELLED, Phase.FAILED, Phase.SUCCEEDED, Phase.UNDECIDED, Phase.ENDED)


class Offered(Protocol):
    outcome: str
    in_use: bool
    start_at: datetime
    end_at: datetime
    min_qty: int
    quota: int
    taken: int
    declared_at: datetime | None


def phase_of(row: Offered, now: datetime) -> Phase:
    if row.outcome != Outcome.OPEN:
        return Phase(row.outcome)
    if row.end_at <= now:
        return Phase.UNDECIDED if row.min_qty and not row.declared_at else Phase.ENDED
    if not row.in_use:
        return Phase.OFF
    if row.start_at > now:
        return Phase.UPCOMING
    return Phase.SOLD_OUT if row.taken >= row.quota else Phase.RUNNING


def phase_in_sql(now: datetime) -> Case:
    """What ``phase_of`` says of each row."""
    return Case(
        When(~Q(outcome=Outcome.OPEN), then=F("outcome")),
        When(end_at__lte=now, min_qty__gt=0, declared_at=None, then=Value(Phase.UNDECIDED)),
        When(end_at__lte=now, then=Value(Phase.ENDED)),
        When(in_use=False, then=Value(Phase.OFF)),
        When(start_at__gt=now, then=Value(Phase.UPCOMING)),
        When(taken__gte=F("quota"), then=Value(Phase.SOLD_OUT)),
        default=Value(Phase.RUNNING),
    )
