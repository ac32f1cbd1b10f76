"""Yuan as ``Decimal`` with two places, quantities with three; fen exist only inside the payment gateways."""

from decimal import ROUND_HALF_UP, Decimal
from functools import partial

from django.db.models import DecimalField

CENT = Decimal("0.01")
GRAM = Decimal("0.001")
ZERO = Decimal("0.00")
MAX_MONEY = Decimal("99999999.99")

MoneyField = partial(DecimalField, max_digits=10, decimal_places=2)
QuantityField = partial(DecimalField, max_digits=12, decimal_places=3)


def to_cents(amount: Decimal | int | None) -> Decimal:
    """Round half up to two places; ``None`` is zero. SQLite's SUM is floating, so sums pass through here."""
    return Decimal(amount or 0).quantize(CENT, ROUND_HALF_UP)


def to_grams(quantity: Decimal | int | None) -> Decimal:
    """Round half up to three places; ``None`` is zero."""
    return Decimal(quantity or 0).quantize(GRAM, ROUND_HALF_UP)


def to_fen(amount: Decimal) -> int:
    """Yuan to whole fen, as payment gateways count."""
    return int(to_cents(amount) * 100)


def from_fen(fen: int) -> Decimal:
    """Whole fen to yuan."""
    return Decimal(fen) * CENT
