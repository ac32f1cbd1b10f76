"""Django's PostgreSQL. A moment that Python's calendar hasn't got is read as the nearest of ours: such a row fails no list and no job."""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg import DataError

from retail import dates


class NearestMoment(BaseTzLoader):  # type: ignore[misc]  # Django has two, by the driver
    """Reads a moment in UTC; one that Python has no date for (before Christ, beyond 9999, infinity) becomes the nearest of ours."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            return dates.nearest(super().load(data))
        except DataError:
            text = bytes(data)
            return dates.FIRST if text.endswith(b"BC") or text.startswith(b"-") else dates.LAST


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.adapters.register_loader("timestamptz", NearestMoment)
        return connection
