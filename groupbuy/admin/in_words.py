"""Orders in the words of the back office: the goods, the figures that a decision touches, and one line for each."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from groupbuy.models import Order, Stage
from retail.money import ZERO


def goods_of(order: Order) -> str:
    return " ".join(part for part in (order.product_name, order.spec, f"×{order.qty}") if part)


def figures(rows: Sequence[Order]) -> list[tuple[Any, Any]]:
    """What a decision about orders touches; of a single one, which it is."""
    if len(rows) == 1:
        order = rows[0]
        return [(_("订单"), order.code), (_("顾客"), order.buyer.nickname), (_("商品"), goods_of(order)), (_("金额"), f"¥{order.money}")]
    return [
        (_("订单"), len(rows)),
        (_("份数"), sum(row.qty for row in rows)),
        (_("金额"), f"¥{sum((row.money for row in rows), ZERO)}"),
    ]


def lines(rows: Sequence[Any]) -> list[str]:
    if len(rows) == 1:
        return []
    return [f"{row.code} · {row.buyer.nickname} · {goods_of(row)} · {Stage(row.stage).label}" for row in rows]
