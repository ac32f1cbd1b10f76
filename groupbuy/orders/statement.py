"""The hot path: every order of a group buy waits for its one row.

On PostgreSQL stock, limits, order and timeline are one statement that is its own transaction, so that the row is locked for no round
trip and no Python. On SQLite, whose writers take turns, they are three (``docs/decisions/0014-placing-orders.md``).
"""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from groupbuy.models import Order, OrderEvent, OrderStatus
from groupbuy.models.orders import AWAITING_PAYMENT, LIVE
from groupbuy.orders.limits import Limits


def among(statuses: Iterable[OrderStatus]) -> str:
    return f"status IN ({', '.join(str(status.value) for status in statuses)})"


UNPAID = among(AWAITING_PAYMENT)
# What the buyer has in the group buy, and holds unpaid in all of them, alone and with the others of the address. Of nobody's address
# nothing is asked: among orders that are all unpaid the planner would rather read them all than the index that holds none.
MINE = f"""
    SELECT coalesce(max(buyer_sequence), 0) + 1 AS next, count(*) FILTER (WHERE {UNPAID}) AS unpaid,
        coalesce(sum(qty) FILTER (WHERE {among(LIVE)}), 0) AS units,
        (SELECT coalesce(sum(qty), 0) FROM groupbuy_order WHERE buyer_id = %s AND {UNPAID}) AS unpaid_units,
        CASE WHEN CAST(%s AS text) = '' THEN 0 ELSE
            (SELECT coalesce(sum(qty), 0) FROM groupbuy_order WHERE network = %s AND {UNPAID} AND NOT (network = ''))
        END AS of_address
    FROM groupbuy_order WHERE group_buying_id = %s AND buyer_id = %s
"""  # noqa: S608
# The conditions are those of ``GroupBuying.objects.open`` and ``limits.beyond``, and `quota - qty` can't overflow.
TAKE = """
    UPDATE groupbuy_groupbuying SET taken = taken + %s, last_sequence = last_sequence + 1 FROM mine
    WHERE id = %s AND price = %s AND taken <= quota - %s AND in_use AND outcome = '' AND start_at <= %s AND end_at > %s
        AND unpaid < %s AND (per_buyer_limit = 0 OR units <= per_buyer_limit - %s)
        AND unpaid_units <= %s AND of_address <= %s
    RETURNING last_sequence, (SELECT next FROM mine) AS next
"""


def place(order: Order, begun: OrderEvent, *, limits: Limits) -> bool:
    """Take the stock of ``order``, number it, and write it with the first row of its timeline, durably unless the caller has a
    transaction. False when its group buy is not open, has too few units or another price, or the buyer has had enough.

    In one group buy the limits of a buyer hold strictly. Unpaid units elsewhere, and those of an address, count as far as this statement
    sees them: on PostgreSQL not what others are placing in the same instant.
    Raises IntegrityError when another order of this buyer was placed meanwhile: its limits must be looked at again.
    """
    values = taking(order, limits)
    placed = place_at_once(order, begun, values) if connection.vendor == "postgresql" else place_in_turn(order, begun, values)
    if placed is None:
        return False
    order.pk, order.sequence, order.buyer_sequence = placed
    order._state.adding = False
    return True


def place_at_once(order: Order, begun: OrderEvent, values: list[Any]) -> Any:
    """Returns id, sequence, buyer_sequence, or None."""
    order_sql, order_values = insertion(order, {"sequence": "last_sequence", "buyer_sequence": "next"})
    event_sql, event_values = insertion(begun, {"order_id": "id"})
    # Built of our models' columns alone; every value is a parameter.
    sql = f"""
        WITH mine AS ({MINE}), taken AS ({TAKE}),
            placed AS ({order_sql} FROM taken RETURNING id, sequence, buyer_sequence), begun AS ({event_sql} FROM placed)
        SELECT id, sequence, buyer_sequence FROM placed
    """  # noqa: S608
    return answer(sql, [*values, *order_values, *event_values])


@transaction.atomic
def place_in_turn(order: Order, begun: OrderEvent, values: list[Any]) -> Any:
    """Take the units and write the order and its first event in three statements: SQLite writes nothing within a WITH."""
    taken = answer(f"WITH mine AS ({MINE}) {TAKE}", values)
    if taken is None:
        return None
    order.sequence, order.buyer_sequence = taken
    order_sql, order_values = insertion(order)
    (begun.order_id,) = answer(f"{order_sql} RETURNING id", order_values)
    with connection.cursor() as cursor:
        cursor.execute(*insertion(begun))
    return begun.order_id, *taken


def answer(sql: str, values: list[Any]) -> Any:
    """The first row, or None."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()


def taking(order: Order, limits: Limits) -> list[Any]:
    """The parameters of ``MINE`` and ``TAKE``."""
    at = connection.ops.adapt_datetimefield_value(order.created_at)
    price = connection.ops.adapt_decimalfield_value(order.price, 10, 2)
    mine = [order.buyer_id, order.network, order.network, order.group_buying_id, order.buyer_id]
    taken = [order.qty, order.group_buying_id, price, order.qty, at, at]
    return [*mine, *taken, limits.unpaid_orders, order.qty, limits.unpaid_units - order.qty, limits.unpaid_units_of_address - order.qty]


def insertion(row: Model, found: Mapping[str, str] = MappingProxyType({})) -> tuple[str, list[Any]]:
    """``INSERT … SELECT`` of an unsaved row, whose columns ``found`` come from what it selects from, and its parameters."""
    sql, own = insertion_into(type(row), tuple(found.items()))
    return sql, [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in own]


@cache
def insertion_into(model: type[Model], found: tuple[tuple[str, str], ...]) -> tuple[str, list[Any]]:
    """The text, and the fields of its parameters."""
    sources = dict(found)
    fields = {str(field.column): field for field in model._meta.concrete_fields if not field.primary_key}
    columns = ", ".join(connection.ops.quote_name(column) for column in fields)
    chosen = ", ".join(sources.get(column, "%s") for column in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({columns}) SELECT {chosen}", [field for column, field in fields.items() if column not in sources]
