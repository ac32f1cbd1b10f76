import pytest
from django.test import Client
from knox.models import AuthToken

from retail import mini_program
from retail.login import wechat_and_password
from retail.models import User
from retail.rights import Role
from tests.support import factories
from tests.support.pages import ordered, pay

pytestmark = pytest.mark.django_db


def log_in(path: str, **body: object):
    return Client().post(f"/api/auth/{path}", body, content_type="application/json")


def test_a_mini_program_login_makes_a_buyer_of_the_apps_tenant(tenant):
    answer = log_in("wechatlogin", code="sandbox:xiaowang", appId=tenant.app_id).json()
    assert answer["status"] == 200
    assert answer["data"]["openId"] == "sandbox-xiaowang"
    assert answer["data"]["role"] == "buyer"
    assert answer["data"]["userName"] == "微信用户"
    assert User.objects.get(pk=answer["data"]["userId"]).tenant == tenant


def test_a_repeated_login_is_the_same_buyer_and_updates_the_name(tenant):
    first = log_in("wechatlogin", code="sandbox:a", appId=tenant.app_id).json()["data"]
    again = log_in("wechatlogin", code="sandbox:a", appId=tenant.app_id, userName="橙子姐姐").json()["data"]
    assert again["userId"] == first["userId"]
    assert again["userName"] == "橙子姐姐"


@pytest.mark.parametrize(
    ("picture", "is_kept"),
    [
        ("https://thirdwx.qlogo.cn/mmopen/vi_32/Q0j4-Twy_L/132", True),
        ("https://wx.qlogo.cn/mmhead/ver_1/a.b/0?x=1", True),
        ("http://thirdwx.qlogo.cn/132", False),
        ("https://qlogo.cn.evil.example/132", False),
        ("https://evilqlogo.cn/132", False),
        ("https://thirdwx.qlogo.cn@evil.example/132", False),
        ("https://thirdwx.qlogo.cn:8443/132", False),
        ("https://evil.example/https://thirdwx.qlogo.cn/132", False),
        ('https://thirdwx.qlogo.cn/"><script>', False),
        ("@evil.example/x.png", False),
        (".evil.example/x.png", False),
        ("//evil.example/x.png", False),
        ("javascript:alert(1)", False),
        ("/media/shops/a.png", False),
    ],
)
def test_only_a_picture_of_wechats_is_kept_and_everybody_gets_in(tenant, picture, is_kept):
    answer = log_in("wechatlogin", code="sandbox:a", appId=tenant.app_id, userProfile=picture)
    assert answer.json()["status"] == 200
    assert User.objects.get().picture == (picture if is_kept else "")


def test_another_picture_leaves_the_one_before(tenant):
    for picture in ("https://thirdwx.qlogo.cn/1", "https://evil.example/2"):
        log_in("wechatlogin", code="sandbox:a", appId=tenant.app_id, userProfile=picture)
    assert User.objects.get().picture == "https://thirdwx.qlogo.cn/1"


def test_a_picture_from_elsewhere_gets_no_address_of_ours(api, group_buying, now):
    buyer = factories.BuyerFactory(tenant=group_buying.tenant, picture="@evil.example/x.png")
    pay(ordered(buyer, group_buying, now=now), now=now)
    assert "8000@evil" not in api.anonymous.get("/api/marketing/groupbuy/get", id=group_buying.pk).content.decode()


def test_the_same_open_id_in_two_tenants_is_two_buyers(tenant):
    other = factories.TenantFactory()
    ids = {log_in("wechatlogin", code="sandbox:a", appId=t.app_id).json()["data"]["userId"] for t in (tenant, other)}
    assert len(ids) == 2


def test_a_union_id_joins_the_apps_of_one_tenant_and_never_two_tenants(tenant):
    known = factories.IdentityFactory(user__tenant=tenant, app_id="an-earlier-app", union_id="union-1")
    here = wechat_and_password.identity_of(tenant=tenant, session=mini_program.Session(open_id="open-2", union_id="union-1"))
    assert here.user == known.user
    other = factories.TenantFactory()
    there = wechat_and_password.identity_of(tenant=other, session=mini_program.Session(open_id="open-3", union_id="union-1"))
    assert there.user != known.user
    assert there.user.tenant == other


def test_a_buyer_who_is_locked_out_gets_no_token(tenant):
    log_in("wechatlogin", code="sandbox:a", appId=tenant.app_id)
    User.objects.update(is_active=False)
    AuthToken.objects.all().delete()
    assert log_in("wechatlogin", code="sandbox:a", appId=tenant.app_id).status_code == 401
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize("code", ["sandbox:", "wechat-code", ""])
def test_a_wrong_code_is_401_or_400_and_makes_nobody(tenant, code):
    answer = log_in("wechatlogin", code=code, appId=tenant.app_id)
    assert answer.status_code == (401 if code else 400)
    assert answer.json()["status"] == 500
    assert not User.objects.exists()


def test_staff_log_in_with_their_password_and_out_again(tenant):
    staff = factories.StaffFactory(tenant=tenant, role=Role.MANAGER)
    answer = log_in("login", username=staff.username, password="demo-pass-2026").json()["data"]
    assert (answer["role"], answer["openId"], answer["tenantId"]) == ("manager", "", tenant.pk)
    bearer = {"Authorization": f"Bearer {answer['token']}"}
    assert Client().post("/API/Auth/LogOut/", headers=bearer).status_code == 200
    assert Client().post("/api/auth/logout", headers=bearer).status_code == 401


def test_a_wrong_password_a_buyer_and_a_superuser_get_the_same_401(tenant):
    staff = factories.StaffFactory(tenant=tenant)
    admin = User.objects.create_superuser("root", "demo-pass-2026")
    answers = [
        log_in("login", username=name, password=password)
        for name, password in [(staff.username, "wrong"), (admin.username, "demo-pass-2026")]
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].content == answers[1].content
    assert answers[0]["WWW-Authenticate"]
