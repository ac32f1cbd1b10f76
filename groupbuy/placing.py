"""The hot path: every order of a group buy waits for its one row, so this is done in as few statements as the database allows.

On PostgreSQL stock, order and timeline are one statement, and the row is locked for that and the COMMIT; on SQLite, which has
nobody to wait for on the way to its server, the ORM says the last two (``docs/decisions/0014-placing-orders.md``).
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import Model

from groupbuy.models import Order, OrderEvent

# The conditions are those of ``GroupBuying.objects.open``, and `quota - qty` can't overflow.
TAKE = """
    UPDATE groupbuy_groupbuying SET taken = taken + %s, last_sequence = last_sequence + 1
    WHERE id = %s AND price = %s AND taken <= quota - %s AND in_use AND outcome = '' AND start_at <= %s AND end_at > %s
    RETURNING last_sequence
"""


def place(order: Order, begun: OrderEvent) -> bool:
    """Take the stock of ``order``, number it, and write it with the first row of its timeline; False when its group buy is not
    open, has too few units, or has another price. Within the caller's transaction."""
    return place_at_once(order, begun) if connection.vendor == "postgresql" else place_in_turn(order, begun)


def place_in_turn(order: Order, begun: OrderEvent) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, taking(order))
        taken = cursor.fetchone()
    if taken is None:
        return False
    order.sequence = taken[0]
    order.save(force_insert=True)
    begun.order = order
    begun.save(force_insert=True)
    return True


def place_at_once(order: Order, begun: OrderEvent) -> bool:
    order_sql, order_values = insertion(order, {"sequence": "last_sequence"})
    event_sql, event_values = insertion(begun, {"order_id": "id"})
    # Built of our models' columns alone; every value is a parameter.
    sql = f"""
        WITH taken AS ({TAKE}), placed AS ({order_sql} FROM taken RETURNING id, sequence), begun AS ({event_sql} FROM placed)
        SELECT id, sequence FROM placed
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*taking(order), *order_values, *event_values])
        placed = cursor.fetchone()
    if placed is None:
        return False
    order.pk, order.sequence = placed
    order._state.adding = False
    return True


def taking(order: Order) -> list[Any]:
    """The parameters of ``TAKE``."""
    at = connection.ops.adapt_datetimefield_value(order.created_at)
    price = connection.ops.adapt_decimalfield_value(order.price, 10, 2)
    return [order.qty, order.group_buying_id, price, order.qty, at, at]


def insertion(row: Model, found: Mapping[str, str]) -> tuple[str, list[Any]]:
    """``INSERT … SELECT`` of an unsaved row, whose columns ``found`` come from what it selects from, and its parameters."""
    fields = {str(field.column): field for field in row._meta.concrete_fields if not field.primary_key}
    columns = ", ".join(connection.ops.quote_name(column) for column in fields)
    chosen = ", ".join(found.get(column, "%s") for column in fields)
    own = [field for column, field in fields.items() if column not in found]
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in own]
    return f"INSERT INTO {connection.ops.quote_name(row._meta.db_table)} ({columns}) SELECT {chosen}", values
