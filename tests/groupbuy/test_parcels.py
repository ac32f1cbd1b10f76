"""To whom and where a parcel goes: what the order sheet and createorder ask for, and who sees it."""

import pytest
from django.test import Client

from groupbuy.models import Order, OrderStatus
from groupbuy.orders import regions
from shops.models import ConfigItem, ConfigValue
from tests.support.back_office import page
from tests.support.pages import browser_of, order_sheet, ordered, pay, submit, words
from tests.support.sheets import csv_rows, export

pytestmark = pytest.mark.django_db
CREATE = "/api/marketing/groupbuy/createorder"
TYPED = {"recipient": "王秀英", "province": "江苏省", "city": "苏州市 姑苏区", "street": "平江路 88 号 2 幢"}
ADDRESS = "江苏省 苏州市姑苏区 平江路 88 号 2 幢"
API_ADDRESS = "上海市长宁区 1 号"


@pytest.fixture
def express(group_buying):
    group_buying.deliver_type = 2
    group_buying.save()
    return group_buying


@pytest.fixture
def parcel(buyer, express, now):
    return pay(ordered(buyer, express, now=now, address=ADDRESS, recipient="王秀英"), now=now)


def serve(shop, regions_):
    ConfigValue.objects.create(item=ConfigItem.objects.get(code="served_regions"), tenant=shop.tenant, shop=shop, value=regions_)


def test_an_express_order_has_name_and_address_and_the_next_sheet_remembers_them(express):
    client = Client()
    submit(client, express, **TYPED)
    order = Order.objects.get()
    assert (order.recipient, order.address) == ("王秀英", ADDRESS)
    sheet = order_sheet(client, express)
    assert (sheet["recipient"], sheet["city"]) == ("王秀英", "苏州市姑苏区")
    page_ = client.get(f"/g/{express.pk}/").content.decode()
    assert '<option value="江苏省" selected>' in page_
    assert ">平江路 88 号 2 幢</textarea>" in page_


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ({"recipient": ""}, "请填写收货人"),
        ({"recipient": "王"}, "请填写收货人的姓名"),
        ({"province": ""}, "请选择省份"),
        ({"province": "火星"}, "请选择省份"),
        ({"city": ""}, "请填写市和区县"),
        ({"street": ""}, "请填写收货地址"),
        ({"street": "1 号"}, "请填写完整的街道和门牌号"),
        ({"phone": "138ABCD8000"}, "请填写正确的电话号码"),
    ],
)
def test_what_a_parcel_could_not_be_sent_to_is_said_beside_it(express, typed, part):
    assert part in words(submit(Client(), express, **TYPED | typed))
    assert not Order.objects.exists()


def test_a_sheet_of_a_pick_up_asks_for_no_address(group_buying):
    submit(Client(), group_buying, **TYPED)
    order = Order.objects.get()
    assert (order.recipient, order.address) == ("", group_buying.address)


def test_an_address_from_before_there_were_parts_is_offered_as_the_street(express, buyer, now):
    ordered(buyer, express, now=now, address=API_ADDRESS)
    assert f">{API_ADDRESS}</textarea>" in browser_of(buyer).get(f"/g/{express.pk}/").content.decode()


def create(api, buyer, express, **body):
    return api.as_user(buyer).post(CREATE, {"groupBuyingId": express.pk, "qty": 1, "address": API_ADDRESS} | body).json()


def test_createorder_takes_a_recipient_and_old_clients_send_none(api, buyer, express):
    create(api, buyer, express, recipient="王秀英")
    create(api, buyer, express)
    assert list(Order.objects.order_by("pk").values_list("recipient", flat=True)) == ["王秀英", ""]


@pytest.mark.parametrize("phone", ["138ABCD8000", "打给我老婆", "64080000"])
def test_createorder_refuses_what_is_no_phone_with_a_sentence(api, buyer, group_buying, phone):
    answer = api.as_user(buyer).post(CREATE, {"groupBuyingId": group_buying.pk, "qty": 1, "phone": phone}).json()
    assert answer == {"status": 1001, "message": "请填写正确的电话号码，座机带区号，境外号码以 + 开头", "data": 0}


def test_createorder_keeps_a_phone_in_its_one_form(api, buyer, group_buying):
    api.as_user(buyer).post(CREATE, {"groupBuyingId": group_buying.pk, "qty": 1, "phone": "+86 139-1111-2222"})
    assert Order.objects.get().phone == "13911112222"


@pytest.mark.parametrize("served", ["江苏省苏州市", "上海市,江苏省", "上海，江苏省苏州市"])
def test_a_region_that_is_served_gets_its_parcel(express, shop, served):
    serve(shop, served)
    submit(Client(), express, **TYPED)
    assert Order.objects.get().address == ADDRESS


def test_another_region_is_refused_with_those_that_are_served(api, buyer, express, shop):
    serve(shop, "上海市,江苏省南京市")
    assert "暂不配送到该地区，目前配送：上海市,江苏省南京市" in words(submit(Client(), express, **TYPED))
    assert create(api, buyer, express, address=ADDRESS)["status"] == 1001
    assert create(api, buyer, express)["status"] == 200


@pytest.mark.parametrize(
    ("served", "address", "covered"),
    [
        ("", "任何地方", True),
        (" , ", "任何地方", True),
        ("上海市", "上海浦东新区", True),
        ("上海", "上海市 浦东新区", True),
        ("内蒙古自治区", "内蒙古呼和浩特", True),
        ("上海市", "江苏省上海路 1 号", False),
        ("上海市,,", "江苏省苏州市", False),
    ],
)
def test_regions_are_known_by_how_an_address_begins(served, address, covered):
    assert regions.covers(served, address) is covered


def test_the_recipient_is_shown_to_the_buyer_and_to_who_packs(parcel, clerk):
    assert "王秀英" in words(browser_of(parcel.buyer).get(f"/o/{parcel.code}/"))
    staff = browser_of(clerk)
    assert "王秀英" in words(staff.get(page(parcel)))
    assert "王秀英" in words(staff.get(page(parcel.group_buying, "print_pick_list")))


def test_the_recipient_is_masked_with_the_address_when_the_order_is_over(parcel, clerk, manager):
    Order.objects.update(status=OrderStatus.COMPLETED)
    seen = ["王秀英" in words(browser_of(one).get(page(parcel))) for one in (clerk, manager)]
    assert seen == [False, True]


def test_an_export_has_the_recipient_as_the_screen_shows_it(parcel, clerk, manager):
    def exported():
        return [csv_rows(export(browser_of(person), Order))[0]["收货人"] for person in (clerk, manager)]

    assert exported() == ["王秀英", "王秀英"]
    Order.objects.update(status=OrderStatus.COMPLETED)
    assert exported() == ["", "王秀英"]
