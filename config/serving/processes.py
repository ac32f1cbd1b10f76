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
# The last: the terminal was closed. What runs here has sessions of its own, and would stay.
ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KILL_SECONDS = 20


@dataclass
class Kept:
    """A command and the process that runs it, with all its own, in a group of theirs."""

    command: Sequence[str]
    folder: Path
    failures: int = 0
    begun: float = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

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
        self.failures = self.failures + 1 if time.monotonic() - self.begun < SOON_SECONDS else 0
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
    """Run the ``commands`` until a signal of ``ENDS``, or until one can't be kept running. Returns the exit status."""
    told: list[int] = []
    for number in ENDS:
        # `nohup` has it ignored: then the terminal may go.
        if signal.getsignal(number) != signal.SIG_IGN or number != signal.SIGHUP:
            signal.signal(number, lambda number, _frame: told.append(number))
    kept: list[Kept] = []
    try:
        for command in commands:
            kept.append(Kept(command, folder))
        while not told and not any(one.is_given_up() for one in kept):
            time.sleep(LOOK_SECONDS)
    finally:
        # Also when one can't be started: nobody would look after the others, which hold the port.
        for one in kept:
            one.process.terminate()
        for one in kept:
            one.stop()
    return 0 if told else 1
