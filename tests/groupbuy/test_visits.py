"""Who looked at a group buy, and through whose share."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from groupbuy.models import ShareVisitor, Visitor, VisitTimes
from groupbuy.orders import visits
from retail.principals import ANONYMOUS, principal_of
from tests.support import factories

pytestmark = pytest.mark.django_db
NOBODY = visits.Onlooker("192.0.2.1", "")
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def share(group_buying, buyer, now):
    return visits.share(group_buying_id=group_buying.pk, principal=principal_of(buyer), now=now)


def look(share, principal, now):
    """The visits counted after this one."""
    visits.visit(share_id=share.pk, group_buying_id=None, principal=principal, onlooker=NOBODY, now=now)
    return VisitTimes.objects.get().times


def test_who_comes_by_a_share_is_counted_for_it_once(share, tenant, now):
    friend = principal_of(factories.BuyerFactory(tenant=tenant))
    assert [look(share, friend, now + minutes) for minutes in (timedelta(0), HALF_AN_HOUR / 2, HALF_AN_HOUR)] == [1, 1, 2]
    assert ShareVisitor.objects.get().visitor.user == friend.user


def test_who_comes_by_the_own_share_visits_and_brought_nobody(share, buyer, now):
    assert look(share, principal_of(buyer), now) == 1
    assert (Visitor.objects.get().user, ShareVisitor.objects.count()) == (buyer, 0)


def pass_by(group_buying, network="192.0.2.1", browser="Mozilla/5.0 (iPhone) MicroMessenger/8.0"):
    """A look of somebody without a name."""
    onlooker = visits.Onlooker(network, browser)
    visits.visit(share_id=None, group_buying_id=group_buying.pk, principal=ANONYMOUS, onlooker=onlooker, now=timezone.now())


def nameless(group_buying, *onlooker):
    """The visits counted after it."""
    pass_by(group_buying, *onlooker)
    return VisitTimes.objects.get(group_buying=group_buying).times


def test_a_browser_without_a_name_counts_once_in_half_an_hour(group_buying, store):
    told = []
    for minutes in (0, 0, 29, 2, 29, 2):
        store.passes(60 * minutes)
        told.append(nameless(group_buying))
    assert told == [1, 1, 1, 2, 2, 3]
    assert not Visitor.objects.exists()


def test_people_behind_one_address_are_told_apart_by_their_browsers(group_buying):
    for model in ("iPhone 15", "iPhone 16", "Mate 60", "Xiaomi 14", "OPPO Find"):
        pass_by(group_buying, browser=model)
    assert 4 <= VisitTimes.objects.get().times <= 5


def test_an_address_with_ever_new_browsers_counts_as_often_as_it_has_places(group_buying, store):
    for number in range(600):
        pass_by(group_buying, browser=f"browser {number}")
    assert VisitTimes.objects.get().times == visits.PLACES


def test_other_addresses_and_other_group_buys_count_for_themselves(group_buying, tenant):
    other = factories.GroupBuyingFactory(tenant=tenant)
    assert [nameless(group_buying), nameless(group_buying, "192.0.2.2"), nameless(other)] == [1, 2, 1]


def test_no_address_and_no_browser_is_kept(group_buying, redis):
    nameless(group_buying, "203.0.113.77", "Mozilla/5.0 (iPhone)")
    kept = b" ".join(redis.client.keys())
    assert kept
    assert b"203.0.113" not in kept
    assert b"iPhone" not in kept
    # The same secret finds the place again, another installation's doesn't.
    with override_settings(SECRET_KEY="another"):
        assert nameless(group_buying, "203.0.113.77", "Mozilla/5.0 (iPhone)") == 2


@pytest.mark.slow
def test_a_visit_without_a_credential_counts_once_over_the_api_and_on_the_page_together(group_buying, api):
    for _ in range(20):
        answer = api.anonymous.post("/api/marketing/groupbuy/visitgroupbuying", {"groupBuyingId": group_buying.pk, "userId": 0})
        assert answer.json() == {"status": 200, "message": "成功"}
        Client().get(f"/g/{group_buying.pk}/")
    assert VisitTimes.objects.get().times == 1


def test_visits_without_a_credential_have_a_limit_by_address(group_buying, api, settings):
    settings.API_THROTTLES = True
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"address": 2}
    body = {"groupBuyingId": group_buying.pk}
    answers = [api.anonymous.post("/api/marketing/groupbuy/visitgroupbuying", body).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_a_repeated_look_writes_nothing(group_buying, count_queries):
    nameless(group_buying)
    again = count_queries(lambda: pass_by(group_buying))
    assert again == 1
    assert count_queries(lambda: pass_by(group_buying, browser="another")) > again


def test_many_at_once_of_one_browser_count_once(group_buying):
    with ThreadPoolExecutor(8) as threads:
        firsts = list(threads.map(lambda _: visits.Onlooker("192.0.2.1", "a").is_first_at(group_buying), range(64)))
    assert sum(firsts) == 1
