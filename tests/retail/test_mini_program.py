"""The mini-program's server calls, over HTTP to the fake WeChat."""

import socket

import pytest
from django.core.cache import cache
from django.utils import timezone

from retail import mini_program
from retail.mini_program import Refused, Shipment
from retail.models import AppSecret, Tenant, WeChatIdentity
from retail.refusals import Unavailable
from tests.support.wechat import house_merchant, own_merchant, pay

pytestmark = pytest.mark.django_db
LOGIN = "/api/auth/wechatlogin"


@pytest.fixture
def house(fake_wechat, settings, tenant) -> Tenant:
    """A tenant without an app of its own: it uses the environment's."""
    Tenant.objects.filter(pk=tenant.pk).update(app_id=None)
    tenant.refresh_from_db()
    settings.DEFAULT_TENANT = tenant.code
    return tenant


def test_a_login_over_http_makes_a_buyer_with_the_paying_apps_open_id(fake_wechat, house, api):
    answer = api.anonymous.post(LOGIN, {"code": "who:xiaowang:1", "phoneCode": "who:xiaowang:p"}).json()
    identity = WeChatIdentity.objects.get()
    assert (answer["status"], answer["data"]["openId"]) == (200, identity.open_id)
    assert (identity.app_id, len(identity.open_id), identity.union_id[0]) == (house_merchant(fake_wechat).app_id, 28, "u")
    assert identity.user.phone.startswith("138")


def test_the_environments_app_id_names_the_default_tenant(fake_wechat, house, api):
    app_id = house_merchant(fake_wechat).app_id
    again = [api.anonymous.post(LOGIN, {"code": f"who:a:{n}", "appId": app_id}).json()["data"]["userId"] for n in (1, 2)]
    assert again[0] == again[1]
    assert api.anonymous.post(LOGIN, {"code": "x", "appId": "wxunknown"}).status_code == 400


def test_a_tenants_own_app_has_its_own_secret(fake_wechat, tenant, api):
    app = own_merchant(fake_wechat)
    Tenant.objects.filter(pk=tenant.pk).update(app_id=app.app_id)
    AppSecret.objects.create(tenant=tenant, value=app.app_secret)
    answer = api.anonymous.post(LOGIN, {"code": "who:xiaowang:1", "appId": app.app_id})
    assert answer.status_code == 200
    assert WeChatIdentity.objects.get().app_id == app.app_id


def test_another_apps_secret_is_never_sent_with_a_tenants_app_id(fake_wechat, tenant, api):
    Tenant.objects.filter(pk=tenant.pk).update(app_id=own_merchant(fake_wechat).app_id)
    answer = api.anonymous.post(LOGIN, {"code": "who:a:1", "appId": own_merchant(fake_wechat).app_id})
    assert (answer.status_code, fake_wechat.books.requests) == (503, {})


@pytest.mark.parametrize("code", ["bad", "used"])
def test_a_wrong_or_used_code_is_401(fake_wechat, house, api, code):
    api.anonymous.post(LOGIN, {"code": "used"})
    assert api.anonymous.post(LOGIN, {"code": code}).status_code == 401


def test_a_wrong_secret_is_our_fault_not_the_buyers(fake_wechat, settings, house, api, caplog):
    settings.WECHAT_APP_SECRET = "sk-canary"
    assert api.anonymous.post(LOGIN, {"code": "who:a:1"}).status_code == 503
    assert "errcode 40125" in caplog.text


FAULTS = [
    {"kind": "html", "status": 200},
    {"kind": "html", "status": 302},
    {"kind": "status"},
    {"kind": "reset"},
    {"kind": "truncated"},
    {"kind": "lost"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("path", ["jscode2session", "stable_token", "getuserphonenumber"])
def test_a_broken_answer_is_503_and_names_no_secret(fake_wechat, house, api, caplog, path, fault):
    caplog.set_level("DEBUG")
    fake_wechat.control("fault", path=path, **fault)
    answer = api.anonymous.post(LOGIN, {"code": "who:a:1", "phoneCode": "who:a:p"})
    assert answer.status_code == 503
    assert house_merchant(fake_wechat).app_secret not in caplog.text + answer.content.decode()


def test_nobody_listens(settings, fake_wechat, house):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.WECHAT_API_BASE_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Unavailable) as raised:
        mini_program.code_to_session(code="who:a:1", tenant=house)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def message(tenant, to="o123"):
    page, values = "pages/order", {"thing1": "红富士苹果"}
    mini_program.send_message(tenant=tenant, open_id=to, template_id="T1", page=page, values=values)


def test_the_access_token_is_asked_for_once(fake_wechat, house):
    message(house)
    message(house)
    assert fake_wechat.books.requests["POST /cgi-bin/stable_token"] == 1
    assert fake_wechat.books.messages[1]["data"] == {"thing1": {"value": "红富士苹果"}}


def test_a_token_that_has_ended_is_renewed_and_the_call_repeated(fake_wechat, house):
    message(house)
    fake_wechat.control("expire_tokens")
    message(house)
    assert len(fake_wechat.books.messages) == 2


def test_a_person_who_did_not_subscribe_is_a_refusal_with_its_code(fake_wechat, house):
    with pytest.raises(Refused) as refused:
        message(house, to="refuses-all")
    assert refused.value.errcode == 43101


def test_two_tenants_apps_have_two_tokens(fake_wechat, house):
    own = Tenant.objects.create(code="own", name="另一家", app_id=own_merchant(fake_wechat).app_id)
    AppSecret.objects.create(tenant=own, value=own_merchant(fake_wechat).app_secret)
    message(house)
    message(own)
    assert len(fake_wechat.books.tokens) == 2


def test_a_share_code_is_a_picture(fake_wechat, house):
    assert mini_program.share_code(tenant=house, scene="g=12&s=34", page="pages/groupbuy").startswith(b"\x89PNG")


@pytest.mark.parametrize("scene", ["", "x" * 33])
def test_a_scene_has_at_most_32_characters(fake_wechat, house, scene):
    with pytest.raises(ValueError, match="32"):
        mini_program.share_code(tenant=house, scene=scene, page="pages/groupbuy")


def test_an_html_page_is_no_share_code(fake_wechat, house):
    fake_wechat.control("fault", path="getwxacodeunlimit", kind="html", status=200)
    with pytest.raises(Unavailable):
        mini_program.share_code(tenant=house, scene="g=12", page="pages/groupbuy")


@pytest.fixture
def shipment(fake_wechat, prepaid):
    pay(fake_wechat, prepaid.pre_pay_id)
    trade = fake_wechat.books.any_trade(prepaid.pre_pay_id)
    return {"transaction_id": trade.transaction_id, "open_id": trade.asked["payer"]["openid"], "description": "红富士苹果 × 2"}


def test_a_pick_up_is_told_to_wechat(fake_wechat, wechat_buyer, shipment):
    mini_program.upload_shipping(tenant=wechat_buyer.tenant, shipment=Shipment(**shipment, is_pick_up=True), now=timezone.now())
    told = fake_wechat.books.shipments[0]
    assert (told["logistics_type"], told["shipping_list"]) == (4, [{"item_desc": "红富士苹果 × 2"}])
    assert told["upload_time"].endswith("+08:00")


def test_a_parcel_is_told_with_its_number_and_a_masked_phone(fake_wechat, wechat_buyer, shipment):
    parcel = Shipment(**shipment, is_pick_up=False, carrier="SF", tracking_number="SF1", phone="13800138000")
    mini_program.upload_shipping(tenant=wechat_buyer.tenant, shipment=parcel, now=timezone.now())
    told = fake_wechat.books.shipments[0]["shipping_list"][0]
    assert (told["express_company"], told["tracking_no"], told["contact"]) == ("SF", "SF1", {"receiver_contact": "138****8000"})


def test_a_payment_that_wechat_does_not_know_yet_is_a_refusal(fake_wechat, house):
    unknown = Shipment(transaction_id="42", open_id="o1", description="梨", is_pick_up=True)
    with pytest.raises(Refused) as refused:
        mini_program.upload_shipping(tenant=house, shipment=unknown, now=timezone.now())
    assert refused.value.errcode == 10060001


def test_the_sandbox_sends_nothing(fake_wechat, settings, house):
    settings.LOGIN_PROVIDER = "sandbox"
    message(house)
    unknown = Shipment(transaction_id="42", open_id="o1", description="梨", is_pick_up=True)
    mini_program.upload_shipping(tenant=house, shipment=unknown, now=timezone.now())
    with pytest.raises(Unavailable):
        mini_program.share_code(tenant=house, scene="g=1", page="p")
    assert fake_wechat.books.requests == {}
    assert cache.get(f"mini-program-token-{house.app_id}") is None
