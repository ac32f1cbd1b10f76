"""Migrations backwards and forwards again, on a copy of the database."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from groupbuy.models import MerchantAccount, Order, Payment
from pricing.models import MarketPrice
from retail import dates
from retail.models import Tenant
from retail.rights import GROUP_NAMES
from shops import configuration, devices
from shops.models import ConfigItem, DeviceType
from tests.support import factories
from tests.support.pages import ordered

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
# Upper ones first: going back takes those along that need what goes.
APPS = ("groupbuy", "pricing", "shops", "retail")
BEFORE_OUR_YEARS = {"groupbuy": "0012_confirmed_merchant_accounts", "pricing": "0001_initial", "shops": "0002_device_offered_stamp"}


@pytest.fixture(scope="module")
def copy(django_db_setup, django_db_blocker):
    """From here on the connection leads to a copy."""
    tests_own = connection.settings_dict
    with django_db_blocker.unblock():
        connection.close()
        connection.creation.clone_test_db("steps", verbosity=0)
    connection.settings_dict = connection.creation.get_test_db_clone_settings("steps")
    yield
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict = tests_own
        connection.creation.destroy_test_db(suffix="steps", verbosity=0)


def migrate(*arguments):
    call_command("migrate", *arguments, verbosity=0)


def before_newest(app):
    """The name of the migration that stands before the newest one of ``app``."""
    graph = MigrationExecutor(connection).loader.graph
    (newest,) = graph.leaf_nodes(app)
    return next((name for label, name in graph.node_map[newest].parents if label == app), "zero")


def assert_whole():
    executor = MigrationExecutor(connection)
    assert not executor.migration_plan(executor.loader.graph.leaf_nodes())
    assert ConfigItem.objects.count() == len(configuration.ITEMS)
    assert DeviceType.objects.count() == len(devices.TYPES)
    assert Group.objects.exclude(permissions=None).distinct().count() == len(GROUP_NAMES)


def test_each_app_goes_one_step_back_and_forth(copy):
    for app in APPS:
        migrate(app, before_newest(app))
    migrate()
    assert_whole()


def announced(tenant: Tenant, mch_id: str, prepay_id: str) -> None:
    """A payment of ``tenant`` at this number, which WeChat has taken if it gave a ``prepay_id``."""
    shop = factories.ShopFactory(tenant=tenant)
    group_buying = factories.GroupBuyingFactory(tenant=tenant, shop=shop)
    order = ordered(factories.BuyerFactory(tenant=tenant), group_buying, now=timezone.now())
    parameters = {"mch_id": mch_id}
    Payment.objects.create(
        order=order, gateway="wechat", out_trade_no=f"{order.code}P1", total=order.money, parameters=parameters, prepay_id=prepay_id
    )


def test_an_upgrade_confirms_the_numbers_that_wechat_has_taken_payments_for(copy):
    """Not a number that was only entered, that no prepay came from, or that several tenants were paid at."""
    tenants = {name: factories.TenantFactory(code=name) for name in ("paid", "entered", "refused", "shared")}
    numbers = {name: f"190000000{place}" for place, name in enumerate(tenants)}
    for name, tenant in tenants.items():
        keys = {"cert_serial": "A", "private_key": "k", "api_v3_key": "v", "public_key_id": f"PUB_KEY_ID_{name}", "public_key": "p"}
        MerchantAccount.objects.create(tenant=tenant, mch_id=numbers[name], **keys)
    announced(tenants["paid"], numbers["paid"], "wx1")
    announced(tenants["refused"], numbers["refused"], "")
    announced(tenants["shared"], numbers["shared"], "wx2")
    announced(tenants["paid"], numbers["shared"], "wx3")
    migrate("groupbuy", "0011_sending_times_and_money_range")
    migrate()
    confirmed = MerchantAccount.objects.exclude(confirmed_at=None)
    assert list(confirmed.values_list("tenant__code", "confirmed_by")) == [("paid", None)]
    assert Order.objects.count() == 4


def rows_beyond_our_years():
    """Two group buys, a contract and two market prices as no form would take them any more, in the tables of before."""
    early, late = factories.GroupBuyingFactory(), factories.GroupBuyingFactory()
    licence = factories.LicenceFactory(shop=early.shop, contract_ends_on="2050-01-01")
    prices = [MarketPrice.objects.create(product=early.product, on=f"2026-01-0{day}", low=1, average=1, high=1) for day in (1, 2)]
    for app, name in BEFORE_OUR_YEARS.items():
        migrate(app, name)
    first = "0001-12-31 15:54:17+00 BC" if connection.vendor == "postgresql" else "0001-01-01 00:00:00"
    times = "UPDATE groupbuy_groupbuying SET start_at = %s, end_at = %s WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute(times, [first, "1999-01-01 00:00:00", early.pk])
        cursor.execute(times, ["2100-01-01 00:00:00", "9999-12-31 23:00:00", late.pk])
        cursor.execute("UPDATE shops_licence SET contract_ends_on = %s WHERE id = %s", ["9999-12-31", licence.pk])
        cursor.execute('UPDATE pricing_marketprice SET "on" = %s WHERE id = %s', ["1995-01-01", prices[0].pk])
    return early, late, licence, prices[1]


def test_rows_beyond_our_years_are_moved_to_the_nearest_bound(copy):
    early, late, licence, price = rows_beyond_our_years()
    migrate()
    times = [(row.start_at, row.end_at) for row in map(factories.copy_of, (early, late))]
    second = timedelta(seconds=1)
    assert times == [(dates.FIRST, dates.FIRST + second), (dates.LAST - second, dates.LAST)]
    assert factories.copy_of(licence).contract_ends_on == dates.LAST_DAY
    # A price of another day would be none of the market's.
    assert MarketPrice.objects.get() == price


def test_all_goes_back_to_nothing_and_forth(copy):
    # All of ours stands on it.
    migrate("auth", "zero")
    # There is nothing to do any more, and what comes after every migrate comes all the same.
    migrate("shops", "zero")
    assert not set(connection.introspection.table_names()) & {model._meta.db_table for model in (ConfigItem, DeviceType)}
    migrate()
    assert_whole()
