"""What a run did, and how it shows how far it is."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pricing.market.files import Reason

Item = TypeVar("Item")


class Progress(Protocol):
    """Hands on what it is given, and may show how far it is."""

    def __call__(self, items: Iterable[Item], *, total: int, label: str) -> Iterable[Item]: ...


def silently(items: Iterable[Item], *, total: int, label: str) -> Iterable[Item]:
    return items


@dataclass
class Tally:
    """``read`` rows = ``imported`` + ``already`` there from an earlier run + skipped. ``logs``: real changes of shops' prices."""

    read: int = 0
    imported: int = 0
    already: int = 0
    products: int = 0
    classes: int = 0
    first_prices: int = 0
    logs: int = 0
    skipped: Counter[Reason] = field(default_factory=Counter)
