"""The daily bills of the merchant numbers: fetched once they are written, compared, and what doesn't agree put before a person."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext_lazy

from groupbuy.models import Bill, BillDifference
from groupbuy.payments import gateways
from groupbuy.payments.bill_comparison import Comparison, day_of, number_of, received_in
from groupbuy.payments.gateways import accounts
from groupbuy.payments.gateways.accounts import MerchantNumber
from retail import jobs
from retail.dates import CHINA
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, Refusal
from retail.rights import Right

log = logging.getLogger(__name__)
# WeChat writes the bills of yesterday until ten in the morning.
READY_AT = time(10, 15)
# How far back a worker that was away makes up for it; WeChat keeps bills for three months.
DAYS_BACK = 7
DAYS_KEPT = 93
# For so long an empty bill of a day on which we were paid is taken for one that isn't written yet.
PATIENCE = timedelta(days=1)
BACKOFF = jobs.Backoff(timedelta(minutes=10), timedelta(hours=4))


class NoSuchBill(Invalid):
    message = gettext_lazy("账单只有最近三个月的，请另选日期")


class Resolved(Refusal):
    message = gettext_lazy("所选差异已处理，请刷新后再试")


def compare_due(*, now: datetime, limit: int = 20) -> jobs.Done:
    """Compare the bills of yesterday, and those before that were not to be had; returns how many were. Safe to run twice at once."""
    expected = jobs.each(accounts.merchant_numbers(), partial(expect_missing, now=now))
    compared = jobs.each(Bill.objects.due(now).order_by("next_check_at")[:limit], partial(compare, now=now))
    return jobs.Done(compared, failed=expected.failed + compared.failed)


def expect_missing(number: MerchantNumber, *, now: datetime) -> bool:
    hand_over_waiting(number)
    for day in days_to_compare(number, now=now):
        expect(number, day, now=now)
    return True


def hand_over_waiting(number: MerchantNumber) -> None:
    """A number may have changed hands: bills that still wait belong to whoever has it now."""
    waiting = Bill.objects.filter(gateway=number.gateway, mch_id=number.mch_id, compared_at=None)
    waiting.exclude(tenant=number.tenant_id).update(tenant=number.tenant_id)


def days_to_compare(number: MerchantNumber, *, now: datetime) -> list[date]:
    """The days since the last bill of this number; for a new number, yesterday."""
    newest = newest_day(now)
    # A bill that somebody asked for before its time says nothing of the days until then.
    known = Bill.objects.filter(gateway=number.gateway, mch_id=number.mch_id, on__lte=newest)
    last = known.aggregate(last=Max("on"))["last"]
    missing = min((newest - last).days, DAYS_BACK) if last else 1
    return [newest - timedelta(days=days) for days in reversed(range(missing))]


def newest_day(now: datetime) -> date:
    """The last day whose bill is written."""
    here = now.astimezone(CHINA)
    return here.date() - timedelta(days=1 if here.time() >= READY_AT else 2)


def expect(number: MerchantNumber, day: date, *, now: datetime) -> Bill:
    owner = {"tenant_id": number.tenant_id, "next_check_at": now}
    bill, _created = Bill.objects.get_or_create(gateway=number.gateway, mch_id=number.mch_id, on=day, defaults=owner)
    return bill


def compare(bill: Bill, *, now: datetime) -> jobs.Done:
    """Fetch and compare a bill, if nobody else does just now. 0 while it is not to be had."""
    later = now + BACKOFF.after(bill.checks)
    if not jobs.claim(bill, "compared_at", "next_check_at", next_check_at=later, checks=bill.checks + 1):
        return jobs.Done()
    try:
        return compare_again(bill, now=now)
    except gateways.Misconfigured as error:
        log.error("bill %s: the gateway is misconfigured: %s", bill, error)
    except gateways.GatewayError as error:
        log.warning("bill %s is not to be had yet: %s", bill, error)
    return jobs.Done()


def compare_again(bill: Bill, *, now: datetime) -> jobs.Done:
    """Fetch and compare a bill, whether or not that was done before; what nobody has resolved is found anew. Raises GatewayError.

    1 when that was done, with the payments that could not be booked as failed; 0 while the bill isn't written yet.
    """
    lines = accounts.gateway_of_number(number_of(bill)).bill(bill.on)
    if not lines and now - day_of(bill)[1] < PATIENCE and received_in(bill).exists():
        return jobs.Done()
    comparison = Comparison(bill, lines, now=now)
    keep(comparison, list(comparison.differences()))
    return jobs.Done(1, failed=comparison.failed)


@transaction.atomic
def keep(comparison: Comparison, found: list[BillDifference]) -> None:
    """Write the result down; what was resolved stays as it is."""
    bill = Bill.objects.select_for_update().get(pk=comparison.bill.pk)
    numbers = {(difference.kind, difference.number) for difference in found}
    gone = [row.pk for row in bill.differences.unresolved() if (row.kind, row.number) not in numbers]
    bill.differences.filter(pk__in=gone).delete()
    BillDifference.objects.bulk_create(found, ignore_conflicts=True)
    sums = {
        "payment_count": len(comparison.paid),
        "received": sum(line.amount for line in comparison.paid),
        "refund_count": len(comparison.returned),
        "refunded": sum(line.amount for line in comparison.returned),
        "found_count": F("found_count") + comparison.found,
    }
    Bill.objects.filter(pk=bill.pk).update(compared_at=comparison.now, **sums)
    if found:
        log.error("bill %s: %s differences, a person must look", bill, len(found))


def compare_day(day: date, *, now: datetime) -> Iterator[tuple[Bill, str]]:
    """Compare the bills of ``day`` now, also once more; each with what kept us from it, "" when nothing did. Raises NoSuchBill."""
    if not timedelta(0) <= now.astimezone(CHINA).date() - day <= timedelta(days=DAYS_KEPT):
        raise NoSuchBill
    for number in accounts.merchant_numbers():
        hand_over_waiting(number)
        bill = expect(number, day, now=now)
        try:
            fault = "" if compare_again(bill, now=now) else "empty, although money came in on that day"
        except gateways.GatewayError as error:
            fault = f"{type(error).__name__}: {error}"
        except Exception as error:
            # Of one number; the next one has keys and bills of its own. A database that is away says so again below.
            log.exception("bill %s could not be compared", bill)
            fault = type(error).__name__
        bill.refresh_from_db()
        yield bill, fault


@transaction.atomic
def resolve_differences(*, difference_ids: Sequence[int], note: str, principal: Principal, now: datetime) -> int:
    """A person has looked into them, and says in ``note`` what they were about: all or none. Returns how many.

    Raises Forbidden, NotThere, Resolved.
    """
    principal.must(Right.RESOLVE_BILLS)
    chosen = BillDifference.objects.visible_to(principal).filter(pk__in=difference_ids)
    if chosen.count() != len(set(difference_ids)):
        raise NotThere
    resolved = chosen.unresolved().update(resolved_at=now, resolved_by=principal.user, note=note)
    if resolved != len(set(difference_ids)):
        raise Resolved
    return resolved
