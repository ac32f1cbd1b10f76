"""Sharing a group buy and counting who looks at it, without touching the row that sells."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac
from limits import RateLimitItemPerMinute

from groupbuy.models import GroupBuying, Share, ShareVisitor, Visitor, VisitTimes
from retail import counters
from retail.models import User
from retail.principals import Principal
from retail.refusals import NotThere, found

ONE_VISIT = timedelta(minutes=30)
ONCE = RateLimitItemPerMinute(1, 30, namespace="visit")
# Of an address at one group buy. Behind a shop's Wi-Fi or a carrier's address stand many people, whom only their browsers tell apart.
PLACES = 50
SALT = "groupbuy.visits"


@dataclass(frozen=True)
class Onlooker:
    """Who looks and has no name: the network of the address, and what the browser calls itself."""

    network: str
    browser: str

    def is_first_at(self, group_buying: GroupBuying) -> bool:
        """Take the browser's place among those of its network; False while somebody has it, which is for half an hour."""
        # Nobody reads an address out of the counters, nor tells which group buys it looked at.
        network = salted_hmac(SALT, f"{group_buying.pk} {self.network}", algorithm="sha256").hexdigest()
        place = int(salted_hmac(SALT, self.browser, algorithm="sha256").hexdigest(), 16) % PLACES
        return counters.take_first(ONCE, network, str(place))


def share(*, group_buying_id: int, principal: Principal, now: datetime) -> Share:
    """The caller's one share of a group buy. Raises NotThere."""
    group_buying = found(GroupBuying.objects.public_to(principal), pk=group_buying_id)
    if principal.user is None:
        raise NotThere
    own, _created = Share.objects.get_or_create(group_buying=group_buying, user=principal.user, defaults={"created_at": now})
    return own


def visit(*, share_id: int | None, group_buying_id: int | None, principal: Principal, onlooker: Onlooker, now: datetime) -> None:
    """Count a visit; the same person again within 30 minutes counts once, who has no name by ``onlooker``. Raises NotThere."""
    came_by = Share.objects.select_related("group_buying").filter(pk=share_id).first() if share_id else None
    wanted = came_by.group_buying_id if came_by else group_buying_id
    group_buying = found(GroupBuying.objects.public_to(principal), pk=wanted or 0)
    if principal.is_buyer and principal.user is not None:
        with transaction.atomic():
            if is_new_visit(group_buying, principal.user, came_by, now):
                count(group_buying)
    elif onlooker.is_first_at(group_buying):
        count(group_buying)


def count(group_buying: GroupBuying) -> None:
    VisitTimes.objects.get_or_create(group_buying=group_buying)
    VisitTimes.objects.filter(group_buying=group_buying).update(times=F("times") + 1)


def is_new_visit(group_buying: GroupBuying, user: User, came_by: Share | None, now: datetime) -> bool:
    visitor, created = Visitor.objects.get_or_create(group_buying=group_buying, user=user, defaults={"last_at": now})
    if came_by is not None and came_by.user_id != user.pk:
        ShareVisitor.objects.get_or_create(share=came_by, visitor=visitor)
    if created:
        return True
    return bool(Visitor.objects.filter(pk=visitor.pk, last_at__lte=now - ONE_VISIT).update(last_at=now))
