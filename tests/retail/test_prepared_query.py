"""A prepared queryset finds what the queryset itself finds."""

from datetime import timedelta

import pytest
from django.db.models import F

from groupbuy.models import GroupBuying
from retail.database.prepared_query import Prepared
from tests.support import factories

pytestmark = pytest.mark.django_db
OF_TENANT = Prepared(
    lambda quota, tenant: (
        GroupBuying.objects.filter(tenant=tenant, quota=quota, product__in_use=True)
        .annotate(product_name=F("product__name"), product_price=F("product__price"), begun_at=F("tenant__created_at"))
        .order_by("end_at")
    ),
    7,
    8,
)


def fields_of(row):
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def test_it_finds_the_row_of_the_values_with_annotations_of_the_right_types(now):
    group_buying = factories.GroupBuyingFactory(quota=7, end_at=now + timedelta(days=3))
    factories.GroupBuyingFactory(quota=7, tenant=group_buying.tenant, shop=group_buying.shop, end_at=now + timedelta(days=9))
    factories.GroupBuyingFactory(quota=7)
    for quota in (7, 8):
        for tenant in (group_buying.tenant_id, group_buying.tenant_id + 1000):
            expected = OF_TENANT.build(quota, tenant).first()
            found = OF_TENANT.first(quota, tenant)
            assert (found and fields_of(found)) == (expected and fields_of(expected))
    assert OF_TENANT.first(7, group_buying.tenant_id) == group_buying


def test_its_sql_is_put_together_once(group_buying, count_queries):
    assert count_queries(lambda: OF_TENANT.first(7, group_buying.tenant_id)) == 1
    assert OF_TENANT.statement is OF_TENANT.statement


def test_the_examples_must_tell_the_values_apart():
    with pytest.raises(ValueError, match="not in tuple"):
        Prepared(lambda pk: GroupBuying.objects.filter(pk=pk + 1), 1).statement  # noqa: B018
