"""The server alone, for a service manager; ``serve`` prepares everything and runs it beside the worker."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.serving import server


class Command(BaseCommand):
    help = "Serve with the production server; migrations, static files and the background worker are separate commands (see also: serve)."

    def add_arguments(self, parser: CommandParser) -> None:
        server.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        server.check_port(options["host"], options["port"])
        command = server.command(host=options["host"], port=options["port"], workers=options["workers"])
        os.chdir(settings.BASE_DIR)
        # The service manager shall watch the server itself.
        os.execv(command[0], command)  # noqa: S606  # our own command
