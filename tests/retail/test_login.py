import pytest
from django.test import Client

from retail.models import User
from retail.principals import Role
from tests import factories

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


def test_the_same_open_id_in_two_tenants_is_two_buyers(tenant):
    other = factories.TenantFactory()
    ids = {log_in("wechatlogin", code="sandbox:a", appId=t.app_id).json()["data"]["userId"] for t in (tenant, other)}
    assert len(ids) == 2


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
