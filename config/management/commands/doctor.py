"""Is everything in order? Reads, never writes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import invariants


class Command(BaseCommand):
    help = "Check every invariant of stock, orders, money, prices and tenants on the live database; exit status 1 when one is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for number, check in invariants.CHECKS.items():
            found = list(check())
            broken += len(found)
            promise = (check.__doc__ or "").split(": ", 1)[-1].replace("``", "")
            self.stdout.write(f"{number} {'FAIL' if found else 'ok  '} {promise}")
            for line in found[:20]:
                self.stdout.write(f"   {line}")
        if broken:
            raise CommandError(f"{broken} finding(s).")
