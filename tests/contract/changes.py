"""What a request wrote: nothing, when it was refused."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from shops.models import DeviceNonce

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)


def state() -> dict[str, tuple[int, str]]:
    """Of every table, how many rows it has and a digest of them. A device's nonces aren't counted: they are used up by asking."""
    return {model._meta.label: digest_of(model) for model in apps.get_models() if model is not DeviceNonce}


def digest_of(model: Any) -> tuple[int, str]:
    rows = list(model._default_manager.order_by("pk").values_list())
    return len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written inside is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def writes() -> Iterator[list[str]]:
    """The statements that write, as they are executed inside; those of nonces left out."""
    found: list[str] = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if WRITES.match(sql) and DeviceNonce._meta.db_table not in sql:
            found.append(sql)
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield found
