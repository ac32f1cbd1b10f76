"""When goods can be collected: what is proposed, and what is refused."""

from datetime import date, datetime, timedelta

import pytest

from groupbuy.models import DeliverType
from groupbuy.orders import pick_up_dates
from groupbuy.orders.pick_up_dates import Dates
from retail import dates
from retail.models import Storage
from shops import opening
from shops.models import ConfigItem, ConfigValue, ShopHoliday
from tests.support import factories

pytestmark = pytest.mark.django_db
# A Monday evening.
END = datetime(2026, 11, 30, 22, 0, tzinfo=dates.CHINA)
BEFORE = END - timedelta(days=2)


def local(day, hour, minute=0, month=12):
    return datetime(2026 if month > 1 else 2027, month, day, hour, minute, tzinfo=dates.CHINA)


def proposed(shop, storage=Storage.AMBIENT, deliver_type=DeliverType.PICK_UP, end_at=END):
    product = factories.ProductFactory(tenant=shop.tenant, storage=storage)
    return pick_up_dates.proposed(shop=shop, product=product, deliver_type=deliver_type, end_at=end_at)


def set_to(shop, code, value):
    ConfigValue.objects.create(item=ConfigItem.objects.get(code=code), tenant=shop.tenant, shop=shop, value=value)


@pytest.mark.parametrize(
    ("storage", "until"),
    [(Storage.AMBIENT, local(2, 20)), (Storage.CHILLED, local(1, 21)), (Storage.FROZEN, local(1, 20))],
)
def test_what_keeps_less_long_waits_less_long(shop, storage, until):
    assert proposed(shop, storage) == Dates(local(1, 16), until, None)


def test_a_parcel_leaves_on_the_next_day(shop):
    assert proposed(shop, deliver_type=DeliverType.EXPRESS) == Dates(ships_on=date(2026, 12, 1))
    set_to(shop, "ships_after_days", "3")
    assert proposed(shop, deliver_type=DeliverType.EXPRESS) == Dates(ships_on=date(2026, 12, 3))


def test_rest_days_are_skipped(shop):
    shop.rest_days = "24"
    assert proposed(shop) == Dates(local(2, 16), local(4, 20), None)
    assert proposed(shop, deliver_type=DeliverType.EXPRESS).ships_on == date(2026, 12, 2)


def test_the_seven_days_of_spring_festival_are_skipped(shop):
    shop.rest_days = "7"
    ShopHoliday.objects.create(shop=shop, first_day="2027-02-05", last_day="2027-02-11", words="春节休息")
    eve = datetime(2027, 2, 4, 22, tzinfo=dates.CHINA)
    found = proposed(shop, end_at=eve)
    assert (found.pick_up_from, found.pick_up_until) == (
        datetime(2027, 2, 12, 16, tzinfo=dates.CHINA),
        datetime(2027, 2, 13, 20, tzinfo=dates.CHINA),
    )
    assert proposed(shop, deliver_type=DeliverType.EXPRESS, end_at=eve).ships_on == date(2027, 2, 12)


def test_a_shop_has_its_own_windows_and_hours(shop):
    set_to(shop, "pick_up_frozen", "0 17:30 0 19:00")
    morning = END.replace(hour=9)
    assert proposed(shop, Storage.FROZEN, end_at=morning) == Dates(local(30, 17, 30, month=11), local(30, 19, month=11), None)
    # The same day is over: the next.
    assert proposed(shop, Storage.FROZEN) == Dates(local(1, 17, 30), local(1, 19), None)
    shop.opens_at, shop.closes_at = local(1, 8).time(), local(1, 18, 45).time()
    assert proposed(shop, Storage.FROZEN) == Dates(local(1, 17, 30), local(1, 18, 45), None)


def test_a_setting_that_ends_before_it_begins_still_gives_a_window(shop):
    set_to(shop, "pick_up_ambient", "2 20:00 1 08:00")
    assert proposed(shop) == Dates(local(2, 20), local(2, 21), None)


@pytest.mark.parametrize("text", ["", "1 16:00", "1 16:00 2 25:00", "一 16:00 2 20:00", "1 16:00 2 20:00 3", "1 16:00 2 20:001"])
def test_a_setting_that_is_no_window_counts_as_the_default(shop, text):
    set_to(shop, "pick_up_ambient", text)
    assert proposed(shop) == Dates(local(1, 16), local(2, 20), None)


def complaints(shop, *wanted, now=BEFORE):
    return pick_up_dates.complaints(Dates(*wanted), end_at=END, open_days=opening.open_days_of(shop), now=now)


def test_what_is_proposed_is_allowed(shop):
    shop.rest_days = "23"
    for storage in Storage:
        assert complaints(shop, *proposed(shop, storage)) == {}
    assert complaints(shop, *proposed(shop, deliver_type=DeliverType.EXPRESS)) == {}


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        ((local(30, 21, month=11), local(1, 20)), "pick_up_from", "取货不能早于截单（11月30日 22:00）"),
        ((local(1, 16), local(1, 16)), "pick_up_until", "取货截止须晚于取货开始"),
        ((local(2, 16), local(3, 20)), "pick_up_from", "12月2日门店休息，下一个营业日是12月4日"),
        ((local(1, 16), local(1, 16) + timedelta(days=330)), "pick_up_until", "最晚可到 2027-10-24（330 天以内）"),
        ((None, None, date(2026, 11, 30)), "ships_on", "发货日期须在截单（11月30日 22:00）的第二天或以后"),
        ((None, None, date(2026, 12, 3)), "ships_on", "12月3日门店休息，下一个营业日是12月4日"),
        ((None, None, date(2027, 11, 1)), "ships_on", "最晚可到 2027-10-24（330 天以内）"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence_that_helps(shop, wanted, field, words):
    shop.rest_days = "34"
    assert complaints(shop, *wanted) == {field: words}


def test_what_is_over_is_refused_and_what_has_begun_is_not(shop):
    later = local(1, 18)
    assert complaints(shop, local(1, 16), local(1, 20), now=later) == {}
    assert complaints(shop, local(1, 16), local(1, 17), now=later) == {"pick_up_until": "取货截止已经过去，请填以后的时间"}
    assert complaints(shop, None, None, date(2026, 12, 1), now=local(5, 8)) == {"ships_on": "发货日期已经过去，请填以后的日期"}


@pytest.mark.parametrize(
    ("span", "today", "words"),
    [
        ((local(1, 16), local(1, 20)), None, "12月1日 16:00–20:00"),
        ((local(1, 16), local(2, 20)), None, "12月1日 16:00 – 12月2日 20:00"),
        ((local(1, 16), local(2, 20)), date(2026, 11, 30), "明天 16:00 – 12月2日 周三 20:00"),
        ((local(1, 16), local(1, 20)), date(2026, 12, 1), "今天 16:00–20:00"),
        ((local(1, 16), local(1, 20)), date(2026, 12, 2), "昨天 16:00–20:00"),
        ((local(4, 16), local(4, 20)), date(2026, 12, 1), "12月4日 周五 16:00–20:00"),
    ],
)
def test_a_window_reads_as_people_say_it(span, today, words):
    assert dates.span_in_words(*span, today) == words
