"""Is everything in order? Reads, never writes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import invariants

LINES_MAX = 20


class Command(BaseCommand):
    help = (
        "Check every invariant of stock, orders, money, prices and tenants on the live database; exit status 1 when one is broken. "
        "Lists the money that waits for a person."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for number, check in invariants.CHECKS.items():
            found = list(check())
            broken += len(found)
            promise = (check.__doc__ or "").split(": ", 1)[-1].replace("``", "")
            self.stdout.write(f"{number} {'FAIL' if found else 'ok  '} {promise}")
            for line in found[:LINES_MAX]:
                self.stdout.write(f"   {line}")
        waiting = list(invariants.waiting_for_a_person())
        if waiting:
            self.stdout.write(f"Money that waits for a person: {len(waiting)}")
        for line in waiting[:LINES_MAX]:
            self.stdout.write(f"   {line}")
        if broken:
            raise CommandError(f"{broken} finding(s).")
