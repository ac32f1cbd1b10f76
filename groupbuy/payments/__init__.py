"""Money: how it comes in, whom it belongs to, and how it goes back."""

from groupbuy.payments.paying import check_payment, recheck, restart_payment, start_payment
from groupbuy.payments.verdict import OrderEnded, Paid, PayFailed, PayUnknown, PrepayExpired, WindowOver

__all__ = [
    "OrderEnded",
    "Paid",
    "PayFailed",
    "PayUnknown",
    "PrepayExpired",
    "WindowOver",
    "check_payment",
    "recheck",
    "restart_payment",
    "start_payment",
]
