"""The mini-program code of a share, and what stands in for it."""

import pytest
from django.test import Client

from groupbuy.orders import visits
from retail.principals import principal_of
from shops.models import ConfigItem, ConfigValue
from tests.support.pages import browser_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def share(group_buying, wechat_buyer, now):
    return visits.share(group_buying_id=group_buying.pk, principal=principal_of(wechat_buyer), now=now)


@pytest.fixture
def address(share):
    return f"/g/{share.group_buying_id}/share/{share.pk}/code/"


@pytest.fixture
def named_page(tenant):
    ConfigValue.objects.create(tenant=tenant, item=ConfigItem.objects.get(code="share_page"), value="pages/groupbuy")


def test_the_code_opens_the_mini_programs_page_with_the_share_and_is_asked_for_once(fake_wechat, named_page, share, address):
    for _ in range(2):
        picture = Client().get(address)
        assert (picture["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    (asked,) = fake_wechat.books.share_codes
    assert (asked["page"], asked["scene"]) == ("pages/groupbuy", f"g={share.group_buying_id}&s={share.pk}")


def test_the_share_sheet_shows_it(named_page, share, address, wechat_buyer):
    sheet = browser_of(wechat_buyer).post(f"/g/{share.group_buying_id}/share/").content.decode()
    assert f'src="{address}"' in sheet
    assert "分享二维码" not in sheet


def test_without_a_page_of_the_mini_program_the_sheet_shows_the_links_code(share, wechat_buyer, address, fake_wechat):
    sheet = browser_of(wechat_buyer).post(f"/g/{share.group_buying_id}/share/").content.decode()
    assert address not in sheet
    assert "分享二维码" in sheet
    assert Client().get(address)["Content-Type"] == "image/svg+xml"
    assert fake_wechat.books.share_codes == []


@pytest.mark.parametrize("fault", [{"kind": "lost"}, {"kind": "status", "status": 500}, {"kind": "html", "status": 200}])
def test_while_wechat_gives_none_the_links_code_stands_in_and_is_not_kept(fake_wechat, named_page, address, fault):
    fake_wechat.control("fault", path="getwxacodeunlimit", **fault)
    assert Client().get(address)["Content-Type"] == "image/svg+xml"
    assert Client().get(address)["Content-Type"] == "image/png"


def test_a_share_that_is_not_there_has_no_code(named_page, share, group_buying):
    assert Client().get(f"/g/{group_buying.pk}/share/{share.pk + 1}/code/").status_code == 404
    assert Client().get(f"/g/{group_buying.pk + 1}/share/{share.pk}/code/").status_code == 404
