"""Who orders what in which group buy of the demo, and how it goes on."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.utils import timezone

from config.demo.lives import Fate, Life
from config.demo.offers import Kind, Offer, Story
from config.demo.regular import Regular
from config.demo.rhythm import at, moments
from groupbuy.models import GroupBuying
from retail.models import User

QUANTITIES = (1, 2, 3, 4, 5, 6)
HOW_OFTEN = (60, 26, 8, 3, 2, 1)
# Here a visitor finds orders that still wait for their payment; the other group buys have none.
WAITING_IN = (Kind.RUNNING, Kind.EXPRESS, Kind.PICK_UP)
UNPAID, FAILED, LATE = 5, 3, 3
Ending = Callable[[Life], None]
# No order is so young that its first steps would lie in the future.
QUIET = timedelta(minutes=3)


@dataclass
class Selling:
    """The orders of one group buy: those of ``regular``, as the offer's stories say, and those of everybody else."""

    offer: Offer
    group_buying: GroupBuying
    regular: User
    buyers: list[User]
    fate: Fate

    def run(self) -> list[Life]:
        """All its lives in the order in which they began; sets the counters of the group buy."""
        random = self.fate.random
        eagerness = [random.paretovariate(2.5) for _buyer in self.buyers]
        bought: Counter[int] = Counter()
        lives = []
        endings = self.endings()
        for moment, (regular, ending) in zip(self.moments(len(endings)), endings, strict=True):
            buyer, qty = next(wish for wish in self.wishes(eagerness) if self.may_buy(bought, wish))
            buyer = regular or buyer
            bought[buyer.pk] += qty
            life = self.order(buyer, qty, moment)
            ending(life)
            lives.append(life)
        wanted, room = held_by(lives), self.offer.quota - (self.offer.left or 0)
        fit(lives, room if self.offer.left is not None else min(wanted, room))
        self.group_buying.taken = held_by(lives)
        self.group_buying.last_sequence = len(lives)
        return lives

    def moments(self, count: int) -> list[datetime]:
        last = min(self.fate.now, self.group_buying.end_at) - QUIET
        if self.offer.sells_until is not None:
            last = at(timezone.localdate(self.group_buying.end_at) + timedelta(days=self.offer.sells_until), 21, 30)
        return moments(first=self.group_buying.start_at, last=last, count=count, random=self.fate.random)

    def endings(self) -> list[tuple[User | None, Ending]]:
        """What becomes of each order, the oldest first; with the buyer, unless that is anybody."""
        newest: list[Ending] = []
        if self.offer.is_running and self.offer.kind in WAITING_IN:
            newest += [partial(self.fate.wait, failed=True)] * FAILED
            newest += [partial(self.fate.wait, failed=False)] * UNPAID
        elif self.offer.kind == Kind.SOLD_OUT:
            newest += [self.fate.pay_late] * LATE
        others = [self.fate.lead] * (self.offer.orders - len(newest)) + newest
        hers = {story: (self.regular, Regular(self.fate).ending(story)) for story in self.offer.stories}
        latest = [hers.pop(story) for story in (Story.UNPAID,) if story in hers]
        return [*hers.values(), *((None, ending) for ending in others), *latest]

    def wishes(self, eagerness: list[float]) -> Iterator[tuple[User, int]]:
        random = self.fate.random
        while True:
            yield random.choices(self.buyers, eagerness)[0], random.choices(QUANTITIES, HOW_OFTEN)[0]

    def may_buy(self, bought: Counter[int], wish: tuple[User, int]) -> bool:
        buyer, qty = wish
        limit = self.offer.per_buyer_limit
        return not limit or bought[buyer.pk] + qty <= limit

    def order(self, buyer: User, qty: int, moment: datetime) -> Life:
        return Life(
            offer=self.offer,
            group_buying=self.group_buying,
            buyer=buyer,
            qty=qty,
            created_at=moment,
            pay_deadline_at=moment + timedelta(minutes=settings.PAY_WINDOW_MINUTES),
        )


def held_by(lives: list[Life]) -> int:
    return sum(life.qty for life in lives if life.holds_stock)


def fit(lives: list[Life], units: int) -> None:
    """Let the lives hold exactly ``units``, by one more or one less here and there; money that went back must not change."""
    adjustable = [life for life in lives if life.holds_stock and not life.returns]
    missing = units - held_by(lives)
    while missing:
        for life in adjustable:
            if missing > 0:
                life.qty += 1
                missing -= 1
            elif missing < 0 and life.qty > 1:
                life.qty -= 1
                missing += 1
