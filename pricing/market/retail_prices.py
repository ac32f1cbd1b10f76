"""What a shop asks for when it follows the market: the average of the day, with a share on top."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from retail.money import CENT, MAX_MONEY

MEMBER_SHARE = Decimal("0.95")
DIME = Decimal("0.10")


@lru_cache(maxsize=50_000)
def retail_prices(average: Decimal, markup: Decimal) -> tuple[Decimal, Decimal]:
    """Price and member price: average × (1 + markup) and 95 % of that, each rounded to 0.10, at least 0.10."""
    price = to_dimes(average * (1 + markup))
    return price, to_dimes(price * MEMBER_SHARE)


def to_dimes(amount: Decimal) -> Decimal:
    rounded = (amount / DIME).quantize(Decimal(1), ROUND_HALF_UP) * DIME
    return min(max(rounded, DIME), MAX_MONEY - MAX_MONEY % DIME).quantize(CENT)
