from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from groupbuy import audits
from retail.models import Tenant

YEARS = (2000, 2999)
NOTHING_ASKED = 2


def day(text: str) -> date:
    found = date.fromisoformat(text)
    if not YEARS[0] <= found.year <= YEARS[1]:
        raise ArgumentTypeError(f"a day between the years {YEARS[0]} and {YEARS[1]}")
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
        "amount or another transaction. Writes nothing. Exit status 1 when there are some, 2 when no question was answered."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=day, required=True, help="the first day, YYYY-MM-DD: payments received or booked from then on")
        parser.add_argument("--until", type=day, help="the last day; without it until now")
        parser.add_argument("--sample", type=count, default=audits.SAMPLE, help=f'how many, by lot, or "all"; without it {audits.SAMPLE}')
        parser.add_argument("--tenant", help="the code of one tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["until"] and options["until"] < options["since"]:
            raise CommandError("The last day is before the first.", returncode=NOTHING_ASKED)
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
        if audit.is_void:
            raise CommandError("Nothing could be asked.", returncode=NOTHING_ASKED)

    def tenant_of(self, code: str | None) -> Tenant | None:
        if code is None:
            return None
        tenant = Tenant.objects.filter(code=code).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {code}.", returncode=NOTHING_ASKED)
        return tenant
