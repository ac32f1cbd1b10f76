"""The orders of 小美, who knows every stage of an order: whoever looks at the demo finds one in each, at any hour."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from config.demo.lives import REGRETTED, Fate, Life, S
from config.demo.offers import Story
from config.demo.rhythm import at
from groupbuy.models import ActorKind, DeliverType, EventKind, PickUpWindow
from groupbuy.moves import Actor
from groupbuy.orders.overdue import Ending
from groupbuy.orders.pick_up_dates import Dates

EXTENSION = timedelta(days=2)
# Hours of a day until which somebody may be given time.
LAST_HOURS = ((21, 0), (16, 0), (12, 0), (9, 30))


@dataclass(frozen=True)
class Regular:
    """Lets her orders go as their stories say."""

    fate: Fate

    def ending(self, story: Story) -> Callable[[Life], None]:
        return {
            Story.UNPAID: self.wait,
            Story.NOT_FETCHED: self.leave,
            Story.FETCHED: self.fetch,
            Story.FETCHED_LATE: self.fetch_late,
            Story.EXTENDED: self.extend,
            Story.EXTENDED_UNTIL_TODAY: self.extend_until_today,
            Story.RECEIVED: self.receive,
            Story.GIVEN_UP: self.give_up,
            Story.CLOSED: self.close,
            Story.EXPIRED: self.expire,
            Story.REFUNDED: self.regret,
        }[story]

    def wait(self, life: Life) -> None:
        self.fate.wait(life, failed=False)

    def close(self, life: Life) -> None:
        self.fate.begin(life)
        self.fate.close(life)

    def expire(self, life: Life) -> None:
        self.fate.begin(life)
        self.fate.expire(life)

    def regret(self, life: Life) -> None:
        self.fate.begin(life)
        self.fate.settle(life)
        self.fate.send_back(life, self.fate.after(life, 0.1, 0.3), REGRETTED)

    def prepare(self, life: Life) -> bool:
        self.fate.begin(life)
        return self.fate.settle(life) and self.fate.confirm(life)

    def come_in(self, life: Life) -> bool:
        """True when the goods of a pick-up are in the shop."""
        return self.prepare(life) and self.fate.arrive(life)

    def leave(self, life: Life) -> None:
        """She does nothing: a pick-up waits for ever, a parcel completes itself."""
        if life.offer.deliver_type != DeliverType.EXPRESS:
            if self.come_in(life):
                self.fate.remind(life, until=self.fate.now)
        elif self.prepare(life) and self.fate.send_off(life):
            self.fate.complete_by_itself(life)

    def fetch(self, life: Life) -> None:
        if life.offer.deliver_type != DeliverType.EXPRESS:
            if self.come_in(life):
                self.fate.collect(life, life.window.start + timedelta(hours=2))
        elif self.prepare(life) and self.fate.send_off(life):
            self.fate.receive_parcel(life)

    def fetch_late(self, life: Life) -> None:
        if self.come_in(life):
            self.fate.collect(life, life.window.end + timedelta(hours=15))

    def receive(self, life: Life) -> None:
        if self.come_in(life):
            self.fate.receive(life, life.window.start + timedelta(hours=3))

    def extend(self, life: Life) -> None:
        self.give_time(life, life.window.end + EXTENSION)

    def extend_until_today(self, life: Life) -> None:
        """Until the last of these hours that is past: her time is over, and she was reminded once."""
        today = timezone.localdate(self.fate.now)
        ends = [at(day, *hour) for day in (today, today - timedelta(days=1)) for hour in LAST_HOURS]
        self.give_time(life, next(end for end in ends if end <= self.fate.now))

    def give_time(self, life: Life, until: datetime) -> None:
        """The manager lets her come later, on the evening on which the goods came."""
        if not self.come_in(life):
            return
        moment = life.window.start + timedelta(hours=3)
        if moment <= self.fate.now:
            life.own_window = PickUpWindow(life.window.start, until)
            self.fate.note(life, EventKind.DATES, moment, self.fate.keeper(life), f"取货时间改为 {Dates(*life.own_window).in_words()}")
        self.fate.remind(life, until=self.fate.now)

    def give_up(self, life: Life) -> None:
        """She was reminded often enough, and the mangoes are bad."""
        if self.come_in(life):
            moment = life.window.end + timedelta(days=3, hours=1)
            self.fate.remind(life, until=moment)
            manager = Actor(ActorKind.STAFF, life.group_buying.creator)
            self.fate.move(life, S.COMPLETED, moment, manager, f"{Ending.SPOILED.label}：电话联系三次，顾客说不来取了")
