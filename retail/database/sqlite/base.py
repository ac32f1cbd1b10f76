"""Django's SQLite, with transactions that wait in a fair queue before they ask SQLite for its one write lock.

SQLite's own waiting is a poll with growing pauses: under many writers some wait for half a minute while others pass them
by, and the lock lies idle between two polls. Other processes (the worker, commands) still meet here by that poll.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import IntegerField
from django.db.models.lookups import In
from django.db.utils import OperationalError
from django.utils.functional import cached_property

from retail import dates
from retail.database.sqlite import library
from retail.database.sqlite.turns import Turns

# Django's engine takes its library once, at import, and whatever starts it (server, command, Celery, pytest) comes by here.
CHOSEN = library.best()
with library.as_sqlite3(CHOSEN):
    from django.db.backends.sqlite3 import base, features, operations, schema

turns_of_file: defaultdict[str, Turns] = defaultdict(Turns)


class NoTurn(OperationalError):
    """Others wrote for as long as one waits: no fault of SQLite's, and so without a code of its."""


class DatabaseFeatures(features.DatabaseFeatures):
    @cached_property
    def max_query_params(self) -> int:  # type: ignore[override]
        """What this SQLite was built with: Django 5.2 still believes in 999, and cuts 9,000 rows into 180 statements."""
        self.connection.ensure_connection()
        # Not ``getlimit``, which ``pysqlite3`` lacks.
        options = dict(option.partition("=")[::2] for (option,) in self.connection.connection.execute("PRAGMA compile_options"))
        return int(options["MAX_VARIABLE_NUMBER"])


class DatabaseOperations(operations.DatabaseOperations):
    """Numbers and moments as on PostgreSQL, so that both databases take and refuse the same."""

    def integer_field_range(self, internal_type: str) -> tuple[int, int]:
        """Django's own for SQLite is 64 bits for every column: a quota that no other database would hold."""
        return BaseDatabaseOperations.integer_field_range(self, internal_type)

    def convert_datetimefield_value(self, value: Any, expression: Any, connection: Any) -> datetime | None:
        """A moment beyond our years fails where it is shown in a zone: it is read as the nearest of ours."""
        moment = super().convert_datetimefield_value(value, expression, connection)
        return dates.nearest(moment) if moment is not None and moment.tzinfo else moment


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    def quote_value(self, value: Any) -> str:
        """Django looks for ``sqlite3`` again here, and means the one with which it registered how decimals and dates are written."""
        with library.as_sqlite3(CHOSEN):
            return super().quote_value(value)


@IntegerField.register_lookup
class KnownNumbers(In):
    """Django leaves out what no column holds where a number is compared with one, not where it is one of several: SQLite's driver fails."""

    def get_prep_lookup(self) -> Any:
        values = super().get_prep_lookup()
        if not self.rhs_is_direct_value():
            return values
        return [value for value in values if not isinstance(value, int) or -(2**63) <= value < 2**63]


class DatabaseWrapper(base.DatabaseWrapper):
    """Every transaction begins with BEGIN IMMEDIATE (settings), so every one needs a turn; it ends with COMMIT, ROLLBACK or close."""

    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    SchemaEditorClass = DatabaseSchemaEditor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        if not turns_of_file[self.file].take(seconds=self.settings_dict["OPTIONS"].get("timeout", 5)):
            raise NoTurn("database is locked")
        self.has_turn = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self.end_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self.end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self.end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self.end_turn()

    @property
    def file(self) -> str:
        return str(self.settings_dict["NAME"])

    def end_turn(self) -> None:
        if self.has_turn:
            self.has_turn = False
            turns_of_file[self.file].give()
