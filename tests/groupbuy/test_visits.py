"""Who looked at a group buy, and through whose share."""

from datetime import timedelta

import pytest

from groupbuy import visits
from groupbuy.models import ShareVisitor, Visitor, VisitTimes
from retail.principals import principal_of
from tests import factories

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def share(group_buying, buyer, now):
    return visits.share(group_buying_id=group_buying.pk, principal=principal_of(buyer), now=now)


def look(share, principal, now):
    """The visits counted after this one."""
    visits.visit(share_id=share.pk, group_buying_id=None, principal=principal, now=now)
    return VisitTimes.objects.get().times


def test_who_comes_by_a_share_is_counted_for_it_once(share, tenant, now):
    friend = principal_of(factories.BuyerFactory(tenant=tenant))
    assert [look(share, friend, now + minutes) for minutes in (timedelta(0), HALF_AN_HOUR / 2, HALF_AN_HOUR)] == [1, 1, 2]
    assert ShareVisitor.objects.get().visitor.user == friend.user


def test_who_comes_by_the_own_share_visits_and_brought_nobody(share, buyer, now):
    assert look(share, principal_of(buyer), now) == 1
    assert (Visitor.objects.get().user, ShareVisitor.objects.count()) == (buyer, 0)
