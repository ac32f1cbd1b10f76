"""Processes that run beside each other: one that dies is started again, and takes none along."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)
# One that ends sooner, so many times in a row, would never start: that is for a person to see.
SOON_SECONDS = 10
ATTEMPTS = 3
LOOK_SECONDS = 0.2
KILL_SECONDS = 20


@dataclass
class Kept:
    """A command and the process that runs it now, with all its own, in a group of theirs."""

    command: Sequence[str]
    folder: Path
    failures: int = 0
    begun: float = 0.0
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        self.begun = time.monotonic()
        self.process = subprocess.Popen(self.command, cwd=self.folder, start_new_session=True)  # noqa: S603  # our own commands

    def is_given_up(self) -> bool:
        """Look after it: one that ended is started again. True when it ends again and again."""
        status = self.process.poll()
        if status is None:
            return False
        # What a killed parent leaves behind would go on with the old port or the old code.
        self.kill()
        self.failures = self.failures + 1 if time.monotonic() - self.begun < SOON_SECONDS else 1
        if self.failures >= ATTEMPTS:
            return True
        log.error("%s ended with status %s: started again", self.command[2], status)
        self.start()
        return False

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Let it finish what it is at; what doesn't end is killed."""
        try:
            self.process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()


def keep_running(commands: Sequence[Sequence[str]], *, folder: Path) -> int:
    """Run the ``commands`` until SIGTERM or SIGINT, or until one can't be kept running. Returns the exit status."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: told.append(number))
    kept = [Kept(command, folder) for command in commands]
    for one in kept:
        one.start()
    while not told and not any(one.is_given_up() for one in kept):
        time.sleep(LOOK_SECONDS)
    for one in kept:
        one.process.terminate()
    for one in kept:
        one.stop()
    return 0 if told else 1
