"""The embedded worker: loops over what is due, without a broker."""

import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config import schedule, start


class Command(BaseCommand):
    help = "Run the background jobs (expiry, reconciling, refunds, group decisions …) until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run every job once and stop; exit status 1 when something failed")
        parser.add_argument("--jobs", nargs="*", choices=sorted(schedule.JOBS), default=sorted(schedule.JOBS), help="only these")

    def handle(self, *args: Any, **options: Any) -> None:
        start.refuse_unsafe()
        names: list[str] = options["jobs"]
        if options["once"]:
            self.once(names)
            return
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        self.loop(names, stopped)

    def once(self, names: list[str]) -> None:
        failed = [name for name in names if schedule.run(name, now=timezone.now(), report=self.stdout.write).failed]
        if failed:
            raise CommandError(f"Something failed in {', '.join(failed)}: the log says what.")

    def loop(self, names: list[str], stopped: threading.Event) -> None:
        due = dict.fromkeys(names, 0.0)
        while not stopped.is_set():
            for name in names:
                if due[name] <= time.monotonic() and not stopped.is_set():
                    schedule.run(name, now=timezone.now())
                    due[name] = time.monotonic() + schedule.JOBS[name][1]
            stopped.wait(1)
