"""The hot path of changing prices: one statement on PostgreSQL, its twin in the ORM on SQLite and as the tests' reference."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from pricing.models import PriceChange, PriceLog, ShopProduct
from pricing.prices.batches import write_rows
from shops.models import Shop


class Asked(NamedTuple):
    """New values of a row that was found; None keeps the old one."""

    pk: int
    price: Decimal | None
    member_price: Decimal | None
    sort: int | None


@dataclass(frozen=True)
class Written:
    """``matched``: rows that were still live; ``changed``: those of them that differed and were written."""

    change_id: int | None
    matched: int
    changed: int


# The shops are locked by now, and the statement's snapshot is younger than the locks: it sees the last prices and counters.
# Every part reads `changed`; no part sees what another one writes, and PostgreSQL runs them all to their end.
CHANGE = """
WITH asked AS (
    SELECT row.id, row.shop_id, row.product_id,
        row.price AS old_price, row.member_price AS old_member_price, row.sort AS old_sort,
        coalesce(asked.price, row.price) AS price,
        coalesce(asked.member_price, row.member_price) AS member_price,
        coalesce(asked.sort, row.sort) AS sort
    FROM unnest(%(ids)s::bigint[], %(prices)s::numeric(10, 2)[], %(member_prices)s::numeric(10, 2)[], %(sorts)s::integer[])
        AS asked (id, price, member_price, sort)
    JOIN pricing_shopproduct AS row ON row.id = asked.id AND row.removed_at IS NULL
), changed AS (
    SELECT asked.*, shop.price_version + row_number() OVER (PARTITION BY asked.shop_id ORDER BY asked.id) AS version
    FROM asked JOIN shops_shop AS shop ON shop.id = asked.shop_id
    WHERE (asked.price, asked.member_price, asked.sort) <> (old_price, old_member_price, old_sort)
), batch AS (
    INSERT INTO pricing_pricechange (tenant_id, source, user_id, reason, undoes_id, created_at)
    SELECT %(tenant)s, %(source)s, %(user)s::bigint, %(reason)s, %(undoes)s::bigint, %(now)s WHERE EXISTS (SELECT FROM changed)
    RETURNING id
), logged AS (
    INSERT INTO pricing_pricelog (change_id, shop_product_id, shop_id, product_id,
        old_price, old_member_price, new_price, new_member_price, user_id, created_at)
    SELECT batch.id, changed.id, shop_id, product_id, old_price, old_member_price, price, member_price, %(user)s::bigint, %(now)s
    FROM changed CROSS JOIN batch
    WHERE (price, member_price) <> (old_price, old_member_price)
    ORDER BY changed.id
), counted AS (
    UPDATE shops_shop SET price_version = top.version
    FROM (SELECT shop_id, max(version) AS version FROM changed GROUP BY shop_id) AS top
    WHERE shops_shop.id = top.shop_id
), written AS (
    UPDATE pricing_shopproduct AS row
    SET price = changed.price, member_price = changed.member_price, sort = changed.sort, version = changed.version
    FROM changed WHERE row.id = changed.id
)
SELECT (SELECT id FROM batch), (SELECT count(*) FROM asked), (SELECT count(*) FROM changed)
"""

# A list is one parameter: no limit of parameters, no chunks, and a fifth of the time of IN with 10,000 values.
NAMED = {
    "postgresql": """
        SELECT row.id, row.shop_id FROM unnest(%s::bigint[]) AS named (id)
        JOIN pricing_shopproduct AS row ON row.id = named.id WHERE row.removed_at IS NULL
    """,
    "sqlite": """
        SELECT row.id, row.shop_id FROM json_each(%s) AS named
        JOIN pricing_shopproduct AS row ON row.id = named.value WHERE row.removed_at IS NULL
    """,
}
PAIRS = {
    "postgresql": """
        SELECT row.shop_id, row.product_id, row.id FROM unnest(%s::bigint[], %s::bigint[]) AS pair (shop_id, product_id)
        JOIN pricing_shopproduct AS row USING (shop_id, product_id) WHERE row.removed_at IS NULL
    """,
    "sqlite": """
        SELECT row.shop_id, row.product_id, row.id FROM json_each(%s) AS pair JOIN pricing_shopproduct AS row
        ON row.shop_id = json_extract(pair.value, '$[0]') AND row.product_id = json_extract(pair.value, '$[1]')
        WHERE row.removed_at IS NULL
    """,
}


def shops_of(ids: list[int]) -> dict[int, int]:
    """The shop of each live row; whose shop that is, its lock tells."""
    with connection.cursor() as cursor:
        cursor.execute(NAMED[connection.vendor], [ids if connection.vendor == "postgresql" else json.dumps(ids)])
        return dict(cursor.fetchall())


def live_rows_of(pairs: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The ids of the live rows by shop and product."""
    values = [list(column) for column in zip(*pairs, strict=True)] if connection.vendor == "postgresql" else [json.dumps(pairs)]
    with connection.cursor() as cursor:
        cursor.execute(PAIRS[connection.vendor], values)
        return {(shop_id, product_id): pk for shop_id, product_id, pk in cursor.fetchall()}


def write_changes(*, shops: dict[int, Shop], asked: list[Asked], batch: PriceChange) -> Written:
    """Write the rows and their logs under ``batch``, which is saved only when a row differs. ``shops`` are locked; no row twice."""
    if not asked:
        return Written(None, 0, 0)
    if connection.vendor == "postgresql":
        return write_in_one_statement(asked=asked, batch=batch)
    return write_with_orm(shops=shops, asked=asked, batch=batch)


def write_in_one_statement(*, asked: list[Asked], batch: PriceChange) -> Written:
    values: dict[str, Any] = {
        "ids": [row.pk for row in asked],
        "prices": [row.price for row in asked],
        "member_prices": [row.member_price for row in asked],
        "sorts": [row.sort for row in asked],
        "tenant": batch.tenant_id,
        "source": batch.source,
        "user": batch.user_id,
        "reason": batch.reason,
        "undoes": batch.undoes_id,
        "now": batch.created_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(CHANGE, values)
        return Written(*cursor.fetchone())


def write_with_orm(*, shops: dict[int, Shop], asked: list[Asked], batch: PriceChange) -> Written:
    rows = {row.pk: row for row in ShopProduct.objects.live().filter(pk__in=[row.pk for row in asked])}
    changed, logs = [], []
    for wanted in asked:
        row = rows.get(wanted.pk)
        if row is None:
            continue
        old = (row.price, row.member_price, row.sort)
        row.price = row.price if wanted.price is None else wanted.price
        row.member_price = row.member_price if wanted.member_price is None else wanted.member_price
        row.sort = row.sort if wanted.sort is None else wanted.sort
        if (row.price, row.member_price, row.sort) != old:
            changed.append(row)
        if (row.price, row.member_price) != old[:2]:
            logs.append(log_of(row, batch, old_price=old[0], old_member_price=old[1]))
    if changed:
        batch.save()
        write_rows(rows=changed, fields=["price", "member_price", "sort"], shops=shops)
        PriceLog.objects.bulk_create(logs)
    return Written(batch.pk, len(rows), len(changed))


def log_of(row: ShopProduct, batch: PriceChange, *, old_price: Decimal, old_member_price: Decimal) -> PriceLog:
    return PriceLog(
        change=batch,
        shop_product_id=row.pk,
        shop_id=row.shop_id,
        product_id=row.product_id,
        old_price=old_price,
        old_member_price=old_member_price,
        new_price=row.price,
        new_member_price=row.member_price,
        user_id=batch.user_id,
        created_at=batch.created_at,
    )
