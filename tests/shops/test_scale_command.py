import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from pricing import prices
from pricing.prices import Change
from shops import devices, shops
from tests.pricing.conftest import on_sale
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def device(shop):
    return factories.DeviceFactory(shop=shop, code="scale-1")


@pytest.fixture
def run(live_server, tmp_path, shop, device):
    def run(**options):
        out = StringIO()
        defaults = {"shop": shop.code, "base_url": live_server.url, "holdings": tmp_path / "held.json"}
        call_command("scale", **(defaults | options), stdout=out)
        return out.getvalue()

    return run


def held(tmp_path):
    stored = json.loads((tmp_path / "held.json").read_text())
    return stored["timeStamp"], {int(pk): row["price"] for pk, row in stored["products"].items()}


def test_a_scale_follows_its_shop(run, tmp_path, shop, device, boss, now):
    first, second, third = on_sale(shop, 3)
    assert "full reload: 3 rows, 0 dropped, 1 pages; holds 3 products at stamp 3" in run()
    assert held(tmp_path) == (3, dict.fromkeys((first.product_id, second.product_id, third.product_id), 5.9))
    prices.change_prices(changes=[Change(shop_product_id=first.pk, price=Decimal("6.60"))], principal=boss, now=now)
    prices.remove_products(shop_product_ids=[second.pk], principal=boss, now=now)
    assert "changes: 1 rows, 1 dropped" in run()
    assert held(tmp_path) == (5, {first.product_id: 6.6, third.product_id: 5.9})
    assert factories.copy_of(device).time_stamp == 5


def test_it_pulls_page_by_page_and_shows_the_beginning(run, tmp_path, shop):
    on_sale(shop, 501)
    output = run()
    assert "full reload: 501 rows, 0 dropped, 2 pages" in output
    assert "… 491 more" in output
    assert len(held(tmp_path)[1]) == 501


def test_after_a_reset_it_drops_what_it_held_and_reloads(run, tmp_path, shop, device, boss):
    (row,) = on_sale(shop, 1)
    run()
    stored = json.loads((tmp_path / "held.json").read_text())
    stored["products"]["999999"] = stored["products"][str(row.product_id)]
    (tmp_path / "held.json").write_text(json.dumps(stored))
    devices.reset_downloads(shop_id=shop.pk, device_id=device.pk, principal=boss)
    assert "full reload: 1 rows" in run(device="scale-1")
    assert held(tmp_path)[1] == {row.product_id: 5.9}


@pytest.mark.parametrize("left", [None, "", "{", "[]", '{"timeStamp": 1}', '{"timeStamp": null, "products": {}}'])
def test_a_scale_that_lost_its_store_loads_everything_anew(run, tmp_path, shop, left):
    (row,) = on_sale(shop, 1)
    run()
    (tmp_path / "held.json").unlink() if left is None else (tmp_path / "held.json").write_text(left)
    assert "full reload: 1 rows, 0 dropped, 1 pages; holds 1 products" in run()
    assert held(tmp_path) == (1, {row.product_id: 5.9})


def test_watching_it_says_nothing_while_nothing_changes(run, shop):
    on_sale(shop, 1)
    assert run(watch=True, every=0, rounds=3).count("holds 1 products") == 1


def test_a_refusal_and_a_dead_server_are_told(run, shop, boss, now):
    shops.remove_shop(shop_id=factories.ShopFactory(tenant=shop.tenant).pk, principal=boss, now=now)
    factories.LicenceFactory(shop=shop, contract_ends_on="2020-01-01")
    with pytest.raises(CommandError, match="HTTP 403: 已过有效期"):
        run()
    with pytest.raises(CommandError, match="refused"):
        run(base_url="http://127.0.0.1:9")


def test_what_cant_be_found_is_told(run, shop):
    factories.ShopFactory(code=shop.code)
    with pytest.raises(CommandError, match="2 open shops have the code .*: name the --tenant"):
        run()
    with pytest.raises(CommandError, match="no such device"):
        run(tenant=shop.tenant.code, device="scale-9")
    with pytest.raises(CommandError, match="0 open shops"):
        run(shop="nowhere")
