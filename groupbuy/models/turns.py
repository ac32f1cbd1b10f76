from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.db.models import F, Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)
PUT_OFF = timedelta(seconds=60)


class TurnQuerySet(QuerySet[Row]):
    """Of rows that background jobs come back to, by their ``next_job_at``."""

    def ready(self, now: datetime) -> Self:
        """Whose turn it is: first who was never put off, then who was put off the longest ago."""
        put_off = F("next_job_at")
        return self.filter(Q(next_job_at=None) | Q(next_job_at__lte=now)).order_by(put_off.asc(nulls_first=True), "pk")

    def put_off(self, now: datetime) -> int:
        """Behind all that wait, and not before a minute is over."""
        return self.update(next_job_at=now + PUT_OFF)
