from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from groupbuy.payments import audits
from retail import dates
from retail.models import Tenant

NOT_KNOWN = 2


def day(text: str) -> date:
    found = date.fromisoformat(text)
    if not dates.is_ours(found):
        raise ArgumentTypeError(str(dates.OUT_OF_RANGE))
    return found


def count(text: str) -> int | None:
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise ArgumentTypeError('a number of payments from 1 on, or "all"')
    return int(text)


class Command(BaseCommand):
    help = (
        "Ask the gateway again about payments that we hold as paid, and list those that it doesn't know, or knows as unpaid, with another "
        "amount or another transaction. Writes nothing. Exit status 1 when there are some, else 2 when a question was not answered."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=day, required=True, help="the first day, YYYY-MM-DD: payments received or booked from then on")
        parser.add_argument("--until", type=day, help="the last day; without it until now")
        parser.add_argument("--sample", type=count, default=audits.SAMPLE, help=f'how many, by lot, or "all"; without it {audits.SAMPLE}')
        parser.add_argument("--tenant", help="the code of one tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["until"] and options["until"] < options["since"]:
            raise CommandError("The last day is before the first.", returncode=NOT_KNOWN)
        audit = audits.audit_payments(
            since=options["since"],
            until=options["until"],
            sample=options["sample"],
            tenant=self.tenant_of(options["tenant"]),
            tell=self.stdout.write,
        )
        self.stdout.write(f"{audit.sound} as the gateway says, {audit.wrong} wrong, {audit.not_known} not known.")
        if audit.wrong:
            raise CommandError(f"{audit.wrong} payment(s) that the gateway contradicts.")
        if audit.not_known:
            raise CommandError(f"{audit.not_known} payment(s) that nobody could be asked about.", returncode=NOT_KNOWN)

    def tenant_of(self, code: str | None) -> Tenant | None:
        if code is None:
            return None
        tenant = Tenant.objects.filter(code=code).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {code}.", returncode=NOT_KNOWN)
        return tenant
