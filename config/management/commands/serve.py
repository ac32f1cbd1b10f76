"""What ``make run`` does after installing: everything from an empty folder to a served shop system."""

import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.utils import OperationalError


class Command(BaseCommand):
    help = "Migrate, load the demo (DEMO=on), and serve with a production server and, unless Celery is set up, the background worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=0, help="server processes (default: 1 on SQLite, else one per core)")

    def handle(self, *args: Any, **options: Any) -> None:
        self.check_port(options["host"], options["port"])
        self.check_folders()
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            raise CommandError(f"The database can't be opened: {error} Check DATABASE_URL.".replace("\n", " ")) from error
        call_command("collectstatic", verbosity=0, interactive=False)
        if settings.DEMO:
            call_command("demo")
        self.stdout.write(self.addresses())
        self.stdout.flush()
        sys.exit(self.watch(self.commands(options)))

    def check_port(self, host: str, port: int) -> None:
        with socket.socket() as probe:
            # As the server will: a port that merely lingers from an earlier run is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    f"Port {port} on {host} can't be used ({error.strerror}). Choose another one: make run PORT=8001"
                ) from error

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
            lines.append("  账号 accounts    admin · hq · manager · clerk · other-hq    密码 password: demo-pass-2026")
        if settings.CELERY_BROKER_URL:
            lines.append("  后台任务 jobs    Celery: celery -A config worker · celery -A config beat (docs/deployment.md)")
        return "\n".join([*lines, "  Ctrl+C 停止 stops", ""])

    def commands(self, options: dict[str, Any]) -> list[list[str]]:
        """The server, and the embedded worker unless Celery does its work."""
        worker = [] if settings.CELERY_BROKER_URL else [[sys.executable, "manage.py", "work"]]
        return [self.server(options), *worker]

    def server(self, options: dict[str, Any]) -> list[str]:
        # SQLite has one writer: a second process would only wait for it.
        workers = options["workers"] or (1 if connection.vendor == "sqlite" else os.cpu_count() or 2)
        address = ["--host", options["host"], "--port", str(options["port"])]
        size = ["--workers", str(workers), "--blocking-threads", str(settings.SERVER_THREADS)]
        limits = ["--backpressure", "256", "--workers-kill-timeout", "10"]
        return [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--no-ws",
            *address,
            *size,
            *limits,
            "--log-level",
            "warning",
            "config.wsgi:application",
        ]

    def watch(self, commands: list[list[str]]) -> int:
        """Run the commands beside each other; when one ends or we are told to stop, all stop. Returns the exit status."""
        connection.close()
        processes = [subprocess.Popen(command, cwd=settings.BASE_DIR) for command in commands]  # noqa: S603  # our own commands
        told = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told.append(True))
        while not told and all(process.poll() is None for process in processes):
            time.sleep(0.2)
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        return 0 if told else 1
