"""Asking the gateway once more about money that we hold as received: does it know the trades? Reads only, on both sides."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from groupbuy.models import Payment, PaymentQuerySet, TradeState
from groupbuy.payments.gateways import GatewayError, Trade, TradeNotFound, Unknown
from groupbuy.payments.gateways.accounts import gateway_of
from groupbuy.payments.settling import RECEIVED
from retail.dates import CHINA
from retail.models import Tenant

# So many calls in a row without an answer, and the others of that merchant number are not made: each may take as long as the
# gateway's deadline. Of that number alone: with keys that read no answer one tenant would silence the audit of all.
GIVE_UP_AFTER = 5
# How many are asked about by lot, unless somebody says another number.
SAMPLE = 200


@dataclass
class Audit:
    """How many payments the gateway confirmed, contradicted, and gave no answer about."""

    sound: int = 0
    wrong: int = 0
    not_known: int = 0


def audit_payments(
    *, since: date, until: date | None = None, sample: int | None = None, tenant: Tenant | None = None, tell: Callable[[str], None]
) -> Audit:
    """Compare paid payments with the gateway's own word; ``tell`` hears each that differs or could not be asked about.

    ``since`` and ``until``: first and last day, in China; ``sample``: at most so many, by lot (None: all); ``tenant``: its payments alone.
    """
    audit, silent = Audit(), Counter[str]()
    chosen = paid_between(since, until)
    numbers = (chosen if tenant is None else chosen.filter(order__tenant=tenant)).order_by("?" if sample else "pk")
    for payment in one_by_one(numbers[:sample]):
        mch_id = payment.parameters.get("mch_id", "")
        if silent[mch_id] >= GIVE_UP_AFTER:
            audit.not_known += 1
            continue
        try:
            fault = fault_of(payment)
            silent[mch_id] = 0
        except GatewayError as error:
            audit.not_known += 1
            silent[mch_id] = silent[mch_id] + 1 if isinstance(error, Unknown) else 0
            tell(f"not known: {named(payment)}: {type(error).__name__}: {error}")
            if silent[mch_id] == GIVE_UP_AFTER:
                tell(f"not known: nobody answers for merchant {mch_id}, its others are not asked about")
            continue
        audit.wrong += bool(fault)
        audit.sound += not fault
        if fault:
            tell(f"WRONG {named(payment)}: {fault}")
    return audit


def paid_between(since: date, until: date | None) -> PaymentQuerySet:
    first = datetime.combine(since, time.min, CHINA)
    end = datetime.combine(until, time.min, CHINA) + timedelta(days=1) if until else None
    return Payment.objects.received_between(first, end)


def one_by_one(payments: PaymentQuerySet) -> Iterator[Payment]:
    """Each as it is when its turn comes: no cursor stays open while the gateway is waited for."""
    for pk in list(payments.values_list("pk", flat=True)):
        yield Payment.objects.select_related("order").get(pk=pk)


def fault_of(payment: Payment) -> str:
    """What the gateway says otherwise than we, "" when nothing. Raises Unknown, Misconfigured."""
    try:
        trade = gateway_of(payment).query(payment.out_trade_no)
    except TradeNotFound:
        return "the gateway doesn't know the trade"
    return difference(payment, trade)


def difference(payment: Payment, trade: Trade) -> str:
    if trade.state not in RECEIVED:
        return f"not paid at the gateway, which says {TradeState(trade.state).value}"
    if trade.total != payment.received:
        return f"the gateway received {trade.total}, we booked {payment.received}"
    if trade.transaction_id != payment.transaction_id:
        return f"the gateway's transaction is {trade.transaction_id}, ours {payment.transaction_id}"
    return ""


def named(payment: Payment) -> str:
    return f"payment {payment.pk} ({payment.out_trade_no}, {payment.received}, {payment.use}) of order {payment.order}"
