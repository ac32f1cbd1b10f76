"""What ``make run`` does after installing: everything from an empty folder to a served shop system."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.utils import OperationalError

from config import start
from config.demo import people
from config.serving import processes, server


class Command(BaseCommand):
    help = "Migrate, load the demo (DEMO=on), and serve with a production server and, unless Celery is set up, the background worker."

    def add_arguments(self, parser: CommandParser) -> None:
        server.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        server.check_port(options["host"], options["port"])
        self.check_folders()
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            raise CommandError(f"The database can't be opened: {error} Check DATABASE_URL.".replace("\n", " ")) from error
        start.refuse_unsafe()
        call_command("collectstatic", verbosity=0, interactive=False)
        if settings.DEMO:
            call_command("demo")
        self.stdout.write(self.addresses())
        self.stdout.flush()
        connection.close()
        sys.exit(processes.keep_running(self.commands(options), folder=settings.BASE_DIR))

    def check_folders(self) -> None:
        folders = [settings.MEDIA_ROOT, settings.STATIC_ROOT]
        if connection.vendor == "sqlite":
            folders.append(os.path.dirname(os.path.abspath(settings.DATABASES["default"]["NAME"])))
        for folder in folders:
            try:
                os.makedirs(folder, exist_ok=True)
            except OSError as error:
                raise CommandError(f"Can't create {folder} ({error.strerror}). Make it writable, or set another folder.") from error
            if not os.access(folder, os.W_OK):
                raise CommandError(f"Can't write to {folder}. Make it writable, or set another folder.")

    def addresses(self) -> str:
        lines = [
            "",
            f"  鲜团 Xiantuan    {settings.PUBLIC_BASE_URL}/",
            f"  后台 admin       {settings.PUBLIC_BASE_URL}/admin/",
            f"  接口 API docs    {settings.PUBLIC_BASE_URL}/api/docs/",
        ]
        if settings.DEMO:
            lines.append(f"  账号 accounts    {' · '.join(people.USERNAMES)}    密码 password: {people.PASSWORD}")
        if settings.CELERY_BROKER_URL:
            lines.append("  后台任务 jobs    Celery: celery -A config worker · celery -A config beat (docs/deployment.md)")
        return "\n".join([*lines, "  Ctrl+C 停止 stops", ""])

    def commands(self, options: dict[str, Any]) -> list[list[str]]:
        """The server, and the embedded worker unless Celery does its work."""
        web = server.command(host=options["host"], port=options["port"], workers=options["workers"])
        worker = [] if settings.CELERY_BROKER_URL else [[sys.executable, "manage.py", "work"]]
        return [web, *worker]
