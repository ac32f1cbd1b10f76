"""The demo data, for a first look and for development."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config.demo import building, people


class Command(BaseCommand):
    help = "Make the demo's tenants, shops, prices, group buys and orders; a repeated run begins its next day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--retire", action="store_true", help="make nothing: take the published password from every account that has it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retire"]:
            self.retire()
            return
        if not (settings.DEMO or settings.DEBUG):
            raise CommandError("The demo's passwords are public, so it is made only with DEMO=on or DEBUG=on.")
        try:
            shop = building.build_or_renew(now=timezone.now(), tell=self.tell)
        except people.UsernameTaken as error:
            raise CommandError(f"The user name {error} is taken by somebody else. Rename that account, then run demo again.") from error
        except building.NotOurs as error:
            raise CommandError(
                "Another tenant has the code demo or other, or the appId wx-demo or wx-other. Change that, then run demo again."
            ) from error
        self.stdout.write(f"Accounts: {', '.join(people.USERNAMES)}; password: {people.PASSWORD}")
        self.stdout.write(f"appKey={shop.app_key} appSecret={shop.app_secret}")

    def retire(self) -> None:
        names = ", ".join(str(user.username) for user in people.retire())
        if not names:
            self.stdout.write("No account has the demo's password.")
            return
        self.stdout.write(f"Without a password and logged out everywhere: {names}")
        self.stdout.write("For one who stays: manage.py changepassword NAME. For a superuser of your own: manage.py createsuperuser.")

    def tell(self, step: str) -> None:
        """Only to a person at a terminal."""
        if self.stderr.isatty():
            self.stderr.write(f"demo: {step} …")
