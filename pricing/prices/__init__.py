"""The one price service: everything that adds, changes, removes or restores what a shop sells goes through here.

Whether the caller may do such a thing at all is the API's and the admin's question; in which tenant and shops, this package's.
"""

from pricing.prices.assortment import FirstPrice, add_products, add_products_of_class, remove_all, remove_products, set_first_prices
from pricing.prices.batches import Outcome
from pricing.prices.changes import Change, change_prices, unify_price
from pricing.prices.undoing import AlreadyUndone, NothingToUndo, TooLate, undo

__all__ = [
    "AlreadyUndone",
    "Change",
    "FirstPrice",
    "NothingToUndo",
    "Outcome",
    "TooLate",
    "add_products",
    "add_products_of_class",
    "change_prices",
    "remove_all",
    "remove_products",
    "set_first_prices",
    "undo",
    "unify_price",
]
