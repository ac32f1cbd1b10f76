"""The wholesale market's prices come in: products and classes, the market's history, and the shops' prices that follow it."""

from pricing.market.runs import import_prices
from pricing.market.tally import Tally

__all__ = ["Tally", "import_prices"]
