from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from groupbuy.models import Bill
from groupbuy.payments import bills


class Command(BaseCommand):
    help = "Compare the gateway's bills of a day with our payments and refunds, also once more; exit status 1 when one is not to be had."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", type=date.fromisoformat, help="a day of the last three months; without it the last with a bill")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            faults = self.compare(options["date"] or bills.newest_day(now), now=now)
        except bills.NoSuchBill as error:
            raise CommandError(str(error.message)) from error
        if faults:
            raise CommandError(f"{faults} bill(s) could not be compared.")

    def compare(self, day: date, *, now: datetime) -> int:
        """How many were not to be had."""
        faults = 0
        for bill, fault in bills.compare_day(day, now=now):
            faults += bool(fault)
            self.stdout.write(f"{bill}: {fault or self.summary(bill)}")
        return faults

    def summary(self, bill: Bill) -> str:
        money = f"{bill.payment_count} payments ¥{bill.received}, {bill.refund_count} refunds ¥{bill.refunded}"
        return f"{money}, {bill.found_count} found by it, {bill.differences.unresolved().count()} unresolved differences"
