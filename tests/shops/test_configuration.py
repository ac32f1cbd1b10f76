from decimal import Decimal

import pytest

from shops import configuration
from shops.models import ConfigItem, ConfigValue, ValueType
from tests import factories

PATH = "/api/shop/getconfig"


def set_value(code, value, tenant, shop=None):
    return ConfigValue.objects.create(item=ConfigItem.objects.get(code=code), tenant=tenant, shop=shop, value=value)


def test_every_built_in_item_is_there_and_its_default_can_be_read(db):
    configuration.ensure_items()
    items = {item.code: item for item in ConfigItem.objects.all()}
    assert items.keys() == {item.code for item in configuration.ITEMS}
    for item in items.values():
        configuration.read_value(item, item.default)


def test_an_item_on_the_wire(api, shop):
    item = ConfigItem.objects.get(code="label_format")
    assert api.as_device(shop).get(PATH, code="label_format").json() == {
        "code": "label_format",
        "name": "标签尺寸",
        "description": "宽×高。",
        "valueType": "select",
        "value": "40x30",
        "options": "40x30,60x40,60x80",
        "group": "条码秤",
        "unit": "毫米",
        "moduleId": 4,
        "id": item.pk,
    }


def test_a_shops_value_goes_before_the_tenants_and_that_before_the_default(api, shop, tenant, headquarters):
    caller = api.as_user(headquarters)

    def value(**query):
        return caller.get(PATH, code="receipt_header", **query).json()["value"]

    assert value(shopid=shop.pk) == ""
    set_value("receipt_header", "连锁", tenant)
    assert (value(shopid=shop.pk), value()) == ("连锁", "连锁")
    set_value("receipt_header", "门店", tenant, shop)
    assert (value(shopid=shop.pk), value()) == ("门店", "连锁")
    assert value(shopid=factories.ShopFactory(tenant=tenant).pk) == "连锁"


def test_another_tenants_values_dont_count(api, shop, clerk):
    foreign = factories.ShopFactory()
    set_value("receipt_header", "别家", foreign.tenant)
    set_value("receipt_footer", "别家", foreign.tenant, foreign)
    assert api.as_user(clerk).get(PATH, code="receipt_header", shopid=shop.pk).json()["value"] == ""
    assert api.as_user(clerk).get(PATH, code="receipt_footer", shopid=foreign.pk).status_code == 404


def test_an_unknown_code_is_404_and_no_code_400(api, shop, clerk, buyer):
    assert api.as_user(clerk).get(PATH, code="unknown", shopid=shop.pk).status_code == 404
    assert api.as_user(clerk).get(PATH, shopid=shop.pk).status_code == 400
    assert api.as_user(buyer).get(PATH, code="receipt_header", shopid=shop.pk).status_code == 403


@pytest.mark.parametrize(
    ("value_type", "text", "value"),
    [
        (ValueType.STRING, "文本", "文本"),
        (ValueType.INT, "12", 12),
        (ValueType.DECIMAL, "1.50", Decimal("1.50")),
        (ValueType.BOOL, "True", True),
        (ValueType.BOOL, "0", False),
        (ValueType.SELECT, "b", "b"),
        (ValueType.JSON, '{"a": [1]}', {"a": [1]}),
    ],
)
def test_a_value_has_the_type_of_its_item(value_type, text, value):
    assert configuration.read_value(ConfigItem(value_type=value_type, options="a,b"), text) == value


@pytest.mark.parametrize(
    ("value_type", "text"), [("int", "1.5"), ("decimal", "NaN"), ("decimal", "x"), ("bool", "maybe"), ("select", "c"), ("json", "{")]
)
def test_a_value_that_is_not_of_its_type_is_refused(value_type, text):
    with pytest.raises(configuration.BadValue):
        configuration.read_value(ConfigItem(value_type=value_type, options="a,b"), text)


def test_a_stored_value_that_cant_be_read_counts_as_the_default(shop):
    set_value("auto_complete_days", "soon", shop.tenant, shop)
    assert configuration.value_of(code="auto_complete_days", tenant_id=shop.tenant_id, shop_id=shop.pk) == 7
