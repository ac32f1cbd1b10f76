"""Orders from the first tap to the goods in hand, and the group buys that they belong to."""

from groupbuy.orders.closing import close_order, hide_order
from groupbuy.orders.create import NotBuyable, Replayed, SoldOut, Wish, create_order

__all__ = ["NotBuyable", "Replayed", "SoldOut", "Wish", "close_order", "create_order", "hide_order"]
