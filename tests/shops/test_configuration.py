from decimal import Decimal

import pytest
from django.db import connection

from retail.models import User
from shops import configuration
from shops.models import ConfigItem, ConfigValue, ValueType
from tests.support import factories
from tests.support.back_office import edit, page
from tests.support.pages import browser_of, words

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
    assert configuration.value_of(code="auto_complete_days", tenant_id=shop.tenant_id, shop_id=shop.pk) == 10


def test_what_somebody_has_made_of_a_built_in_item_counts_for_nothing(shop):
    ConfigItem.objects.filter(code="auto_complete_days").update(default="soon", value_type="string", options="x")
    assert configuration.value_of(code="auto_complete_days", tenant_id=shop.tenant_id, shop_id=shop.pk) == 10


OUT_OF_RANGE = [
    ("auto_complete_days", "99999999999"),
    ("auto_complete_days", "0"),
    ("auto_complete_days", "91"),
    ("auto_complete_days", "-7"),
    ("auto_complete_days", "１２"),
    ("auto_complete_days", "1_0"),
    ("auto_complete_days", "9" * 5000),
    ("licence_grace_days", "366"),
    ("licence_grace_days", "-1"),
    ("receipt_copies", "10"),
    ("download_interval_seconds", "0"),
    ("download_interval_seconds", "86401"),
    ("barcode_prefix", "2"),
    ("barcode_prefix", "210"),
    ("barcode_prefix", "２１"),
    ("receipt_header", "店" * 101),
    ("receipt_footer", "谢谢\n惠顾"),
    ("message_paid", "T-paid " + "thing1=商品 " * 100),
    ("message_paid", "T-paid\x00thing1=商品"),
    ("message_page", "pages/order?id={id"),
    ("message_page", "pages/order?id={0.__class__}"),
    ("message_page", "pages/order?id={}"),
    ("message_page", "p" * 1001),
    ("share_page", "/pages/groupbuy"),
    ("share_page", "pages/groupbuy?id=1"),
    ("share_page", "pages/{id}"),
    ("share_page", "p" * 1025),
    ("phone_required", "maybe"),
    ("rounding", "cent"),
]


@pytest.mark.parametrize(("code", "text"), OUT_OF_RANGE)
def test_a_value_out_of_its_range_is_refused_in_words_when_it_is_written(superuser, tenant, code, text):
    item = ConfigItem.objects.get(code=code)
    answer = browser_of(superuser).post("/admin/shops/configvalue/add/", {"tenant": tenant.pk, "item": item.pk, "value": text})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["value"]
    assert not ConfigValue.objects.exists()


@pytest.mark.parametrize(("code", "text"), OUT_OF_RANGE)
def test_a_stored_value_out_of_its_range_counts_as_the_default_for_us_and_for_devices(api, shop, code, text):
    if connection.vendor == "postgresql" and "\0" in text:
        text = text.replace("\0", "\1")
    set_value(code, text, shop.tenant, shop)
    built_in = configuration.BUILT_IN[code]
    default = configuration.read_value(ConfigItem.objects.get(code=code), built_in.default)
    assert configuration.value_of(code=code, tenant_id=shop.tenant_id, shop_id=shop.pk) == default
    assert api.as_device(shop).get(PATH, code=code).json()["value"] == built_in.default


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("auto_complete_days", "1"),
        ("auto_complete_days", " 90 "),
        ("licence_grace_days", "0"),
        ("licence_grace_days", "365"),
        ("receipt_header", "店" * 100),
        ("receipt_header", ""),
        ("barcode_prefix", "00"),
        ("message_paid", "AbC_12-x thing1=商品 amount2=金额"),
        ("message_page", "pages/order/index?id={id}&from=message"),
        ("message_page", "/pages/order?id={id}&again={id}"),
        ("message_page", ""),
        ("share_page", "pages/group-buy/index"),
        ("share_page", ""),
    ],
)
def test_a_value_within_its_range_is_kept(superuser, tenant, code, text):
    item = ConfigItem.objects.get(code=code)
    browser_of(superuser).post("/admin/shops/configvalue/add/", {"tenant": tenant.pk, "item": item.pk, "value": text})
    assert ConfigValue.objects.get(item=item, tenant=tenant).value == text.strip()


def test_staff_read_the_range_before_they_type(headquarters, tenant):
    browser = browser_of(headquarters)
    offered = words(browser.get("/admin/shops/configvalue/add/"))
    assert "自动完成天数（1–90 天）" in offered
    assert "条码前缀（两位数字，最多 2 字）" in offered
    assert "抹零方式（none,jiao,yuan）" in offered
    row = set_value("auto_complete_days", "7", tenant)
    assert "1–90 天" in words(browser.get(page(row)))
    answer = edit(browser, row, {"value": "91"})
    assert answer.context["adminform"].form.errors == {"value": ["须为 1–90 天"]}


def test_items_of_the_platforms_own_have_bounds_too():
    with pytest.raises(configuration.OutOfRange):
        configuration.read_value(ConfigItem(code="own", value_type=ValueType.INT), str(2**31))
    with pytest.raises(configuration.BadValue):
        configuration.read_value(ConfigItem(code="own", value_type=ValueType.JSON), "[" * 10_000)
    with pytest.raises(configuration.OutOfRange):
        configuration.read_value(ConfigItem(code="own", value_type=ValueType.DECIMAL), "1E+1000000")
    assert configuration.read_value(ConfigItem(code="own", value_type=ValueType.JSON), '"a\\nb"') == "a\nb"


def test_nobody_edits_what_is_part_of_the_program(db):
    platform = User.objects.create_superuser("root", "demo-pass-2026", nickname="平台")
    item = ConfigItem.objects.get(code="auto_complete_days")
    assert browser_of(platform).post(page(item), {"code": "other", "name": "x", "value_type": "int", "default": "soon"}).status_code == 403
    own = ConfigItem.objects.create(code="own", name="自己的")
    assert browser_of(platform).get(page(own)).status_code == 200
