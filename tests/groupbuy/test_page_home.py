"""The home page and the page of a shop."""

from datetime import timedelta

import pytest
from django.test import Client

from tests.support import factories
from tests.support.pages import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tenant, settings):
    settings.DEFAULT_TENANT = tenant.code
    return lambda **headers: Client().get("/", headers=headers)


def test_home_shows_what_runs_with_its_price_shop_and_stock(home, group_buying, shop):
    page = words(home())
    assert group_buying.name in page
    assert "¥ 9 .90" in page
    assert shop.name in page
    assert "1 个团正在进行" in page


def test_what_runs_comes_before_what_will_run_before_what_is_sold_out_before_what_is_over(home, tenant, shop, now):
    hour = timedelta(hours=1)

    def offer(name, **fields):
        factories.GroupBuyingFactory(tenant=tenant, shop=shop, name=name, **fields)

    offer("结束的团", start_at=now - 2 * hour, end_at=now - hour)
    offer("抢光的团", taken=100, end_at=now + hour)
    offer("将来的团", start_at=now + hour, end_at=now + 2 * hour)
    offer("慢的团", end_at=now + 3 * hour)
    offer("快的团", end_at=now + 2 * hour)
    page = words(home())
    names = ["快的团", "慢的团", "将来的团", "抢光的团", "结束的团"]
    assert sorted(names, key=page.index) == names
    assert "已抢光" in page
    assert "即将开团" in page


def test_what_is_switched_off_or_cancelled_is_not_on_home(home, tenant, shop):
    factories.GroupBuyingFactory(tenant=tenant, shop=shop, name="下架的团", in_use=False)
    factories.GroupBuyingFactory(tenant=tenant, shop=shop, name="取消的团", outcome="cancelled")
    page = words(home())
    assert "下架的团" not in page
    assert "取消的团" not in page
    assert "现在没有进行中的团" in page


def test_the_host_name_chooses_the_tenant(home, group_buying, settings):
    settings.ALLOWED_HOSTS = ["other.example", "testserver"]
    other = factories.TenantFactory(name="杭州鲜铺", host_name="other.example")
    factories.GroupBuyingFactory(tenant=other, name="杭州的团")
    page = words(home(host="other.example:8443"))
    assert "杭州鲜铺" in page
    assert "杭州的团" in page
    assert group_buying.name not in page
    assert group_buying.name in words(home())


def test_without_a_tenant_the_page_is_kind(home, settings):
    settings.DEFAULT_TENANT = "nobody"
    response = home()
    assert response.status_code == 200
    assert "这里还没有开张" in words(response)


def test_more_group_buys_than_a_page_holds_go_on_behind_a_link(home, tenant, shop, monkeypatch):
    monkeypatch.setattr("groupbuy.storefront.offers.CARDS", 2)
    for number in range(3):
        factories.GroupBuyingFactory(tenant=tenant, shop=shop, name=f"第{number}个团")
    first = home().content.decode()
    assert 'href="?skip=2"' in first
    second = words(Client().get("/?skip=2"))
    assert sum(f"第{number}个团" in first for number in range(3)) == 2
    assert sum(f"第{number}个团" in second for number in range(3)) == 1


def test_home_takes_the_same_queries_for_1_and_30_group_buys(home, tenant, shop, django_assert_num_queries):
    factories.GroupBuyingFactory(tenant=tenant, shop=shop)
    with django_assert_num_queries(8):
        home()
    for number in range(29):
        factories.GroupBuyingFactory(tenant=tenant, shop=shop, taken=number)
    with django_assert_num_queries(8):
        home()


def test_a_shop_shows_its_address_phone_and_group_buys_only(group_buying, shop, tenant):
    shop.phone = "021-64080000"
    shop.save()
    other = factories.GroupBuyingFactory(tenant=tenant, name="别家店的团")
    page = words(Client().get(f"/s/{shop.pk}/"))
    assert shop.address in page
    assert "021-64080000" in page
    assert group_buying.name in page
    assert other.name not in page


def test_a_shop_that_is_closed_or_missing_is_404(shop, now):
    assert Client().get(f"/s/{10**25}/").status_code == 404
    shop.removed_at = now
    shop.save()
    response = Client().get(f"/s/{shop.pk}/")
    assert response.status_code == 404
    assert "不存在或无权查看" in words(response)
