"""Is everything in order? Reads, never writes."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config import checks, invariants
from groupbuy.management.commands.audit_payments import day
from groupbuy.payments import audits

LINES_MAX = 20
DAYS = timedelta(days=7)


class Command(BaseCommand):
    help = (
        "Check every invariant of stock, orders, money, prices and tenants on the live database; exit status 1 when one is broken. "
        "Lists the money that waits for a person, and accounts that still have the demo's password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ask-gateway", action="store_true", help="ask it also about paid payments, some of them by lot")
        parser.add_argument("--since", type=day, help="with --ask-gateway: the first day, YYYY-MM-DD; without it a week ago")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for number, check in invariants.CHECKS.items():
            found = list(check())
            broken += len(found)
            promise = (check.__doc__ or "").partition("\n")[0].split(": ", 1)[-1].replace("``", "")
            self.stdout.write(f"{number} {'FAIL' if found else 'ok  '} {promise}")
            for line in found[:LINES_MAX]:
                self.stdout.write(f"   {line}")
        for fault in checks.check_data(None):
            broken += fault.is_serious()
            self.stdout.write(f"{'FAIL' if fault.is_serious() else 'note'} {fault.msg}")
        self.show("Money that waits for a person", invariants.waiting_for_a_person())
        self.show("Merchant accounts without effect", invariants.accounts_without_effect())
        if options["ask_gateway"]:
            broken += self.ask_gateway(options["since"] or timezone.localdate() - DAYS)
        else:
            self.stdout.write("Whether the gateway knows what we hold as paid: --ask-gateway, or manage.py audit_payments")
        if broken:
            raise CommandError(f"{broken} finding(s).")

    def show(self, title: str, lines: Iterable[str]) -> None:
        """What breaks nothing."""
        found = list(lines)
        if found:
            self.stdout.write(f"{title}: {len(found)}")
        for line in found[:LINES_MAX]:
            self.stdout.write(f"   {line}")

    def ask_gateway(self, since: date) -> int:
        """Returns how many payments the gateway contradicts."""
        audit = audits.audit_payments(since=since, sample=audits.SAMPLE, tell=lambda line: self.stdout.write(f"   {line}"))
        self.stdout.write(f"Asked the gateway since {since}: {audit.sound} sound, {audit.wrong} wrong, {audit.not_known} not known")
        return audit.wrong
