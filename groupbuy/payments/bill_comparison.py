"""A day's bill beside our books."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import cached_property

from django.conf import settings

from groupbuy.models import (
    Bill,
    BillDifference,
    DifferenceKind,
    Payment,
    PaymentQuerySet,
    PaymentState,
    Refund,
    RefundQuerySet,
    RefundState,
    TradeState,
)
from groupbuy.payments import settling
from groupbuy.payments.gateways import BillLine, Trade
from groupbuy.payments.gateways.accounts import MerchantNumber
from retail import jobs
from retail.dates import CHINA
from retail.models import Tenant

AT_ONCE = 500


def first_number(out_refund_no: str) -> str:
    """A refund that the gateway closed is sent again with a ``C`` more; its earlier numbers stand in the bills too."""
    return out_refund_no.rstrip("C")


def day_of(bill: Bill) -> tuple[datetime, datetime]:
    """The first moment of the bill's day in China, and the first after it."""
    first = datetime.combine(bill.on, time.min, CHINA)
    return first, first + timedelta(days=1)


def number_of(bill: Bill) -> MerchantNumber:
    return MerchantNumber(bill.gateway, bill.mch_id, bill.tenant_id)


def payments_at(bill: Bill) -> PaymentQuerySet:
    """What went to the bill's number; to a tenant's own number that tenant's alone."""
    there = Payment.objects.at(bill.gateway, bill.mch_id)
    return there if number_of(bill).is_shared else there.filter(order__tenant=bill.tenant_id)


def received_in(bill: Bill) -> PaymentQuerySet:
    first, end = day_of(bill)
    paid = payments_at(bill).filter(state=PaymentState.PAID)
    return paid.filter(received_at__gte=first, received_at__lt=end)


def returned_in(bill: Bill) -> RefundQuerySet:
    """What was surely accepted on that day: wanted and done on it. Without a number of the gateway's it went another way."""
    first, end = day_of(bill)
    done = Refund.objects.filter(payment__in=payments_at(bill), state=RefundState.SUCCESS)
    return done.filter(created_at__gte=first, refunded_at__lt=end).exclude(refund_id="")


@dataclass
class Comparison:
    """``found``: how many payments we learned of by this bill; ``failed``: how many of them could not be booked."""

    bill: Bill
    lines: Sequence[BillLine]
    now: datetime
    found: int = 0
    failed: int = 0

    @cached_property
    def paid(self) -> list[BillLine]:
        return [line for line in self.lines if not line.out_refund_no]

    @cached_property
    def returned(self) -> list[BillLine]:
        return [line for line in self.lines if line.out_refund_no]

    def differences(self) -> Iterator[BillDifference]:
        """Where the two part, after what we hadn't heard of was booked."""
        for line in self.paid:
            yield from self.of_payment(line)
        for line in self.returned:
            yield from self.of_refund(line)
        yield from self.missing()

    def missing(self) -> Iterator[BillDifference]:
        """What we hold as done and the bill doesn't have."""
        billed = {line.out_trade_no for line in self.paid}
        for payment in received_in(self.bill).select_related("order"):
            if payment.out_trade_no not in billed:
                yield self.difference(DifferenceKind.PAYMENT_MISSING, payment.out_trade_no, payment=payment, booked=payment.received)
        billed = {first_number(line.out_refund_no) for line in self.returned}
        for refund in returned_in(self.bill).select_related("payment__order"):
            if first_number(refund.out_refund_no) not in billed:
                yield self.difference(DifferenceKind.REFUND_MISSING, refund.out_refund_no, refund=refund, booked=refund.amount)

    def of_payment(self, line: BillLine) -> Iterator[BillDifference]:
        payment = self.payments.get(line.out_trade_no)
        if payment is None:
            yield from self.unknown(DifferenceKind.UNKNOWN_PAYMENT, line, line.out_trade_no)
            return
        if payment.state != PaymentState.PAID:
            # Tenants share a bill: one whose payment can't be booked has a difference in it, and the others their comparison.
            self.failed += jobs.failures_in(jobs.try_one(line, self.book))
            payment = self.payments[line.out_trade_no]
        if {payment.total, payment.received} != {line.amount} or payment.transaction_id != line.transaction_id:
            kind = DifferenceKind.PAYMENT_DIFFERS
            yield self.difference(kind, line.out_trade_no, payment=payment, billed=line.amount, booked=payment.total)

    def book(self, line: BillLine) -> bool:
        """Through the one door; money of which the same bill gives some back is for a person to judge."""
        went_back = any(other.out_trade_no == line.out_trade_no for other in self.returned)
        trade = Trade(
            gateway=self.bill.gateway,
            out_trade_no=line.out_trade_no,
            state=TradeState.REFUND if went_back else TradeState.SUCCESS,
            total=line.amount,
            transaction_id=line.transaction_id,
            paid_at=line.at,
        )
        payment = settling.settle(trade, source="bill", now=self.now)
        if payment is None:
            return False
        self.payments[line.out_trade_no] = payment
        self.found += 1
        return True

    def of_refund(self, line: BillLine) -> Iterator[BillDifference]:
        refund = self.refunds.get(first_number(line.out_refund_no))
        if refund is None:
            yield from self.unknown(DifferenceKind.UNKNOWN_REFUND, line, line.out_refund_no)
        elif refund.amount != line.amount or refund.state == RefundState.REJECTED or refund.went_another_way:
            kind = DifferenceKind.REFUND_DIFFERS
            yield self.difference(kind, line.out_refund_no, refund=refund, billed=line.amount, booked=refund.amount)

    def unknown(self, kind: DifferenceKind, line: BillLine, number: str) -> Iterator[BillDifference]:
        """Other apps may use the same merchant number: theirs are not our business."""
        payment = self.payments.get(line.out_trade_no)
        if payment or line.app_id in self.app_ids:
            yield self.difference(kind, number, payment=payment, billed=line.amount)

    def difference(
        self,
        kind: DifferenceKind,
        number: str,
        *,
        payment: Payment | None = None,
        refund: Refund | None = None,
        billed: Decimal | None = None,
        booked: Decimal | None = None,
    ) -> BillDifference:
        payment = refund.payment if refund else payment
        return BillDifference(
            bill=self.bill,
            tenant_id=payment.order.tenant_id if payment else self.bill.tenant_id,
            kind=kind,
            number=number[:64],
            payment=payment,
            refund=refund,
            billed=billed,
            booked=booked,
            found_at=self.now,
        )

    @cached_property
    def app_ids(self) -> set[str]:
        return {settings.WECHAT_APP_ID, *Tenant.objects.exclude(app_id=None).values_list("app_id", flat=True)}

    @cached_property
    def payments(self) -> dict[str, Payment]:
        """Ours by number, of this merchant number alone: a tenant could have any number paid at its own."""
        ours = payments_at(self.bill).select_related("order")
        numbers = list({line.out_trade_no for line in self.lines})
        return {
            payment.out_trade_no: payment
            for start in range(0, len(numbers), AT_ONCE)
            for payment in ours.filter(out_trade_no__in=numbers[start : start + AT_ONCE])
        }

    @cached_property
    def refunds(self) -> dict[str, Refund]:
        """Ours by their first number."""
        payments = list({payment.pk for line in self.returned if (payment := self.payments.get(line.out_trade_no))})
        return {
            first_number(refund.out_refund_no): refund
            for start in range(0, len(payments), AT_ONCE)
            for refund in Refund.objects.filter(payment__in=payments[start : start + AT_ONCE]).select_related("payment__order")
        }
