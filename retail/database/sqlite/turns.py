"""A lock that goes to whoever has waited longest."""

from collections import deque
from threading import Lock


class Turns:
    """Python's own lock may go to a newcomer again and again; here nobody is passed by."""

    def __init__(self) -> None:
        self.mutex = Lock()
        self.taken = False
        self.waiting: deque[Lock] = deque()

    def take(self, *, seconds: float) -> bool:
        """Wait for a turn, at most so long. False when it didn't come."""
        with self.mutex:
            if not self.taken:
                self.taken = True
                return True
            called = Lock()
            called.acquire()
            self.waiting.append(called)
        if called.acquire(timeout=seconds):
            return True
        with self.mutex:
            if called not in self.waiting:
                # Called in the moment of giving up.
                return True
            self.waiting.remove(called)
            return False

    def give(self) -> None:
        """The turn is over: the next one's begins."""
        with self.mutex:
            if self.waiting:
                self.waiting.popleft().release()
            else:
                self.taken = False
