"""Rows that the database refuses to write, as whatever nobody thought of: for jobs, which must go on past them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

FUNCTION = "CREATE FUNCTION poisoned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poisoned'; END $$"


@contextmanager
def poisoned(table: str, condition: str, *, event: str = "UPDATE") -> Iterator[None]:
    """While inside, the ``event`` of a row that fits ``condition``, which names it ``NEW``, fails."""
    if connection.vendor == "postgresql":
        run(FUNCTION, f"CREATE TRIGGER poison BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION poisoned()")
    else:
        run(f"CREATE TRIGGER poison BEFORE {event} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'poisoned'); END")
    try:
        yield
    finally:
        run(
            *(
                [f"DROP TRIGGER poison ON {table}", "DROP FUNCTION poisoned"]
                if connection.vendor == "postgresql"
                else ["DROP TRIGGER poison"]
            )
        )


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
