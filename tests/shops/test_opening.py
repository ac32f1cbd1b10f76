"""On which days a shop is open, when, and where it is."""

from datetime import date

import pytest

from shops import opening, positions
from shops.models import ShopHoliday
from tests.support import factories
from tests.support.back_office import edit, page
from tests.support.pages import browser_of, words

pytestmark = pytest.mark.django_db
SHOP = {"name": "田林店", "area": "80", "markup": "0"}
NO_HOLIDAYS = {"holidays-TOTAL_FORMS": 0, "holidays-INITIAL_FORMS": 0}
MONDAY = date(2026, 11, 30)


def errors(answer):
    return answer.context["adminform"].form.errors


def test_rest_days_and_holidays_are_skipped(shop):
    shop.rest_days = "17"
    ShopHoliday.objects.create(shop=shop, first_day="2026-12-01", last_day="2026-12-03", words="盘点")
    days = opening.open_days_of(shop)
    assert [day for day in range(1, 8) if date(2026, 12, day) in days] == [4, 5]
    assert (days.first_from(MONDAY), days.after(MONDAY, 0), days.after(MONDAY, 1)) == (date(2026, 12, 4),) * 3
    assert days.after(MONDAY, 3) == date(2026, 12, 8)


def test_a_shop_that_never_opens_is_given_up_on(shop):
    ShopHoliday.objects.create(shop=shop, first_day="2026-01-01", last_day="2099-12-31")
    assert opening.open_days_of(shop).after(MONDAY, 1) == date(2026, 12, 1)


def test_a_manager_writes_down_hours_rest_days_and_holidays(manager, clerk, shop):
    holiday = {"holidays-0-first_day": "2027-02-05", "holidays-0-last_day": "2027-02-11", "holidays-0-words": "春节休息"}
    form = SHOP | NO_HOLIDAYS | holiday | {"holidays-TOTAL_FORMS": 1, "opens_at": "08:00", "closes_at": "21:30", "rest_days": ["1", "7"]}
    edit(browser_of(manager), shop, form)
    shop.refresh_from_db()
    assert (f"{shop.opens_at}", f"{shop.closes_at}", shop.rest_days) == ("08:00:00", "21:30:00", "17")
    assert str(shop.holidays.get()) == "2027-02-05 – 2027-02-11 春节休息"
    assert "春节休息" in words(browser_of(clerk).get(page(shop)))
    edit(
        browser_of(manager),
        shop,
        SHOP | NO_HOLIDAYS | {"name": "改名了", "opens_at": "08:00", "closes_at": "21:30", "rest_days": ["1", "7"]},
    )
    shop.refresh_from_db()
    assert (shop.name, shop.rest_days, shop.holidays.count()) == ("改名了", "17", 1)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"opens_at": "21:00", "closes_at": "08:00"}, "closes_at"),
        ({"opens_at": "08:00"}, "closes_at"),
        ({"rest_days": list("1234567")}, "rest_days"),
        ({"rest_days": ["8"]}, "rest_days"),
        ({"lbs_point": "31.17 N 121.43 E"}, "lbs_point"),
        ({"lbs_point": "121.4307,131.1734"}, "lbs_point"),
    ],
)
def test_nonsense_is_refused_beside_its_field(manager, shop, values, field):
    assert list(errors(edit(browser_of(manager), shop, SHOP | NO_HOLIDAYS | values))) == [field]


def test_a_holiday_does_not_end_before_it_begins(manager, shop):
    holiday = {"holidays-TOTAL_FORMS": 1, "holidays-0-first_day": "2027-02-11", "holidays-0-last_day": "2027-02-05"}
    answer = edit(browser_of(manager), shop, SHOP | NO_HOLIDAYS | holiday)
    assert "最后一天不能早于第一天" in words(answer)
    assert not ShopHoliday.objects.exists()


def test_a_position_of_before_the_rule_hinders_nobody(manager, shop):
    type(shop).objects.update(lbs_point="田林路口")
    edit(browser_of(manager), shop, SHOP | NO_HOLIDAYS | {"name": "改名了", "lbs_point": "田林路口"})
    shop.refresh_from_db()
    assert shop.name == "改名了"
    assert positions.map_link(shop.lbs_point, title="店", address="路") == ""


def test_the_map_opens_where_the_shop_is():
    link = positions.map_link("121.4307,31.1734", title="田林店;1", address="田林路 388 号")
    assert link.startswith("https://apis.map.qq.com/uri/v1/marker?marker=coord%3A31.1734%2C121.4307%3Btitle%3A")
    assert link.endswith("&referer=xiantuan")
    assert link.count("%3B") == 2


def test_what_a_product_is_kept_in_is_a_choice(headquarters):
    product = factories.ProductFactory(tenant=headquarters.tenant)
    form = {"name": product.name, "code": product.code, "product_class": product.product_class_id, "unit": "斤", "storage": "frozen"}
    form |= {"pricing_type": 0, "pack_size": 0, "price": "1", "member_price": "1", "in_use": "on"}
    edit(browser_of(headquarters), product, form | {"images-TOTAL_FORMS": 0, "images-INITIAL_FORMS": 0})
    product.refresh_from_db()
    assert product.storage == "frozen"
