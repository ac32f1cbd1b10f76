"""Who looked at the demo's group buys, and through whose share."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

from config.demo.lives import Life
from groupbuy.models import GroupBuying, Share, ShareVisitor, Visitor, VisitTimes
from retail.models import User


def make_visits(*, group_buying: GroupBuying, lives: list[Life], buyers: list[User], now: datetime, random: Random) -> None:
    """Everybody who ordered has come, some just looked, a few shared; the nameless make up the rest of the count."""
    last_at = {life.buyer.pk: life.created_at - timedelta(minutes=2) for life in lives}
    for buyer in random.sample(buyers, len(buyers) // 6):
        last_at.setdefault(buyer.pk, look(group_buying, now, random))
    visitors = Visitor.objects.bulk_create(
        Visitor(group_buying=group_buying, user_id=user_id, last_at=moment)
        for user_id, moment in sorted(last_at.items(), key=lambda visit: visit[1])
    )
    VisitTimes.objects.create(group_buying=group_buying, times=sum(random.randint(1, 6) for _visitor in visitors) + len(lives))
    make_shares(group_buying=group_buying, visitors=visitors, random=random)


def look(group_buying: GroupBuying, now: datetime, random: Random) -> datetime:
    """A moment at which somebody may have looked: the page of a group buy can be seen before it starts."""
    first, last = group_buying.created_at, min(now, group_buying.end_at)
    return first + (last - first) * random.random()


def make_shares(*, group_buying: GroupBuying, visitors: list[Visitor], random: Random) -> None:
    """Every tenth visitor shared; a third of those who came after found the way by one of these links."""
    sharers = [visitor for visitor in visitors if random.random() < 0.1]
    shares = Share.objects.bulk_create(
        Share(group_buying=group_buying, user_id=visitor.user_id, created_at=visitor.last_at) for visitor in sharers
    )
    ShareVisitor.objects.bulk_create(came_by(shares, visitors, random))


def came_by(shares: list[Share], visitors: list[Visitor], random: Random) -> Iterable[ShareVisitor]:
    for visitor in visitors:
        earlier = [share for share in shares if share.created_at < visitor.last_at]
        if earlier and random.random() < 0.33:
            yield ShareVisitor(share=random.choice(earlier), visitor=visitor)
