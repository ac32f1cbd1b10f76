"""The few threads that answer requests, and the crowd before them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from config.serving.refusals import NotTaken

Kind = TypeVar("Kind")


class Crowded(NotTaken):
    """So many requests wait that one more would wait in vain."""


class Threads:
    """At most ``waiting`` requests wait for one of ``count`` threads."""

    def __init__(self, count: int, waiting: int) -> None:
        self.pool = ThreadPoolExecutor(count, thread_name_prefix="request")
        self.most = count + waiting
        self.present = 0

    async def run(self, work: Callable[..., Kind], *arguments: Any) -> Kind:
        """Raises Crowded."""
        if self.present >= self.most:
            raise Crowded
        self.present += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work, *arguments)
        finally:
            self.present -= 1
