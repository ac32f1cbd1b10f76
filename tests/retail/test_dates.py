"""Days and moments lie between 2000 and 2099: wherever somebody types one, in the database, and when a row has another all the same."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from config import schedule
from groupbuy import payments
from groupbuy.models import Bill, GroupBuying, Payment, Refund, RefundState
from groupbuy.payments import bills, refunds, settling
from groupbuy.payments.gateways import RefundAnswer, sandbox
from pricing.models import MarketPrice
from retail import dates
from retail.principals import principal_of
from retail.wire.fields import Moment
from shops.models import Licence
from tests.groupbuy.test_admin_group_buyings import ADD, LIST, edit_of, errors, form_of
from tests.support import factories
from tests.support.back_office import edit, page, said
from tests.support.pages import browser_of, ordered, words
from tests.support.poison import run

pytestmark = pytest.mark.django_db
SENTENCE = "日期须在 2000 年到 2099 年之间"
BEYOND = ("0001-01-01", "1999-12-31", "2100-01-01", "9999-12-31")


@pytest.mark.parametrize(
    ("value", "is_ours"),
    [
        (datetime.min.replace(tzinfo=dates.CHINA), False),
        (datetime.max.replace(tzinfo=dates.CHINA), False),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), False),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), False),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=dates.CHINA), False),
        (datetime(2000, 1, 1, tzinfo=dates.CHINA), True),
        (datetime(2099, 12, 31, 23, 59, 59, tzinfo=dates.CHINA), True),
        (datetime(2100, 1, 1, tzinfo=dates.CHINA), False),
        (date.min, False),
        (date(2000, 1, 1), True),
        (date(2099, 12, 31), True),
        (date.max, False),
    ],
)
def test_our_years(value, is_ours):
    assert dates.is_ours(value) == is_ours
    if not is_ours:
        with pytest.raises(ValidationError, match=SENTENCE):
            dates.check_range(value)


def test_the_wire_takes_the_last_second_for_unlimited_and_nothing_beyond():
    assert Moment().run_validation("2099-12-31 23:59:59") == dates.LAST
    for text in ("1999-12-31 23:59:59", "2100-01-01 00:00:00", "0001-01-01", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(Exception, match=SENTENCE):
            Moment().run_validation(text)


@pytest.mark.parametrize("day", BEYOND)
@pytest.mark.parametrize("field", ["start_at", "end_at", "pick_up_from", "pick_up_until"])
def test_a_group_buy_of_another_year_is_refused_beside_its_field(manager, shop, now, field, day):
    product = factories.ProductFactory(tenant=shop.tenant)
    answer = browser_of(manager).post(ADD, form_of(shop, product, now) | {f"{field}_0": day, f"{field}_1": "00:00"})
    assert answer.status_code == 200
    assert set(errors(answer)) <= {field, "end_at"}
    assert errors(answer)
    assert not GroupBuying.objects.exists()


@pytest.mark.parametrize(("field", "day"), [("start_at", "0001-01-01"), ("end_at", "9999-12-31")])
def test_what_is_refused_says_which_years_there_are(manager, group_buying, field, day):
    answer = edit(browser_of(manager), group_buying, edit_of(group_buying, **{f"{field}_0": day}))
    assert errors(answer) == {field: [SENTENCE]}


@pytest.mark.parametrize("day", BEYOND)
def test_a_contract_of_another_year_is_refused(superuser, shop, day):
    answer = browser_of(superuser).post("/admin/shops/licence/add/", {"shop": shop.pk, "contract_ends_on": day})
    assert answer.status_code == 200 and errors(answer) == {"contract_ends_on": [SENTENCE]}
    assert not Licence.objects.exists()


@pytest.mark.parametrize(
    "times",
    [
        {"start_at": dates.FIRST - timedelta(seconds=1)},
        {"end_at": dates.LAST + timedelta(seconds=1)},
        {"start_at": dates.FIRST - timedelta(days=9), "end_at": dates.FIRST - timedelta(days=8)},
        {"start_at": dates.LAST + timedelta(days=8), "end_at": dates.LAST + timedelta(days=9)},
    ],
)
def test_the_database_refuses_group_buys_of_other_years(group_buying, times):
    with pytest.raises(IntegrityError, match="group_buying_in_our_years"), transaction.atomic():
        GroupBuying.objects.filter(pk=group_buying.pk).update(**times)


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2100, 1, 1)])
def test_the_database_refuses_contracts_and_market_prices_of_other_years(shop, day):
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.LicenceFactory(shop=shop, contract_ends_on=day)
    with pytest.raises(IntegrityError), transaction.atomic():
        MarketPrice.objects.create(product=factories.ProductFactory(tenant=shop.tenant), on=day, low=1, average=1, high=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "end_at__gte=0001-01-01",
        "end_at__lt=9999-12-31",
        "end_at__gte=10000-01-01",
        "end_at__exact=0001-01-01 00:00:00",
        "end_at_from=0001-01-01",
        "end_at_to=9999-12-31",
        "end_at__year=1",
        "end_at__year=99999",
        "end_at__year__gte=0",
    ],
)
def test_a_list_is_not_narrowed_to_other_years(manager, group_buying, query):
    browser = browser_of(manager)
    seen = browser.get(f"{LIST}?{query}", follow=True)
    assert (seen.status_code, said(seen)) == (200, [SENTENCE])
    assert group_buying.name in words(seen)
    assert browser.post(f"{LIST}export/?{query}", {"kind": "csv"}, follow=True).status_code == 200


def test_a_list_is_narrowed_to_ours_and_searched_for_anything(manager, group_buying):
    for query in ("end_at_from=2000-01-01", "end_at_to=2099-12-31", f"end_at__year={group_buying.end_at.year}", "q=0001-01-01"):
        seen = browser_of(manager).get(f"{LIST}?{query}")
        assert (seen.status_code, group_buying.name in words(seen)) == (200, "q=" not in query)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2099-01-01", "2020-01-01"])
def test_a_bill_of_another_time_is_not_asked_for(tenant, day):
    with pytest.raises(CommandError, match="最近三个月"):
        call_command("compare_bill", "--date", day, stdout=StringIO())
    assert not Bill.objects.exists()


def test_a_bill_of_a_day_to_come_keeps_none_from_being_expected(tenant, now):
    Bill.objects.create(gateway="sandbox", mch_id="", on=date(2099, 1, 1), compared_at=now)
    bills.compare_due(now=now)
    assert Bill.objects.count() == 2


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, 12, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)])
def test_money_that_a_gateway_dates_out_of_our_years_came_in_now(buyer, headquarters, group_buying, now, moment):
    """A tenant's own account signs with its own keys: what it says of time must fail no list that shows the payment."""
    order = ordered(buyer, group_buying, now=now)
    prepay_id = payments.start_payment(order_id=order.pk, principal=principal_of(buyer), now=now).pre_pay_id
    settling.settle(replace(sandbox.pay(prepay_id, now=now), paid_at=moment), source="test", now=now)
    assert Payment.objects.get().received_at == now
    refund = refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=principal_of(headquarters), now=now)
    answer = RefundAnswer("sandbox", refund.out_refund_no, RefundState.SUCCESS, refund.amount, refunded_at=moment)
    settling.settle_refund(answer, source="test", now=now)
    assert Refund.objects.get().refunded_at == now


@pytest.fixture
def unguarded(db):
    """As a database that was never migrated, or whose guard somebody took away."""
    if connection.vendor == "postgresql":
        run("ALTER TABLE groupbuy_groupbuying DROP CONSTRAINT group_buying_in_our_years")
        yield
    else:
        run("PRAGMA ignore_check_constraints = ON")
        yield
        run("PRAGMA ignore_check_constraints = OFF")


# What stands in the rows, as each database writes it; the first is what was typed as 0001-01-01 00:00 here.
BAD = {
    "postgresql": [
        ("start_at", "0001-12-31 15:54:17+00 BC"),
        ("start_at", "-infinity"),
        ("end_at", "9999-12-31 20:00:00+00"),
        ("end_at", "infinity"),
    ],
    "sqlite": [("start_at", "0001-01-01 00:00:00"), ("end_at", "9999-12-31 20:00:00")],
}


def test_a_row_of_another_year_fails_no_page_and_no_job(unguarded, tenant, shop, manager, group_buying, now, settings):
    settings.DEFAULT_TENANT = tenant.code
    ordered(factories.BuyerFactory(tenant=tenant), group_buying, now=now)
    addresses = (LIST, page(group_buying), "/admin/", "/", f"/s/{shop.pk}/", f"/g/{group_buying.pk}/")
    for column, text in BAD[connection.vendor]:
        GroupBuying.objects.filter(pk=group_buying.pk).update(start_at=group_buying.start_at, end_at=group_buying.end_at)
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE groupbuy_groupbuying SET {column} = %s WHERE id = %s", [text, group_buying.pk])  # noqa: S608
        assert getattr(GroupBuying.objects.get(pk=group_buying.pk), column) == (dates.FIRST if column == "start_at" else dates.LAST)
        browser = browser_of(manager)
        for address in addresses:
            assert browser.get(address).status_code == 200, (address, text)
        assert browser.post(f"{LIST}export/", {"kind": "xlsx"}).status_code == 200
        for name, (job, _seconds) in schedule.JOBS.items():
            assert getattr(job(now=now), "failed", 0) == 0, (name, text)


def test_both_databases_take_the_same_numbers(manager, shop, now):
    form = form_of(shop, factories.ProductFactory(tenant=shop.tenant), now)
    for quota in (2**31, 2**63, 10**30):
        answer = browser_of(manager).post(ADD, form | {"quota": quota})
        assert "quota" in errors(answer)
    browser_of(manager).post(ADD, form | {"quota": 2**31 - 1})
    assert GroupBuying.objects.get().quota == 2**31 - 1
